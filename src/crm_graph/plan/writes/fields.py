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
    needs: Level,
    request_id: str | None = None,
) -> list[Outcome]:
    """Set the same columns of many rows, on which the caller must have `needs` for writing; outcomes in order."""
    if not rows:
        return []
    cls, columns = REGISTRY[entity], tuple(rows[0][1])
    shape = Shape(entity, Action.UPDATE, written=columns)
    asked = Asked(cls, fields_of(cls, actor.policy), Action.UPDATE, dict.fromkeys(columns, needs))
    wanted = level_needs(asked.fields, asked.levelled)
    prepared = [Prepared(shape, asked, {**identity(row), **values, **wanted}) for row, values in rows]
    return await run(await tx.raw(), actor, prepared, request_id)


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
    cls = REGISTRY[entity]
    draft = with_defaults(cls, Draft(dict(values), frozenset(values)), actor.currency)
    if draft.errors:
        return Outcome.refused(*draft.errors)
    row = row or uuid7()
    prepared = Prepared(
        Shape(entity, Action.CREATE, inserted=tuple(draft.values), trusted=True),
        Asked(cls, fields_of(cls, actor.policy), Action.CREATE, {}, trusted=True),
        {**identity(row), **draft.values, "_currency": values.get("currency")},
    )
    return (await run(await tx.raw(), actor, [prepared], request_id, event))[0]
