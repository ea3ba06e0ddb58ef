"""Global ids: which record one names, and ids in statements, where one of another kind of record names nothing."""

from functools import cache
from uuid import UUID

from crm_graph.db import ids
from crm_graph.entity import REGISTRY, Entity
from crm_graph.errors import IdInvalid
from crm_graph.plan.refusals import ArgumentInvalid
from crm_graph.plan.selection import Const, Leaf, Value
from crm_graph.plan.sql.parameters import Parameters


@cache
def entity_of(prefix: str) -> type[Entity] | None:
    """The entity whose ids begin so."""
    return next((entity for entity in REGISTRY.values() if entity.__prefix__ == prefix), None)


def record_of(node: str) -> tuple[type[Entity], UUID] | None:
    """The entity and the row that a global id names; `None` where it is no id of a record."""
    try:
        prefix, row = ids.decode(node)
    except IdInvalid:
        return None
    entity = entity_of(prefix)
    return None if entity is None else (entity, row)


def compare_ids(parameters: Parameters, sql: str, operator: str, value: Value, prefix: str) -> str:
    """`eq`, `ne`, `in` or `notIn` on an id; equal to no id of another kind, and different from all of them."""
    if operator in ("in", "notIn"):
        many = ids_parameter(parameters, value, prefix)
        return f"{sql} {'= ANY' if operator == 'in' else '<> ALL'}({many})"
    one = id_parameter(parameters, value, prefix)
    if one is None:
        return "FALSE" if operator == "eq" else f"{sql} IS NOT NULL"
    return f"{sql} {'=' if operator == 'eq' else '<>'} {one}"


def id_parameter(parameters: Parameters, value: Value, prefix: str) -> str | None:
    """One global id as a uuid; `None` where it is the id of another kind of record."""
    match value:
        case Leaf(prefixes=found):
            return parameters.leaf(value, "uuid") if found == (prefix,) else None
        case Const(value=raw):
            found_prefix, uuid = ids.decode(str(raw))
            return parameters.constant(uuid, "uuid") if found_prefix == prefix else None
    raise ArgumentInvalid("An id is needed.")


def ids_parameter(parameters: Parameters, value: Value, prefix: str) -> str:
    """Several global ids as uuids, without those of other kinds of records."""
    if isinstance(value, Leaf) and value.many:
        return parameters.leaf(
            value, "uuid[]", lambda pairs: [uuid for found, uuid in _pairs(pairs) if found == prefix]
        )
    items = value if isinstance(value, list) else [value]
    own = [one for one in (id_parameter(parameters, item, prefix) for item in items) if one is not None]
    return f"ARRAY[{', '.join(own)}]::uuid[]"


def _pairs(value: object) -> list[tuple[str, UUID]]:
    assert isinstance(value, list)
    return value
