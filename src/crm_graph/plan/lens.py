"""The lens: a table as one caller sees it. Every SQL that reads an entity gets it here, and nowhere else.

`open_lens` gives the rows the caller's grants reach, with the organisation bound, and columns as the caller may see
them: plain, `NULL`, masked, or, where clearance differs from row to row, a CASE over a clearance that a fenced
lateral computes once a row (inlined it would be computed once a column; see the measurements in ARCHITECTURE.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from crm_graph import kinds
from crm_graph.auth.grants import Grant
from crm_graph.auth.levels import INTERNAL, Level
from crm_graph.auth.policy import Policy
from crm_graph.auth.rows import Rule, predicate, share_clearance
from crm_graph.entity import REGISTRY, Entity, table_name
from crm_graph.plan.parameters import Parameters
from crm_graph.specs import FieldSpec

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

    @property
    def varies(self) -> bool:
        return self.raw is not None

    def leads_to(self, row: str) -> str:
        """SQL that is true where this reference leads to `row`; where it varies, also on what an index can serve."""
        return f"{self.raw} = {row} AND {self.sql} = {row}" if self.varies else f"{self.sql} = {row}"


@dataclass(slots=True)
class Lens:
    """One opened table. `clearance` is a level, or the name of the SQL column that holds it row by row."""

    entity: type[Entity]
    alias: str
    organization: str
    visible: str
    lowest: Level
    highest: Level
    subject: Level | None = None
    clearance: str | None = None
    lateral: str = ""
    table: str = ""
    sparse: bool = False
    fenced: bool = field(default=False)

    def source(self) -> str:
        """What goes into FROM; call it after the columns were taken: only they tell whether the lateral is needed."""
        return f"{self.table or table_name(self.entity)} {self.alias}{self.lateral if self.fenced else ''}"

    def where(self) -> str:
        """What goes into WHERE: the organisation and the rows the caller sees."""
        bound = f"{self.alias}.organization_id = {self.organization}"
        return bound if self.visible == "TRUE" else f"{bound} AND {self.visible}"

    def spec(self, name: str) -> FieldSpec:
        return self.entity.__specs__[name]

    def column(self, spec: FieldSpec, stored: str | None = None) -> Column:
        """The field as the caller sees it; `stored` names a key kept beside it (its folded form) to take instead."""
        if spec.read is None:
            return Column(spec, None)
        level, mask = spec.read.level, None if stored else spec.read.mask
        raw = self._raw(spec, stored)
        if level <= self.lowest or self.about_oneself(spec):
            return Column(spec, raw)
        below = level.below()
        masked = f"{mask.value}({raw})" if mask and below and below <= self.highest else None
        if level > self.highest:
            if masked is None or below is None:
                return Column(spec, None)
            if below <= self.lowest:
                return Column(spec, masked)
        clearance = self.row_clearance()
        arms = f"WHEN {clearance} >= {level.value} THEN {raw}" if level <= self.highest else ""
        if masked and below:
            arms += f" WHEN {clearance} >= {below.value} THEN {masked}"
        return Column(spec, f"CASE {arms.strip()} END", raw if level <= self.highest else masked, masked)

    def about_oneself(self, spec: FieldSpec) -> bool:
        """Whether the caller sees the field because every row of the lens is about them."""
        return bool(self.subject and spec.read and spec.read.subject and spec.read.level <= self.subject)

    def folded(self, spec: FieldSpec) -> str:
        """SQL of a visible text as it is compared and ordered: the stored folded key, or what shows of it folded."""
        column, stored = self.column(spec), self.column(spec, spec.fold) if spec.fold else None
        if stored is not None and stored.sql is not None and column.masked is None:
            return stored.sql
        return f"crm_fold({column.sql})"

    def _raw(self, spec: FieldSpec, stored: str | None) -> str:
        if spec.sql is None:
            return f"{self.alias}.{stored or spec.name}"
        return "(" + spec.sql.format_map({name: self._raw(self.spec(name), None) for name in spec.inputs}) + ")"

    def row_clearance(self) -> str:
        """The SQL column with the clearance on the row; asking for it makes the lateral part of `source`."""
        assert self.clearance is not None, "a lens with one level needs no clearance"
        self.fenced = True
        return self.clearance

    def hidden_by_level(self) -> dict[Level, tuple[list[str], list[str]]]:
        """For each level a row may be seen at: the names of its hidden and of its masked fields."""
        found: dict[Level, tuple[list[str], list[str]]] = {}
        for level in Level:
            if not self.lowest <= level <= self.highest:
                continue
            hidden: list[str] = []
            masked: list[str] = []
            for spec in self.entity.__specs__.values():
                if spec.read is None or spec.read.level <= level or self.about_oneself(spec):
                    continue
                (masked if spec.read.mask and spec.read.level.below() == level else hidden).append(spec.graphql)
            found[level] = (hidden, masked)
        return found

    def by_level(self, texts: dict[Level, str]) -> str:
        """SQL that gives one of some constant texts by the row's clearance."""
        if len(set(texts.values())) == 1:
            return next(iter(texts.values()))
        clearance = self.row_clearance()
        arms = " ".join(
            f"WHEN {clearance} >= {level.value} THEN {text}" for level, text in sorted(texts.items(), reverse=True)
        )
        return f"CASE {arms} END"

    def etag(self) -> str:
        """SQL of the opaque version: of the record's version where the caller reads it, else of what they see of it."""
        of_version = f"md5({self.alias}.id::text || ':' || {self.alias}.version)"
        if self.lowest >= INTERNAL:
            return of_version
        seen = [c.sql for c in map(self.column, self.entity.__specs__.values()) if c.sql and c.spec.sql is None]
        of_columns = f"md5(ROW({', '.join(seen)})::text)"
        return self.by_level({lvl: of_version if lvl >= INTERNAL else of_columns for lvl in self.hidden_by_level()})


