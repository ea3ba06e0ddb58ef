"""Who did something, as a caller sees them: through the lens of users, like any other record."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from crm_graph.db.ids import encode
from crm_graph.entity import REGISTRY
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.signatures import Ask, Id
from crm_graph.plan.sql.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Somebody:
    """A user's global id and name; nothing of one whom the caller does not see."""

    id: Id | None = None
    name: str | None = None


NOT_SEEN = Somebody()


async def people(ask: Ask, users: Iterable[UUID | None]) -> Mapping[UUID | None, Somebody]:
    """Those of these users whom the caller sees."""
    wanted, entity, parameters = {user for user in users if user is not None}, REGISTRY["User"], Parameters()
    lens = open_lens(entity, ask.actor.policy, parameters, "t")
    if lens is None or not wanted:
        return {}
    name = lens.column(lens.spec("name")).sql or "NULL::text"
    rows = parameters.constant(list(wanted), "uuid[]")
    sql, sources = parameters.read(
        f"SELECT t.id, {name} AS name FROM {lens.source()} WHERE {lens.where()} AND t.id = ANY({rows})"
    )
    found = await (await ask.tx.raw()).fetch(sql, *[source((), ask.actor) for source in sources])
    return {row["id"]: Somebody(Id(encode(entity.__prefix__, row["id"])), row["name"]) for row in found}
