"""Filters: a tree of conditions becomes one SQL predicate over lens columns.

Where a column differs from row to row, the exact predicate on it cannot use an index. Then the whole tree is also
written weakened (true on every row where the exact one can be true, on plain columns), and both are required.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from crm_graph import kinds
from crm_graph.auth.levels import Mask
from crm_graph.auth.policy import Policy
from crm_graph.entity import REGISTRY, Entity, backs
from crm_graph.kinds import Kind
from crm_graph.plan.access.lens import Column, Lens
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.reads import set_conditions
from crm_graph.plan.refusals import ArgumentInvalid, predicate_denied
from crm_graph.plan.selection import Const, Value
from crm_graph.plan.sql.ids import compare_ids
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.specs import Back, FieldSpec

MAX_CONDITIONS = 200
_SIMPLE = {"eq": "=", "ne": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_SELECTIVE = set_conditions.RANGES | {"contains", "startsWith"}
_AFTER = "U&'\\+10FFFF'"
"""Sorts after whatever may follow a prefix."""
_FOLD = "left(crm_fold({}), 500)"
"""As a folded key is stored (tables.py)."""


@dataclass(frozen=True, slots=True)
class Operand:
    """One side of a condition: a value, and for texts the folded form that order and prefixes go by.

    `stored` when the folded form is a column, so that an index on it serves equality too.
    """

    kind: Kind
    value: str
    folded: str = ""
    stored: bool = False


@dataclass(slots=True)
class Filters:
    """Writes the conditions of one statement."""

    policy: Policy
    parameters: Parameters
    name: Callable[[], str]
    naive: bool = False
    _varied: bool = False
    _given: str | None = None
    _counted: dict[int, Value] = field(default_factory=dict)
    _conditions: int = 0
    _selective: dict[int, Value] = field(default_factory=dict)
    _settled: dict[int, Value] = field(default_factory=dict)

    @property
    def selective(self) -> bool:
        """Whether how many rows are left, and so the best plan, depends on the value of some condition."""
        return any(key not in self._settled for key in self._selective)

    def settle(self, conditions: Value) -> None:
        """Say that the statement itself finds out how many rows these conditions on a field leave."""
        self._settled[id(conditions)] = conditions

    def where(self, lens: Lens, tree: Value, given: str | None = None) -> str:
        """SQL ` AND …` that is true on the rows of `lens` that match; empty when there is no condition.

        `given` is SQL that the statement requires of those rows beside it.
        """
        if tree is None:
            return ""
        self.charge(tree)
        self._given = given
        found = self._where(lens, tree)
        self._given = None
        return found

    def weakened(self, lens: Lens, tree: Value) -> str:
        """SQL that is true on every row of `lens` where a tree can match, on plain columns."""
        return self._tree(lens, tree, weak=True)

    def charge(self, tree: Value) -> None:
        """Count conditions towards what an operation may have. Raises `ArgumentInvalid` beyond that."""
        if id(tree) not in self._counted:  # a page and its total count have one filter
            self._counted[id(tree)] = tree
            self._conditions += _count(tree)
            if self._conditions > MAX_CONDITIONS:
                raise ArgumentInvalid(f"The filters of an operation have at most {MAX_CONDITIONS} conditions.")

    def _where(self, lens: Lens, tree: Value) -> str:
        outside, self._varied = self._varied, False
        exact = self._tree(lens, tree, weak=False)
        varied, self._varied = self._varied, outside
        if not exact:
            return ""
        weak = self._tree(lens, tree, weak=True) if varied and not self.naive else ""
        return f" AND {exact}" if weak in ("", "TRUE", exact) else f" AND {weak} AND {exact}"

    def _tree(self, lens: Lens, tree: Value, *, weak: bool) -> str:
        if not isinstance(tree, dict):
            raise ArgumentInvalid("A filter is an object of conditions.")
        parts = [self._entry(lens, name, value, weak=weak) for name, value in tree.items() if value is not None]
        return _join(" AND ", [part for part in parts if part])

    def _entry(self, lens: Lens, name: str, value: Value, *, weak: bool) -> str:
        if name in ("and", "or"):
            members = [self._tree(lens, v, weak=weak) or "TRUE" for v in _listed(value) if v is not None]
            return _join(f" {name.upper()} ", members) or ("TRUE" if name == "and" else "FALSE")
        if name == "not":
            return "TRUE" if weak else f"NOT coalesce({self._tree(lens, value, weak=False) or 'TRUE'}, FALSE)"
        spec = lens.named(name)
        if spec is not None and spec.ref is None:
            return self._field(lens, spec, value, weak=weak)
        if weak:
            return "TRUE"  # the exact tree has it, weakened within; once more here would double at each step
        if spec is not None:
            return self._related_one(lens, spec, value)
        return self._related_many(lens, backs(lens.entity.__name__)[name], value)

    def _visible(self, lens: Lens, spec: FieldSpec) -> Column:
        column = lens.column(spec)
        if column.sql is None:
            raise predicate_denied(f"{lens.entity.__name__}.{spec.graphql}", spec.requires)
        return column

    def _field(self, lens: Lens, spec: FieldSpec, conditions: Value, *, weak: bool) -> str:
        column = self._visible(lens, spec)
        if not isinstance(conditions, dict):
            raise ArgumentInvalid(f"{spec.graphql} takes an object of conditions.")
        told = set_conditions.gate(lens, column, conditions)
        self._varied = self._varied or (column.varies and not (told and column.masked is None))
        sides = _weak_sides(lens, column) if column.varies and (weak or told) else [_exact_side(lens, column)]
        parts = [told] if told and told not in ("TRUE", self._given) and not weak else []
        for operator, value in conditions.items():
            if operator == "currency":
                continue
            if value is None:
                raise ArgumentInvalid(f"{spec.graphql}.{operator} is null; use isNull to look for empty values.")
            if told and column.masked and not weak:
                parts.append(self._amount(lens, column, operator, value))
                continue
            if weak and column.varies and operator in ("isNull", "ne", "notIn"):
                continue  # true where the value is hidden or stands behind a mask: nothing weaker can be said
            if weak and column.masked and column.raw != column.masked and (ends := self._ends(column, operator, value)):
                parts.append(ends)
                continue
            if operator in _SELECTIVE and spec.kind is not kinds.ID:
                self._selective[id(conditions)] = conditions
            compared = [self.compare(side, operator, value, lens.entity.__prefix__) for side in sides]
            parts.append(_join(" OR ", list(dict.fromkeys(compared))))
        if weak and parts and column.gate and not told:
            parts.append(column.gate)
        if spec.kind is kinds.MONEY and (set(conditions) - {"isNull"}):
            currency = self._visible(lens, lens.spec("currency"))
            self._varied = self._varied or currency.varies
            compared_in = currency.raw if weak and currency.varies else currency.sql
            parts.append(f"{compared_in} = {self.currency(conditions.get('currency'))}")
        return _join(" AND ", parts)

    def _amount(self, lens: Lens, column: Column, operator: str, value: Value) -> str:
        """A condition on an amount that shows as it is on some rows, and as the end of its range on others."""
        spec = column.spec
        assert spec.read is not None
        whole = lens.clears(spec, spec.read.level) if column.raw == column.stored else "FALSE"
        asked = (
            tuple(zip(("gte", "lte"), _bounds(value), strict=True)) if operator == "between" else ((operator, value),)
        )
        bounds = [(_SIMPLE[way], self.parameters.value(end, spec.kind)) for way, end in asked]
        return " AND ".join(set_conditions.amount(column, sign, bound, whole) for sign, bound in bounds)

    def _ends(self, column: Column, operator: str, value: Value) -> str:
        """On an amount that shows as the end of its range nearer to zero: what is true of all amounts that fit."""
        if not (column.spec.read and column.spec.read.mask is Mask.BUCKET):
            return ""
        low, high = _bounds(value) if operator == "between" else (value, value)
        parts = []
        if operator in ("gt", "gte", "between"):
            start = self.parameters.value(low, column.spec.kind)
            parts.append(f"{column.raw} >= CASE WHEN {start} > 0 THEN {start} ELSE '-Infinity'::numeric END")
        if operator in ("lt", "lte", "between"):
            end = self.parameters.value(high, column.spec.kind)
            parts.append(f"{column.raw} <= CASE WHEN {end} < 0 THEN {end} ELSE 'Infinity'::numeric END")
        return " AND ".join(parts)

    def currency(self, value: Value) -> str:
        """The currency that amounts are compared in: the one given, or the organisation's."""
        if value is None:
            return self.parameters.add(lambda _leaves, actor: actor.currency, "text", "currency")
        return self.parameters.value(value, kinds.CURRENCY)

    def compare(  # noqa: PLR0911 - one return an operator
        self, side: Operand, operator: str, value: Value, prefix: str
    ) -> str:
        """One condition on one value; `prefix` is that of ids which can be equal to it."""
        put, kind = self.parameters, side.kind
        if operator == "isNull":
            return f"{side.value} IS NULL" if _truth(value) else f"{side.value} IS NOT NULL"
        if kind is kinds.ID:
            return compare_ids(put, side.value, operator, value, prefix)
        if operator in ("in", "notIn"):
            some = put.values(value, kind)
            same = f"{side.value} {'= ANY' if operator == 'in' else '<> ALL'}({some})"
            if not side.stored or operator == "notIn":
                return same
            return f"({side.folded} = ANY(ARRAY(SELECT {_FOLD.format('x')} FROM unnest({some}) x)) AND {same})"
        if operator in ("eq", "ne"):
            one = put.value(value, kind)
            same = f"{side.value} {_SIMPLE[operator]} {one}"
            return f"({side.folded} = {_FOLD.format(one)} AND {same})" if side.stored and operator == "eq" else same
        if operator == "contains":
            return f"strpos({side.folded}, crm_fold({put.value(value, kinds.STRING)})) > 0"
        if operator == "startsWith":
            start = _FOLD.format(put.value(value, kinds.STRING))
            return f"({side.folded} >= {start} AND {side.folded} < {start} || {_AFTER})"
        left, form = (side.folded, _FOLD) if side.folded else (side.value, "{}")
        if operator == "between":
            low, high = (form.format(put.value(end, kind)) for end in _bounds(value))
            return f"{left} BETWEEN {low} AND {high}"
        return f"{left} {_SIMPLE[operator]} {form.format(put.value(value, kind))}"

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
            matched: Value = {"not": tree} if quantifier == "every" else tree
            found = self._exists(other, link.leads_to(f"{lens.alias}.id"), matched)
            parts.append(found if quantifier == "some" else f"NOT {found}")
        return _join(" AND ", parts)

    def _open(self, entity: type[Entity], coordinate: str) -> Lens:
        other = open_lens(entity, self.policy, self.parameters, self.name(), as_set=not self.naive)
        if other is None:
            raise predicate_denied(coordinate, None)
        return other

    def _exists(self, lens: Lens, link: str, tree: Value) -> str:
        condition = self._where(lens, tree)
        # a fenced lens must not be joined: it would be computed for every row there is, not for those that are linked
        apart = " OFFSET 0" if lens.fenced else ""
        return f"EXISTS (SELECT 1 FROM {lens.source()} WHERE {lens.where()} AND {link}{condition}{apart})"


