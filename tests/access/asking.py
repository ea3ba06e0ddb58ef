"""How the tests of access write what they ask: names of roots, selections, conditions, made from the declarations."""

from collections.abc import Iterator
from typing import Any

from crm_graph.entity import REGISTRY, table_name
from tests.access.interpreter import Field, Matrix, Row, fields
from tests.shapes.generator import VALUES

ENTITIES = tuple(REGISTRY)


def one_of(entity: str) -> str:
    return entity[0].lower() + entity[1:]


def many_of(entity: str) -> str:
    head, *rest = table_name(REGISTRY[entity]).split("_")
    return head + "".join(word.title() for word in rest)


def global_id(entity: str, row: Row) -> str:
    return f"{REGISTRY[entity].__prefix__}_{row['id'].hex}"


def select(one: Field, alias: str = "") -> str:
    below = (
        "{ nodes { id } }"
        if one.listed
        else "{ id }"
        if one.to and not one.counted
        else "{ amount }"
        if one.money
        else ""
    )
    return f"{alias and alias + ': '}{one.name}{'(first: 1) ' if one.listed else ''}{below}"


def condition(one: Field) -> str:
    """A condition that any value may have."""
    return "{ some: {} }" if one.listed else "{}" if one.to else "{ isNull: true }"


def conditions(one: Field) -> list[tuple[str, Any]]:
    """Every operator that the field's filter has, with an operand that fits."""
    spec = REGISTRY[one.entity].__specs__[one.column]
    kind = spec.kind
    value: Any = kind.choices[0] if kind.choices else VALUES.get(kind.name, VALUES["Decimal"])[-1]
    if kind.name == "ID":
        value = f"{REGISTRY[one.entity].__prefix__}_{'0' * 32}"
    operands = {"in": [value], "notIn": [value], "between": {"from": value, "to": value}, "isNull": False}
    return [(operator, operands.get(operator, value)) for operator in spec.operators]


def way_in(matrix: Matrix, role: str, entity: str) -> Iterator[Field]:
    """References and lists by which a role comes from another entity to this one."""
    for other in ENTITIES:
        if other != entity and matrix.highest(role, other) is not None:
            yield from (f for f in fields(other) if f.to == entity and not f.counted and matrix.sees(role, f))
