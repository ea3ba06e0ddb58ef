"""The SQL of groups, in layers: rows through the lens, aggregates, one row for each group, and what is kept of them.

    g: one row a group      SELECT k0, n, a0, …, j0 (amounts by currency) FROM a GROUP BY k0
    a: the aggregates       SELECT k0, c, count(*), sum(v.m0), … FROM v GROUP BY GROUPING SETS ((k0), (k0, c))
    v: rows and columns     SELECT … AS k0, … AS m0, … AS c FROM <the lens> WHERE …

Amounts are never added across currencies: where one is asked for, the same scan groups by currency as well.
Without amounts, `a` has one row a group already and `g` is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crm_graph import kinds
from crm_graph.plan.access.lens import Lens
from crm_graph.plan.groups.grouping import GroupKey, value_of
from crm_graph.plan.groups.measures import Aggregate
from crm_graph.plan.refusals import predicate_denied
from crm_graph.plan.selection import Selected
from crm_graph.plan.sql.money import money_json
from crm_graph.plan.sql.rendering import columns
from crm_graph.specs import FieldSpec

if TYPE_CHECKING:
    from crm_graph.plan.compile import Compiler


@dataclass(slots=True)
class Groups:
    """The groups of one lens: collects what is asked of them, then writes the layers.

    `alias` is what the finished groups are called; `condition` is what else rows must meet.
    """

    compiler: "Compiler"
    lens: Lens
    keys: Sequence[GroupKey]
    condition: str
    alias: str
    _taken: dict[str, str] = field(default_factory=dict)
    """Columns of the rows, by their SQL."""
    _aggregates: dict[str, str] = field(default_factory=dict)
    _gathered: dict[str, str] = field(default_factory=dict)
    """What the layer above makes of the amounts in several currencies."""

    @property
    def count(self) -> str:
        return f"{self.alias}.n"

    def distinct(self, spec: FieldSpec) -> str | None:
        """How many different values there are; `None` where the caller can see the field on no row."""
        sql = value_of(self.compiler, self.lens, spec)
        if sql is None:
            return None
        if spec.kind is not kinds.MONEY:
            return self._plain(f"count(DISTINCT {self._take(sql)})")
        amount, currency = self._take(sql), self._take(self._currency() or "NULL::text")
        return self._plain(f"count(DISTINCT ({amount}, {currency})) FILTER (WHERE {amount} IS NOT NULL)")

    def value(self, aggregate: Aggregate, spec: FieldSpec) -> str | None:
        """An aggregate of a field that is not money; `None` where the caller can see the field on no row."""
        column = self.lens.column(spec)
        return None if column.sql is None else self._plain(_aggregated(aggregate, self._take(column.sql)))

    def amounts(self, aggregate: Aggregate, spec: FieldSpec, selected: Sequence[Selected]) -> str | None:
        """JSON of an aggregate of an amount: one `Money` for each currency there is, in their order."""
        found = self._amount(aggregate, spec)
        if found is None:
            return None
        money, present = money_json(selected, found, "a.c"), f"a.part = 0 AND {found} IS NOT NULL AND a.c IS NOT NULL"
        return self._gather(f"coalesce(json_agg({money} ORDER BY a.c) FILTER (WHERE {present}), '[]'::json)")

    def amount_in(self, aggregate: Aggregate, spec: FieldSpec, currency: str) -> str | None:
        """An aggregate of an amount in one currency, as a number."""
        found = self._amount(aggregate, spec)
        return None if found is None else self._gather(f"max({found}) FILTER (WHERE a.part = 0 AND a.c = {currency})")

    def sql(self) -> str:
        """The groups, to stand in a FROM. Call it when all has been asked for."""
        keys = [name for key in self.keys for name, _ in key.columns()]
        if not self._gathered:
            group = f" GROUP BY {', '.join(f'v.{k}' for k in keys)}" if keys else ""
            return f"(SELECT {columns(self._first(keys))} FROM ({self._rows()}) v{group}) {self.alias}"
        sets = f"({', '.join(f'v.{k}' for k in keys)}), ({', '.join(f'v.{k}' for k in (*keys, 'c'))})"
        first = [*self._first(keys), ("c", "v.c"), ("part", "grouping(v.c)")]
        within = f"SELECT {columns(first)} FROM ({self._rows()}) v GROUP BY GROUPING SETS ({sets})"
        whole = [(name, f"max(a.{name}) FILTER (WHERE a.part = 1)") for name in ("n", *self._aggregates.values())]
        second = [*((k, f"a.{k}") for k in keys), *whole, *((name, sql) for sql, name in self._gathered.items())]
        group = f" GROUP BY {', '.join(f'a.{k}' for k in keys)}" if keys else ""
        return f"(SELECT {columns(second)} FROM ({within}) a{group}) {self.alias}"

    def _first(self, keys: Sequence[str]) -> list[tuple[str, str]]:
        return [*((k, f"v.{k}") for k in keys), ("n", "count(*)"), *((n, sql) for sql, n in self._aggregates.items())]

    def _rows(self) -> str:
        """The rows that the caller sees with the columns that were asked for: the one place that reads the table."""
        taken = [column for key in self.keys for column in key.columns()]
        taken += [(name, sql) for sql, name in self._taken.items()]
        if self._gathered:
            taken.append(("c", self._currency() or "NULL::text"))
        # what is looked up for each row must be looked up once, and be a plain column to the layer above
        apart = " OFFSET 0" if self._gathered or any(key.heavy for key in self.keys) else ""
        wanted = columns(taken) or "1 AS one"
        return f"SELECT {wanted} FROM {self.lens.source()} WHERE {self.lens.where()}{self.condition}{apart}"

    def _currency(self) -> str | None:
        return self.lens.column(self.lens.spec("currency")).sql

    def _take(self, sql: str) -> str:
        return f"v.{self._taken.setdefault(sql, f'm{len(self._taken)}')}"

    def _plain(self, sql: str) -> str:
        return f"{self.alias}.{self._aggregates.setdefault(sql, f'a{len(self._aggregates)}')}"

    def _gather(self, sql: str) -> str:
        return f"{self.alias}.{self._gathered.setdefault(sql, f'j{len(self._gathered)}')}"

    def _amount(self, aggregate: Aggregate, spec: FieldSpec) -> str | None:
        column = self.lens.column(spec)
        if column.sql is None or self._currency() is None:
            return None
        inner = self._plain(_aggregated(aggregate, self._take(column.sql)))
        return "a" + inner.removeprefix(self.alias)


def required(found: str | None, lens: Lens, spec: FieldSpec) -> str:
    """What a condition or an order goes by. Raises where the caller can see the field on no row."""
    if found is None:
        raise predicate_denied(f"{lens.entity.__name__}.{spec.graphql}", spec.requires)
    return found


def _aggregated(aggregate: Aggregate, column: str) -> str:
    """Averages have at most six decimals, rounded; everything else is exact."""
    plain = f"{aggregate.value}({column})"
    return f"trim_scale(round({plain}, 6))" if aggregate is Aggregate.AVG else plain