def _exact_side(lens: Lens, column: Column) -> Operand:
    assert column.sql is not None
    if "startsWith" not in column.spec.operators:
        return Operand(column.spec.kind, column.sql)
    folded = lens.folded(column.spec)
    return Operand(column.spec.kind, column.sql, folded, stored=folded == column.spec.folded(lens.alias))


def _weak_sides(lens: Lens, column: Column) -> list[Operand]:
    """What the value may be on some row: itself, or its mask."""
    spec, sides = column.spec, []
    for sql in (column.raw, column.masked):
        if sql is None:
            continue
        if "startsWith" not in spec.operators:
            sides.append(Operand(spec.kind, sql))
        elif (key := spec.folded(lens.alias)) and sql == column.raw and sql == f"{lens.alias}.{spec.name}":
            sides.append(Operand(spec.kind, sql, key, stored=True))
        else:
            sides.append(Operand(spec.kind, sql, f"crm_fold({sql})"))
    return sides


def _count(tree: Value) -> int:
    """How many conditions a filter has."""
    if isinstance(tree, dict):
        return sum(1 + _count(v) for v in tree.values())
    return sum(_count(v) for v in tree) if isinstance(tree, list) else 0


def _listed(value: Value) -> list[Value]:
    return value if isinstance(value, list) else [value]


def _join(word: str, parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else "(" + word.join(parts) + ")" if parts else ""


def _truth(value: Value) -> bool:
    if isinstance(value, Const) and isinstance(value.value, bool):
        return value.value
    raise ArgumentInvalid("isNull takes true or false.")


def _bounds(value: Value) -> tuple[Value, Value]:
    items: Mapping[str, Value] = value if isinstance(value, dict) else {}
    low, high = items.get("from"), items.get("to")
    if low is None or high is None:
        raise ArgumentInvalid("between takes from and to.")
    return low, high
