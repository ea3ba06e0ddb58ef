"""Keeping a mail to be sent, in the transaction that causes it: it goes out if that commits, and only then."""

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from crm_graph.db.ids import uuid7


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail of plain text; `answers` are the Message-IDs of those before it, the last one answered."""

    recipient: str
    subject: str
    body: str
    sender: str | None = None
    """Name and address it is from; ours (`CRM_GRAPH_MAIL_FROM`) if left out."""
    reply_to: str | None = None
    """Where answers go, and what servers that cannot deliver it have to say."""
    answers: tuple[str, ...] = ()
    automatic: bool = False
    """Nobody wrote it, and no program shall answer it."""


async def post(connection: "asyncpg.Connection[asyncpg.Record]", organization: UUID, mail: Mail) -> UUID:
    """Keep a mail; gives its id."""
    row = uuid7()
    await connection.execute(
        "INSERT INTO outgoing_mails"
        " (organization_id, id, recipient, subject, body, sender, reply_to, answers, automatic)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        organization,
        row,
        mail.recipient,
        mail.subject,
        mail.body,
        mail.sender,
        mail.reply_to,
        " ".join(mail.answers) or None,
        mail.automatic,
    )
    return row


def header_id(mail: UUID) -> str:
    """The Message-ID of a mail of ours, without its angle brackets."""
    return f"{mail.hex}@crm-graph"