def open_lens(
    entity: type[Entity],
    policy: Policy,
    parameters: Parameters,
    alias: str,
    *,
    parent: Lens | None = None,
    table: str = "",
) -> Lens | None:
    """The entity through the policy's lens; `None` when no row of it exists for this caller.

    `parent` is the opened lens this one is reached from by the reference that makes it a part of it, so that what
    was decided there is not decided again. `table` names the history to look at instead of the table.
    """
    rules = _Rules(entity, policy, parameters, alias, parent)
    reached = [r for r in map(rules.reach, policy.on(entity.__name__)) if r is not None]
    if not reached:
        return None
    visible = "TRUE" if any(r.sql == "TRUE" for r in reached) else "(" + " OR ".join(r.sql for r in reached) + ")"
    everywhere = max((r.lowest for r in reached if r.sql == "TRUE"), default=None)
    lens = Lens(
        entity,
        alias,
        parameters.organization,
        visible,
        lowest=everywhere if everywhere is not None else min(r.lowest for r in reached),
        highest=max(r.highest for r in reached),
        subject=_lowest([r.subject for r in reached]),
        table=table,
        sparse=visible != "TRUE",
    )
    if lens.lowest < lens.highest:
        lens.clearance = f"{alias}k.cl"
        lens.lateral = (
            f" CROSS JOIN LATERAL (SELECT greatest({', '.join(r.clearance for r in reached)}) AS cl OFFSET 0) {alias}k"
        )
    return lens


def _lowest(levels: Sequence[Level | None]) -> Level | None:
    """The lowest of these; `None` if one is missing."""
    known = [level for level in levels if level is not None]
    return min(known) if len(known) == len(levels) else None


@dataclass(frozen=True, slots=True)
class _Reached:
    """The rows one grant reaches, and the clearance it gives on them."""

    sql: str
    clearance: str
    lowest: Level
    highest: Level
    subject: Level | None = None


@dataclass(frozen=True, slots=True)
class _Rules:
    entity: type[Entity]
    policy: Policy
    parameters: Parameters
    alias: str
    parent: Lens | None

    def reach(self, grant: Grant) -> _Reached | None:
        if grant.rule in _PARTS:
            return self._part(grant)
        rows, level = self.entity.__rows__, grant.read
        sql = predicate(
            grant.rule, rows, table_name(self.entity), self.alias, self.parameters.organization, self.parameters.actor
        )
        if sql is None:
            return None
        subject = grant.subject if grant.rule is Rule.SELF else None
        if grant.rule is Rule.SHARED:
            shared = share_clearance(
                table_name(self.entity), self.alias, self.parameters.organization, self.parameters.actor, level
            )
            return _Reached(sql, shared, Level.PUBLIC, level)
        clearance = str(level.value) if sql == "TRUE" else f"CASE WHEN {sql} THEN {level.value} END"
        return _Reached(sql, clearance, level, level, subject)

    def _part(self, grant: Grant) -> _Reached | None:
        """A part is seen as its whole is, up to the grant's level."""
        rows = self.entity.__rows__
        if rows.parent is None:
            return None
        spec = self.entity.__specs__[rows.parent]
        assert spec.ref is not None
        whole = self.parent or open_lens(REGISTRY[spec.ref.entity], self.policy, self.parameters, f"{self.alias}p")
        if whole is None:
            return None
        # what is marked for the subject is not capped by the grant's level, but by how high the view of oneself reaches
        lowest, highest = min(grant.read, whole.lowest), min(grant.read, whole.highest)
        if self.parent is not None:
            sql, clearance = (
                "TRUE",
                f"least({grant.read.value}, {whole.row_clearance() if lowest < highest else lowest.value})",
            )
        else:
            link = f"{whole.alias}.id = {self.alias}.{rows.parent}"
            level = f"least({grant.read.value}, {whole.row_clearance()})" if lowest < highest else str(lowest.value)
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
        return _Reached(sql, clearance, lowest, highest, _lowest([whole.subject, grant.subject]))


def shown(column: Column, lens: Lens) -> str:
    """SQL that prints a visible column as its GraphQL scalar."""
    assert column.sql is not None
    if column.spec.kind is kinds.ID:
        return f"'{lens.entity.__prefix__}_' || encode(uuid_send({column.sql}), 'hex')"
    return column.spec.kind.shown.format(column.sql)
