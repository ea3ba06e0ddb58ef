"""Writing rows: check, row, audit entry and event in one statement of the caller's transaction, or nothing at all.

    outcome = await write(tx, actor, Change("Customer", Action.UPDATE, id="cus_…", values={"creditLimit": …}))

Flush the session before: the statement is sent past SQLAlchemy, in a savepoint of the same transaction. What a caller
can mend comes back as `outcome.errors`; `RETRYABLE` errors are for whoever began the transaction to try it again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import orjson

from crm_graph import kinds
from crm_graph.auth.actor import Actor
from crm_graph.auth.levels import Level
from crm_graph.db.ids import decode, uuid7
from crm_graph.db.session import Transaction
from crm_graph.entity import REGISTRY, Entity
from crm_graph.errors import IdInvalid
from crm_graph.plan.changes import (
    Action,
    Change,
    Draft,
    Effect,
    ExternalKey,
    Outcome,
    denied,
    invalid,
    key_taken,
    read_values,
    with_defaults,
)
from crm_graph.plan.idempotency import claim, remember
from crm_graph.plan.write_access import highest_create
from crm_graph.plan.write_refusals import KEY_COLUMNS, NOT_FOUND, Asked, from_database, judge
from crm_graph.plan.write_statement import Shape, may_default_owner, statement

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Prepared:
    """One row, read and checked as far as that goes without the database."""

    shape: Shape
    asked: Asked
    row: dict[str, object]


async def write(tx: Transaction, actor: Actor, change: Change, *, request_id: str | None = None) -> Outcome:
    """Make one change. A repeated idempotency key gives the first outcome's row and effect, to be read anew."""
    prepared = prepare(actor, change)
    connection = await tx.raw()
    if change.idempotency_key is None:
        if isinstance(prepared, Outcome):
            return prepared
        return (await _run(connection, actor, [prepared], request_id))[0]
    savepoint = connection.transaction()
    await savepoint.start()
    try:
        outcome = await _once(connection, actor, change, prepared, request_id)
    except BaseException:
        await savepoint.rollback()
        raise
    await (savepoint.rollback() if outcome.effect is Effect.REFUSED else savepoint.commit())
    return outcome


async def _once(
    connection: "asyncpg.Connection[asyncpg.Record]",
    actor: Actor,
    change: Change,
    prepared: Prepared | Outcome,
    request_id: str | None,
) -> Outcome:
    answered = await claim(connection, actor, change)
    if answered is not None:
        return answered
    if isinstance(prepared, Outcome):
        return prepared
    outcome = (await _run(connection, actor, [prepared], request_id))[0]
    await remember(connection, actor, change, outcome)
    return outcome


async def write_rows(
    tx: Transaction,
    actor: Actor,
    entity: str,
    rows: Sequence[tuple[ExternalKey, Mapping[str, object]]],
    *,
    system: bool = True,
    request_id: str | None = None,
) -> list[Outcome]:
    """Upsert many rows of one entity by external key, in one statement for each set of fields; outcomes in order.

    Values are by input name. With `system`, as an import needs it, the caller also sets fields that only our own
    behaviour sets otherwise (an opportunity's status) and that are fixed later, at the field's read level.
    """
    outcomes: list[Outcome | None] = [None] * len(rows)
    groups: dict[Shape, list[tuple[int, Prepared]]] = {}
    seen: set[ExternalKey] = set()
    for position, (key, values) in enumerate(rows):
        prepared = prepare(actor, Change(entity, Action.UPSERT, key=key, values=values), system=system)
        if isinstance(prepared, Prepared) and key in seen:
            prepared = Outcome.refused(key_taken("externalId"))
        seen.add(key)
        if isinstance(prepared, Outcome):
            outcomes[position] = prepared
        else:
            groups.setdefault(prepared.shape, []).append((position, prepared))
    connection = await tx.raw()
    for group in groups.values():
        found = await _run(connection, actor, [prepared for _, prepared in group], request_id)
        for (position, _), outcome in zip(group, found, strict=True):
            outcomes[position] = outcome
    return [outcome for outcome in outcomes if outcome is not None]


