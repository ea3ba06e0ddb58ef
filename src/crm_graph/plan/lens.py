"""The lens: a table as one caller sees it. Every SQL that reads an entity gets it here, and nowhere else.

`open_lens` gives the rows the caller's grants reach, with the organisation bound, and columns as the caller may see
them: plain, `NULL`, masked, or, where clearance differs from row to row, a CASE over a clearance that a fenced
lateral computes once a row (inlined it would be computed once a column; see the measurements in ARCHITECTURE.md).
Opened `as_set`, for reading many rows of which little is shown (counts, groups, orders), the clearance is not computed
but asked for by conditions that go by columns and by sets of shared ids, each gathered once a statement (`IS TRUE`
keeps PostgreSQL from making joins of them, which end the order of an index).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from crm_graph import kinds
from crm_graph.auth.grants import Grant
from crm_graph.auth.levels import INTERNAL, Category, Level
from crm_graph.auth.policy import Policy
from crm_graph.auth.rows import Rule, predicate, share_clearance, shared_ids, shares
from crm_graph.entity import REGISTRY, Entity, table_name
from crm_graph.plan.fields import Fields, fields_of, known_fields
from crm_graph.plan.parameters import Parameters
from crm_graph.plan.proposed import proposed_value
from crm_graph.plan.shares import part_of_shared
from crm_graph.specs import FieldSpec
from crm_graph.tables import vector_sql

_PARTS = (Rule.PARENT, Rule.PUBLISHED_PART)


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
    subject: Level | None = None
    table: str = ""
    sparse: bool = False
    asked: dict[str, str] = field(default_factory=dict)
    """The clearances that vary and were asked for, by the name of their column."""
    as_set: bool = False
    rules: "tuple[Reached, ...]" = ()
    """What the caller's grants reach, one by one; empty where rows must be seen by two callers."""

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
        if not self.asked:
            return ""
        columns = ", ".join(f"{sql} AS {name}" for name, sql in self.asked.items())
        return f" CROSS JOIN LATERAL (SELECT {columns} OFFSET 0) {self.alias}k"

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
        masked = f"{mask.value}({raw})" if mask and below and below <= band.highest else None
        if level > band.highest:
            if masked is None or below is None:
                return Column(spec, None)
            if below <= band.lowest:
                return Column(spec, masked)
        arms = f"WHEN {self.clears(spec, level)} THEN {raw}" if level <= band.highest else ""
        if masked and below:
            arms += f" WHEN {self.clears(spec, below)} THEN {masked}"
        gate = self.clears(spec, below if masked and below else level) if self.as_set else None
        return Column(spec, f"CASE {arms.strip()} END", raw if level <= band.highest else masked, masked, gate)

    def clears(self, spec: FieldSpec, level: int) -> str:
        """SQL that is true on the rows whose clearance, as it counts for a field, is `level` or more."""
        category = spec.read.category if spec.read else None
        if self.as_set:
            return self.band(category).above(level)
        return f"{self.row_clearance(category)} >= {int(level)}"

    def about_oneself(self, spec: FieldSpec) -> bool:
        """Whether the caller sees the field because every row of the lens is about them."""
        return bool(self.subject and spec.read and spec.read.subject and spec.read.level <= self.subject)

    def folded(self, spec: FieldSpec) -> str:
        """SQL of a visible text as it is compared and ordered: the stored folded key, or what shows of it folded."""
        column, key = self.column(spec), spec.folded(self.alias)
        stored = self.column(spec, spec.fold or key) if key else None
        if stored is not None and stored.sql is not None and column.masked is None:
            return stored.sql
        return f"crm_fold({column.sql})"

    def _raw(self, spec: FieldSpec, stored: str | None) -> str:
        if self.table and spec.search and stored == spec.vector:  # a history keeps no vectors
            return vector_sql(spec, f"{self.alias}.{spec.name}")
        if spec.sql is None:
            return stored if stored and spec.custom else f"{self.alias}.{stored or spec.name}"
        return "(" + spec.sql.format_map({name: self._raw(self.spec(name), None) for name in spec.inputs}) + ")"

    def band(self, category: Category | None) -> Band:
        """The clearance that counts for fields of a category."""
        return self.bands.get(category, self.bands[None])

    def row_clearance(self, category: Category | None = None) -> str:
        """The SQL column with the clearance on the row; asking for it makes its lateral part of `source`."""
        band = self.band(category)
        self.asked.setdefault(band.name, band.sql)
        return f"{self.alias}k.{band.name}"

    def unseen(self, at: Clearances) -> tuple[list[str], list[str]]:
        """The names of the fields that are hidden, and of those that are masked, at these clearances."""
        hidden: list[str] = []
        masked: list[str] = []
        for spec in self.specs.values():
            if spec.read is None or spec.proposed is not None or self.about_oneself(spec):
                continue
            reached = at.get(spec.read.category, at[None])
            if spec.read.level > reached:
                (masked if spec.read.mask and spec.read.level.below() == reached else hidden).append(spec.graphql)
        return hidden, masked

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


