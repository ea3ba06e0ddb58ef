"""Lists whose page an index tells by itself: which rows they show does not depend on what the caller may see of them.

The ids of such a page are read from the index first, so that the shares of its rows are gathered at once instead of
being probed row by row (plan/access/page_shares.py).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from crm_graph.plan.access import page_shares
from crm_graph.plan.access.lens import Lens
from crm_graph.plan.reads import ordering
from crm_graph.plan.reads.branch import Wanted, beyond
from crm_graph.plan.reads.ordering import Key
from crm_graph.tables import goes_down

if TYPE_CHECKING:
    from crm_graph.plan.compile import Compiler

FEW = 8
"""Rows whose shares are sooner probed."""


def gather(compiler: "Compiler", lens: Lens, keys: Sequence[Key], wanted: Wanted) -> None:
    """Let the lens gather the shares of the page, where an index tells which rows that is."""
    if compiler.naive or wanted.filter is not None or wanted.limit <= FEW or lens.visible != "TRUE" or lens.asked:
        return
    if not _by_index(lens, keys, wanted):
        return
    by = ordering.order_by(keys, reverse=wanted.reverse)
    rows = f"FROM {lens.source()} WHERE {lens.where()}{beyond(keys, wanted)}"
    page_shares.gather(lens, f"ARRAY(SELECT {lens.alias}.id {rows} ORDER BY {by} LIMIT {wanted.limit})")


def _by_index(lens: Lens, keys: Sequence[Key], wanted: Wanted) -> bool:
    """Whether the rows come in this order from an index: sorting all of them twice would cost more."""
    first = keys[0]
    spec = lens.named(first.field)
    if spec is None or len(keys) > 2:
        return False
    indexed = first.field == "id" or (spec.indexed and first.sql == f"{lens.alias}.{spec.fold or spec.name}")
    empty_first = first.nulls_first != wanted.reverse
    down = first.descending != wanted.reverse
    return indexed and (not first.nullable or empty_first == (down != goes_down(spec)))
