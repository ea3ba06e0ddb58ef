"""Counts, sums and groups: each reads the lens, or is refused."""

from functools import cache
from typing import Any

from graphql import GraphQLEnumType, GraphQLSchema, get_named_type

from crm_graph.graph import types
from tests.access.asking import many_of, one_of
from tests.access.channels.registry import Probe, channel
from tests.access.interpreter import LEVELS, Field


@cache
def full() -> GraphQLSchema:
    return types.full_schema()


def _refusal(probe: Probe, one: Field) -> tuple[str, str] | None:
    """As in filters; of a reference, groups name its own level even where it leads nowhere for the role."""
    return (one.coordinate, LEVELS[one.rank]) if one in probe.hidden else None


def _members(name: str) -> dict[str, Any]:
    found: Any = full().type_map.get(name)
    return dict(found.fields) if found else {}


@channel("group")
async def grouped(probe: Probe) -> None:
    """By every field that groups can go by: by all that are seen, a few at a time; refused by each that is hidden."""
    offered = _members(f"{probe.entity}GroupBy")
    if not probe.reached or not offered:
        return
    root = f"{one_of(probe.entity)}Aggregate"
    for one in (one for one in probe.fields if one.name in offered):
        kind = get_named_type(offered[one.name].type)
        assert isinstance(kind, GraphQLEnumType)
        query = (
            f"{{ {root}(first: 3, groupBy: [{{ {one.name}: {next(iter(kind.values))} }}]) {{ groups {{ count }} }} }}"
        )
        await probe.predicate(query, _refusal(probe, one))


@channel("having")
async def kept(probe: Probe) -> None:
    """Groups are kept or dropped by sums and extremes of what is seen only."""
    if not probe.reached:
        return
    root = f"{one_of(probe.entity)}Aggregate"
    for word, part in (("sum", "Numbers"), ("min", "Extremes"), ("countDistinct", "Distinct")):
        offered = _members(f"{probe.entity}Having{part}")
        for one in (one for one in probe.fields if one.name in offered):
            query = (
                f"{{ {root}(having: {{ {word}: {{ {one.name}: {{ isNull: false }} }} }}) {{ groups {{ count }} }} }}"
            )
            if "isNull" in get_named_type(offered[one.name].type).fields:
                await probe.predicate(query, _refusal(probe, one))


@channel("aggregate")
async def summed(probe: Probe) -> None:
    """Sums, extremes and distinct counts of a hidden field are null with an error; the count is of the rows seen.

    Averages are left to other tests: that of planted amounts, which follow upon each other, is another one's.
    """
    root = f"{one_of(probe.entity)}Aggregate"
    parts, chosen = [], []
    for word, part in (("countDistinct", "Distinct"), ("sum", "Numbers"), ("max", "Extremes")):
        offered = _members(f"{probe.entity}Group{part}")
        some = [one for one in probe.fields if one.name in offered]
        if some:
            money = {one.name for one in some if get_named_type(offered[one.name].type).name == "Money"}
            body = " ".join(f"{one.name}{' { amount }' if one.name in money else ''}" for one in some)
            parts.append(f"{word} {{ {body} }}")
            chosen += some
    query = f"{{ {root} {{ groups {{ count {' '.join(parts)} }} }} }}"
    if not probe.reached:
        await probe.denied(query, None, {f"Query.{root}": "RESTRICTED"})
        return
    wanted = {one.coordinate: LEVELS[one.rank] for one in chosen if one in probe.hidden}
    answer = await probe.denied(query, None, wanted)
    [group] = answer.json["data"][root]["groups"]
    assert group["count"] == len(probe.visible), (probe.role, probe.entity)


@channel("aggregate of a list")
async def summed_below(probe: Probe) -> None:
    """A record's list of others, summed up, counts those that the caller sees there."""
    for one in (one for one in probe.fields if one.listed and probe.reached):
        query = f"{{ {many_of(probe.entity)}(first: 3) {{ nodes {{ id {one.name} {{ totalCount }} {one.name}Aggregate {{ count }} }} }} }}"
        wanted = {}
        if one in probe.hidden:
            wanted = {c: probe.level(one) for c in (one.coordinate, f"{one.coordinate}Aggregate")}
        answer = await probe.denied(query, None, wanted)
        for node in answer.json["data"][many_of(probe.entity)]["nodes"]:
            found = node[f"{one.name}Aggregate"]
            assert (found is None) is (one in probe.hidden), one
            assert found is None or found["count"] == node[one.name]["totalCount"], (probe.role, one)
