"""From specs to tables: constraints, indexes, stored keys and the history of every entity."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSVECTOR

from crm_graph import kinds, slots
from crm_graph.auth.levels import Level
from crm_graph.auth.scopes import resource
from crm_graph.markers import Ref
from crm_graph.specs import FieldSpec

_NO_HISTORY = {"history": False}
COMPANY_KEYS = ("letters", "initials")
NUMBERS = (kinds.MONEY, kinds.INT, kinds.DECIMAL)


def complete(
    table: sa.Table,
    specs: Collection[FieldSpec],
    indexes: Iterable[tuple[str, ...]],
    checks: Mapping[str, str],
    decisive: Iterable[str],
    *,
    custom: bool = False,
) -> None:
    """Give a freshly mapped table all that its entity's declaration implies beyond its columns.

    `decisive` are the columns that row rules read.
    """
    name, c = table.name, table.c
    table.append_constraint(
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=f"fk_{name}_organization")
    )
    table.append_constraint(
        sa.CheckConstraint("(source IS NULL) = (external_id IS NULL)", name=f"ck_{name}_external_id")
    )
    sa.Index(f"uq_{name}_external_id", c.organization_id, c.source, c.external_id, unique=True)
    for check, sql in checks.items():
        table.append_constraint(sa.CheckConstraint(sql, name=f"ck_{name}_{check}"))
    seen_by = [column for column in dict.fromkeys(decisive) if column != "id"]
    stored = [spec for spec in specs if spec.sql is None]
    for spec in stored:
        _complete_field(table, spec, seen_by)
    if any(spec.kind is kinds.MONEY and spec.sort for spec in specs):  # where an amount is hidden, this is its order
        sa.Index(f"ix_{name}_currency", c.organization_id, c.currency.desc(), c.id.desc(), postgresql_include=seen_by)
    if custom:
        _slots(table)
    _complete_search(table, [spec for spec in stored if spec.search], slots.vectors() if custom else ())
    for columns in indexes:
        parts = [c[column.lstrip("-")].desc() if column.startswith("-") else c[column] for column in columns]
        sa.Index(f"ix_{name}_{'_'.join(column.lstrip('-') for column in columns)}", c.organization_id, *parts)


def _slots(table: sa.Table) -> None:
    """The columns that hold what organisations add. An empty slot costs a bit in the row and nothing in its index."""
    for column, family in slots.columns():
        table.append_column(sa.Column(column, family.column()))
        kept = table.c[column]
        led = sa.text(slots.folded(column)) if family.folded else kept
        name = f"ix_{table.name}_{column}"
        sa.Index(name, table.c.organization_id, led, table.c.id, postgresql_where=kept.is_not(None))
        if family.folded:
            made = sa.Computed(f"crm_slot_vector({column})", persisted=True)
            table.append_column(sa.Column(slots.vector(column), TSVECTOR, made))


def _complete_field(table: sa.Table, spec: FieldSpec, decisive: list[str]) -> None:
    name, c = table.name, table.c
    if spec.fold:
        table.append_column(_stored(spec.fold, f"left(crm_fold({spec.name}), 500)"))
    if (mask := spec.read.mask if spec.read else None) and spec.kept_mask:
        made = sa.Computed(f"{mask.value}({spec.name})", persisted=True)
        table.append_column(sa.Column(spec.kept_mask, c[spec.name].type, made, info=_NO_HISTORY))
    if spec.matching:
        table.append_column(_stored(f"{spec.name}_match", f"{spec.matching}({spec.name})"))
        unique = "uq" if spec.unique else "ix"  # what is unique is so however it is written
        sa.Index(f"{unique}_{name}_{spec.name}_match", c.organization_id, c[f"{spec.name}_match"], unique=spec.unique)
    if spec.kind.choices:
        allowed = ", ".join(f"'{choice}'" for choice in spec.kind.choices)
        table.append_constraint(sa.CheckConstraint(f"{spec.name} IN ({allowed})", name=f"ck_{name}_{spec.name}"))
    if spec.ref:
        table.append_constraint(_reference(table, spec, spec.ref))
        sa.Index(f"ix_{name}_{spec.name}", c.organization_id, c[spec.name], c.created_at.desc(), c.id.desc())
        if spec.unique:
            sa.Index(f"uq_{name}_{spec.name}", c.organization_id, c[spec.name], unique=True)
    elif spec.unique:
        sa.Index(f"uq_{name}_{spec.name}", c.organization_id, c[spec.name], unique=True)
    elif spec.indexed:
        _index_values(table, spec, decisive)


def _complete_search(table: sa.Table, searched: Sequence[FieldSpec], further: Sequence[str]) -> None:
    """A vector for each field that is searched, and one index over all of them and `further` vectors, if any."""
    for spec in searched:
        table.append_column(sa.Column(spec.vector, TSVECTOR, sa.Computed(vector_sql(spec, spec.name), persisted=True)))
    if searched or further:
        everything = sa.text(indexed_sql("", [spec.vector for spec in searched], further))
        sa.Index(f"ix_{table.name}_search", everything, postgresql_using="gin", _table=table)


def vector_sql(spec: FieldSpec, column: str) -> str:
    """The vector of a field's text, with the weight that the field has."""
    return f"crm_vector({column}, '{spec.search.weight if spec.search else 'D'}')"


