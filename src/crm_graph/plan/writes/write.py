"""Writing rows: check, row, audit entry and event in one statement of the caller's transaction, or nothing at all.

    outcome = await write(tx, actor, Change("Customer", Action.UPDATE, id="cus_…", values={"creditLimit": …}))

Flush the session before: the statement is sent past SQLAlchemy, in a savepoint of the same transaction. What a caller
can mend comes back as `outcome.errors`; `RETRYABLE` errors are for whoever began the transaction to try it again.
"""

from collections.abc import Mapping, Sequence

from crm_graph.auth.actor import Actor
from crm_graph.db.session import Transaction
from crm_graph.plan.changes import Action, Change, ExternalKey, Outcome, key_taken
from crm_graph.plan.writes.fields import delete_rows, insert_fields, insert_rows, update_fields, update_rows
from crm_graph.plan.writes.idempotency import claim, remember
from crm_graph.plan.writes.prepare import Prepared, prepare
from crm_graph.plan.writes.role_assignment import decides_who_decides, guarded, guarded_rows
from crm_graph.plan.writes.run import run
from crm_graph.plan.writes.savepoint import unless_refused
from crm_graph.plan.writes.shape import Shape
from crm_graph.plan.writes.subject_writes import write_as_subject

__all__ = [
    "delete_rows",
    "insert_fields",
    "insert_rows",
    "update_fields",
    "update_rows",
    "write",
    "write_rows",
]


async def write(tx: Transaction, actor: Actor, change: Change, *, request_id: str | None = None) -> Outcome:
    """Make one change. A repeated idempotency key gives the first outcome's row and effect, to be read anew."""
    if decides_who_decides(change):
        return await guarded(tx, actor, change, lambda: _write(tx, actor, change, request_id))
    return await _write(tx, actor, change, request_id)


async def _write(tx: Transaction, actor: Actor, change: Change, request_id: str | None) -> Outcome:
    if change.idempotency_key is None:
        return await _act(tx, actor, change, request_id)
    return await unless_refused(await tx.raw(), lambda: _once(tx, actor, change, request_id))


async def _once(tx: Transaction, actor: Actor, change: Change, request_id: str | None) -> Outcome:
    connection = await tx.raw()
    answered = await claim(connection, actor, change)
    if answered is not None:
        return answered
    outcome = await _act(tx, actor, change, request_id)
    await remember(connection, actor, change, outcome)
    return outcome


async def _act(tx: Transaction, actor: Actor, change: Change, request_id: str | None) -> Outcome:
    by_subject = await write_as_subject(tx, actor, change, request_id)
    if by_subject is not None:
        return by_subject
    prepared = prepare(actor, change)
    if isinstance(prepared, Outcome):
        return prepared
    return (await run(await tx.raw(), actor, [prepared], request_id))[0]


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
    changes = [Change(entity, action, key=key, values=values) for key, values in rows]

    async def write_all(refused: Mapping[int, Outcome]) -> list[Outcome]:
        return await _write_rows(tx, actor, changes, refused, system=system, request_id=request_id)

    return await guarded_rows(tx, actor, changes, write_all)


async def _write_rows(
    tx: Transaction,
    actor: Actor,
    changes: Sequence[Change],
    refused: Mapping[int, Outcome],
    *,
    system: bool,
    request_id: str | None,
) -> list[Outcome]:
    outcomes: list[Outcome | None] = [None] * len(changes)
    groups: dict[Shape, list[tuple[int, Prepared]]] = {}
    seen: set[ExternalKey | None] = set()
    for position, change in enumerate(changes):
        prepared = refused.get(position) or prepare(actor, change, system=system)
        if isinstance(prepared, Prepared) and change.key in seen:
            prepared = Outcome.refused(key_taken("externalId"))
        seen.add(change.key)
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
