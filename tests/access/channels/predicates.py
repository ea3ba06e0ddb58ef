"""Asking by a field instead of for it: filters and orders, which would tell a value by what they leave."""

import json

from crm_graph.entity import REGISTRY
from tests.access.asking import condition, conditions, many_of, way_in
from tests.access.channels.registry import Probe, channel

TREES = ("{{ {0} }}", "{{ not: {{ {0} }} }}", "{{ or: [{{ and: [{{ {0} }}] }}, {{ createdAt: {{ isNull: true }} }}] }}")


@channel("filter")
async def filtered(probe: Probe) -> None:
    """Plainly, under not, and, or; all that is seen at once, what is hidden each by itself."""
    if not probe.reached:
        return
    listed = many_of(probe.entity)
    chosen = [one for one in probe.fields if one.filters]
    allowed = " ".join(f"{one.name}: {condition(one)}" for one in chosen if one not in probe.hidden)
    for tree in TREES[:2]:
        await probe.predicate(f"{{ {listed}(first: 1, filter: {tree.format(allowed)}) {{ nodes {{ id }} }} }}", None)
    for number, one in enumerate(one for one in chosen if one in probe.hidden):
        leaf, refused = f"{one.name}: {condition(one)}", probe.refusal(one)
        for tree in (TREES[0], TREES[1 + number % 2]):
            query = f"{{ {listed}(first: 1, filter: {tree.format(leaf)}) {{ nodes {{ id }} }} }}"
            await probe.predicate(query, refused)
        await probe.predicate(f"{{ {listed}(filter: {{ {leaf} }}) {{ totalCount }} }}", refused)
        by_variable = f"query ($f: {probe.entity}Filter) {{ {listed}(filter: $f) {{ totalCount }} }}"
        value = {"some": {}} if one.listed else {} if one.to else {"isNull": True}
        await probe.predicate(by_variable, refused, {"f": {one.name: value}})


@channel("operators")
async def by_each_operator(probe: Probe) -> None:
    """Every operator that a filter has: all at once where the field is seen, each in its turn where it is hidden."""
    if not probe.reached:
        return
    listed = many_of(probe.entity)
    turn = 0
    for one in (one for one in probe.fields if one.filters and not one.to):
        found = conditions(one)
        if one not in probe.hidden:
            query = f"query ($f: {probe.entity}Filter) {{ {listed}(first: 1, filter: $f) {{ nodes {{ id }} }} }}"
            await probe.predicate(query, None, {"f": {one.name: dict(found)}})
            continue
        for number in range(3):
            operator, operand = found[(turn + number) % len(found)]
            text = written(operand, enumeration=bool(REGISTRY[one.entity].__specs__[one.column].kind.choices))
            query = f"{{ {listed}(filter: {{ {one.name}: {{ {operator}: {text} }} }}) {{ totalCount }} }}"
            await probe.predicate(query, probe.refusal(one))
        turn += 3


def written(operand: object, *, enumeration: bool) -> str:
    """An operand as a GraphQL literal."""
    if isinstance(operand, dict):
        return "{" + ", ".join(f"{k}: {written(v, enumeration=enumeration)}" for k, v in operand.items()) + "}"
    if isinstance(operand, list):
        return "[" + ", ".join(written(v, enumeration=enumeration) for v in operand) + "]"
    return operand if enumeration and isinstance(operand, str) else json.dumps(operand)


@channel("order")
async def ordered(probe: Probe) -> None:
    """As the first key, as a later one, and by a variable."""
    if not probe.reached:
        return
    listed = many_of(probe.entity)
    for one in (one for one in probe.fields if one.orders):
        refused = probe.refusal(one)
        for order in (f"{{ {one.name}: DESC }}", f"[{{ createdAt: ASC }}, {{ {one.name}: ASC_NULLS_FIRST }}]"):
            await probe.predicate(f"{{ {listed}(first: 1, orderBy: {order}) {{ nodes {{ id }} }} }}", refused)
        by_variable = f"query ($o: [{probe.entity}OrderBy!]) {{ {listed}(first: 1, orderBy: $o) {{ nodes {{ id }} }} }}"
        await probe.predicate(by_variable, refused, {"o": [{one.name: "DESC"}]})


@channel("relation filter")
async def related(probe: Probe) -> None:
    """To one, and some, none and every of a list, from every entity that leads here."""
    ways = list(way_in(probe.matrix, probe.role, probe.entity))
    for one in (one for one in probe.fields if one.filters and not one.listed):
        refused = probe.refusal(one)
        for number, way in enumerate(ways if refused else ways[:1]):
            leaf = f"{{ {one.name}: {condition(one)} }}"
            if way.listed:
                leaf = f"{{ {('some', 'none', 'every')[number % 3] if refused else 'some'}: {leaf} }}"
            query = f"{{ {many_of(way.entity)}(first: 1, filter: {{ {way.name}: {leaf} }}) {{ nodes {{ id }} }} }}"
            await probe.predicate(query, refused)
