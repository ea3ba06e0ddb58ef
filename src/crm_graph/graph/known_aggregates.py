"""What a custom field adds to the types of aggregates: the same that a shipped field of its kind has there.

Where no shipped field of an entity can be summed up it has no types for sums, so the first custom number brings them;
all else is there, as each entity has a time.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from graphql import (
    ConstDirectiveNode,
    DefinitionNode,
    FieldDefinitionNode,
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    NamedTypeNode,
    NameNode,
    ObjectTypeDefinitionNode,
    StringValueNode,
)

from crm_graph.graph.aggregate_types import BY_FIELD, ONE_OF, SAYS
from crm_graph.plan.groups.measures import SUMS, Aggregate, is_dated
from crm_graph.specs import FieldSpec

Output: TypeAlias = FieldDefinitionNode
Input: TypeAlias = InputValueDefinitionNode


def output(name: str, description: str, of: str) -> Output:
    return FieldDefinitionNode(
        name=NameNode(value=name),
        description=StringValueNode(value=description),
        arguments=(),
        directives=(),
        type=NamedTypeNode(name=NameNode(value=of)),
    )


def given(name: str, description: str, of: str) -> Input:
    return InputValueDefinitionNode(
        name=NameNode(value=name),
        description=StringValueNode(value=description),
        directives=(),
        type=NamedTypeNode(name=NameNode(value=of)),
    )


_OUTPUTS: Mapping[str, Callable[[FieldSpec], str]] = {
    "GroupKey": lambda spec: spec.kind.name,
    "GroupDistinct": lambda _spec: "Int",
    "GroupNumbers": lambda spec: Aggregate.SUM.kind(spec.kind).name,
    "GroupExtremes": lambda spec: spec.kind.name,
}
_INPUTS: Mapping[str, Callable[[FieldSpec], str]] = {
    "GroupBy": lambda spec: "DateGrouping" if is_dated(spec) else "Grouping",
    "HavingNumbers": lambda spec: f"{Aggregate.SUM.kind(spec.kind).name}Filter",
    "HavingExtremes": lambda spec: f"{spec.kind.name}Filter",
    "GroupKeyOrderBy": lambda _spec: "OrderDirection",
    "GroupNumbersOrderBy": lambda _spec: "OrderDirection",
    "GroupExtremesOrderBy": lambda _spec: "OrderDirection",
}
"""By what a type's name ends in, the type that a field has there."""


@dataclass(frozen=True, slots=True)
class Added:
    """What is to be added to types that there are, by their name, and whole types."""

    outputs: dict[str, list[Output]]
    inputs: dict[str, list[Input]]
    types: list[DefinitionNode]


def add(added: Added, schema: GraphQLSchema, entity: str, fields: Iterable[tuple[FieldSpec, str]]) -> None:
    """Add an entity's custom fields, each with its description, to the types of its aggregates."""
    fields = list(fields)
    for part, of in _OUTPUTS.items():
        outputs = [output(spec.label, says, of(spec)) for spec, says in fields if BY_FIELD[part](spec)]
        if outputs and f"{entity}{part}" in schema.type_map:
            added.outputs[entity + part] += outputs
        elif outputs:
            added.types.append(_object(entity + part, outputs))
            added.outputs[f"{entity}Group"] += [output(a.value, SAYS[a], entity + part) for a in SUMS]
    for part, of in _INPUTS.items():
        inputs = [given(spec.label, says, of(spec)) for spec, says in fields if BY_FIELD[part](spec)]
        if inputs and f"{entity}{part}" in schema.type_map:
            added.inputs[entity + part] += inputs
        elif inputs:
            added.types.append(_input(entity, part, inputs))
            whole = f"{entity}Having" if part.startswith("Having") else f"{entity}GroupOrderBy"
            added.inputs[whole] += [given(a.value, SAYS[a], entity + part) for a in SUMS]


def _object(name: str, fields: list[Output]) -> ObjectTypeDefinitionNode:
    return ObjectTypeDefinitionNode(
        name=NameNode(value=name),
        description=StringValueNode(value="Sums or averages; null where none has a value."),
        interfaces=(),
        directives=(),
        fields=tuple(fields),
    )


def _input(entity: str, part: str, fields: list[Input]) -> InputObjectTypeDefinitionNode:
    one_of = ConstDirectiveNode(name=NameNode(value="oneOf"), arguments=())
    return InputObjectTypeDefinitionNode(
        name=NameNode(value=entity + part),
        description=StringValueNode(value=f"Sums or averages of {entity} groups."),
        directives=(one_of,) if part in ONE_OF else (),
        fields=tuple(fields),
    )
