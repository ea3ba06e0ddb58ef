"""The versions of an organisation's access policy as they are stored."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg
import orjson

from crm_graph.auth.access_policy import SHIPPED_POLICY
from crm_graph.errors import JSON

_COLUMNS: Final = "id, version, note, created_by, created_at"


@dataclass(frozen=True, slots=True)
class Version:
    """One stored version; of the shipped policy, version 0, nothing else is known."""

    version: int
    id: UUID | None = None
    note: str | None = None
    created_by: UUID | None = None
    created_at: dt.datetime | None = None


async def newest(connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID) -> Version:
    """The version in force; 0 where there is none."""
    found = await history(connection, organization_id, 1)
    return found[0] if found else Version(SHIPPED_POLICY.version)


async def history(
    connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID, most: int, before: int | None = None
) -> list[Version]:
    """Versions, newest first, `most` of them; `before`: only those below this one."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM access_policies WHERE organization_id = $1 AND ($2::int IS NULL OR version < $2)"
        " ORDER BY version DESC LIMIT $3",
        organization_id, before, most,
    )  # fmt: skip
    return [Version(r["version"], r["id"], r["note"], r["created_by"], r["created_at"]) for r in rows]


async def number_of(connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID, row: UUID) -> int | None:
    """The number of the version with this id."""
    found: int | None = await connection.fetchval(
        "SELECT version FROM access_policies WHERE organization_id = $1 AND id = $2", organization_id, row
    )
    return found


async def document_of(
    connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID, version: int
) -> tuple[Version, object] | None:
    """A version and its document as JSON gives it; `None` if there is no such version."""
    if version == SHIPPED_POLICY.version:
        return Version(version), {}
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS}, document::json AS document FROM access_policies"
        " WHERE organization_id = $1 AND version = $2",
        organization_id, version,
    )  # fmt: skip
    if row is None:
        return None
    found = Version(row["version"], row["id"], row["note"], row["created_by"], row["created_at"])
    return found, orjson.loads(row["document"])


async def add(
    connection: "asyncpg.Connection[asyncpg.Record]",
    organization_id: UUID,
    version: Version,
    document: dict[str, JSON],
) -> None:
    """Store a version; from the commit on it is in force. Raises asyncpg's UniqueViolationError where it is taken."""
    await connection.execute(
        "INSERT INTO access_policies (organization_id, id, version, document, note, created_by)"
        " VALUES ($1, $2, $3, $4::text::jsonb, $5, $6)",
        organization_id,
        version.id,
        version.version,
        orjson.dumps(document).decode(),
        version.note or "",
        version.created_by,
    )


async def holders(
    connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID, roles: Iterable[str], *, active: bool
) -> int:
    """How many users have at least one of the roles; `active`: only those who may sign in."""
    found = await connection.fetchval(
        "SELECT count(*) FROM users WHERE organization_id = $1 AND roles && $2::text[]"
        " AND (status = 'ACTIVE' OR NOT $3)",
        organization_id,
        list(roles),
        active,
    )
    return int(found)


async def active_holders(
    connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID, roles: Iterable[str]
) -> dict[str, int]:
    """How many users who may sign in have each of these roles; nothing of a role that none has."""
    rows = await connection.fetch(
        "SELECT role, count(DISTINCT u.id) AS users FROM users u CROSS JOIN unnest(u.roles) role"
        " WHERE u.organization_id = $1 AND u.status = 'ACTIVE' AND role = ANY($2::text[]) GROUP BY role",
        organization_id,
        list(roles),
    )
    return {row["role"]: row["users"] for row in rows}


async def outsiders(connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID) -> frozenset[str]:
    """The roles that people have who work for a partner or are customers."""
    rows = await connection.fetch(
        "SELECT DISTINCT unnest(roles) FROM users WHERE organization_id = $1"
        " AND (partner_id IS NOT NULL OR customer_id IS NOT NULL)",
        organization_id,
    )
    return frozenset(row[0] for row in rows)
