"""What is known of a field once it is declared, and of fields that are made of others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from crm_graph import slots
from crm_graph.auth.levels import Level
from crm_graph.kinds import MAX_TEXT, Kind
from crm_graph.markers import Days, Matching, Read, Ref, Search, SumOf, Write, camel

INDEXED_TEXT = 255
"""Characters a text may have that an index holds; PostgreSQL's limit is 2,704 bytes an entry."""
TODAY = "(now() AT TIME ZONE 'UTC')::date"
"""SQL of the day it is, where days begin at midnight UTC."""


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """What is known about one field. Its column has its name; a computed field has `sql` and no column."""

    name: str
    kind: Kind
    nullable: bool
    description: str
    read: Read | None
    write: Write | None
    filter: bool
    sort: bool
    unique: bool
    ref: Ref | None
    matching: Matching | None
    required: bool
    sql: str | None = None
    inputs: tuple[str, ...] = ()
    label: str = ""
    """The name in GraphQL where it does not follow from the column's."""
    search: Search | None = None
    proposed: "Mapping[tuple[str, str], FieldSpec] | None" = None
    """Of a `Proposed` field: the fields whose values it holds, by entity and name in inputs."""
    choices: tuple[str, ...] = ()
    """The only values a text may have; empty: any."""
    days: Days | None = None
    """Which days a date may be; `None`: any."""
    sum_of: SumOf | None = None
    """What it is the sum of, which the database keeps."""
    figure: "Figure | None" = None
    """Of a figure: what it is made of."""

    @property
    def custom(self) -> bool:
        """Whether an organisation has added the field; then its column is one of the slots (slots.py)."""
        return bool(self.label)

    @property
    def graphql(self) -> str:
        """The name in GraphQL: camel case; of a reference, without `_id`."""
        return self.label or camel(self.name.removesuffix("_id") if self.ref else self.name)

    @property
    def requires(self) -> Level:
        """The clearance that reading it needs; of what nobody may read, the highest."""
        return self.read.level if self.read else Level.RESTRICTED

    @property
    def indexed(self) -> bool:
        """Whether an index of its own has its values, as filters and orders ask for them (tables.py)."""
        if self.ref or self.unique or self.custom or self.sql is not None:
            return False
        return (self.filter or self.sort) and self.name not in ("id", "source", "external_id")

    @property
    def input(self) -> str:
        """The name in inputs, where a reference is given by id."""
        return self.label or camel(self.name)

    @property
    def max_length(self) -> int:
        """Most characters of a text; fewer where an index holds it."""
        return (
            INDEXED_TEXT
            if self.filter or self.sort or self.unique or self.name in ("source", "external_id")
            else MAX_TEXT
        )

    @property
    def operators(self) -> tuple[str, ...]:
        """The conditions its values take, by GraphQL name."""
        return tuple(camel(operator) for operator in self.kind.operators)

    @property
    def fold(self) -> str | None:
        """The stored folded key that text orders and prefixes go by."""
        kept = self.sort and not self.custom and self.kind.column is sa.Text and not self.kind.choices
        return f"{self.name}_fold" if kept else None

    def folded(self, alias: str) -> str | None:
        """SQL of the folded key that an index holds: a column, or for a custom field an expression; `None`: none."""
        if self.custom:
            return slots.folded(f"{alias}.{self.name}") if self.kind.column is sa.Text else None
        return f"{alias}.{self.fold}" if self.fold else None

    @property
    def kept_mask(self) -> str | None:
        """The column that keeps its mask (tables.py); `None` where the mask is made when it is asked for."""
        made = self.custom or self.sql is not None or self.proposed is not None
        return f"{self.name}_mask" if not made and self.read and self.read.mask and self.read.mask.kept else None

    @property
    def vector(self) -> str:
        """The stored vector that full-text search goes by, of a field that is searched."""
        return f"{self.name}_search"

    @property
    def search_fault(self) -> tuple[str, str] | None:
        """What is wrong with its `Search`, and the remedy."""
        if self.search is None:
            return None
        if self.search.weight not in ("A", "B", "C", "D"):
            return f"its search weighs {self.search.weight!r}", 'Use Search("A"), "B", "C" or "D"'
        if self.kind.column is not sa.Text or self.kind.choices:
            return f"it is searched but holds no text ({self.kind.name})", "Drop Search, or filter by it"
        if self.read is None:
            return "it can be searched but has no level", "Add Read(LEVEL)"
        return None


def expanded(specs: Mapping[str, FieldSpec], name: str, alias: str, organization: str = "") -> str:
    """SQL of a field of the row `alias`: of a computed one, with all that it is computed from.

    `organization` is that of the organisation's id, which figures need.
    """
    spec = specs[name]
    if spec.sql is None:
        return f"{alias}.{name}"
    shown = {one: expanded(specs, one, alias, organization) for one in spec.inputs}
    inputs = {one: f"({sql})" if specs[one].sql else sql for one, sql in shown.items()}
    return spec.sql.format_map({"organization": organization, **inputs})


@dataclass(frozen=True, slots=True)
class Computed:
    """A field that is an SQL expression over others: `{amount} * {probability} / 100`. Its level is their highest."""

    kind: Kind
    sql: str
    description: str
    filter: bool = False
    sort: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """A field reckoned anew whenever it is asked for, over all rows of other entities that belong to its own.

    Whoever sees the field sees the figure, whatever they see of those rows: `read` says who that is, and it is nowhere
    below what the figure is made `of` ("Order.net"; figures.py). `sql` is over `{field}`s of its row and
    `{organization}`; it reaches `tables`, each by an alias of its own and under a condition that stands in it.
    """

    kind: Kind
    sql: str
    read: Read
    of: tuple[str, ...]
    tables: tuple[tuple[str, str, str], ...]
    description: str


@dataclass(frozen=True, slots=True)
class RelatedCount:
    """A field that counts the rows of a back reference, as the caller sees them, that match a filter in API grammar."""

    back: str
    where: Mapping[str, object]
    description: str


@dataclass(frozen=True, slots=True)
class Benchmark:
    """The median of an amount over the whole organisation, for callers who may not see each one.

    It is told by these fields alone and never by a filter, to callers whose clearance reaches `level` on some record.
    See plan/groups/benchmarks.py for what is held back.
    """

    by: tuple[str, ...]
    measure: str
    level: Level
    description: str

    def fault(self, specs: Mapping[str, FieldSpec], others: Sequence["Benchmark"]) -> tuple[str, str] | None:
        """What makes no sense in it, and what to do about that; `None` if all is well."""
        measured = specs.get(self.measure)
        if measured is None or measured.read is None or measured.kind.name != "Money":
            return f"it measures {self.measure!r}, which is no readable amount", "Name an amount of this entity"
        for name in self.by:
            spec = specs.get(name)
            if (
                spec is None
                or spec.read is None
                or spec.ref
                or not (spec.kind.choices or len(spec.kind.operators) == 5)
            ):
                return f"it goes by {name!r}, which is no readable choice or code", "Go by choices and codes"
            if spec.read.level > self.level:
                return f"it goes by {name!r}, which not all see who see it", "Raise its level, or go by something else"
        if any(other.measure == self.measure for other in others):
            return "two of one amount could be subtracted from each other", "Declare one for each amount"
        return None


@dataclass(frozen=True, slots=True)
class Back:
    """The far side of a reference: rows of `entity` whose `column` holds this row's id."""

    name: str
    entity: str
    column: str
    description: str
