"""Pages of rows seen differently: which rows come first, found in several index orders that are merged.

Two lists have no index that gives their order: one by a field that is shown, masked and hidden on different rows, and
one by date of which the caller sees few rows. Either is the merge of branches that have one: the rows of one clearance,
whose key is the same expression on all; or the rows of one rule, the newest first. `picked` finds the ids of the page;
the rows themselves are then read through the lens as everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from crm_graph.auth.levels import Category, Level
from crm_graph.auth.rows import ActorValue, Rule, singular
from crm_graph.entity import table_name
from crm_graph.plan.access import sets
from crm_graph.plan.access.lens import Lens
from crm_graph.plan.reads import by_range, ordering
from crm_graph.plan.reads.branch import Branch, Wanted, beyond, few_rows
from crm_graph.plan.reads.ordering import Key
from crm_graph.plan.selection import Value
from crm_graph.specs import FieldSpec
from crm_graph.tables import goes_down

if TYPE_CHECKING:
    from crm_graph.plan.compile import Compiler


@dataclass(frozen=True, slots=True)
class Class:
    """The rows that show the same of a field: from clearance `least` to under `under`, and the conditions for that."""

    above: str
    not_higher: str
    shows: str | None
    category: Category | None
    least: int
    under: int | None


FEW = 1000
"""Rows that are sooner read and sorted than found in the order of an index."""


def picked(compiler: "Compiler", lens: Lens, keys: Sequence[Key], wanted: Wanted) -> str | None:
    """SQL of `k0, k1, …, id` of the rows of the page; `None` where one index order, or none, serves the whole list."""
    if compiler.naive or compiler.policy.beside is not None or wanted.limit == 0:
        return None
    branches, once, union = _by_clearance(compiler, lens, wanted), "", "UNION ALL"
    if not branches:
        # several rules, and several shares, may reach one row
        branches, once, union = _by_rule(compiler, lens, keys, wanted), "DISTINCT ", "UNION"
    if not branches:
        branches, once, union = by_range.ways(compiler, lens, keys, wanted, FEW), "", "UNION ALL"
    if not branches:
        return None
    names = [*(f"k{i}" for i in range(len(keys) - 1)), "id"]
    parts = []
    for branch in branches:
        columns = ", ".join(f"{key.sql} AS {name}" for key, name in zip(branch.keys, names, strict=True))
        parts.append(f"(SELECT {once}{columns} {branch.rows} ORDER BY {branch.by} LIMIT {wanted.limit})")
    by = ordering.order_by(renamed(keys, "u"), reverse=wanted.reverse)
    known = ", ".join(dict.fromkeys(branch.known for branch in branches if branch.known))
    rows = f"SELECT * FROM ({f' {union} '.join(parts)}) u ORDER BY {by} LIMIT {wanted.limit}"
    return f"WITH {known} {rows}" if known else rows


def renamed(keys: Sequence[Key], alias: str) -> list[Key]:
    """The keys as `picked` gives them."""
    return [replace(key, sql=f"{alias}.{'id' if i == len(keys) - 1 else f'k{i}'}") for i, key in enumerate(keys)]


def _by_rule(compiler: "Compiler", lens: Lens, keys: Sequence[Key], wanted: Wanted) -> list[Branch]:
    """One branch a rule: where few rows are seen, and an index on each rule's column has them by date."""
    dated = len(keys) == 2 and keys[0].sql == f"{lens.alias}.created_at" and keys[0].descending == keys[1].descending
    alike = len(keys) == 1 and all(r.rule is Rule.SHARED for r in lens.rules)
    if wanted.filter is not None or not lens.sparse or not lens.rules or not (dated or alike):
        return []
    alias, rows, bind = lens.alias, lens.entity.__rows__, compiler.parameters.actor
    table, bound = table_name(lens.entity), lens.bound()
    by = ordering.order_by(keys, reverse=wanted.reverse)
    found = []
    for reached in lens.rules:
        if reached.rule in (Rule.OWN, Rule.SELF, Rule.PARTNER):
            after = beyond(keys, wanted)
            compiler.parameters.reaches(table, alias, reached.sql)  # what one rule shows, the lens shows
            found.append(Branch(f"FROM {table} {alias} WHERE {bound} AND {reached.sql}{after}", keys, by))
        elif reached.rule is Rule.TEAM:
            columns = ", ".join(key.sql for key in keys)
            theirs = f"{alias}.{rows.team} = g.id"
            compiler.parameters.reaches(table, alias, theirs)  # team by team, what the rule says of all
            mine = f"{bound} AND {theirs}{beyond(keys, wanted)}"
            each = f"SELECT {columns} FROM {table} {alias} WHERE {mine} ORDER BY {by} LIMIT {wanted.limit}"
            teams = bind(ActorValue.TEAMS)
            found.append(Branch(f"FROM unnest({teams}) g(id) CROSS JOIN LATERAL ({each}) {alias}", keys, by))
        elif reached.rule is Rule.SHARED:
            shown = _of_share(keys, table)
            columns = ", ".join(f"{s.sql} AS {k.sql.partition('.')[2]}" for s, k in zip(shown, keys, strict=True))
            valid = f"sh.valid_from <= now() AND sh.valid_until > now(){beyond(shown, wanted)}"
            each = (
                f"SELECT DISTINCT {columns} FROM {singular(table)}_shares sh"
                f" WHERE sh.organization_id = {lens.organization} AND sh.grantee_id = g.id AND {valid}"
                f" ORDER BY {ordering.order_by(shown, reverse=wanted.reverse)} LIMIT {wanted.limit}"
            )
            grantees = bind(ActorValue.GRANTEES)
            found.append(Branch(f"FROM unnest({grantees}) g(id) CROSS JOIN LATERAL ({each}) {alias}", keys, by))
        else:
            return []
    return found