async def update_fields(
    tx: Transaction,
    actor: Actor,
    entity: str,
    row: UUID,
    values: Mapping[str, object],
    event: str,
    *,
    needs: Level | None = None,
    if_match: str | None = None,
    request_id: str | None = None,
) -> Outcome:
    """The writing part of a mutation of our own: set columns, whoever may write them, with audit and one `event`.

    `needs` is the clearance the caller must have for writing on the row; `None` when that has been decided before.
    """
    cls = REGISTRY[entity]
    columns = tuple(values)
    shape = Shape(entity, Action.UPDATE, written=columns, trusted=needs is None)
    levelled = {} if needs is None else dict.fromkeys(columns, needs)
    asked = Asked(cls, Action.UPDATE, row, levelled, if_match=if_match, trusted=needs is None)
    prepared = Prepared(shape, asked, {**_identity(row), **values, "_need": needs or 0, "_match": if_match})
    return (await _run(await tx.raw(), actor, [prepared], request_id, event))[0]


async def insert_fields(
    tx: Transaction,
    actor: Actor,
    entity: str,
    values: Mapping[str, object],
    *,
    event: str | None = None,
    request_id: str | None = None,
) -> Outcome:
    """The writing part of a mutation of our own: a new row, whoever may make it, with audit and an event."""
    cls = REGISTRY[entity]
    draft = with_defaults(cls, Draft(dict(values), frozenset(values)), actor.currency)
    if draft.errors:
        return Outcome.refused(*draft.errors)
    row = uuid7()
    prepared = Prepared(
        Shape(entity, Action.CREATE, inserted=tuple(draft.values), trusted=True),
        Asked(cls, Action.CREATE, row, {}, trusted=True),
        {**_identity(row), **draft.values},
    )
    return (await _run(await tx.raw(), actor, [prepared], request_id, event))[0]


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


def _identity(row: UUID) -> dict[str, object]:
    return {"_id": row, "_audit": uuid7(), "_event": uuid7()}


def _row(row: UUID, values: Mapping[str, object], draft: Draft, asked: Asked, change: Change) -> dict[str, object]:
    """The input of the statement for one row. A hit's external key is known, so it needs no level of its own."""
    found = {
        **_identity(row),
        **values,
        "_need": max(asked.on_known.values(), default=0),
        "_match": change.if_match,
        "_currency": draft.currency,
    }
    if change.key is not None:
        found |= {"_source": change.key.source, "_external": change.key.external_id}
    return found


class _Undone(Exception):
    """Some rows were written that the caller may not write: all of the statement is taken back."""


async def _run(
    connection: "asyncpg.Connection[asyncpg.Record]",
    actor: Actor,
    rows: Sequence[Prepared],
    request_id: str | None,
    event: str | None = None,
) -> list[Outcome]:
    """Write rows of one shape. Refused ones take nothing with them: the others are written without them."""
    outcomes: dict[int, Outcome] = {}
    waiting = list(range(len(rows)))
    for _attempt in range(_ATTEMPTS):
        raced: list[int] = []
        undone: list[int] = []
        try:
            async with connection.transaction():
                found = await _send(connection, actor, [rows[n] for n in waiting], request_id, event)
                judged = [judge(rows[n].asked, dict(row)) for n, row in zip(waiting, found, strict=True)]
                undone = [n for n, one in zip(waiting, judged, strict=True) if one.undo]
                raced = [n for n, one in zip(waiting, judged, strict=True) if one.raced]
                outcomes.update((n, one.outcome) for n, one in zip(waiting, judged, strict=True))
                if undone:
                    raise _Undone
        except _Undone:
            waiting = [n for n in waiting if n not in set(undone)]
        except (
            asyncpg.IntegrityConstraintViolationError,
            asyncpg.DataError,
            asyncpg.ProgramLimitExceededError,
        ) as error:
            if len(waiting) == 1:
                asked = rows[waiting[0]].asked
                outcomes[waiting[0]] = Outcome.refused(from_database(error, asked.entity, asked.action))
                waiting = []
            else:
                half = len(waiting) // 2
                for part in (waiting[:half], waiting[half:]):
                    outcomes.update(
                        zip(
                            part, await _run(connection, actor, [rows[n] for n in part], request_id, event), strict=True
                        )
                    )
                waiting = []
        else:
            waiting = raced
        if not waiting:
            break
    return [outcomes[n] for n in range(len(rows))]


async def _send(
    connection: "asyncpg.Connection[asyncpg.Record]",
    actor: Actor,
    rows: Sequence[Prepared],
    request_id: str | None,
    event: str | None,
) -> "list[asyncpg.Record]":
    compiled = statement(rows[0].shape, actor.policy)
    text = orjson.dumps([{"_n": n, **prepared.row} for n, prepared in enumerate(rows)], default=str).decode()
    return await connection.fetch(compiled.sql, *compiled.arguments(actor, text, request_id, event))
