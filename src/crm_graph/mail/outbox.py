"""Keeping a mail to be sent, in the transaction that causes it: it goes out if that commits, and only then."""

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from crm_graph.db.ids import uuid7


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail of plain text."""

    recipient: str
    subject: str
    body: str


async def post(connection: "asyncpg.Connection[asyncpg.Record]", organization: UUID, mail: Mail) -> UUID:
    """Keep a mail; gives its id."""
    row = uuid7()
    await connection.execute(
        "INSERT INTO outgoing_mails (organization_id, id, recipient, subject, body) VALUES ($1, $2, $3, $4, $5)",
        organization,
        row,
        mail.recipient,
        mail.subject,
        mail.body,
    )
    return row
