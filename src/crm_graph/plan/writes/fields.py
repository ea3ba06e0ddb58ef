"""The writing part of behaviour of our own: columns and rows, with audit entries and events, checked as it asks."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from crm_graph.auth.actor import Actor
from crm_graph.auth.levels import Level
from crm_graph.db.ids import uuid7
from crm_graph.db.session import Transaction
from crm_graph.entity import REGISTRY
from crm_graph.plan.access.fields import fields_of
from crm_graph.plan.changes import Action, Outcome
from crm_graph.plan.writes.draft import Draft, with_defaults
from crm_graph.plan.writes.prepare import Prepared, identity
from crm_graph.plan.writes.prepare import needs as level_needs
from crm_graph.plan.writes.refusals import Asked
from crm_graph.plan.writes.run import run
from crm_graph.plan.writes.shape import Shape


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
    wanted = level_needs(asked.fields, levelled)
    prepared = Prepared(shape, asked, {**identity(row), **values, **wanted, "_match": if_match})
    return (await run(await tx.raw(), actor, [prepared], request_id, event))[0]


async def update_rows(
    tx: Transaction,
    actor: Actor,
    entity: str,
    rows: Sequence[tuple[UUID, Mapping[str, object]]],
    *,
    needs: Level | None,
    event: str | None = None,
    request_id: str | None = None,
) -> list[Outcome]:
    """Set the same columns of many rows in one statement; outcomes in order. `needs` is as `update_fields` has it."""
    if not rows:
        return []
    cls, columns, trusted = REGISTRY[entity], tuple(rows[0][1]), needs is None
    shape = Shape(entity, Action.UPDATE, written=columns, trusted=trusted)
    levelled = {} if needs is None else dict.fromkeys(columns, needs)
    asked = Asked(cls, fields_of(cls, actor.policy), Action.UPDATE, levelled, trusted=trusted)
    wanted = level_needs(asked.fields, levelled)
    prepared = [Prepared(shape, asked, {**identity(row), **values, **wanted, "_match": None}) for row, values in rows]
    return await run(await tx.raw(), actor, prepared, request_id, event)


async def delete_rows(
    tx: Transaction,
    actor: Actor,
    entity: str,
    rows: Sequence[UUID],
    *,
    trusted: bool = False,
    request_id: str | None = None,
) -> list[Outcome]:
    """Remove many rows, where the caller may, or where that was decided before (`trusted`); outcomes in order."""
    if not rows:
        return []
    cls, shape = REGISTRY[entity], Shape(entity, Action.DELETE, trusted=trusted)
    asked = Asked(cls, fields_of(cls, actor.policy), Action.DELETE, {}, trusted=trusted)
    prepared = [Prepared(shape, asked, {**identity(row), "_need": 0}) for row in rows]
    return await run(await tx.raw(), actor, prepared, request_id)


async def insert_fields(
    tx: Transaction,
    actor: Actor,
    entity: str,
    values: Mapping[str, object],
    *,
    row: UUID | None = None,
    event: str | None = None,
    request_id: str | None = None,
) -> Outcome:
    """The writing part of a mutation of our own: a new row, whoever may make it, with audit and an event.

    `row` is its id, where others refer to it already.
    """
    ids = [row] if row is not None else None
    return (await insert_rows(tx, actor, entity, [values], ids=ids, event=event, request_id=request_id))[0]


async def insert_rows(
    tx: Transaction,
    actor: Actor,
    entity: str,
    rows: Sequence[Mapping[str, object]],
    *,
    ids: Sequence[UUID] | None = None,
    event: str | None = None,
    request_id: str | None = None,
) -> list[Outcome]:
    """The same for many rows that give the same columns, in one statement; outcomes in order."""
    if not rows:
        return []
    cls = REGISTRY[entity]
    drafts = [with_defaults(cls, Draft(dict(values), frozenset(values)), actor.currency) for values in rows]
    errors = [error for draft in drafts for error in draft.errors]
    if errors:
        return [Outcome.refused(*errors)] * len(rows)
    shape = Shape(entity, Action.CREATE, inserted=tuple(drafts[0].values), trusted=True)
    asked = Asked(cls, fields_of(cls, actor.policy), Action.CREATE, {}, trusted=True)
    new = ids or [uuid7() for _ in rows]
    prepared = [
        Prepared(shape, asked, {**identity(row), **draft.values, "_currency": values.get("currency")})
        for row, draft, values in zip(new, drafts, rows, strict=True)
    ]
    return await run(await tx.raw(), actor, prepared, request_id, event)
