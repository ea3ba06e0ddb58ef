"""GraphQL types of aggregates: for each entity its groups, what they go by, and conditions and orders on them."""

import enum
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from crm_graph import kinds
from crm_graph.entity import REGISTRY
from crm_graph.graph.building import FieldOf, Made, field, input_type, listed, maybe, object_type, shell
from crm_graph.plan.groups.grouping import MAX_KEYS
from crm_graph.plan.groups.measures import (
    DATE_PARTS,
    SUMS,
    Aggregate,
    extremal,
    group_type,
    groupable,
    is_dated,
    summable,
)
from crm_graph.plan.reads.paging import DEFAULT_SIZE, MAX_SIZE
from crm_graph.specs import FieldSpec

if TYPE_CHECKING:
    from crm_graph.graph.types import Types

SAYS = {
    Aggregate.SUM: "Sums; of amounts one for each currency.",
    Aggregate.AVG: "Averages of the values that are there, to six decimals; of amounts one for each currency.",
    Aggregate.MIN: "Least values; of amounts one for each currency.",
    Aggregate.MAX: "Greatest values; of amounts one for each currency.",
}
BY_FIELD = {
    "GroupKey": groupable,
    "GroupDistinct": groupable,
    "GroupNumbers": summable,
    "GroupExtremes": extremal,
    "GroupBy": groupable,
    "HavingNumbers": summable,
    "HavingExtremes": extremal,
    "GroupKeyOrderBy": groupable,
    "GroupNumbersOrderBy": summable,
    "GroupExtremesOrderBy": extremal,
}
"""The types that have a field for each of some fields of the entity: what their names end in, and which fields."""
ONE_OF = ("GroupBy", "GroupOrderBy", "GroupKeyOrderBy", "GroupNumbersOrderBy", "GroupExtremesOrderBy")


def aggregate_types(name: str) -> frozenset[str]:
    """The types of an entity's aggregates that have a field for each of some of its own."""
    return frozenset(name + part for part in BY_FIELD)


