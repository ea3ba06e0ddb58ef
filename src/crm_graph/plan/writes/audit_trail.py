"""Audit entry and event of what is no entity's record (invitations, providers), in the transaction that writes it."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import asyncpg
import orjson

from crm_graph.auth.actor import Actor
from crm_graph.db.ids import uuid7

_AUDIT: Final = (
    "INSERT INTO audit_entries (organization_id, id, actor_id, actor_kind, channel, request_id, action, entity, row_id,"
    " changes) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text::jsonb)"
)
_EVENT: Final = (
    "INSERT INTO outbox_events (organization_id, id, type, entity, row_id, payload)"
    " VALUES ($1, $2, $3, $4, $5, $6::text::jsonb)"
)


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
    await connection.execute(
        _AUDIT, actor.organization_id, uuid7(), actor.user_id, actor.kind.value, actor.channel, request_id, action,
        entity, row, orjson.dumps(changes, default=str).decode(),
    )  # fmt: skip
    await connection.execute(
        _EVENT, actor.organization_id, uuid7(), event, entity, row, orjson.dumps({"id": str(row)}).decode()
    )
