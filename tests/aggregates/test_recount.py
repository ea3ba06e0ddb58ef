"""What a caller is answered in groups is what they could have counted themselves from their own lists."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.aggregates.conftest import LISTS, PERSONAS, SELECTED, World
from tests.aggregates.recount import (
    DATES,
    MONEY,
    NUMBERS,
    PARTS,
    TIMES,
    aggregated,
    answered,
    frozen,
    grouped,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

UNGROUPED = ("foundedIn", "weightedAmount", "bornOn")
"""Fields that are neither filtered nor ordered by, nor choices or references."""


def takes(aggregate: str, name: str) -> bool:
    if aggregate == "countDistinct":
        return name not in UNGROUPED
    if aggregate in ("sum", "avg"):
        return name in MONEY + NUMBERS
    return name in MONEY + NUMBERS + TIMES + DATES


@st.composite
def asked(draw: st.DrawFn, shown: list[str]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Keys of groups, and aggregates of fields."""
    keys = draw(st.lists(st.sampled_from([n for n in shown if n not in UNGROUPED]), max_size=3, unique=True))
    by = [(name, draw(st.sampled_from(PARTS)) if name in TIMES + DATES else "VALUE") for name in keys]
    possible = [
        (aggregate, name)
        for aggregate in ("sum", "avg", "min", "max", "countDistinct")
        for name in shown
        if takes(aggregate, name)
    ]
    return by, draw(st.lists(st.sampled_from(possible), max_size=5, unique=True))


def written(entity: str, by: list[tuple[str, str]], wanted: list[tuple[str, str]], variables: bool) -> tuple[str, Any]:
    keys = " ".join(f"{name} {SELECTED[entity][name]}" for name, _ in by) or "__typename"
    parts = " ".join(
        f"{aggregate}_{name}: {aggregate} {{ v: {name}"
        f" {'{ currency amount }' if name in MONEY and aggregate != 'countDistinct' else ''} }}"
        for aggregate, name in wanted
    )
    groups = f"{{ groupCount hasMore groups {{ key {{ {keys} }} count {parts} }} }}"
    if variables:
        declared = f"query ($by: [{entity.title()}GroupBy!], $first: Int)"
        query = f"{declared} {{ found: {entity}Aggregate(groupBy: $by, first: $first) {groups} }}"
        return query, {"by": [{name: part} for name, part in by], "first": 200}
    literal = ", ".join(f"{{{name}: {part}}}" for name, part in by)
    return f"{{ found: {entity}Aggregate(groupBy: [{literal}], first: 200) {groups} }}", {}


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("entity", LISTS)
@settings(
    max_examples=14,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
async def test_groups_are_what_the_list_adds_up_to(
    listings: World, persona: str, entity: str, data: st.DataObject
) -> None:
    rows, shown = await listings.rows(persona, entity), await listings.shown(persona, entity)
    if not shown:
        answer = await listings.api.as_(persona)(f"{{ {entity}Aggregate {{ groupCount groups {{ count }} }} }}")
        assert answer.json["data"] == {f"{entity}Aggregate": None}
        assert answer.codes == ["FIELD_ACCESS_DENIED"]
        return
    by, wanted = data.draw(asked(shown))
    query, variables = written(entity, by, wanted, variables=data.draw(st.booleans()))
    answer = await listings.api.as_(persona)(query, variables)
    assert len(answer.sql) == 1
    found, expected = answer.data["found"], grouped(rows, by)
    assert found["groupCount"] == len(expected)
    assert found["hasMore"] == (len(expected) > 200)
    assert len(found["groups"]) == min(200, len(expected))
    seen = set()
    for group in found["groups"]:
        key = tuple(frozen(group["key"][name]) for name, _ in by)
        assert key not in seen
        seen.add(key)
        assert group["count"] == len(expected[key])
        for aggregate, name in wanted:
            value = answered(group[f"{aggregate}_{name}"]["v"], aggregate, name)
            assert value == aggregated(expected[key], aggregate, name), (key, aggregate, name)


@pytest.mark.parametrize("persona", ["administrator", "sales_rep", "partner_rep"])
async def test_a_list_in_a_record_adds_up_to_one_group(listings: World, persona: str) -> None:
    query = """{ customers(first: 60, orderBy: [{createdAt: DESC}]) { nodes {
        ordersAggregate { count sum { total { currency amount } } countDistinct { channel } max { placedAt } }
        large: ordersAggregate(filter: {channel: {eq: WEB}}) { count }
        orders(first: 200) { nodes { channel placedAt total { currency amount } } }
    } } }"""
    answer = await listings.api.as_(persona)(query)
    assert len(answer.sql) == 1
    nodes = answer.data["customers"]["nodes"]
    assert nodes
    for node in nodes:
        found, rows = node["ordersAggregate"], node["orders"]["nodes"]
        assert found["count"] == len(rows)
        assert answered(found["sum"]["total"], "sum", "total") == aggregated(rows, "sum", "total")
        assert found["countDistinct"]["channel"] == len({row["channel"] for row in rows})
        assert answered(found["max"]["placedAt"], "max", "placedAt") == aggregated(rows, "max", "placedAt")
        assert node["large"]["count"] == sum(row["channel"] == "WEB" for row in rows)
    if persona == "administrator":
        assert any(len(node["orders"]["nodes"]) > 2 for node in nodes)