def open_lens(
    entity: type[Entity],
    policy: Policy,
    parameters: Parameters,
    alias: str,
    *,
    parent: Lens | None = None,
    table: str = "",
    as_set: bool = False,
    shares: str = "TRUE",
) -> Lens | None:
    """The entity through the policy's lens; `None` when no row of it exists for this caller.

    `parent` is the opened lens this one is reached from by the reference that makes it a part of it, so that what
    was decided there is not decided again. `table` names the history to look at instead of the table. `as_set`: the
    same rows and values, in the form for reading many of them; it takes no `parent`. `shares` is SQL that says where
    shares count (`plan/shares.py`).
    """
    if policy.beside is not None:
        own, seen = (
            open_lens(entity, one, bound, alias, parent=parent, table=table, as_set=as_set, shares=shares)
            for one, bound in ((replace(policy, beside=None), parameters), (policy.beside, parameters.seen()))
        )
        if own is None or seen is None:
            return None
        parameters.reaches(table or table_name(entity), alias, own.visible, seen.visible)
        return _both(own, seen)
    rules = _Rules(entity, policy, parameters, alias, parent, shares)
    reached = rules.reached(None)
    if not reached:
        return None
    visible = "TRUE" if any(r.sql == "TRUE" for r in reached) else "(" + " OR ".join(r.sql for r in reached) + ")"
    if as_set and visible != "TRUE":
        visible = _any([r.above(Level.PUBLIC) for r in reached])
    parameters.reaches(table or table_name(entity), alias, visible)
    bands: dict[Category | None, Band] = {None: _band(reached, None)}
    bands |= {category: _band(rules.reached(category), category) for category in left_out(entity, policy)}
    return Lens(
        entity,
        alias,
        parameters.organization,
        visible,
        bands,
        known_fields(fields_of(entity, policy), bands[None].highest),
        subject=_lowest([r.subject for r in reached]),
        table=table,
        sparse=visible != "TRUE",
        as_set=as_set,
        rules=tuple(reached),
    )


def fields_known(entity: type[Entity], policy: Policy) -> Fields:
    """The entity's fields by name as callers of this policy know them; none where they see no row of it."""
    lens = open_lens(entity, policy, Parameters(), "t")
    return {} if lens is None else lens.specs


def _both(own: Lens, seen: Lens) -> Lens:
    """What two callers see who must both see it."""
    conditions = [lens.visible for lens in (own, seen) if lens.visible != "TRUE"]
    subject = None if seen.subject is None or own.lowest == 0 else Level(min(seen.subject, own.lowest))
    categories = dict.fromkeys((*own.bands, *seen.bands))
    bands = {category: _lower(own.band(category), seen.band(category), category) for category in categories}
    return replace(
        own,
        visible=" AND ".join(conditions) or "TRUE",
        bands=bands,
        specs=known_fields(own.specs, bands[None].highest),
        subject=subject,
        sparse=own.sparse or seen.sparse,
        asked={},
        rules=(),
    )


