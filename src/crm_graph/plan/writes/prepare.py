"""Reading a change as far as that goes without the database, into the input of a write statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from uuid import UUID, uuid4

from crm_graph import kinds
from crm_graph.auth.actor import Actor
from crm_graph.auth.classification import Classification
from crm_graph.auth.default_policy import ADMINISTRATOR
from crm_graph.auth.levels import Level
from crm_graph.auth.rights import Right
from crm_graph.db.ids import decode, uuid7
from crm_graph.entity import REGISTRY, Entity
from crm_graph.errors import IdInvalid
from crm_graph.plan.access.fields import Fields, classified
from crm_graph.plan.access.write_access import highest_create, level_to_write
from crm_graph.plan.changes import Action, Change, Outcome, UserError, denied, invalid
from crm_graph.plan.writes.checks import suffix
from crm_graph.plan.writes.draft import Draft, read_values, with_defaults
from crm_graph.plan.writes.refusals import FIXED, KEY_COLUMNS, NOT_FOUND, Asked
from crm_graph.plan.writes.shape import Shape
from crm_graph.plan.writes.statement import may_default_owner
from crm_graph.specs import FieldSpec


@dataclass(frozen=True, slots=True)
class Prepared:
    """One row, read and checked as far as that goes without the database."""

    shape: Shape
    asked: Asked
    row: dict[str, object]


def prepare(actor: Actor, change: Change, *, system: bool = False) -> Prepared | Outcome:
    """Read a change: everything that can be refused without looking at a row is refused here."""
    entity = REGISTRY[change.entity]
    action, row = change.action, uuid7()
    if change.id is not None:
        try:
            prefix, row = decode(change.id)
        except IdInvalid:
            prefix = ""
        if prefix != entity.__prefix__:
            return Outcome.refused(NOT_FOUND)
        action = Action.UPDATE if action is Action.UPSERT else action
    elif action in (Action.UPDATE, Action.DELETE) and change.key is None:
        return Outcome.refused(NOT_FOUND)
    values = dict(change.values)
    if action is Action.UPSERT:
        if change.key is None:
            return Outcome.refused(invalid("A source and an external id are needed.", "externalId"))
        values |= {"source": change.key.source, "externalId": change.key.external_id}
    draft = read_values(entity, actor.policy.classification, values, system=system)
    draft.errors += _clearing(actor, entity, draft)
    if action in (Action.CREATE, Action.UPSERT):
        return _prepare_new(actor, entity, change, Action(action), row, draft, system=system)
    if draft.errors:
        return Outcome.refused(*draft.errors)
    by_key = change.id is None and change.key is not None
    return _prepare_known(actor, entity, change, action, row, draft, by_key=by_key, system=system)


def _clearing(actor: Actor, entity: type[Entity], draft: Draft) -> list[UserError]:
    """What decides about the clearance of many people is for who writes the policy, and not for themselves.

    Whoever is no administrator puts no team under their own: they would see what that team sees.
    """
    given, specs = [name for name in entity.__rows__.policy if name in draft.given], entity.__specs__
    if ADMINISTRATOR in actor.roles:
        return []
    if Right.POLICY_WRITE in actor.policy.rights:
        given = [name for name in given if draft.values.get(name) in actor.team_ids]
    return [denied(specs[name]) for name in given]


@dataclass(frozen=True, slots=True)
class _Form:
    """What all changes have in common that give the same fields of an entity."""

    shape: Shape
    asked: Asked
    needs: Mapping[str, int]


def _prepare_known(
    actor: Actor,
    entity: type[Entity],
    change: Change,
    action: Action,
    row: UUID,
    draft: Draft,
    *,
    by_key: bool,
    system: bool,
) -> Prepared | Outcome:
    form = _known_form(entity, actor.policy.classification, action, draft.given, by_key, system)
    if form.asked.fixed:
        inputs = [form.asked.spec(name).input for name in form.asked.fixed]
        return Outcome.refused(*(invalid(FIXED, name) for name in inputs))
    return _prepared(form, row, draft.values, draft, change)


@lru_cache(2_000)
def _known_form(
    entity: type[Entity],
    classification: Classification,
    action: Action,
    given: frozenset[str],
    by_key: bool,
    system: bool,
) -> _Form:
    fields = classified(entity, classification)
    columns = tuple(name for name in fields if name in given)
    fixed = tuple(name for name in columns if _create_only(fields[name]) and not system)
    guarded = not system and _frozen(entity, action, columns)
    shape = Shape(entity.__name__, action, written=columns, by_key=by_key, guarded=guarded)
    return _form(fields, shape, columns, fixed, system=system)


def _prepare_new(
    actor: Actor, entity: type[Entity], change: Change, action: Action, row: UUID, draft: Draft, *, system: bool
) -> Prepared | Outcome:
    if highest_create(entity, actor.policy) is None:
        return Outcome.refused(denied())
    full = with_defaults(entity, draft, actor.currency)
    if full.errors:
        return Outcome.refused(*full.errors)
    own = entity.__rows__.own
    makes_own = may_default_owner(entity, actor.policy)
    if own and makes_own and own not in draft.given:
        full.values[own] = actor.user_id
    form = _new_form(
        entity, actor.policy.classification, action, draft.given, frozenset(full.values), makes_own, system
    )
    return _prepared(form, row, full.values, draft, change)


@lru_cache(2_000)
def _new_form(
    entity: type[Entity],
    classification: Classification,
    action: Action,
    given: frozenset[str],
    values: frozenset[str],
    makes_own: bool,
    system: bool,
) -> _Form:
    fields = classified(entity, classification)
    upsert, team = action is Action.UPSERT, entity.__rows__.team
    team_default = bool(team and makes_own and team not in given)
    columns = tuple(name for name in fields if name in given)
    inserted = tuple(name for name in fields if name in values and not (team_default and name == team))
    settable = tuple(name for name in columns if upsert and name not in KEY_COLUMNS)
    fixed = tuple(name for name in settable if not system and _create_only(fields[name]))
    written = tuple(name for name in settable if name not in fixed)
    of_whole = entity.__frozen__ is not None and entity.__frozen__.of is not None
    guarded = (upsert or of_whole) and not system and _frozen(entity, action, columns if of_whole else written)
    shape = Shape(
        entity.__name__, action, written, inserted, fixed, by_key=upsert, team_default=team_default, guarded=guarded
    )
    return _form(fields, shape, columns, fixed, system=system)


def _frozen(entity: type[Entity], action: Action, columns: Sequence[str]) -> bool:
    """Whether frozen rows of the entity refuse a write of these columns."""
    frozen = entity.__frozen__
    return frozen is not None and (action is Action.DELETE or not set(columns) <= set(frozen.but))


def _form(fields: Fields, shape: Shape, columns: Sequence[str], fixed: tuple[str, ...], *, system: bool) -> _Form:
    levelled = {name: _level(fields[name], system=system) for name in columns}
    money = tuple(name for name in columns if fields[name].kind is kinds.MONEY)
    asked = Asked(REGISTRY[shape.entity], fields, shape.action, levelled, fixed, money)
    return _Form(shape, asked, needs(fields, asked.on_known))


def needs(fields: Fields, levelled: Mapping[str, Level]) -> dict[str, int]:
    """The levels that writing these fields needs: the highest of all, and the highest of each category."""
    found: dict[str, int] = {"_need": max(levelled.values(), default=0)}
    for name, level in levelled.items():
        read = fields[name].read
        if read is not None and read.category is not None:
            key = f"_need{suffix(read.category)}"
            found[key] = max(found.get(key, 0), level)
    return found


def _create_only(spec: FieldSpec) -> bool:
    return spec.write is not None and spec.write.create_only


def _level(spec: FieldSpec, *, system: bool) -> Level:
    if spec.write is not None:
        return level_to_write(spec)
    assert system
    assert spec.read is not None
    return spec.read.level


def identity(row: UUID) -> dict[str, object]:
    """The ids that writing a row needs: its own, of its audit entry and of its event."""
    return {"_id": row, "_audit": uuid7(), "_event": uuid7()}


def _prepared(form: _Form, row: UUID, values: Mapping[str, object], draft: Draft, change: Change) -> Prepared:
    found = {
        **identity(row),
        **values,
        **form.needs,
        "_match": change.if_match,
        "_currency": draft.currency,
    }
    if change.key is not None:
        found |= {"_source": change.key.source, "_external": change.key.external_id}
    asked = form.asked if change.if_match is None else replace(form.asked, if_match=change.if_match)
    return Prepared(form.shape, asked, found)


def with_free_keys(prepared: Prepared, *, as_new: bool) -> Prepared:
    """The same write with keys that nobody has; `as_new`: what was to be found by its key is then made."""
    shape, asked = prepared.shape, prepared.asked
    if as_new:
        shape, asked = replace(shape, action=Action.CREATE, by_key=False), replace(asked, action=Action.CREATE)
    keys = [name for name in shape.columns if asked.spec(name).unique and not asked.spec(name).ref]
    if shape.action is Action.CREATE:
        keys.append("external_id")
    free = {name: uuid4().hex for name in keys if prepared.row.get(name) is not None}
    return Prepared(shape, asked, {**prepared.row, **free})