def _of_share(keys: Sequence[Key], table: str) -> list[Key]:
    """The keys as a share has them beside it."""
    *dates, row = keys
    return [replace(k, sql="sh.row_created_at") for k in dates] + [replace(row, sql=f"sh.{singular(table)}_id")]


def _by_clearance(compiler: "Compiler", lens: Lens, wanted: Wanted) -> list[Branch]:
    """One branch for the rows that show the key, one for those that mask it, one for those that hide it."""
    spec = _only_field(lens, wanted.order)
    if spec is None or spec.read is None or not lens.column(spec).varies:
        return []
    many = compiler.many(lens.entity)
    assert many is not None
    stored = many.column(spec, spec.fold)
    column = many.column(spec) if stored.sql is None or spec.read.mask or not spec.fold else stored
    *before, main, row = ordering.order_keys(many, wanted.order)
    if (spec.fold and spec.read.mask) or any(key.nullable for key in before):
        return []
    condition = compiler.filters.where(many, wanted.filter)
    found: list[Branch] = []
    for number, one in enumerate(_classes(many, spec, column.raw or "", column.masked)):
        key = replace(
            main, sql=one.shows or f"CASE WHEN FALSE THEN {column.raw} END", nullable=one.shows is None or spec.nullable
        )
        for rows, known in _ways(compiler, many, one, f"few{number}"):
            ordered = _in_index_order(spec, rows + condition, before, key, row, wanted, hidden=one.shows is None)
            found += [replace(branch, known=known) for branch in ordered]
    return found


def _ways(compiler: "Compiler", many: Lens, one: Class, name: str) -> list[tuple[str, str]]:
    """Two ways to the rows of a class, of which the statement goes one: from their ids where these are few, else
    through the index of the order. With the common table that tells; empty where only the index will do.
    """
    cleared, table = one.above + one.not_higher, table_name(many.entity)
    # what is cleared to a level is seen, and so are the rows whose ids were found by that
    compiler.parameters.reaches(table, many.alias, one.above.removeprefix(" AND ") or "TRUE")
    through = f"FROM {many.source()} WHERE {many.bound()}{cleared}"
    plain = many.band(one.category) is many.band(None)
    ids = sets.ids(many, compiler.parameters, one.least, one.under, parts=True) if plain and many.rules else None
    if ids is None:
        return [(through, "")]
    if not ids:
        return []
    known = f"{name}(id) AS MATERIALIZED (SELECT i.id FROM ({ids}) i(id) LIMIT {FEW + 1})"
    counted = f"(SELECT count(*) FROM {name})"
    gathered = few_rows(compiler.parameters, many, f"SELECT DISTINCT f.id FROM {name} f", counted, FEW)
    return [(f"{gathered}{one.not_higher}", known), (f"{through} AND {counted} > {FEW}", known)]


def _only_field(lens: Lens, order: Value) -> FieldSpec | None:
    items = order if isinstance(order, list) else [order]
    if len(items) != 1 or not isinstance(items[0], dict):
        return None
    [name] = items[0]
    return lens.named(name)


def _classes(many: Lens, spec: FieldSpec, raw: str, masked: str | None) -> list[Class]:
    """The rows parted by what they show of a field."""
    assert spec.read is not None
    level, category = spec.read.level, spec.read.category
    band, below = many.band(category), level.below() if masked else None
    found: list[Class] = []
    not_higher, under = "", None
    steps: list[tuple[Level | None, str | None]] = [(level if level <= band.highest else None, raw), (below, masked)]
    for step, shows in steps:
        if step is None:
            continue
        cleared = many.clears(spec, step)
        everything = cleared == "TRUE"
        above = many.visible if everything else cleared
        found.append(
            Class(
                "" if above == "TRUE" else f" AND {above}",
                not_higher,
                shows,
                category,
                step if not everything else Level.PUBLIC,
                under,
            )
        )
        if everything:
            return found
        not_higher, under = f" AND {cleared} IS NOT TRUE", step
    visible = "" if many.visible == "TRUE" else f" AND {many.visible}"
    return [*found, Class(visible, not_higher, None, category, Level.PUBLIC, under)]


def _in_index_order(
    spec: FieldSpec, rows: str, before: Sequence[Key], main: Key, row: Key, wanted: Wanted, *, hidden: bool
) -> list[Branch]:
    """The rows of one clearance as an index has them: with a value, and without where an index has those elsewhere."""
    reverse = wanted.reverse
    keys = [*before, main, row]
    if hidden:
        return [Branch(rows + beyond(keys, wanted), keys, ordering.order_by([*before, row], reverse=reverse))]
    down, first = main.descending != reverse, main.nulls_first != reverse
    indexed_first = down != goes_down(spec)
    by = ordering.order_by(
        [*before, replace(main, nullable=True, nulls_first=indexed_first != reverse), row], reverse=reverse
    )
    # a row comparison leaves out what follows an empty value, which is right where empty values come last
    valued = [*before, replace(main, nullable=first), row]
    if not main.nullable:  # here, but the rows of another clearance may hide it
        return [Branch(rows + beyond(valued, wanted), keys, by)]
    if first == indexed_first and not wanted.beyond:
        return [Branch(rows, keys, by)]
    return [
        Branch(f"{rows} AND {main.sql} IS NOT NULL{beyond(valued, wanted)}", keys, by),
        Branch(f"{rows} AND {main.sql} IS NULL{beyond(keys, wanted)}", keys, by),
    ]
