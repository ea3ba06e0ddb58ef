"""A generated update by a generated caller changes exactly the fields it names, all of them allowed, or nothing."""

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_graph.auth.grants import Grant
from crm_graph.auth.levels import Level
from crm_graph.auth.policy import resolved
from crm_graph.auth.rows import Rule
from crm_graph.entity import REGISTRY
from crm_graph.markers import Change
from crm_graph.plan.changes import Action, Effect
from crm_graph.plan.writes.write import update_fields
from tests.conftest import blocking
from tests.plan.write_world import World, build

VALUES: dict[str, tuple[str, object]] = {
    "name": ("name", "N"),
    "city": ("city", "Ulm"),
    "notes": ("notes", "n"),
    "segment": ("segment", "ENTERPRISE"),
    "employees": ("employees", 7),
    "bornOn": ("born_on", "1990-05-17"),
    "taxNumber": ("tax_number", "T"),
    "riskNote": ("risk_note", "r"),
    "email": ("email", "n@example.com"),
}
levels = st.sampled_from(list(Level))
grants = st.builds(
    lambda rule, read, write: Grant(rule, read, min(read, write) if write else None),
    st.sampled_from([Rule.OWN, Rule.TEAM, Rule.EVERYONE, Rule.SHARED]),
    levels,
    st.none() | levels,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    held=st.lists(grants, min_size=1, max_size=4, unique_by=lambda g: g.rule),
    caller=st.sampled_from(["rep", "mate", "stranger"]),
    named=st.sets(st.sampled_from(sorted(VALUES)), max_size=5),
)
def test_all_that_is_named_or_nothing(
    module_database_url: str, held: list[Grant], caller: str, named: set[str]
) -> None:
    blocking(_check(module_database_url, held, caller, named))


async def _check(url: str, held: list[Grant], caller: str, named: set[str]) -> None:
    world = await build(url)
    try:
        policy = resolved({"custom": {"Customer": tuple(held)}}, frozenset({"custom"}))
        actor = _replaced(world, caller, policy)
        before = await world.row("Customer", "customer of rep")
        assert before is not None
        traces = await world.traces()
        values = {name: VALUES[name][1] for name in named}
        outcome = await world.do(actor, Action.UPDATE, "Customer", "customer of rep", **values)
        after = await world.row("Customer", "customer of rep")
        assert after is not None
        columns = {VALUES[name][0] for name in named}
        if _allowed(held, caller, columns):
            assert outcome.effect is (Effect.UPDATED if columns else Effect.UNCHANGED)
            changed = {c for c in before if before[c] != after[c]}
            derived = {
                "version",
                "updated_at",
                "name_fold",
                "name_match",
                "tax_number_match",
                "email_match",
                "city_fold",
                "employees_fold",
            }
            derived |= {c for c in changed if c.endswith(("_search", "_mask", "_letters", "_initials"))}
            assert changed - derived == columns
            assert len(await world.events()) == bool(columns)
        else:
            assert outcome.effect is Effect.REFUSED
            assert await world.traces() == traces
    finally:
        await world.database.dispose()


def _replaced(world: World, caller: str, policy: Any) -> Any:
    return replace(world.actor(caller), policy=policy)


def _allowed(held: list[Grant], caller: str, columns: set[str]) -> bool:
    """The second opinion: which rules reach the rep's customer, and the highest write level of those that do."""
    reaching = {
        "rep": {Rule.OWN, Rule.TEAM, Rule.EVERYONE},
        "mate": {Rule.TEAM, Rule.EVERYONE},
        "stranger": {Rule.EVERYONE},
    }
    mine = [g for g in held if g.rule in reaching[caller]]
    write = max((g.write for g in mine if g.write is not None), default=None)
    if write is None:
        return False
    needed = [REGISTRY["Customer"].__specs__[c].write for c in columns]
    return all(one is not None and one.level <= write for one in needed)


ABOUT: dict[str, tuple[str, object]] = {
    **{name: VALUES[name] for name in ("name", "city", "bornOn", "taxNumber", "email", "notes", "segment")},
    "phone": ("phone", "+4930901820"),
    "locale": ("locale", "de-DE"),
}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    read=levels,
    write=st.none() | levels,
    person=st.sampled_from(["PERSON", "PERSON", "ORGANIZATION"]),
    named=st.sets(st.sampled_from(sorted(ABOUT)), min_size=1, max_size=5),
)
def test_what_one_changes_about_oneself_is_written_or_waits_or_nothing_happens(
    module_database_url: str, read: Level, write: Level | None, person: str, named: set[str]
) -> None:
    blocking(_check_oneself(module_database_url, read, write, person, named))


async def _check_oneself(url: str, read: Level, write: Level | None, person: str, named: set[str]) -> None:
    world = await build(url)
    try:
        customer = world.ids["customer of rep"]
        async with world.transaction(world.administrator) as tx:
            await update_fields(
                tx, world.administrator, "Customer", customer, {"kind": person, "email": "o@example.com"}, "test"
            )
        grant = Grant(Rule.SELF, Level.PUBLIC, subject=read, subject_write=write)
        policy = resolved({"custom": {"Customer": (grant,)}}, frozenset({"custom"}))
        actor = replace(world.actor("mate"), policy=policy, customer_id=customer)
        before, traces = await world.row("Customer", customer), await world.traces()
        values = {name: ABOUT[name][1] for name in named}
        outcome = await world.do(actor, Action.UPDATE, "Customer", "customer of rep", **values)
        after = await world.row("Customer", customer)
        assert before is not None
        assert after is not None
        specs = {name: REGISTRY["Customer"].__specs__[ABOUT[name][0]] for name in named}
        open_ = all(
            s.write.subject is not None and s.read.level <= read and write is not None and s.write.level <= write
            for s in specs.values()
        )
        if not open_ or person != "PERSON":
            assert outcome.effect is Effect.REFUSED
            assert await world.traces() == traces
            return
        at_once = {s.name for s in specs.values() if s.write.subject is Change.AT_ONCE}
        assert {
            c for c in ("name", "city", "locale", "born_on", "tax_number", "email", "phone") if before[c] != after[c]
        } == at_once
        asked = await world.fetch(
            "SELECT field, state FROM change_requests WHERE organization_id = $1", world.organization
        )
        assert {r["field"] for r in asked} == named - {n for n, s in specs.items() if s.name in at_once}
        mails = await world.fetch("SELECT id FROM outgoing_mails WHERE organization_id = $1", world.organization)
        assert len(mails) == sum(s.write.subject is Change.VERIFIED for s in specs.values())
    finally:
        await world.database.dispose()
