"""The versions of an organisation's access policy as they are stored."""

import datetime as dt
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg
import orjson

from crm_graph.auth.access_policy import SHIPPED_POLICY

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
