"""Input types for conditions, one per kind of value, and for amounts of money."""

import enum
from collections.abc import Iterable
from typing import Any

import strawberry
from strawberry.types.scalar import ScalarDefinition

from crm_graph import kinds
from crm_graph.graph.building import Made, field, input_type, listed, maybe, shell
from crm_graph.kinds import Kind
from crm_graph.markers import camel

_SAYS = {
    "eq": "Equal to this.",
    "ne": "Present, and not equal to this.",
    "in": "Equal to one of these.",
    "not_in": "Present, and equal to none of these.",
    "lt": "Less than this.",
    "lte": "Less than this or equal.",
    "gt": "Greater than this.",
    "gte": "Greater than this or equal.",
    "between": "From one value to another, both included.",
    "is_null": "Empty (true) or present (false).",
    "contains": "Has this somewhere; upper and lower case and accents make no difference.",
    "starts_with": "Begins with this; upper and lower case and accents make no difference.",
}


class Scalars:
    """GraphQL types of the kinds of value, made once."""

    def __init__(self) -> None:
        self.definitions: dict[object, ScalarDefinition] = {}
        self._types: dict[str, Any] = {
            "String": str,
            "Int": int,
            "Boolean": bool,
            "ID": strawberry.ID,
            "Strings": list[str],
        }
        for kind in kinds.SCALARS:
            made = shell(kind.name)
            self._types[kind.name] = made
            self.definitions[made] = strawberry.scalar(
                name=kind.name,
                description=kind.description,
                specified_by_url=kind.specified_by,
                serialize=str,
                parse_value=kind.parse,
            )

    def type(self, kind: Kind) -> Any:
        """The type of a kind of value; an enumeration is made when first asked for."""
        if kind.name not in self._types:
            members = enum.Enum(kind.name, {name: name for name in kind.choices})  # type: ignore[misc]
            self._types[kind.name] = strawberry.enum(members, description=kind.description)
        return self._types[kind.name]


class Conditions:
    """The input type `StringFilter`, `DateFilter`, … of each kind, made when first asked for."""

    def __init__(self, scalars: Scalars) -> None:
        self._scalars = scalars
        self._made: dict[str, Made] = {}

    def type(self, kind: Kind) -> Any:
        if kind.name not in self._made:
            self._made[kind.name] = self._make(kind)
        return self._made[kind.name]

    def further(self, wanted: Iterable[Kind]) -> list[Made]:
        """Those of kinds that no shipped field is filtered by, but a custom one may be."""
        return [self.type(kind) for kind in wanted if kind.name not in self._made]

    def _make(self, kind: Kind) -> Made:
        name = "Id" if kind is kinds.ID else kind.name
        value = self._scalars.type(kinds.DECIMAL if kind is kinds.MONEY else kind)
        fields = {}
        for operator in kind.operators:
            annotation: Any = maybe(value)
            if operator in ("in", "not_in"):
                annotation = maybe(listed(value))
            elif operator == "between":
                ends = {end: field(value, end, f"{end.title()} this value, included.") for end in ("from", "to")}
                annotation = maybe(input_type(shell(f"{name}Range"), ends, f"Two ends of a range of {name} values."))
            elif operator == "is_null":
                annotation = maybe(bool)
            elif operator in ("contains", "starts_with"):
                annotation = maybe(str)
            fields[operator] = field(annotation, camel(operator), _SAYS[operator])
        if kind is kinds.MONEY:
            says = "The currency compared in; the organisation's own if it is left out. Other currencies never match."
            fields["currency"] = field(maybe(self._scalars.type(kinds.CURRENCY)), "currency", says)
        return input_type(shell(f"{name}Filter"), fields, f"Conditions on a {name} value; all of them must hold.")