class AggregateTypes:
    """The types of one schema under construction, by entity."""

    def __init__(self, types: "Types") -> None:
        self._types = types
        self.aggregations = {name: shell(f"{name}Aggregation") for name in REGISTRY}
        self.groups = {name: shell(f"{name}Group") for name in REGISTRY}
        whole = enum.Enum("Grouping", {"VALUE": "VALUE"})  # type: ignore[misc]
        parts = enum.Enum("DateGrouping", {word: word for word in ("VALUE", *DATE_PARTS)})  # type: ignore[misc]
        self._whole = strawberry.enum(whole, description="How records are grouped by a field: by its value.")
        self._dated = strawberry.enum(
            parts,
            description="How records are grouped by a date or a time: by its value, or by the beginning (in UTC) of"
            " its year, quarter, month, week (from Monday) or day.",
        )
        self._made: dict[str, Made] = {}

    def arguments(self, name: str) -> dict[str, Any]:
        """The arguments of an entity's root aggregate."""

        def said(annotation: Any, text: str) -> Any:
            return Annotated[annotation, strawberry.argument(description=text)]

        return {
            **self.filter_argument(name),
            "group_by": said(
                maybe(listed(self._made[f"{name}GroupBy"])),
                f"What groups go by, at most {MAX_KEYS} fields; all records are one group if there is none.",
            ),
            "having": said(maybe(self._made[f"{name}Having"]), "Only groups that match."),
            "order_by": said(
                maybe(listed(self._made[f"{name}GroupOrderBy"])), "Order of the groups; by their keys if there is none."
            ),
            "first": said(
                maybe(int), f"How many groups: 0 to {MAX_SIZE}; {DEFAULT_SIZE} if it is not given. There are no pages."
            ),
        }

    def filter_argument(self, name: str) -> dict[str, Any]:
        says = strawberry.argument(description="Only records that match.")
        return {"filter": Annotated[maybe(self._types.filters[name]), says]}

    def complete(self) -> None:
        """Attach the fields of all types."""
        for name, entity in REGISTRY.items():
            specs = list(entity.__specs__.values())
            self._outputs(name, specs)
            self._conditions(name, specs)
            self._orders(name, specs)
            object_type(self.groups[name], self._group(name), f"{name} records of one group, as you see them.")
            object_type(
                self.aggregations[name],
                {
                    "groups": field(listed(self.groups[name]), "groups", "The first groups, in their order."),
                    "group_count": field(int, "groupCount", "How many groups there are; counted only when asked for."),
                    "has_more": field(bool, "hasMore", "Whether there are more groups than are shown."),
                },
                f"{name} records in groups.",
            )

    def _group(self, name: str) -> dict[str, FieldOf]:
        found = {
            "key": field(self._made[f"{name}GroupKey"], "key", "What the group goes by; null for all other fields."),
            "count": field(int, "count", "How many records there are."),
            "count_distinct": field(
                self._made[f"{name}GroupDistinct"], "countDistinct", "How many different values there are."
            ),
        }
        for aggregate in Aggregate:
            made = self._made.get(group_type(name, aggregate))
            if made is not None:
                found[aggregate.value] = field(made, aggregate.value, SAYS[aggregate])
        return found

    def _outputs(self, name: str, specs: Iterable[FieldSpec]) -> None:
        types = self._types

        def keyed(spec: FieldSpec) -> Any:
            return types.objects[spec.ref.entity] if spec.ref else types.of(spec)

        def summed(spec: FieldSpec) -> Any:
            return listed(types.money) if spec.kind is kinds.MONEY else types.scalars.type(kinds.DECIMAL)

        def extreme(spec: FieldSpec) -> Any:
            return listed(types.money) if spec.kind is kinds.MONEY else types.of(spec)

        for part, of, says in (
            ("GroupKey", keyed, f"What groups of {name} records go by."),
            ("GroupDistinct", lambda _spec: int, f"How many different values {name} records have."),
            ("GroupNumbers", summed, f"Sums or averages of {name} records; null where none has a value."),
            ("GroupExtremes", extreme, f"Least or greatest values of {name} records; null where none has a value."),
        ):
            fields = _fields(specs, part, of)
            if fields:
                self._made[name + part] = object_type(shell(name + part), fields, says)

    def _conditions(self, name: str, specs: Iterable[FieldSpec]) -> None:
        of_kind = self._types.conditions.type
        whole = {"count": field(maybe(of_kind(kinds.INT)), "count", "How many records there are.")}
        for part, aggregates in _PARTS.items():
            kinds_of = {spec.name: aggregates[0].kind(spec.kind) for spec in specs}
            fields = _fields(specs, f"Having{part}", lambda spec: of_kind(kinds_of[spec.name]))  # noqa: B023 - used at once
            if fields:
                made = input_type(shell(f"{name}Having{part}"), fields, f"Conditions on values of {name} groups.")
                whole |= {a.value: field(maybe(made), a.value, SAYS[a]) for a in aggregates}
        self._made[f"{name}Having"] = input_type(
            shell(f"{name}Having"), whole, f"Conditions on groups of {name} records; all of them must hold."
        )

    def _orders(self, name: str, specs: Iterable[FieldSpec]) -> None:
        direction = self._types.direction
        by = _fields(specs, "GroupBy", lambda spec: self._dated if is_dated(spec) else self._whole)
        self._made[f"{name}GroupBy"] = input_type(
            shell(f"{name}GroupBy"), by, f"One thing that groups of {name} records go by.", one_of=True
        )
        whole = {"count": field(maybe(direction), "count", "By how many records there are.")}
        for part, words in {"Key": ("key",), **{p: tuple(a.value for a in some) for p, some in _PARTS.items()}}.items():
            fields = _fields(specs, f"Group{part}OrderBy", lambda _spec: direction)
            if fields:
                says = f"One value of {name} groups to order by; of amounts the one in the organisation's currency."
                made = input_type(shell(f"{name}Group{part}OrderBy"), fields, says, one_of=True)
                whole |= {word: field(maybe(made), word, f"By {word}.") for word in words}
        self._made[f"{name}GroupOrderBy"] = input_type(
            shell(f"{name}GroupOrderBy"), whole, f"One order key of {name} groups.", one_of=True
        )


_PARTS = {"Numbers": SUMS, "Extremes": tuple(one for one in Aggregate if not one.sums)}


def _fields(specs: Iterable[FieldSpec], part: str, of: Callable[[FieldSpec], Any]) -> dict[str, FieldOf]:
    """A field for each of the fields that a type is about."""
    about = BY_FIELD[part]
    return {s.name: field(maybe(of(s)), s.graphql, s.description) for s in specs if about(s)}
