"""Acting for a company or household: what it sees as a customer, nothing of other people, by whatever way one asks."""

from dataclasses import dataclass, replace

from crm_graph.db.ids import decode
from tests.access.channels.registry import CHANNELS, Probe, channel
from tests.access.interpreter import DELEGATE, Caller
from tests.fixtures.api import Api

FIRST = ("select", "by id", "nested path", "totalCount")
MORE = (
    "node", "nested count", "filter", "order", "relation filter", "search", "group", "aggregate", "hiddenFields",
    "explainAccess", "auditEntries", "SDL", "suggestion",
)  # fmt: skip
WAYS = {"PORTAL_ADMIN": (*FIRST, *MORE), "ADULT": FIRST}
_made: "dict[tuple[int, str], Acting]" = {}


@dataclass
class Acting(Api):
    """The customer persona, acting for a customer."""

    whom: str = ""

    def headers(self, persona: str) -> dict[str, str]:
        return {**super().headers("customer" if persona == DELEGATE else persona), "x-acting-for": self.whom}


@channel("acting for others")
async def acting(probe: Probe) -> None:
    """Nobody but customers acts for others. They see the rows of that customer, by every way of asking."""
    if probe.role != "customer":
        whom = f"cus_{next(iter(probe.world.rows.tables['Customer'])).hex}"
        answer = await probe.api.as_(probe.role)("{ __typename }", headers={"x-acting-for": whom})
        assert (answer.status, answer.codes, answer.sql) == (403, ["ACTING_FOR_REFUSED"], ())
        return
    me = probe.caller
    offered = (await probe.ask("{ viewer { actsFor { id kind role } } }")).data["viewer"]["actsFor"]
    by_role = {one["role"]: one for one in offered}
    assert set(by_role) == {"PORTAL_USER", "PORTAL_ADMIN", "ADULT"}
    for role, ways in WAYS.items():
        whom = by_role[role]["id"]
        caller = Caller(DELEGATE, me.user, me.teams, me.partner, decode(whom)[1])
        world = replace(probe.world, callers={**probe.world.callers, DELEGATE: caller})
        api = _made.setdefault((id(probe.api), whom), Acting(**vars(probe.api), whom=whom))
        delegate = Probe(api, world, DELEGATE, probe.entity)
        for way in ways:
            try:
                await CHANNELS[way](delegate)
            except AssertionError as error:
                error.add_note(f"as {role}, by {way}")
                raise
