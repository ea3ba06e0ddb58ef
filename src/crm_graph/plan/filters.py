"""Filters: a tree of conditions becomes one SQL predicate over lens columns.

Where a column differs from row to row, the exact predicate on it cannot use an index. Then the whole tree is also
written weakened (true on every row where the exact one can be true, on plain columns), and both are required.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.levels import RESTRICTED
from crm_graph.auth.policy import Policy
from crm_graph.db import ids
from crm_graph.entity import REGISTRY, Entity, backs
from crm_graph.kinds import Kind
from crm_graph.plan.lens import Column, Lens, open_lens
from crm_graph.plan.parameters import Parameters
from crm_graph.plan.refusals import ArgumentInvalid, predicate_denied
from crm_graph.plan.selection import Const, Leaf, Value
from crm_graph.specs import Back, FieldSpec

MAX_CONDITIONS = 200
_SIMPLE = {"eq": "=", "ne": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


@dataclass(slots=True)
class Filters:
    """Writes the conditions of one statement. `selective` is set when a condition's
    selectivity depends on its value, `varied` when one reads a column that differs from row to row."""

    policy: Policy
    parameters: Parameters
    name: Callable[[], str]
    selective: bool = False
    varied: bool = False
    count: int = 0

    def where(self, lens: Lens, tree: Value) -> str:
        """SQL that is true on the rows of `lens` that match; empty when there is no condition."""
        if tree is None:
            return ""
        outer, self.varied = self.varied, False
        exact = self._tree(lens, tree, weak=False)
        varied, self.varied = self.varied, outer
        if not exact or not varied:
            return f" AND {exact}" if exact else ""
        weak = self._tree(lens, tree, weak=True)
        self.varied = outer
        return f" AND {exact}" if weak in ("", "TRUE", exact) else f" AND {weak} AND {exact}"

    def _tree(self, lens: Lens, tree: Value, *, weak: bool) -> str:
        if not isinstance(tree, dict):
            raise ArgumentInvalid("A filter is an object of conditions.")
        parts = [
            part
            for name, value in tree.items()
            if value is not None
            for part in [self._entry(lens, name, value, weak)]
            if part
        ]
        return _join(" AND ", parts)

    def _entry(self, lens: Lens, name: str, value: Value, weak: bool) -> str:
        self.count += not weak
        if self.count > MAX_CONDITIONS:
            raise ArgumentInvalid(f"A filter has at most {MAX_CONDITIONS} conditions.")
        if name in ("and", "or"):
            members = [
                self._tree(lens, v, weak=weak) or "TRUE"
                for v in (value if isinstance(value, list) else [value])
                if v is not None
            ]
            return _join(" AND " if name == "and" else " OR ", members) or ("TRUE" if name == "and" else "FALSE")
        if name == "not":
            return "TRUE" if weak else f"NOT coalesce({self._tree(lens, value, weak=False) or 'TRUE'}, FALSE)"
        spec = next((s for s in lens.entity.__specs__.values() if s.graphql == name), None)
        if spec is not None and spec.ref is None:
            return self._field(lens, spec, value, weak)
        if weak:
            return "TRUE"  # the exact tree has it, with a weakened copy of its own; once more would double at each step
        if spec is not None:
            return self._related_one(lens, spec, value)
        return self._related_many(lens, backs(lens.entity.__name__)[name], value)

    def _visible(self, lens: Lens, spec: FieldSpec) -> Column:
        column = lens.column(spec)
        if column.sql is None:
            raise predicate_denied(
                f"{lens.entity.__name__}.{spec.graphql}", spec.read.level if spec.read else RESTRICTED
            )
        return column

    def _field(self, lens: Lens, spec: FieldSpec, conditions: Value, weak: bool) -> str:
        column = self._visible(lens, spec)
        if not isinstance(conditions, dict):
            raise ArgumentInvalid(f"{spec.graphql} takes an object of conditions.")
        fold = (
            f"{lens.alias}.{spec.fold}"
            if spec.fold and not column.varies and column.masked is None and column.sql == lens_raw(lens, spec)
            else None
        )
        parts = [
            self._condition(column, lens.entity.__prefix__, fold, op, value, weak)
            for op, value in conditions.items()
            if op != "currency"
        ]
        if spec.kind is kinds.MONEY and any(op != "isNull" for op in conditions):
            parts.append(f"{lens.alias}.currency = {self._currency(conditions.get('currency'))}")
        return _join(" AND ", parts)

    def _currency(self, value: Value) -> str:
        if value is None:
            return self.parameters.add(lambda _leaves, actor: actor.currency, "text", "currency")
        return self.parameters.value(value, kinds.CURRENCY)

    def _condition(self, column: Column, prefix: str, fold: str | None, op: str, value: Value, weak: bool) -> str:
        if value is None:
            raise ArgumentInvalid(f"{column.spec.graphql}.{op} is null; use isNull to look for empty values.")
        assert column.sql is not None
        self.varied = self.varied or column.varies
        if not (weak and column.varies):
            return self._compare(column.spec.kind, column.sql, fold, op, value, prefix)
        if op in ("isNull", "ne", "notIn"):
            return "TRUE"  # true where the value is hidden or stands behind a mask, so nothing weaker can be said
        sides = [s for s in (column.raw, column.masked) if s]
        return _join(
            " OR ", list(dict.fromkeys(self._compare(column.spec.kind, s, None, op, value, prefix) for s in sides))
        )

    def _compare(self, kind: Kind, sql: str, fold: str | None, op: str, value: Value, prefix: str = "") -> str:  # noqa: PLR0911 - one return an operator
        put = self.parameters
        if kind is kinds.ID and op != "isNull":
            return _in_ids(put, sql, op, value, prefix)
        textual = "starts_with" in kind.operators
        if op in ("eq", "ne"):
            one = put.value(value, kind)
            also = f"{fold} = crm_fold({one}) AND " if fold and op == "eq" else ""
            return f"({also}{sql} {_SIMPLE[op]} {one})" if also else f"{sql} {_SIMPLE[op]} {one}"
        if op in _SIMPLE:
            self.selective = True
            one = put.value(value, kind)
            return f"{fold} {_SIMPLE[op]} crm_fold({one})" if fold else f"{_ordered(sql, textual)} {_SIMPLE[op]} {one}"
        match op:
            case "in":
                many = put.values(value, kind)
                return f"{sql} = ANY({many})"
            case "notIn":
                return f"{sql} <> ALL({put.values(value, kind)})"
            case "isNull":
                return f"{sql} IS NULL" if _truth(value) else f"{sql} IS NOT NULL"
            case "between":
                self.selective = True
                low, high = _bounds(put, value, kind)
                if fold:
                    return f"{fold} BETWEEN crm_fold({low}) AND crm_fold({high})"
                return f"{_ordered(sql, textual)} BETWEEN {low} AND {high}"
            case "startsWith":
                self.selective = True
                one = put.value(value, kinds.STRING)
                key = fold or f"crm_fold({sql})"
                return f"({key} >= crm_fold({one}) AND {key} < crm_fold({one}) || U&'\\+10FFFF')"
            case "contains":
                self.selective = True
                return f"strpos({fold or f'crm_fold({sql})'}, crm_fold({put.value(value, kinds.STRING)})) > 0"
        raise ArgumentInvalid(f"There is no condition {op!r}.")

    def _related_one(self, lens: Lens, spec: FieldSpec, tree: Value) -> str:
        """A condition on the record referred to, as the caller sees that one."""
        column, target = self._visible(lens, spec), REGISTRY[spec.ref.entity if spec.ref else ""]
        other = self._open(target, f"{lens.entity.__name__}.{spec.graphql}")
        return self._exists(other, column.leads_to(f"{other.alias}.id"), tree)

    def _related_many(self, lens: Lens, back: Back, quantified: Value) -> str:
        """`some`, `none` or `every` of the records that refer to this one, as the caller sees those."""
        if not isinstance(quantified, dict):
            raise ArgumentInvalid(f"{back.name} takes some, none or every.")
        parts = []
        for quantifier, tree in quantified.items():
            if tree is None:
                continue
            other = self._open(REGISTRY[back.entity], f"{lens.entity.__name__}.{back.name}")
            link = self._visible(other, other.spec(back.column))
            joined = link.leads_to(f"{lens.alias}.id")
            if quantifier == "every":
                parts.append(f"NOT {self._exists(other, joined, {'not': tree})}")
            else:
                parts.append(f"{'NOT ' if quantifier == 'none' else ''}{self._exists(other, joined, tree)}")
        return _join(" AND ", parts)

    def _open(self, entity: type[Entity], coordinate: str) -> Lens:
        other = open_lens(entity, self.policy, self.parameters, self.name())
        if other is None:
            raise predicate_denied(coordinate, None)
        return other

    def _exists(self, lens: Lens, link: str, tree: Value) -> str:
        condition = self.where(lens, tree)
        return f"EXISTS (SELECT 1 FROM {lens.source()} WHERE {lens.where()} AND {link}{condition})"


def lens_raw(lens: Lens, spec: FieldSpec) -> str:
    return f"{lens.alias}.{spec.name}"


def _join(word: str, parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else "(" + word.join(parts) + ")" if parts else ""


def _ordered(sql: str, textual: bool) -> str:
    return f'{sql} COLLATE "C"' if textual else sql


def _truth(value: Value) -> bool:
    if isinstance(value, Const) and isinstance(value.value, bool):
        return value.value
    raise ArgumentInvalid("isNull takes true or false.")


def _bounds(parameters: Parameters, value: Value, kind: Kind) -> tuple[str, str]:
    items: Mapping[str, Value] = value if isinstance(value, dict) else {}
    low, high = items.get("from"), items.get("to")
    if low is None or high is None:
        raise ArgumentInvalid("between takes from and to.")
    return parameters.value(low, kind), parameters.value(high, kind)


def _in_ids(parameters: Parameters, sql: str, op: str, value: Value, prefix: str) -> str:
    negated = op in ("ne", "notIn")
    if op in ("in", "notIn"):
        many = ids_parameter(parameters, value, prefix)
        return f"{sql} <> ALL({many})" if negated else f"{sql} = ANY({many})"
    return f"{sql} {'<>' if negated else '='} {id_parameter(parameters, value, prefix)}"


def id_parameter(parameters: Parameters, value: Value, prefix: str) -> str:
    """One global id as a uuid; null, which equals nothing, where it is the id of something else."""
    match value:
        case Leaf(prefixes=found):
            return parameters.leaf(value, "uuid") if found == (prefix,) else "NULL::uuid"
        case Const(value=text):
            found_prefix, uuid = ids.decode(str(text))
            return parameters.constant(uuid, "uuid") if found_prefix == prefix else "NULL::uuid"
    raise ArgumentInvalid("An id is needed.")


def ids_parameter(parameters: Parameters, value: Value, prefix: str) -> str:
    """Several global ids as uuids, without those that are ids of something else."""
    match value:
        case Leaf():
            return parameters.leaf(
                value, "uuid[]", lambda pairs: [uuid for found, uuid in _pairs(pairs) if found == prefix]
            )
        case list():
            return f"ARRAY[{', '.join(id_parameter(parameters, v, prefix) for v in value)}]::uuid[]"
        case _:
            return f"ARRAY[{id_parameter(parameters, value, prefix)}]::uuid[]"


def _pairs(value: object) -> list[tuple[str, UUID]]:
    assert isinstance(value, list)
    return value
