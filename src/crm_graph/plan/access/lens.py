"""The lens: a table as one caller sees it. Every SQL that reads an entity gets it here, and nowhere else.

It has the rows that the caller's grants reach, with the organisation bound, and columns as the caller may see them:
plain, `NULL`, masked, or, where clearance differs from row to row, a CASE over a clearance that a fenced lateral
computes once a row (inlined it would be computed once a column; see the measurements in ARCHITECTURE.md). One that is
a set, for reading many rows of which little is shown (counts, groups, orders), does not compute the clearance but asks
for it by conditions that go by columns and by sets of shared ids. `opening.open_lens` makes one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL, Category, Level
from crm_graph.entity import Entity, table_name
from crm_graph.plan.access.fields import Fields
from crm_graph.plan.access.proposed import proposed_value
from crm_graph.specs import FieldSpec
from crm_graph.tables import vector_sql

if TYPE_CHECKING:
    from crm_graph.plan.access.opening import Reached


@dataclass(frozen=True, slots=True)
class Column:
    """A field through the lens. `sql` is `None` when the caller can see it on no row.

    `raw` and `masked` are given when `sql` differs from row to row: what an index can serve, before the exact test.
    """

    spec: FieldSpec
    sql: str | None
    raw: str | None = None
    masked: str | None = None
    gate: str | None = None
    """Of a lens that is a set: the rows on which it is not hidden."""
    stored: str | None = None
    """Of a column that differs from row to row, what is behind `raw` and `masked`: shown by itself on no row."""

    @property
    def varies(self) -> bool:
        return self.raw is not None

    def leads_to(self, row: str) -> str:
        """SQL that is true where this reference leads to `row`; where it varies, also on what an index can serve."""
        return f"{self.raw} = {row} AND {self.sql} = {row}" if self.varies else f"{self.sql} = {row}"


@dataclass(frozen=True, slots=True)
class Band:
    """How much a lens clears: the same on all rows, or from `lowest` to `highest`, then `sql` on each. 0: nothing.

    `above` is a condition that is true on the rows cleared up to a level or more, by columns and sets.
    """

    lowest: int
    highest: int
    name: str
    sql: str
    above: Callable[[int], str]
    on_page: str = ""
    """`sql` where the shares of the page's rows are gathered first."""


Clearances = Mapping[Category | None, int]
"""A caller's clearance on one row: in general (`None`), and on the categories that some of their grants leave out."""


