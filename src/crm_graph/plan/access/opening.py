"""Opening a lens: from a policy's grants on an entity to the rows that they reach and what they clear on each.

`open_lens` is the only way to a table. Opened `as_set`, the conditions go by columns and by sets of ids, each gathered
once a statement (`IS TRUE` keeps PostgreSQL from making joins of them, which end the order of an index; what goes by
no order is opened `unordered`).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from crm_graph import figures
from crm_graph.auth.grants import Grant
from crm_graph.auth.levels import Category, Level
from crm_graph.auth.policy import Policy
from crm_graph.auth.rows import PARTS, Rule, predicate, share_clearance, shared_ids, shares
from crm_graph.entity import REGISTRY, Entity, table_name
from crm_graph.plan.access.fields import Fields, fields_of, known_fields
from crm_graph.plan.access.lens import Band, Lens
from crm_graph.plan.access.page_shares import among, gathered
from crm_graph.plan.access.parts import Parts
from crm_graph.plan.access.shares import part_of_shared
from crm_graph.plan.sql.parameters import Parameters


def open_lens(
    entity: type[Entity],
    policy: Policy,
    parameters: Parameters,
    alias: str,
    *,
    parent: Lens | None = None,
    table: str = "",
    as_set: bool = False,
    unordered: bool = False,
    shares: str = "TRUE",
) -> Lens | None:
    """The entity through the policy's lens; `None` when no row of it exists for this caller.

    `parent` is the opened lens this one is reached from by the reference that makes it a part of it, so that what
    was decided there is not decided again. `table` names the history to look at instead of the table. `as_set`: the
    same rows and values, in the form for reading many of them; it takes no `parent`. `shares` is SQL that says where
    shares count (`plan/access/shares.py`).
    """
    if policy.beside is not None:
        as_set = False  # what two callers both see makes no few sets
        own, seen = (
            open_lens(entity, one, bound, alias, parent=parent, table=table, as_set=as_set, shares=shares)
            for one, bound in ((replace(policy, beside=None), parameters), (policy.beside, parameters.seen()))
        )
        if own is None or seen is None:
            return None
        parameters.reaches(table or table_name(entity), alias, own.visible, seen.visible)
        return _both(own, seen)
    rules = _Rules(entity, policy, parameters, alias, parent, shares, unordered)
    reached = rules.reached(None)
    if not reached:
        return None
    visible = "TRUE" if any(r.sql == "TRUE" for r in reached) else "(" + " OR ".join(r.sql for r in reached) + ")"
    if as_set and visible != "TRUE":
        visible = _any_of(reached, Level.PUBLIC)
    parameters.reaches(table or table_name(entity), alias, visible)
    figures.reaches(entity, alias, parameters.reaches)
    bands: dict[Category | None, Band] = {None: _band(reached, None)}
    bands |= {category: _band(rules.reached(category), category) for category in left_out(entity, policy)}
    return Lens(
        entity,
        alias,
        parameters.organization,
        visible,
        bands,
        known_fields(fields_of(entity, policy), bands[None].highest),
        subjects=_subjects(rules, [None, *bands]),
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
    categories = dict.fromkeys((*own.bands, *seen.bands))
    bands = {category: _lower(own.band(category), seen.band(category), category) for category in categories}
    return replace(
        own,
        visible=" AND ".join(conditions) or "TRUE",
        bands=bands,
        specs=known_fields(own.specs, bands[None].highest),
        subjects={category: _shown_of_oneself(own, seen, category) for category in categories},
        sparse=own.sparse or seen.sparse,
        asked={},
        rules=(),
    )


def _shown_of_oneself(own: Lens, seen: Lens, category: Category | None) -> Level | None:
    """How much of what somebody sees of themselves is seen by whoever views as them."""
    reach, lowest = seen.subject(category), own.band(category).lowest
    return None if reach is None or lowest == 0 else Level(min(reach, lowest))


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
    if spec is not None and spec.ref and any(g.rule in PARTS for g in policy.on(entity.__name__)):
        found |= {*left_out(REGISTRY[spec.ref.entity], policy)}
    return sorted(found)


def _band(reached: "Sequence[Reached]", category: Category | None) -> Band:
    """The clearance these grants give. Of a category it may be none on rows that others reach."""
    everywhere = max((r.lowest for r in reached if r.sql == "TRUE"), default=None)
    lowest = everywhere if everywhere is not None else 0 if category else min(r.lowest for r in reached)
    highest = max((r.highest for r in reached), default=0)
    sql, on_page = (
        f"greatest({', '.join(clearances)})" if reached else "0"
        for clearances in ([r.clearance for r in reached], [r.on_page or r.clearance for r in reached])
    )

    def above(level: int) -> str:
        return "TRUE" if level <= lowest else _any_of(reached, level)

    return Band(lowest, highest, _name(category), sql, above, on_page)


def _any_of(reached: "Sequence[Reached]", level: int) -> str:
    """The rows that one of the rules clears to a level; sets, which cost more than columns, are asked last."""
    conditions = [r.above(level) for r in sorted(reached, key=lambda r: r.rule is Rule.SHARED) if r.highest >= level]
    return "TRUE" if "TRUE" in conditions else f"({' OR '.join(conditions)})" if conditions else "FALSE"


def _subjects(rules: "_Rules", categories: Iterable[Category | None]) -> dict[Category | None, Level | None]:
    """How high the view of oneself reaches: only where every grant is about oneself, and leaves the category in."""
    found: dict[Category | None, Level | None] = {}
    for category in dict.fromkeys(categories):
        reached = rules.reached(category)
        general = found.get(None) if category is not None else None
        reach = _lowest([r.subject for r in reached]) if reached else None
        found[category] = None if category is not None and general is None else reach
    return found


def _lowest(levels: Sequence[Level | None]) -> Level | None:
    """The lowest of these; `None` if one is missing."""
    known = [level for level in levels if level is not None]
    return min(known) if len(known) == len(levels) else None


@dataclass(frozen=True, slots=True)
class Reached:
    """The rows one grant reaches, and the clearance it gives on them; `above`: as of a `Band`, at most `highest`.

    Of shares that may be gathered for a page (`page_shares.py`): by `gathered`, from its ids, and then `on_page`.
    """

    rule: Rule
    sql: str
    clearance: str
    lowest: int
    highest: int
    above: Callable[[int], str]
    subject: Level | None = None
    on_page: str = ""
    gathered: Callable[[str], str] | None = None
    ids: Callable[[int, int | None], str | None] | None = None
    """Of parts: as `sets.ids` has it, of this rule alone."""


@dataclass(frozen=True, slots=True)
class _Rules:
    entity: type[Entity]
    policy: Policy
    parameters: Parameters
    alias: str
    parent: Lens | None
    shares: str
    unordered: bool

    def reached(self, category: Category | None) -> list[Reached]:
        """What the grants reach that do not leave the category out."""
        granted = [g for g in self.policy.on(self.entity.__name__) if category not in g.without]
        return [r for r in (self._reach(g, category) for g in granted) if r is not None]

    def _reach(self, grant: Grant, category: Category | None) -> Reached | None:
        if grant.rule in PARTS:
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
            held = "" if self.unordered else " IS TRUE"
            if also:
                sql, shared = f"({self.shares} AND {sql})", f"CASE WHEN {self.shares} THEN {shared} END"
            return Reached(
                grant.rule,
                sql,
                shared,
                Level.PUBLIC,
                level,
                lambda at: f"(({self.alias}.id IN ({shared_ids(*of, at)})){held}{also})",
                on_page="" if also else among(f"{self.alias}s", self.alias, level),
                gathered=None if also else lambda ids: gathered(of[0], ids, *of[1:]),
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
        entity = REGISTRY[spec.ref.entity]
        published = f" AND {self.alias}.{rows.published}" if grant.rule is Rule.PUBLISHED_PART else ""

        def wholes(shares: str) -> Lens | None:
            return open_lens(entity, self.policy, self.parameters, f"{self.alias}p", as_set=True, shares=shares)

        parts = Parts(self.entity, self.alias, grant, category, through, published, wholes, self.parameters)
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
        subject = _lowest([whole.subject(category), grant.subject])
        return Reached(grant.rule, sql, clearance, lowest, highest, parts.above, subject, ids=parts.ids)