def indexed_sql(prefix: str, vectors: Iterable[str], further: Iterable[str] = ()) -> str:
    """What the index holds: the words of all fields, and the organisation, which no word looks like.

    `prefix` is a table's alias and a dot, or nothing; `further` are vectors that may be NULL. Parentheses as PostgreSQL
    writes them, or `migrate --check` would see a difference.
    """
    sql = f"array_to_tsvector(ARRAY[{prefix}organization_id::text])"
    for vector in vectors:
        sql = f"({sql} || {prefix}{vector})"
    for vector in further:
        sql = f"({sql} || COALESCE({prefix}{vector}, ''::tsvector))"
    return sql


def _index_values(table: sa.Table, spec: FieldSpec, decisive: list[str]) -> None:
    """The index a field is filtered and ordered by, and one of its mask.

    Where rows are seen differently, the columns that decide it come along: then who sees what is told without the rows.
    """
    name, c = table.name, table.c
    differs = spec.sort and goes_down(spec) and spec.read is not None and spec.read.level > Level.PUBLIC
    sa.Index(
        f"ix_{name}_{spec.name}",
        c.organization_id,
        *_ordered(table, spec, c[spec.fold or spec.name]),
        postgresql_include=decisive if differs else [],
    )
    if spec.read is not None and spec.read.mask is not None:
        shown = c[spec.kept_mask] if spec.kept_mask else getattr(sa.func, spec.read.mask.value)(c[spec.name])
        sa.Index(
            f"ix_{name}_{spec.name}_mask",
            c.organization_id,
            *_ordered(table, spec, shown),
            postgresql_include=[spec.name, *decisive] if differs else [],
        )


def goes_down(spec: FieldSpec) -> bool:
    """Whether a field's index goes from the greatest value down to the empty ones, not from the least up to them."""
    return spec.nullable and spec.kind in NUMBERS


def _ordered(table: sa.Table, spec: FieldSpec, key: sa.ColumnElement[object]) -> list[sa.ColumnElement[object]]:
    """The key columns of a field's index. Numbers are asked for from the top, names and dates from the start."""
    c = table.c
    if not goes_down(spec):
        return [key, c.id]
    currency = [c.currency.desc()] if spec.kind is kinds.MONEY else []
    return [*currency, key.desc().nulls_last(), c.id.desc()]


def _reference(table: sa.Table, spec: FieldSpec, ref: Ref) -> sa.ForeignKeyConstraint:
    target = resource(ref.entity)
    return sa.ForeignKeyConstraint(
        ["organization_id", spec.name],
        [f"{target}.organization_id", f"{target}.id"],
        name=f"fk_{table.name}_{spec.name}",
        ondelete="CASCADE" if ref.owned else None,
        use_alter=True,  # references go in circles (a user's team, a team's members)
    )


def keep_company_keys(table: sa.Table, name: str, *further: str) -> None:
    """Keys and indexes by which names of companies that may be the same are found (matching/functions.sql).

    With `further` columns the indexes answer for name and these by themselves: common keys name thousands of rows.
    """
    for key in COMPANY_KEYS:
        made = sa.Computed(f"crm_company_{key}({name})", persisted=True)
        table.append_column(sa.Column(f"{name}_{key}", sa.Text(collation="C"), made, info=_NO_HISTORY))
    c = table.c
    letters, initials = (c[f"{name}_{key}"] for key in COMPANY_KEYS)
    covered = ["id", name, *further] if further else []
    for key, columns in (("letters", [letters]), ("initials", [initials, letters] if further else [initials])):
        index = f"ix_{table.name}_{name}_{key}"
        sa.Index(index, c.organization_id, *columns, postgresql_include=covered)


def _stored(name: str, sql: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(collation="C"), sa.Computed(sql, persisted=True))


def history(table: sa.Table) -> sa.Table:
    """Every version a row has had: its values, from when to when, by whom, through which channel.

    Without vectors and masks, which are made of the values again where they are asked for.
    """
    columns = [
        sa.Column(c.name, c.type, primary_key=c.primary_key, nullable=c.nullable)
        for c in table.columns
        if not isinstance(c.type, TSVECTOR) and c.info.get("history", True)
    ]
    stamp = sa.TIMESTAMP(timezone=True)
    columns += [
        sa.Column("history_from", stamp, primary_key=True),
        sa.Column("history_to", stamp, nullable=False),
        sa.Column("history_actor_id", sa.Uuid),
        sa.Column("history_channel", sa.Text),
        sa.Column("history_deleted", sa.Boolean, nullable=False, server_default=sa.false()),
    ]
    return sa.Table(f"{table.name}_history", table.metadata, *columns)