@dataclass(slots=True)
class Lens:
    """One opened table."""

    entity: type[Entity]
    alias: str
    organization: str
    visible: str
    bands: Mapping[Category | None, Band]
    specs: Fields
    """The entity's fields where the caller's policy holds; custom ones that they see on no row do not exist here."""
    subjects: Mapping[Category | None, Level | None] = field(default_factory=dict)
    """How high the view of oneself reaches, by category; where it is given, all rows are about the caller."""
    table: str = ""
    sparse: bool = False
    asked: dict[str, str] = field(default_factory=dict)
    """The clearances that vary and were asked for, by the name of their column."""
    as_set: bool = False
    rules: "tuple[Reached, ...]" = ()
    """What the caller's grants reach, one by one; empty where rows must be seen by two callers."""
    shares: str = ""
    """SQL of the shares of a page's rows, gathered at once (`page_shares.py`); empty where rows are probed."""

    @property
    def lowest(self) -> int:
        return self.bands[None].lowest

    @property
    def highest(self) -> int:
        return self.bands[None].highest

    @property
    def fenced(self) -> bool:
        """Whether a clearance is computed row by row."""
        return bool(self.asked)

    def fence(self) -> str:
        """The lateral that computes the clearances asked for, once a row; empty where there are none."""
        return f" CROSS JOIN LATERAL (SELECT {self.clearances()} OFFSET 0) {self.alias}k" if self.asked else ""

    def clearances(self) -> str:
        """The clearances asked for, as columns."""
        return ", ".join(f"{sql} AS {name}" for name, sql in self.asked.items())

    def source(self) -> str:
        """What goes into FROM; call it after the columns were taken: only they tell whether the lateral is needed."""
        return f"{self.table or table_name(self.entity)} {self.alias}{self.fence()}"

    def where(self) -> str:
        """What goes into WHERE: the organisation and the rows the caller sees."""
        return self.bound() if self.visible == "TRUE" else f"{self.bound()} AND {self.visible}"

    def bound(self) -> str:
        """The organisation alone: for rows whose ids were found through the lens."""
        return f"{self.alias}.organization_id = {self.organization}"

    def spec(self, name: str) -> FieldSpec:
        return self.specs[name]

    def named(self, name: str) -> FieldSpec | None:
        """The field of a name in GraphQL, as the caller knows them."""
        return next((spec for spec in self.specs.values() if spec.graphql == name), None)

    def known(self, name: str) -> FieldSpec:
        """As `named`, for a name that validation has found in the schema."""
        return next(spec for spec in self.specs.values() if spec.graphql == name)

    def column(self, spec: FieldSpec, stored: str | None = None) -> Column:
        """The field as the caller sees it; `stored` names a key kept beside it (its folded form) to take instead.

        Of a custom field it is the key's SQL, which only an index keeps.
        """
        if spec.read is None:
            return Column(spec, None)
        if spec.proposed is not None:
            return Column(spec, proposed_value(self, spec))
        level, mask, band = spec.read.level, None if stored else spec.read.mask, self.band(spec.read.category)
        raw = self._raw(spec, stored)
        if level <= band.lowest or self.about_oneself(spec):
            return Column(spec, raw)
        below = level.below()
        masked = self.mask(spec) if mask and below and below <= band.highest else None
        if level > band.highest:
            if masked is None or below is None:
                return Column(spec, None)
            if below <= band.lowest:
                return Column(spec, masked)
        arms = f"WHEN {self.clears(spec, level)} THEN {raw}" if level <= band.highest else ""
        if masked and below:
            arms += f" WHEN {self.clears(spec, below)} THEN {masked}"
        gate = self.clears(spec, below if masked and below else level) if self.as_set else None
        return Column(spec, f"CASE {arms.strip()} END", raw if level <= band.highest else masked, masked, gate, raw)

    def mask(self, spec: FieldSpec) -> str | None:
        """SQL of what shows of a field where its mask does; a history keeps no masks."""
        if spec.read is None or spec.read.mask is None:
            return None
        if spec.kept_mask and not self.table:
            return f"{self.alias}.{spec.kept_mask}"
        return f"{spec.read.mask.value}({self._raw(spec, None)})"

    def clears(self, spec: FieldSpec, level: int) -> str:
        """SQL that is true on the rows whose clearance, as it counts for a field, is `level` or more."""
        category = spec.read.category if spec.read else None
        if self.as_set:
            return self.band(category).above(level)
        return f"{self.row_clearance(category)} >= {int(level)}"

    def about_oneself(self, spec: FieldSpec) -> bool:
        """Whether the caller sees the field because every row of the lens is about them."""
        if spec.read is None or not spec.read.subject:
            return False
        reach = self.subject(spec.read.category)
        return reach is not None and spec.read.level <= reach

    def subject(self, category: Category | None) -> Level | None:
        """How high the view of oneself reaches for fields of a category; `None`: not every row is about the caller."""
        return self.subjects.get(category, self.subjects.get(None))

    def folded(self, spec: FieldSpec) -> str:
        """SQL of a visible text as it is compared and ordered: the stored folded key, or what shows of it folded."""
        column, key = self.column(spec), spec.folded(self.alias)
        stored = self.column(spec, spec.fold or key) if key else None
        if stored is not None and stored.sql is not None and column.masked is None:
            return stored.sql
        return f"crm_fold({column.sql})"

    def _raw(self, spec: FieldSpec, stored: str | None) -> str:
        if spec.search and stored == spec.vector:
            if self.table:  # a history keeps no vectors
                return vector_sql(spec, f"{self.alias}.{spec.name}")
            return f"COALESCE({self.alias}.{stored}, ''::tsvector)" if spec.custom else f"{self.alias}.{stored}"
        if spec.sql is None:
            key = spec.folded(self.alias) if spec.custom else None
            return key if key and key == stored else f"{self.alias}.{stored or spec.name}"
        inputs = {name: self._raw(self.spec(name), None) for name in spec.inputs}
        return "(" + spec.sql.format_map({"organization": self.organization, **inputs}) + ")"

    def band(self, category: Category | None) -> Band:
        """The clearance that counts for fields of a category."""
        return self.bands.get(category, self.bands[None])

    def row_clearance(self, category: Category | None = None) -> str:
        """The SQL column with the clearance on the row; asking for it makes its lateral part of `source`."""
        band = self.band(category)
        self.asked.setdefault(band.name, band.on_page if self.shares else band.sql)
        return f"{self.alias}{'' if self.shares else 'k'}.{band.name}"

    def unseen(self, at: Clearances) -> tuple[list[str], list[str]]:
        """The names of the fields that are hidden, and of those that are masked, at these clearances.

        But for proposed ones: what they show as is said on their row, see `proposed.by_unseen`.
        """
        hidden: list[str] = []
        masked: list[str] = []
        for spec in self.specs.values():
            match None if spec.proposed is not None else self.unseen_as(spec, at):
                case "hidden":
                    hidden.append(spec.graphql)
                case "masked":
                    masked.append(spec.graphql)
        return hidden, masked

    def unseen_as(self, spec: FieldSpec, at: Clearances) -> Literal["hidden", "masked"] | None:
        """How a field does not show in full at these clearances; `None` if it does, or is for nobody to read."""
        if spec.read is None or self.about_oneself(spec):
            return None
        reached = at.get(spec.read.category, at[None])
        if spec.read.level <= reached:
            return None
        return "masked" if spec.read.mask and spec.read.level.below() == reached else "hidden"

    def by_clearance(self, text_of: Callable[[Clearances], str]) -> str:
        """SQL that gives one of some constant texts by the clearances on the row."""
        return self._by(list(self.bands.items()), {}, text_of)

    def _by(
        self, bands: list[tuple[Category | None, Band]], at: Clearances, text_of: Callable[[Clearances], str]
    ) -> str:
        if not bands:
            return text_of(at)
        (category, band), *rest = bands
        reached = [level for level in (0, *Level) if band.lowest <= level <= band.highest]
        texts = {level: self._by(rest, {**at, category: level}, text_of) for level in reached}
        if len(set(texts.values())) == 1:
            return next(iter(texts.values()))
        clearance, otherwise = self.row_clearance(category), texts.pop(0, None)
        arms = " ".join(
            f"WHEN {clearance} >= {int(one)} THEN {text}" for one, text in sorted(texts.items(), reverse=True)
        )
        return f"CASE {arms}{'' if otherwise is None else f' ELSE {otherwise}'} END"

    def etag(self) -> str:
        """SQL of the opaque version: of the record's version where the caller reads it, else of what they see of it."""
        of_version = f"md5({self.alias}.id::text || ':' || {self.alias}.version)"
        if self.lowest >= INTERNAL:
            return of_version
        seen = [c.sql for c in map(self.column, self.specs.values()) if c.sql and c.spec.sql is None]
        of_columns = f"md5(ROW({', '.join(seen)})::text)"
        return self.by_clearance(lambda at: of_version if at[None] >= INTERNAL else of_columns)


def shown(column: Column, lens: Lens) -> str:
    """SQL that prints a visible column as its GraphQL scalar."""
    assert column.sql is not None
    if column.spec.kind is kinds.ID:
        return f"'{lens.entity.__prefix__}_' || encode(uuid_send({column.sql}), 'hex')"
    return column.spec.kind.shown.format(column.sql)