def _lower(one: Band, other: Band, category: Category | None) -> Band:
    lowest, highest = min(one.lowest, other.lowest), min(one.highest, other.highest)
    left, right = (str(int(b.lowest)) if b.lowest == b.highest else b.sql for b in (one, other))
    # least() ignores nulls, and no clearance of one is none of both
    sql = f"CASE WHEN {left} IS NOT NULL AND {right} IS NOT NULL THEN least({left}, {right}) END"
    return Band(lowest, highest, _name(category), sql, lambda at: f"({one.above(at)} AND {other.above(at)})")


def _name(category: Category | None) -> str:
    return "cl" if category is None else f"cl_{category.value}"


def left_out(entity: type[Entity], policy: Policy) -> list[Category]:
    """The categories that a grant on the entity, or on what it is part of, leaves out."""
    found = {category for grant in policy.on(entity.__name__) for category in grant.without}
    spec = entity.__specs__.get(entity.__rows__.parent or "")
    if spec is not None and spec.ref and any(g.rule in _PARTS for g in policy.on(entity.__name__)):
        found |= {*left_out(REGISTRY[spec.ref.entity], policy)}
    return sorted(found)


def _band(reached: "Sequence[Reached]", category: Category | None) -> Band:
    """The clearance these grants give. Of a category it may be none on rows that others reach."""
    everywhere = max((r.lowest for r in reached if r.sql == "TRUE"), default=None)
    lowest = everywhere if everywhere is not None else 0 if category else min(r.lowest for r in reached)
    highest = max((r.highest for r in reached), default=0)
    sql = f"greatest({', '.join(r.clearance for r in reached)})" if reached else "0"

    def above(level: int) -> str:
        return "TRUE" if level <= lowest else _any([r.above(level) for r in reached if r.highest >= level])

    return Band(lowest, highest, _name(category), sql, above)


def _any(conditions: Sequence[str]) -> str:
    return "TRUE" if "TRUE" in conditions else f"({' OR '.join(conditions)})" if conditions else "FALSE"


def _lowest(levels: Sequence[Level | None]) -> Level | None:
    """The lowest of these; `None` if one is missing."""
    known = [level for level in levels if level is not None]
    return min(known) if len(known) == len(levels) else None


@dataclass(frozen=True, slots=True)
class Reached:
    """The rows one grant reaches, and the clearance it gives on them; `above`: as of a `Band`, at most `highest`."""

    rule: Rule
    sql: str
    clearance: str
    lowest: int
    highest: int
    above: Callable[[int], str]
    subject: Level | None = None


