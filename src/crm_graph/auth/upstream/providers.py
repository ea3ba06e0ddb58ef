"""The organisation's OpenID providers as they are stored."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg
import orjson

PURPOSE: Final = "identity provider's client secret"
NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
"""What a provider's name looks like: it is part of addresses."""
_COLUMNS: Final = (
    "id, name, label, issuer, client_id, client_secret, scopes, enabled, creates_users, links_passwords, domains,"
    " roles, groups_claim, group_roles::text AS group_roles, decided_by, updated_at"
)


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider. `client_secret` is sealed for its id.

    `creates_users`: whether it makes users; `links_passwords`: whether it may stand for a user who has a password
    already. `domains`: whose addresses it speaks for; empty: all. `roles` are of users it makes; `group_roles` of those
    whose claim `groups_claim` names the group, at each sign-in; all as far as `decided_by` may give them.
    """

    id: UUID
    name: str
    label: str
    issuer: str
    client_id: str
    client_secret: bytes | None
    scopes: tuple[str, ...]
    enabled: bool
    creates_users: bool
    links_passwords: bool
    domains: tuple[str, ...]
    roles: tuple[str, ...]
    groups_claim: str | None
    group_roles: Mapping[str, tuple[str, ...]]
    decided_by: UUID
    updated_at: dt.datetime | None = None

    @property
    def governed(self) -> frozenset[str]:
        """The roles that groups decide about."""
        return frozenset(role for roles in self.group_roles.values() for role in roles)


async def every(connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID) -> list[Provider]:
    """All providers, by name."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM identity_providers WHERE organization_id = $1 ORDER BY name", organization_id
    )
    return [_provider(row) for row in rows]


async def by_name(
    connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID, name: str
) -> Provider | None:
    """The provider of this name, if people may sign in by it."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM identity_providers WHERE organization_id = $1 AND name = $2 AND enabled",
        organization_id, name,
    )  # fmt: skip
    return None if row is None else _provider(row)


async def by_id(connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID, row: UUID) -> Provider | None:
    """One provider; locked."""
    found = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM identity_providers WHERE organization_id = $1 AND id = $2 FOR UPDATE",
        organization_id, row,
    )  # fmt: skip
    return None if found is None else _provider(found)


async def store(connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID, provider: Provider) -> None:
    """Keep a provider, new or changed. Raises asyncpg's UniqueViolationError where its name is taken."""
    columns = (
        "organization_id, id, name, label, issuer, client_id, client_secret, scopes, enabled, creates_users,"
        " links_passwords, domains, roles, groups_claim, group_roles, decided_by"
    )
    changed = ", ".join(f"{name} = excluded.{name}" for name in columns.split(", ")[2:])
    await connection.execute(
        f"INSERT INTO identity_providers ({columns})"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15::text::jsonb, $16)"
        f" ON CONFLICT (organization_id, id) DO UPDATE SET {changed}, updated_at = now()",
        organization_id, provider.id, provider.name, provider.label, provider.issuer, provider.client_id,
        provider.client_secret, list(provider.scopes), provider.enabled, provider.creates_users,
        provider.links_passwords, list(provider.domains), list(provider.roles), provider.groups_claim,
        orjson.dumps(provider.group_roles).decode(), provider.decided_by,
    )  # fmt: skip


async def remove(connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID, row: UUID) -> None:
    """Remove a provider and whom it stood for; the users stay."""
    await connection.execute(
        "DELETE FROM identity_providers WHERE organization_id = $1 AND id = $2", organization_id, row
    )


def _provider(row: asyncpg.Record) -> Provider:
    groups = {str(group): tuple(roles) for group, roles in orjson.loads(row["group_roles"]).items()}
    return Provider(
        row["id"], row["name"], row["label"], row["issuer"], row["client_id"], row["client_secret"],
        tuple(row["scopes"]), row["enabled"], row["creates_users"], row["links_passwords"], tuple(row["domains"]),
        tuple(row["roles"]), row["groups_claim"], groups, row["decided_by"], row["updated_at"],
    )  # fmt: skip
