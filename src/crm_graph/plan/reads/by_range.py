"""Lists filtered by a range, in another order: few rows are read and sorted, many are found in the order of the list.

Which of both is better by a thousand times is known by the range's values only, and not from statistics: PostgreSQL
guesses a third of all rows where it plans for all values, and also where row-level security keeps it from looking
(numbers are not compared leakproof). So the statement counts, up to a bound, and goes one of the two ways.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from crm_graph.auth.levels import Mask
from crm_graph.entity import table_name
from crm_graph.plan.access.lens import Lens
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.reads import ordering, set_conditions
from crm_graph.plan.reads.branch import Branch, Wanted, beyond, few_rows
from crm_graph.plan.reads.ordering import Key
from crm_graph.specs import FieldSpec
from crm_graph.tables import goes_down

if TYPE_CHECKING:
    from crm_graph.plan.compile import Compiler


def ways(compiler: "Compiler", lens: Lens, keys: Sequence[Key], wanted: Wanted, few: int) -> list[Branch]:
    """Both ways, each with the condition that it is gone; empty where no field of its own index is asked for a range,
    the list goes by that field anyway, or the caller sees few rows of many, which is another reason to be slow.
    """
    spec = _ranged(lens, keys, wanted)
    if spec is None or lens.visible != "TRUE":
        return []
    assert isinstance(wanted.filter, dict)
    sought, one, all_ = (_opened(compiler, lens) for _ in range(3))
    table, name, conditions = table_name(lens.entity), f"{sought.alias}few", wanted.filter[spec.graphql]
    within = compiler.filters.weakened(sought, {spec.graphql: conditions})
    compiler.filters.settle(conditions)
    column = f"{sought.alias}.{spec.name}"
    by = f"{column} DESC NULLS LAST, {sought.alias}.id DESC" if goes_down(spec) else f"{column}, {sought.alias}.id"
    found = f"SELECT {sought.alias}.id FROM {table} {sought.alias} WHERE {sought.where()} AND {within} ORDER BY {by}"
    known = f"{name}(id) AS MATERIALIZED ({found} LIMIT {few + 1})"
    counted = f"(SELECT count(*) FROM {name})"

    def read_so(way: Lens, rows: Callable[[], str]) -> Branch:
        keys = ordering.order_keys(way, wanted.order)
        where = compiler.filters.where(way, wanted.filter) + beyond(keys, wanted)
        return Branch(rows() + where, keys, ordering.order_by(keys, reverse=wanted.reverse), known)

    return [
        read_so(one, lambda: few_rows(compiler.parameters, one, f"SELECT f.id FROM {name} f", counted, few)),
        read_so(all_, lambda: f"FROM {all_.source()} WHERE {all_.where()} AND {counted} > {few}"),
    ]


def _opened(compiler: "Compiler", of: Lens) -> Lens:
    lens = open_lens(of.entity, compiler.policy, compiler.parameters, compiler.alias())
    assert lens is not None
    return lens


def _ranged(lens: Lens, keys: Sequence[Key], wanted: Wanted) -> FieldSpec | None:
    """A field that the filter asks for a range of at its top, and whose index has that range."""
    conditions = wanted.filter if isinstance(wanted.filter, dict) else {}
    for spec in lens.specs.values():
        asked = conditions.get(spec.graphql)
        if isinstance(asked, dict) and asked.keys() & set_conditions.RANGES and _indexed(lens, spec):
            first = lens.named(keys[0].field)
            return None if first is spec or (first is not None and first.custom) else spec
    return None


def _indexed(lens: Lens, spec: FieldSpec) -> bool:
    if not spec.indexed or spec.fold or spec.read is None:
        return False
    column = lens.column(spec)
    if column.varies:
        return column.raw == column.stored and (column.masked is None or spec.read.mask is Mask.BUCKET)
    return column.sql == f"{lens.alias}.{spec.name}"
