"""Policies made up by Hypothesis, and what they should show: the interpreter's answer, computed apart from the planner.

A policy here is roles as an organisation could write them: grants by rule, level, categories left out; levels of
fields changed; scopes of a key; and a caller with any relation to the rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from hypothesis import strategies as st

from crm_graph.auth.actor import Actor, ActorKind
from crm_graph.auth.classification import Classification, CustomField, Levels
from crm_graph.auth.grants import Grant
from crm_graph.auth.levels import Category, Level
from crm_graph.auth.policy import resolved
from crm_graph.auth.rows import Rule
from crm_graph.auth.scopes import Scopes, resource
from crm_graph.entity import REGISTRY, backs
from crm_graph.slots import KINDS
from crm_graph.specs import FieldSpec
from tests.access.interpreter import LEVELS, Caller, Field, Granted, Matrix, Row, Rows, fields, read_matrix

ROLE = "generated"
_WRITTEN = read_matrix()
_COLUMNS, _REACHED = _WRITTEN.columns, _WRITTEN.reached
levels = st.sampled_from(Level)


def rules(entity: str) -> list[str]:
    """The rules that can reach a row of an entity."""
    return ["everyone", *(name for name in _COLUMNS.get(entity, {}) if name != "published" or _is_whole(entity))]


def _is_whole(entity: str) -> bool:
    return "published_part" not in _COLUMNS.get(entity, {})


def grants(entity: str) -> st.SearchStrategy[tuple[Grant, ...]]:
    one = st.builds(
        Grant,
        st.sampled_from(rules(entity)).map(Rule),
        levels,
        without=st.frozensets(st.sampled_from(Category), max_size=2),
    )
    return st.lists(one, max_size=3).map(tuple)


LEVELLED = [
    one.coordinate
    for name in REGISTRY
    for one in fields(name)
    if not one.computed and not one.listed and not one.counted and one.name != "id"
]
ENTITIES = tuple(REGISTRY)


SLOTS: Mapping[str, FieldSpec] = {
    slot: FieldSpec(slot, KINDS[kind][0], True, "", None, None, True, True, False, None, None, False)
    for slot, kind in (("custom_text_1", "STRING"), ("custom_number_1", "INT"), ("custom_date_1", "DATE"))
}
"""Those that a case may give names to, on every entity that has them."""
NOBODYS = len(LEVELS)
"""The rank of what has no name: nobody sees it."""
OWN = [(name, slot) for name in ENTITIES if REGISTRY[name].__custom__ for slot in SLOTS]


def own_name(slot: str) -> str:
    return "x" + "".join(part.title() for part in slot.split("_"))


def own_field(entity: str, slot: str, level: Level) -> CustomField:
    kind = {"String": "STRING", "Int": "INT", "Date": "DATE"}[SLOTS[slot].kind.name]
    text = kind == "STRING"
    return CustomField(entity, own_name(slot), kind, slot, "d", level, level, filter=True, sort=True, search=text)


@dataclass(frozen=True)
class Case:
    """A generated policy with its caller, as the application takes it and as the interpreter does."""

    granted: Mapping[str, tuple[Grant, ...]]
    relevelled: Mapping[str, Level]
    scopes: frozenset[str] | None
    caller: Caller
    own: Mapping[tuple[str, str], Level]
    """Fields that the organisation has added, by entity and slot."""

    def actor(self, organization: UUID) -> Actor:
        custom = tuple(own_field(entity, slot, level) for (entity, slot), level in self.own.items())
        classification = Classification.of({n: Levels(read=level) for n, level in self.relevelled.items()}, custom)
        scopes = None if self.scopes is None else Scopes(self.scopes)
        policy = resolved({ROLE: self.granted}, frozenset([ROLE]), scopes, classification)
        who = self.caller
        return Actor(
            organization,
            ActorKind.STAFF,
            policy,
            user_id=who.user,
            team_ids=tuple(sorted(who.teams)),
            partner_id=who.partner,
            customer_id=who.customer,
        )

    def cap(self, entity: str) -> int | None:
        """The rank that scopes leave on an entity; `None`: they do not reach it."""
        if self.scopes is None:
            return len(LEVELS) - 1
        found = [
            LEVELS.index(level.upper())
            for what, _, level in (scope.split(":") for scope in self.scopes)
            if what in ("*", resource(entity))
        ]
        return max(found, default=None)

    def seen(self, rows: Rows) -> "Seen":
        granted = {}
        for entity, given in self.granted.items():
            cap = self.cap(entity)
            if cap is not None:
                granted[ROLE, entity] = [
                    Granted(g.rule.value, min(LEVELS.index(g.read.name), cap), without=frozenset(g.without))
                    for g in given
                ]
        matrix = Matrix(granted, _COLUMNS, _REACHED)
        return Seen(self, Rows(matrix, rows.tables, rows.organization, rows.now))


@dataclass
class Seen:
    """What a case shows of each cell."""

    case: Case
    rows: Rows
    _fields: dict[str, list[Field]] = field(default_factory=dict)

    def fields(self, entity: str) -> list[Field]:
        """The entity's own fields at this organisation's levels."""
        if entity not in self._fields:
            found: dict[str, Field] = {}
            for one in fields(entity):
                if one.listed or one.counted:
                    continue
                level = self.case.relevelled.get(one.coordinate)
                rank = one.rank if level is None else LEVELS.index(level.name)
                if one.computed:
                    inputs = REGISTRY[entity].__specs__[one.column].inputs
                    rank = max(found[name].rank for name in inputs)
                if (summed := REGISTRY[entity].__specs__[one.column].sum_of) is not None:
                    lines = self.fields(backs(entity)[summed.back].entity)
                    rank = max(rank, next(line.rank for line in lines if line.column == summed.field))
                found[one.column] = replace(one, rank=rank, mask=one.mask if rank > 0 else None)
            for slot in SLOTS if REGISTRY[entity].__custom__ else ():
                level = self.case.own.get((entity, slot))
                rank = NOBODYS if level is None else LEVELS.index(level.name)
                found[slot] = Field(entity, own_name(slot), slot, rank)
            self._fields[entity] = list(found.values())
        return self._fields[entity]

    def exists(self, entity: str, row: Row) -> bool:
        return self.rows.clearance(self.case.caller, entity, row) is not None

    def shows(self, one: Field, row: Row) -> str:
        if one.subject and one.rank > self._subject(one.entity):
            one = replace(one, subject=False)
        return self.rows.shows(self.case.caller, one, row)

    def _subject(self, entity: str) -> int:
        """How high the view of oneself reaches: as the scopes let it, on a part also as they let it on the whole."""
        cap = self.case.cap(entity)
        found = -1 if cap is None else cap
        rules = {one.rule for one in self.rows.matrix.lines(ROLE, entity)}
        if rules & {"parent", "published_part"}:
            found = min(found, self._subject(self.rows.matrix.parent(entity)[1]))
        return found


def scopes() -> st.SearchStrategy[frozenset[str] | None]:
    one = st.builds(
        lambda what, level: f"{what}:read:{level.lower()}",
        st.sampled_from(["*", *map(resource, ENTITIES)]),
        st.sampled_from(LEVELS),
    )
    return st.none() | st.none() | st.frozensets(one, min_size=1, max_size=8)


def cases(rows: Rows) -> st.SearchStrategy[Case]:
    """Policies and callers over the rows of a world."""
    own = {
        name: [i for i, r in found.items() if r["organization_id"] == rows.organization]
        for name, found in rows.tables.items()
    }
    callers = st.builds(
        Caller,
        st.just(ROLE),
        st.sampled_from(own["User"]),
        st.frozensets(st.sampled_from(own["Team"]), max_size=4),
        st.none() | st.sampled_from(own["Partner"]),
        st.none() | st.sampled_from(own["Customer"]),
    )
    return st.builds(
        Case,
        st.fixed_dictionaries({}, optional={name: grants(name) for name in ENTITIES}),
        st.dictionaries(st.sampled_from(LEVELLED), levels, max_size=12),
        scopes(),
        callers,
        st.dictionaries(st.sampled_from(OWN), levels, max_size=16),
    )
