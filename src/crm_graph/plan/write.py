"""Writing rows: check, row, audit entry and event in one statement of the caller's transaction, or nothing at all.

    outcome = await write(tx, actor, Change("Customer", Action.UPDATE, id="cus_…", values={"creditLimit": …}))

Flush the session before: the statement is sent past SQLAlchemy, in a savepoint of the same transaction. What a caller
can mend comes back as `outcome.errors`; `RETRYABLE` errors are for whoever began the transaction to try it again.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg

from crm_graph.auth.actor import Actor
from crm_graph.auth.levels import Level
from crm_graph.db.ids import uuid7
from crm_graph.db.session import Transaction
from crm_graph.entity import REGISTRY
from crm_graph.plan.changes import Action, Change, Draft, Effect, ExternalKey, Outcome, key_taken, with_defaults
from crm_graph.plan.fields import fields_of
from crm_graph.plan.idempotency import claim, remember
from crm_graph.plan.role_assignment import decides_who_decides, guarded, unassignable
from crm_graph.plan.write_prepare import Prepared, identity, prepare
from crm_graph.plan.write_refusals import RETRYABLE, Asked
from crm_graph.plan.write_run import run
from crm_graph.plan.write_shape import Shape

__all__ = ["RETRYABLE", "delete_rows", "insert_fields", "update_fields", "update_rows", "write", "write_rows"]


async def write(tx: Transaction, actor: Actor, change: Change, *, request_id: str | None = None) -> Outcome:
    """Make one change. A repeated idempotency key gives the first outcome's row and effect, to be read anew."""
    if decides_who_decides(change):
        return await guarded(tx, actor, change, lambda: _write(tx, actor, change, request_id))
    return await _write(tx, actor, change, request_id)


async def _write(tx: Transaction, actor: Actor, change: Change, request_id: str | None) -> Outcome:
    prepared = prepare(actor, change)
    connection = await tx.raw()
    if change.idempotency_key is None:
        if isinstance(prepared, Outcome):
            return prepared
        return (await run(connection, actor, [prepared], request_id))[0]
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
    outcome = (await run(connection, actor, [prepared], request_id))[0]
    await remember(connection, actor, change, outcome)
    return outcome


async def write_rows(
    tx: Transaction,
    actor: Actor,
    entity: str,
    rows: Sequence[tuple[ExternalKey, Mapping[str, object]]],
    *,
    action: Action = Action.UPSERT,
    system: bool = True,
    request_id: str | None = None,
) -> list[Outcome]:
    """Upsert (or update) many rows of one entity by external key, in one statement a set of fields; outcomes in order.

    Values are by input name. With `system`, as an import needs it, the caller also sets fields that only our own
    behaviour sets otherwise (an opportunity's status) and that are fixed later, at the field's read level.
    """
    outcomes: list[Outcome | None] = [None] * len(rows)
    groups: dict[Shape, list[tuple[int, Prepared]]] = {}
    seen: set[ExternalKey] = set()
    for position, (key, values) in enumerate(rows):
        change = Change(entity, action, key=key, values=values)
        prepared = await unassignable(tx, actor, change) or prepare(actor, change, system=system)
        if isinstance(prepared, Prepared) and key in seen:
            prepared = Outcome.refused(key_taken("externalId"))
        seen.add(key)
        if isinstance(prepared, Outcome):
            outcomes[position] = prepared
        else:
            groups.setdefault(prepared.shape, []).append((position, prepared))
    connection = await tx.raw()
    for group in groups.values():
        found = await run(connection, actor, [prepared for _, prepared in group], request_id)
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
    asked = Asked(cls, fields_of(cls, actor.policy), Action.UPDATE, levelled, if_match=if_match, trusted=needs is None)
    prepared = Prepared(shape, asked, {**identity(row), **values, "_need": needs or 0, "_match": if_match})
    return (await run(await tx.raw(), actor, [prepared], request_id, event))[0]


async def update_rows(
    tx: Transaction,
    actor: Actor,
    entity: str,
    rows: Sequence[tuple[UUID, Mapping[str, object]]],
    *,
    needs: Level,
    request_id: str | None = None,
) -> list[Outcome]:
    """Set the same columns of many rows, on which the caller must have `needs` for writing; outcomes in order."""
    if not rows:
        return []
    cls, columns = REGISTRY[entity], tuple(rows[0][1])
    shape = Shape(entity, Action.UPDATE, written=columns)
    prepared = [
        Prepared(
            shape,
            Asked(cls, fields_of(cls, actor.policy), Action.UPDATE, dict.fromkeys(columns, needs)),
            {**identity(row), **values, "_need": needs},
        )
        for row, values in rows
    ]
    return await run(await tx.raw(), actor, prepared, request_id)


async def delete_rows(
    tx: Transaction, actor: Actor, entity: str, rows: Sequence[UUID], *, request_id: str | None = None
) -> list[Outcome]:
    """Remove many rows, where the caller may; outcomes in order."""
    if not rows:
        return []
    cls, shape = REGISTRY[entity], Shape(entity, Action.DELETE)
    prepared = [
        Prepared(shape, Asked(cls, fields_of(cls, actor.policy), Action.DELETE, {}), {**identity(row), "_need": 0})
        for row in rows
    ]
    return await run(await tx.raw(), actor, prepared, request_id)


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
        Asked(cls, fields_of(cls, actor.policy), Action.CREATE, {}, trusted=True),
        {**identity(row), **draft.values},
    )
    return (await run(await tx.raw(), actor, [prepared], request_id, event))[0]
