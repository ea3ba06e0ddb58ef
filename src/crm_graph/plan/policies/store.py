"""A new version of the access policy: version, audit entry and event, in the transaction of whoever makes it."""

from uuid import UUID

import asyncpg
import orjson

from crm_graph.auth import policy_versions
from crm_graph.auth.access_policy import AccessPolicy
from crm_graph.auth.policy_versions import Version
from crm_graph.db.ids import uuid7
from crm_graph.plan.signatures import Ask

ENTITY = "AccessPolicy"
_AUDIT = (
    "INSERT INTO audit_entries (organization_id, id, actor_id, actor_kind, channel, request_id, action, entity, row_id,"
    " changes) VALUES ($1, $2, $3, $4, $5, $6, 'update', $7, $8, $9::text::jsonb)"
)
_EVENT = (
    "INSERT INTO outbox_events (organization_id, id, type, entity, row_id, payload)"
    " VALUES ($1, $2, 'access_policy.updated', $3, $4, $5::text::jsonb)"
)


async def store(ask: Ask, before: AccessPolicy, after: AccessPolicy, note: str, touched: tuple[str, ...]) -> UUID:
    """Store a policy as the version after the one in force; gives its id. Nothing is checked here."""
    connection, actor, row = await ask.tx.raw(), ask.actor, uuid7()
    version = await _next(connection, actor.organization_id)
    document = after.document.to_json()
    made = Version(version, row, note, actor.user_id)
    await policy_versions.add(connection, actor.organization_id, made, document)
    changed = {
        "version": [before.version or None, version],
        "note": [None, note],
        "document": [before.document.to_json(), document],
    }
    await connection.execute(
        _AUDIT, actor.organization_id, uuid7(), actor.user_id, actor.kind.value, actor.channel, ask.request_id, ENTITY,
        row, orjson.dumps(changed).decode(),
    )  # fmt: skip
    payload = {"id": str(row), "version": version, "roles": list(touched)}
    await connection.execute(
        _EVENT, actor.organization_id, uuid7(), ENTITY, row, orjson.dumps(payload).decode()
    )  # fmt: skip
    return row


async def _next(connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID) -> int:
    return (await policy_versions.newest(connection, organization_id)).version + 1
