"""Reading a change as far as that goes without the database, into the input of a write statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.actor import Actor
from crm_graph.auth.levels import Level
from crm_graph.db.ids import decode, uuid7
from crm_graph.entity import REGISTRY, Entity
from crm_graph.errors import IdInvalid
from crm_graph.plan.changes import Action, Change, Draft, Outcome, denied, invalid, read_values, with_defaults
from crm_graph.plan.write_access import highest_create
from crm_graph.plan.write_refusals import KEY_COLUMNS, NOT_FOUND, Asked
from crm_graph.plan.write_statement import Shape, may_default_owner


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
    draft = read_values(entity, values, system=system)
    if action in (Action.CREATE, Action.UPSERT):
        return _prepare_new(actor, entity, change, Action(action), row, draft, system=system)
    if draft.errors:
        return Outcome.refused(*draft.errors)
    by_key = change.id is None and change.key is not None
    return _prepare_known(entity, change, action, row, draft, by_key=by_key, system=system)


def _prepare_known(
    entity: type[Entity], change: Change, action: Action, row: UUID, draft: Draft, *, by_key: bool, system: bool
) -> Prepared | Outcome:
    columns = tuple(name for name in entity.__specs__ if name in draft.given)
    fixed = [name for name in columns if _create_only(entity, name) and not system]
    if fixed:
        return Outcome.refused(
            *(
                invalid(f"{s.input} is given when the record is made and stays.", s.input)
                for s in map(entity.__specs__.__getitem__, fixed)
            )
        )
    shape = Shape(change.entity, action, written=columns, by_key=by_key)
    asked = _asked(entity, action, row, draft, columns, (), change, system=system)
    return Prepared(shape, asked, _row(row, draft.values, draft, asked, change))


def _prepare_new(
    actor: Actor, entity: type[Entity], change: Change, action: Action, row: UUID, draft: Draft, *, system: bool
) -> Prepared | Outcome:
    upsert = action is Action.UPSERT
    highest = highest_create(entity, actor.policy)
    if highest is None and not upsert:
        return Outcome.refused(denied())
    full = with_defaults(entity, draft, actor.currency)
    if full.errors:
        return Outcome.refused(*full.errors)
    own, team = entity.__rows__.own, entity.__rows__.team
    makes_own = may_default_owner(entity, actor.policy)
    if own and makes_own and own not in draft.given:
        full.values[own] = actor.user_id
    team_default = bool(team and makes_own and team not in draft.given)
    given = tuple(name for name in entity.__specs__ if name in draft.given)
    inserted = tuple(name for name in entity.__specs__ if name in full.values and not (team_default and name == team))
    settable = tuple(name for name in given if name not in KEY_COLUMNS)
    fixed = tuple(name for name in settable if upsert and not system and _create_only(entity, name))
    written = tuple(name for name in settable if upsert and name not in fixed)
    shape = Shape(change.entity, action, written, inserted, fixed, by_key=upsert, team_default=team_default)
    asked = _asked(entity, action, row, draft, given, fixed, change, system=system)
    return Prepared(shape, asked, _row(row, full.values, draft, asked, change))


def _asked(
    entity: type[Entity],
    action: Action,
    row: UUID,
    draft: Draft,
    columns: Sequence[str],
    fixed: tuple[str, ...],
    change: Change,
    *,
    system: bool,
) -> Asked:
    levelled = {name: _level(entity, name, system=system) for name in columns}
    money = tuple(name for name in columns if entity.__specs__[name].kind is kinds.MONEY)
    return Asked(entity, action, row, levelled, fixed, money, change.if_match)


def _create_only(entity: type[Entity], name: str) -> bool:
    write = entity.__specs__[name].write
    return write is not None and write.create_only


def _level(entity: type[Entity], name: str, *, system: bool) -> Level:
    spec = entity.__specs__[name]
    if spec.write is not None:
        return spec.write.level
    assert system
    assert spec.read is not None
    return spec.read.level


def identity(row: UUID) -> dict[str, object]:
    return {"_id": row, "_audit": uuid7(), "_event": uuid7()}


def _row(row: UUID, values: Mapping[str, object], draft: Draft, asked: Asked, change: Change) -> dict[str, object]:
    """The input of the statement for one row. A hit's external key is known, so it needs no level of its own."""
    found = {
        **identity(row),
        **values,
        "_need": max(asked.on_known.values(), default=0),
        "_match": change.if_match,
        "_currency": draft.currency,
    }
    if change.key is not None:
        found |= {"_source": change.key.source, "_external": change.key.external_id}
    return found
