"""A new version of the access policy: version, audit entry and event, in the transaction of whoever makes it."""

from uuid import UUID

import asyncpg

from crm_graph.auth.access_policy import AccessPolicy
from crm_graph.auth.policy import versions as policy_versions
from crm_graph.auth.policy.versions import Version
from crm_graph.db.ids import uuid7
from crm_graph.db.traces import add_audit_entry, add_event
from crm_graph.plan.signatures import Ask

ENTITY = "AccessPolicy"


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
    by, of = (actor.user_id, actor.kind.value, actor.channel), (ENTITY, row)
    await add_audit_entry(connection, actor.organization_id, by, ask.request_id, "update", of, changed)
    payload = {"id": str(row), "version": version, "roles": list(touched)}
    await add_event(connection, actor.organization_id, "access_policy.updated", of, payload)
    return row


async def _next(connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID) -> int:
    return (await policy_versions.newest(connection, organization_id)).version + 1