@dataclass(frozen=True, slots=True)
class _Rules:
    entity: type[Entity]
    policy: Policy
    parameters: Parameters
    alias: str
    parent: Lens | None
    shares: str

    def reached(self, category: Category | None) -> list[Reached]:
        """What the grants reach that do not leave the category out."""
        granted = [g for g in self.policy.on(self.entity.__name__) if category not in g.without]
        return [r for r in (self._reach(g, category) for g in granted) if r is not None]

    def _reach(self, grant: Grant, category: Category | None) -> Reached | None:
        if grant.rule in _PARTS:
            return self._part(grant, category)
        rows, level = self.entity.__rows__, grant.read
        sql = predicate(
            grant.rule, rows, table_name(self.entity), self.alias, self.parameters.organization, self.parameters.actor
        )
        if sql is None:
            return None
        subject = grant.subject if grant.rule is Rule.SELF else None
        if grant.rule is Rule.SHARED:
            self.parameters.reaches(*shares(table_name(self.entity)))
            shared = share_clearance(
                table_name(self.entity), self.alias, self.parameters.organization, self.parameters.actor, level
            )
            if self.shares == "FALSE":
                return None
            of = (table_name(self.entity), self.parameters.organization, self.parameters.actor)
            also = "" if self.shares == "TRUE" else f" AND {self.shares}"
            if also:
                sql, shared = f"({self.shares} AND {sql})", f"CASE WHEN {self.shares} THEN {shared} END"
            return Reached(
                grant.rule,
                sql,
                shared,
                Level.PUBLIC,
                level,
                lambda at: f"(({self.alias}.id IN ({shared_ids(*of, at)})) IS TRUE{also})",
            )
        clearance = str(level.value) if sql == "TRUE" else f"CASE WHEN {sql} THEN {level.value} END"
        return Reached(grant.rule, sql, clearance, level, level, lambda _at: sql, subject)

    def _part(self, grant: Grant, category: Category | None) -> Reached | None:
        """A part is seen as its whole is, up to the grant's level."""
        rows = self.entity.__rows__
        if rows.parent is None:
            return None
        spec = self.entity.__specs__[rows.parent]
        assert spec.ref is not None
        through = part_of_shared(self.entity, self.policy, self.parameters, self.alias)
        given = self.parent if through == "TRUE" else None
        whole = given or open_lens(
            REGISTRY[spec.ref.entity], self.policy, self.parameters, f"{self.alias}p", shares=through
        )
        if whole is None:
            return None
        band = whole.band(category)
        if band.highest == 0:
            return None
        # what is marked for the subject is not capped by the grant's level, but by how high the view of oneself reaches
        lowest, highest = min(grant.read, band.lowest), min(grant.read, band.highest)
        level = str(int(lowest))
        if lowest < highest:
            above = whole.row_clearance(category)
            level = f"least({grant.read.value}, {above})"
            if band.lowest == 0:  # least() ignores nulls, and no clearance on the whole is none on the part
                level = f"CASE WHEN {above} IS NOT NULL THEN {level} END"
        entity, column = REGISTRY[spec.ref.entity], f"{self.alias}.{rows.parent}"
        published = f" AND {self.alias}.{rows.published}" if grant.rule is Rule.PUBLISHED_PART else ""

        def of_wholes(at: int, shares: str) -> str:
            many = open_lens(entity, self.policy, self.parameters, f"{self.alias}p", as_set=True, shares=shares)
            if many is None or many.band(category).highest < at:
                return "FALSE"
            cleared = f"{many.where()} AND {many.band(category).above(at)}"
            return f"({column} IN (SELECT {many.alias}.id FROM {many.source()} WHERE {cleared})) IS TRUE"

        def by_sets(at: int) -> str:
            if through in ("TRUE", "FALSE"):
                return f"({of_wholes(at, through)}{published})"
            # two sets that know nothing of the part, so that each is gathered once
            either = f"({through} AND {of_wholes(at, 'TRUE')}) OR {of_wholes(at, 'FALSE')}"
            return f"(({either}){published})"

        if given is not None:
            sql, clearance = "TRUE", level
        else:
            link = f"{whole.alias}.id = {self.alias}.{rows.parent}"
            inner = f"FROM {whole.source()} WHERE {whole.where()} AND {link}"
            everything = whole.visible == "TRUE" and not spec.nullable
            sql = (
                "TRUE"
                if everything
                else f"{self.alias}.{rows.parent} IS NOT NULL"
                if whole.visible == "TRUE"
                else f"EXISTS (SELECT 1 {inner})"
            )
            clearance = f"(SELECT {level} {inner})" if lowest < highest else f"CASE WHEN {sql} THEN {level} END"
        if grant.rule is Rule.PUBLISHED_PART:
            sql = f"({sql} AND {self.alias}.{rows.published})"
            clearance = f"CASE WHEN {self.alias}.{rows.published} THEN {clearance} END"
        subject = _lowest([whole.subject, grant.subject])
        return Reached(grant.rule, sql, clearance, lowest, highest, by_sets, subject)


def shown(column: Column, lens: Lens) -> str:
    """SQL that prints a visible column as its GraphQL scalar."""
    assert column.sql is not None
    if column.spec.kind is kinds.ID:
        return f"'{lens.entity.__prefix__}_' || encode(uuid_send({column.sql}), 'hex')"
    return column.spec.kind.shown.format(column.sql)
