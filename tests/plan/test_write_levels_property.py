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
from crm_graph.plan.changes import Action, Effect
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


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
