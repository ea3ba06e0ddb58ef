"""The access policies this process knows, by organisation and revision.

Whoever looks up a caller learns the revision their organisation is at (`access_revisions`) by the same statement;
only where it is not known yet the policy is asked for. What an organisation says beside its document (fields of its
own) is loaded here too, by that same statement, so that one revision stands for all of it.
"""

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from crm_graph.auth.access_policy import SHIPPED_POLICY, AccessPolicy, access_policy
from crm_graph.auth.classification import CustomField
from crm_graph.auth.levels import Level
from crm_graph.auth.names import pascal

logger = logging.getLogger("crm_graph.auth")

CAPACITY: Final = 1_000
Fetch = Callable[[str, Sequence[object]], Awaitable[bytes | None]]
"""Sends a statement that answers one JSON value."""

LOAD: Final = """
SELECT json_build_object(
    'revision', (SELECT r.revision FROM access_revisions r WHERE r.organization_id = $1),
    'policy', (SELECT json_build_object('version', p.version, 'document', p.document)
                 FROM access_policies p WHERE p.organization_id = $1 ORDER BY p.version DESC LIMIT 1),
    'custom', (SELECT json_agg(json_build_object('entity', c.entity, 'name', c.name, 'kind', c.kind, 'slot', c.slot,
                   'description', c.description, 'read', c.read_level, 'write', c.write_level,
                   'filter', c.filterable, 'sort', c.sortable, 'search', c.searchable,
                   'choices', c.choices) ORDER BY c.entity, c.name)
                 FROM custom_fields c WHERE c.organization_id = $1 AND c.archived_at IS NULL))
"""


class AccessPolicies:
    """Policies by organisation and revision, `capacity` of them; those unused for longest are forgotten."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._kept = OrderedDict[tuple[UUID, str], AccessPolicy]()

    async def at(self, organization_id: UUID, revision: str | None, fetch: Fetch) -> AccessPolicy:
        """The policy of an organisation that is at this revision; `None`: it has never said anything."""
        if revision is None:
            return SHIPPED_POLICY
        known = self._kept.get((organization_id, revision))
        if known is not None:
            self._kept.move_to_end((organization_id, revision))
            return known
        found = await fetch(LOAD, (organization_id,))
        loaded = orjson.loads(found) if found else {}
        policy = loaded_policy(loaded)
        for problem in policy.problems:
            logger.warning(
                "access policy %s of organisation %s: %s: %s; it grants nothing there",
                policy.version, organization_id, ".".join(problem.path), problem.message,
            )  # fmt: skip
        self._kept[organization_id, str(loaded.get("revision"))] = policy  # which may be newer than the one asked for
        while len(self._kept) > self._capacity:
            self._kept.popitem(last=False)
        return policy


def loaded_policy(loaded: dict[str, object]) -> AccessPolicy:
    """The policy that `LOAD` answered."""
    found = loaded.get("policy")
    if not isinstance(found, dict):
        return access_policy({}, _custom_fields(loaded))
    return access_policy(found["document"], _custom_fields(loaded), found["version"])


def _custom_fields(loaded: dict[str, object]) -> tuple[CustomField, ...]:
    """The organisation's own fields, those that are archived left out."""
    found = loaded.get("custom")
    return tuple(_custom_field(one) for one in found) if isinstance(found, list) else ()


def _custom_field(row: dict[str, Any]) -> CustomField:
    entity = pascal(row["entity"])
    read, write = Level[row["read"]], Level[row["write"]]
    return CustomField(
        entity, row["name"], row["kind"], row["slot"], row["description"], read, write,
        row["filter"], row["sort"], tuple(row["choices"]), row["search"],
    )  # fmt: skip


async def in_force(
    connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID, *, lock: bool = False
) -> AccessPolicy:
    """The policy as it is now in this connection's transaction; `lock`: and until its end, as far as writers ask."""
    if lock:
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"access {organization_id}")
    found = await connection.fetchval(LOAD, organization_id)
    return loaded_policy(orjson.loads(found) if found else {})
