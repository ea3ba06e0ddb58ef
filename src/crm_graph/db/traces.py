"""What every write leaves beside its row, an audit entry and an event: their columns, and adding one alone.

Writes of records add theirs in the statement that writes the row (plan/writes/statement.py).
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import asyncpg
import orjson

from crm_graph.db.ids import uuid7

INTO_AUDIT: Final = (
    "INSERT INTO audit_entries"
    " (organization_id, id, actor_id, actor_kind, channel, acting_for, request_id, action, entity, row_id, changes)"
)
INTO_OUTBOX: Final = "INSERT INTO outbox_events (organization_id, id, type, entity, row_id, payload)"


async def add_audit_entry(
    connection: "asyncpg.Connection[asyncpg.Record]",
    organization_id: UUID,
    by: tuple[UUID | None, str, str],
    request_id: str | None,
    action: str,
    of: tuple[str, UUID],
    changes: Mapping[str, object],
    *,
    acting_for: UUID | None = None,
) -> None:
    """An audit entry `by` a user, kind of caller and channel, `of` an entity's row; `changes` as the table has them.

    `acting_for`: the customer for whom the user acted.
    """
    written = orjson.dumps(changes, default=str).decode()  # the driver has a UUID of its own
    await connection.execute(
        f"{INTO_AUDIT} VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::text::jsonb)",
        organization_id, uuid7(), *by, acting_for, request_id, action, *of, written,
    )  # fmt: skip


async def add_event(
    connection: "asyncpg.Connection[asyncpg.Record]",
    organization_id: UUID,
    type_: str,
    of: tuple[str, UUID],
    payload: Mapping[str, object],
) -> None:
    """An event `of` an entity's row, to be delivered."""
    await connection.execute(
        f"{INTO_OUTBOX} VALUES ($1, $2, $3, $4, $5, $6::text::jsonb)",
        organization_id, uuid7(), type_, *of, orjson.dumps(payload).decode(),
    )  # fmt: skip
