"""Mailboxes of organisations: where mail comes in, each with a secret that lies sealed."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from crm_graph.auth.sealing import Sealer
from crm_graph.db.ids import uuid7

PREFIX: Final = "mbx"
_PURPOSE: Final = "mailbox"
_COLUMNS: Final = "organization_id, id, address, host, port, username, folder, secret, trusted_server"
_ADD: Final = """
INSERT INTO mailboxes (organization_id, id, address, host, port, username, folder, secret, trusted_server)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"""
_EVERY: Final = f"SELECT {_COLUMNS}, due_at, last_error FROM mailboxes WHERE organization_id = $1 ORDER BY address"
_REMOVE: Final = "DELETE FROM mailboxes WHERE organization_id = $1 AND address = $2 RETURNING id"
_OF: Final = f"SELECT {_COLUMNS} FROM mailboxes WHERE organization_id = $1 AND id = $2"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox; without `host` mail is posted to us, signed by its secret."""

    organization_id: UUID
    id: UUID
    address: str
    host: str | None
    port: int | None
    username: str | None
    folder: str
    secret: bytes
    """Sealed."""
    trusted_server: str | None

    @classmethod
    def of(cls, row: asyncpg.Record) -> "Mailbox":
        """From a row that has at least its columns."""
        return cls(**{name.strip(): row[name.strip()] for name in _COLUMNS.split(",")})

    def opened(self, sealer: Sealer) -> bytes:
        """Its secret. Raises SealBroken."""
        return sealer.open(self.secret, _PURPOSE, self.organization_id, self.id)


async def add(
    connection: "asyncpg.Connection[asyncpg.Record]",
    sealer: Sealer,
    organization: UUID,
    address: str,
    secret: bytes,
    *,
    imap: tuple[str, int, str, str] | None = None,
    trusted_server: str | None = None,
) -> UUID:
    """Keep a mailbox, fetched by IMAP (host, port, user, folder) or posted to us; gives its id.

    Raises asyncpg.UniqueViolationError where the address has one.
    """
    row = uuid7()
    host, port, user, folder = imap or (None, None, None, "INBOX")
    sealed = sealer.seal(secret, _PURPOSE, organization, row)
    server = trusted_server.lower() if trusted_server else None
    await connection.execute(_ADD, organization, row, address.lower(), host, port, user, folder, sealed, server)
    return row


async def every(connection: "asyncpg.Connection[asyncpg.Record]", organization: UUID) -> list[asyncpg.Record]:
    """All of an organisation, with when each is fetched next and what went wrong last."""
    found: list[asyncpg.Record] = await connection.fetch(_EVERY, organization)
    return found


async def remove(connection: "asyncpg.Connection[asyncpg.Record]", organization: UUID, address: str) -> bool:
    """Forget a mailbox and what came in by it and is not done; false where there is none."""
    return await connection.fetchval(_REMOVE, organization, address.lower()) is not None


async def mailbox(connection: "asyncpg.Connection[asyncpg.Record]", organization: UUID, row: UUID) -> Mailbox | None:
    """The mailbox, if it is still there."""
    found = await connection.fetchrow(_OF, organization, row)
    return None if found is None else Mailbox.of(found)
