"""Lists ordered by a custom field: the ids of a page, read from the field's index.

A slot's index holds filled slots alone, or empty ones would cost every write; an order over all rows cannot use it. So
a page is read as up to three pieces that follow each other in the order: the filled rows by the index, the empty ones
by what comes after the field, each only if those before it have not filled the page. The list itself stays as it was
and is asked for these ids only, so what it answers does not depend on this form; only its time does.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from crm_graph.plan.access.lens import Lens
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.reads import ordering
from crm_graph.plan.reads.branch import Wanted
from crm_graph.plan.reads.ordering import Key

if TYPE_CHECKING:
    from crm_graph.plan.compile import Compiler


_AT = "(SELECT k0 FROM cur)"


def narrowed(compiler: "Compiler", lens: Lens, keys: Sequence[Key], asked: Wanted) -> str:
    """SQL ` AND …` that leaves the rows of the page, and perhaps some beyond it; empty where there is no need."""
    if not led_by_slot(lens, keys):
        return ""
    pieces: list[str] = []
    for filled, position in _pieces(keys[0].nulls_first != asked.reverse, after=asked.beyond):
        before = " + ".join(f"(SELECT count(*) FROM p{n})" for n in range(len(pieces)))
        gate = [f"{before} < {asked.limit}"] if before else []
        piece = _piece(compiler, lens, asked, filled=filled, position=position, gate=gate)
        pieces.append(f"p{len(pieces)} AS MATERIALIZED ({piece})")
    every = " UNION ALL ".join(f"SELECT id FROM p{n}" for n in range(len(pieces)))
    return f" AND {lens.alias}.id = ANY(ARRAY(WITH {', '.join(pieces)} {every}))"


def led_by_slot(lens: Lens, keys: Sequence[Key]) -> bool:
    spec = lens.named(keys[0].field)
    return spec is not None and spec.custom and not lens.column(spec).varies


def _pieces(empty_first: bool, *, after: bool) -> list[tuple[bool, str]]:
    """Filled or empty rows, and which of them: `all`, those `beyond` the cursor, or all if it stands in the others."""
    if not after:
        return [(False, "all"), (True, "all")] if empty_first else [(True, "all"), (False, "all")]
    if empty_first:
        return [(False, "beyond"), (True, "beyond"), (True, "others")]
    return [(True, "beyond"), (False, "beyond"), (False, "others")]


def _piece(compiler: "Compiler", of: Lens, asked: Wanted, *, filled: bool, position: str, gate: list[str]) -> str:
    lens = open_lens(of.entity, compiler.policy, compiler.parameters, compiler.alias())
    assert lens is not None
    first, *rest = ordering.order_keys(lens, asked.order)
    slot = f"{lens.alias}.{lens.known(first.field).name}"
    keys = [replace(first, nullable=False), *rest] if filled else rest
    conditions = [*gate, lens.where(), f"{slot} IS {'NOT ' if filled else ''}NULL"]
    if position == "others":
        conditions.insert(0, f"{_AT} IS {'' if filled else 'NOT '}NULL")
    elif position == "beyond":
        if not filled:
            conditions.insert(0, f"{_AT} IS NULL")
        conditions.append(ordering.beyond(keys, reverse=asked.reverse, start=0 if filled else 1))
    where = " AND ".join(conditions) + compiler.filters.where(lens, asked.filter)
    by = ordering.order_by(keys, reverse=asked.reverse)
    return f"SELECT {lens.alias}.id FROM {lens.source()} WHERE {where} ORDER BY {by} LIMIT {asked.limit}"
