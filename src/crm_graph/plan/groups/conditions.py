"""Which groups are kept, and in which order: `having` and `orderBy` of an aggregation."""

from typing import TYPE_CHECKING

from crm_graph import kinds
from crm_graph.plan.groups.layers import Groups, required
from crm_graph.plan.groups.measures import Aggregate
from crm_graph.plan.reads.filters import Operand
from crm_graph.plan.reads.ordering import DIRECTIONS, Key, order_by
from crm_graph.plan.refusals import ArgumentInvalid
from crm_graph.plan.selection import Const, Value

if TYPE_CHECKING:
    from crm_graph.plan.compile import Compiler


def having(compiler: "Compiler", groups: Groups, tree: Value) -> str:
    """SQL that is true on the groups to keep; empty where all are kept."""
    if tree is None:
        return ""
    compiler.filters.charge(tree)
    parts = []
    for name, value in _entries(tree, "having").items():
        if value is None:
            continue
        if name == "count":
            parts += _compared(compiler, Operand(kinds.INT, groups.count), "count", value)
            continue
        for field, conditions in _entries(value, f"having.{name}").items():
            if conditions is not None:
                parts += _condition(compiler, groups, Aggregate(name), field, conditions)
    return " AND ".join(parts)


def _condition(compiler: "Compiler", groups: Groups, aggregate: Aggregate, field: str, conditions: Value) -> list[str]:
    spec, where = groups.lens.known(field), f"{aggregate.value}.{field}"
    if spec.kind is kinds.MONEY:
        given = _entries(conditions, f"having.{where}").get("currency")
        sql = groups.amount_in(aggregate, spec, compiler.filters.currency(given))
    else:
        sql = groups.value(aggregate, spec)
    operand = Operand(aggregate.kind(spec.kind), required(sql, groups.lens, spec))
    return _compared(compiler, operand, where, conditions)


def _compared(compiler: "Compiler", operand: Operand, where: str, conditions: Value) -> list[str]:
    found = []
    for operator, value in _entries(conditions, f"having.{where}").items():
        if operator == "currency":
            continue
        if value is None:
            raise ArgumentInvalid(f"having.{where}.{operator} is null; use isNull to look for groups without a value.")
        found.append(compiler.filters.compare(operand, operator, value, ""))
    return found


def group_order(compiler: "Compiler", groups: Groups, value: Value) -> str:
    """The order of groups: as asked for, then by their keys, so that it is total."""
    found: list[Key] = []
    named: set[str] = set()
    for item in value if isinstance(value, list) else [] if value is None else [value]:
        name, inner = _only(item, "orderBy")
        if name == "count":
            found.append(_key(groups.count, _direction(inner, "count")))
            continue
        field, given = _only(inner, f"orderBy.{name}")
        direction = _direction(given, f"{name}.{field}")
        if name == "key":
            named.add(field)
            key = next((k for k in groups.keys if k.spec.graphql == field), None)
            if key is None:
                required(groups.distinct(groups.lens.known(field)), groups.lens, groups.lens.known(field))
                raise ArgumentInvalid(f"orderBy.key.{field} is nothing that the groups go by.")
            found += key.order(groups.alias, direction)
        else:
            found.append(_key(_aggregate(compiler, groups, Aggregate(name), field), direction))
    for key in groups.keys:
        if key.spec.graphql not in named:
            found += key.order(groups.alias)
    return order_by(found, reverse=False)


def _aggregate(compiler: "Compiler", groups: Groups, aggregate: Aggregate, field: str) -> str:
    """What groups are ordered by; of amounts the one in the organisation's currency."""
    spec = groups.lens.known(field)
    if spec.kind is kinds.MONEY:
        return required(groups.amount_in(aggregate, spec, compiler.filters.currency(None)), groups.lens, spec)
    return required(groups.value(aggregate, spec), groups.lens, spec)


def _key(sql: str, direction: str) -> Key:
    return Key("", sql, direction.startswith("DESC"), nullable=True, nulls_first=direction.endswith("NULLS_FIRST"))


def _direction(value: Value, where: str) -> str:
    if not isinstance(value, Const) or value.value not in DIRECTIONS:
        raise ArgumentInvalid(f"orderBy.{where} takes a direction.")
    return str(value.value)


def _entries(value: Value, where: str) -> dict[str, Value]:
    if not isinstance(value, dict):
        raise ArgumentInvalid(f"{where} is an object of conditions.")
    return value


def _only(value: Value, where: str) -> tuple[str, Value]:
    if not isinstance(value, dict) or len(value) != 1:
        raise ArgumentInvalid(f"Each entry of {where} has exactly one field.")
    [found] = value.items()
    return found
