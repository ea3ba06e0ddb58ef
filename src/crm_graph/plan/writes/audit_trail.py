"""Audit entry and event of what is no entity's record (invitations, providers), in the transaction that writes it."""

from collections.abc import Mapping
from uuid import UUID

import asyncpg

from crm_graph.auth.actor import Actor
from crm_graph.db.traces import add_audit_entry, add_event


async def leave(
    connection: "asyncpg.Connection[asyncpg.Record]",
    actor: Actor,
    request_id: str | None,
    event: str,
    entity: str,
    row: UUID,
    changes: Mapping[str, tuple[object, object]],
    *,
    action: str = "update",
) -> None:
    """Leave the trail of one write. `changes` maps a column to before and after; never give a secret here.

    The event is `<noun>.<past tense>` and says no more than the row's id. `action`: create, update or delete.
    """
    by, of = (actor.user_id, actor.kind.value, actor.channel), (entity, row)
    whom = actor.acting_for_id
    await add_audit_entry(connection, actor.organization_id, by, request_id, action, of, changes, acting_for=whom)
    await add_event(connection, actor.organization_id, event, of, {"id": str(row)})
