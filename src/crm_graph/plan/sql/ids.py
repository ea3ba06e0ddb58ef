"""Global ids in statements: an id of another kind of record names nothing here, however it is given."""

from uuid import UUID

from crm_graph.db import ids
from crm_graph.plan.refusals import ArgumentInvalid
from crm_graph.plan.selection import Const, Leaf, Value
from crm_graph.plan.sql.parameters import Parameters


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
