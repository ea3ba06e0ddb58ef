"""Aggregates: a list's records in groups, counted and summed up, on the lens like everything else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crm_graph import kinds
from crm_graph.entity import Entity
from crm_graph.plan.access.lens import Lens
from crm_graph.plan.groups.conditions import group_order, having
from crm_graph.plan.groups.grouping import group_keys, key_json
from crm_graph.plan.groups.layers import Groups
from crm_graph.plan.groups.measures import Aggregate, group_type
from crm_graph.plan.reads import paging
from crm_graph.plan.reads.connection import Via, link
from crm_graph.plan.selection import Selected
from crm_graph.plan.sql.rendering import json_array, json_object
from crm_graph.specs import Back, FieldSpec

if TYPE_CHECKING:
    from crm_graph.plan.compile import Compiler


@dataclass(frozen=True, slots=True)
class BackAggregate:
    """A field that sums up the rows of a back reference: `ordersAggregate`."""

    back: Back

    @property
    def name(self) -> str:
        return f"{self.back.name}Aggregate"


def aggregation_sql(compiler: "Compiler", selected: Selected, lens: Lens) -> str:
    """SQL of an aggregation's JSON object: the first groups in their order, and how many there are."""
    size = paging.page(selected.arguments).size
    with compiler.page_of(size):
        return _aggregation(compiler, selected, lens, size)


def _aggregation(compiler: "Compiler", selected: Selected, lens: Lens, size: int) -> str:
    keys = group_keys(compiler, lens, selected.arguments.get("groupBy"))
    condition = compiler.filters.where(lens, selected.arguments.get("filter"))
    groups = Groups(compiler, lens, keys, condition, compiler.alias())
    name, wanted = lens.entity.__name__, selected.on(f"{lens.entity.__name__}Aggregation")
    kept = having(compiler, groups, selected.arguments.get("having"))
    order = group_order(compiler, groups, selected.arguments.get("orderBy"))
    lists = {s.key: _group(compiler, groups, s.on(f"{name}Group")) for s in wanted if s.name == "groups"}
    where, by = f" WHERE {kept}" if kept else "", f" ORDER BY {order}" if order else ""
    # the groups, once, by their own name, for whichever of the fields below ask for them
    every = f"WITH {groups.alias} AS (SELECT * FROM {groups.sql()}{where})"
    counted = f"(SELECT count(*) FROM {groups.alias})"
    parts = {
        "groupCount": counted,
        "hasMore": f"({counted} > {size})",
        "__typename": f"'{name}Aggregation'::text",
    }
    page = f"FROM {groups.alias}{by} LIMIT {size}"
    fields = [(s.key, json_array(lists[s.key], page) if s.key in lists else parts[s.name]) for s in wanted]
    return f"({every} SELECT {json_object(fields)})"


def back_aggregate_sql(compiler: "Compiler", selected: Selected, lens: Lens, via: Via) -> str:
    """SQL of one group: all rows of a back reference that match."""
    with compiler.page_of(1):
        condition = link(lens, via) + compiler.filters.where(lens, selected.arguments.get("filter"))
        groups = Groups(compiler, lens, (), condition, compiler.alias())
        fields = _group(compiler, groups, selected.on(f"{lens.entity.__name__}Group"))
        return json_object(fields, f"FROM {groups.sql()}")


def _group(compiler: "Compiler", groups: Groups, selected: Sequence[Selected]) -> list[tuple[str, str]]:
    """Response keys with the SQL of their values, for one group."""
    compiler.answers(len(selected))
    return [(s.key, _member(compiler, groups, s)) for s in selected]


def _member(compiler: "Compiler", groups: Groups, selected: Selected) -> str:
    name = groups.lens.entity.__name__
    if selected.name == "count":
        return groups.count
    if selected.name == "__typename":
        return f"'{name}Group'::text"
    if selected.name == "key":
        inner = selected.on(f"{name}GroupKey")
        compiler.answers(len(inner))
        return key_json(compiler, groups.lens, groups.keys, groups.alias, inner)
    if selected.name == "countDistinct":
        type_name, aggregate = f"{name}GroupDistinct", None
    else:
        aggregate = Aggregate(selected.name)
        type_name = group_type(name, aggregate)
    inner = selected.on(type_name)
    compiler.answers(len(inner))
    return json_object([(s.key, _value(compiler, groups, aggregate, type_name, s)) for s in inner])


def _value(
    compiler: "Compiler", groups: Groups, aggregate: Aggregate | None, type_name: str, selected: Selected
) -> str:
    if selected.name == "__typename":
        return f"'{type_name}'::text"
    lens, spec = groups.lens, groups.lens.known(selected.name)
    if aggregate is None:
        found = groups.distinct(spec)
    elif spec.kind is kinds.MONEY:
        found = groups.amounts(aggregate, spec, selected.on("Money"))
    else:
        found = groups.value(aggregate, spec)
        found = None if found is None else aggregate.kind(spec.kind).shown.format(found)
    if found is None:
        _deny(compiler, lens.entity, spec, selected)
        return "NULL::json"
    return found


def _deny(compiler: "Compiler", entity: type[Entity], spec: FieldSpec, selected: Selected) -> None:
    compiler.deny(f"{entity.__name__}.{spec.graphql}", spec.requires, selected.place)
