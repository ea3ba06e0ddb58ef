"""What is known of a ticket's mails: by which secret or Message-ID an answer is recognised, and where answers go."""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from crm_graph.db.ids import uuid7
from crm_graph.jobs.mailboxes import Mailbox
from crm_graph.mail.inbound import Letter
from crm_graph.mail.inbound.headers import is_address
from crm_graph.mail.outbox import Mail, header_id, post

_TAGGED: Final = r"\+([a-z2-7]{24})@"
_MOST_ANSWERED: Final = 6
_ADD: Final = """
INSERT INTO ticket_mails (organization_id, id, ticket_id, mailbox_id, message_id, outgoing, automatic, proven, address,
                          header_id, token_hash, sent_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, CASE WHEN $12 THEN now() END)"""
_BY_ADDRESS: Final = """
SELECT id, ticket_id, address, TRUE AS by_token FROM ticket_mails WHERE organization_id = $1 AND token_hash = ANY($2)
 ORDER BY created_at DESC LIMIT 1"""
_BY_HEADER: Final = """
SELECT id, ticket_id, address, FALSE AS by_token FROM ticket_mails
 WHERE organization_id = $1 AND header_id = ANY($2) AND outgoing
 ORDER BY array_position($2, header_id) LIMIT 1"""
_ANSWERED: Final = f"""
SELECT header_id FROM ticket_mails WHERE organization_id = $1 AND ticket_id = $2 AND header_id IS NOT NULL
 ORDER BY created_at DESC, id DESC LIMIT {_MOST_ANSWERED}"""
_BOX: Final = """
SELECT b.* FROM mailboxes b
  LEFT JOIN LATERAL (SELECT max(m.created_at) AS at FROM ticket_mails m
       WHERE m.organization_id = $1 AND m.ticket_id = $2 AND m.mailbox_id = b.id) used ON TRUE
 WHERE b.organization_id = $1 ORDER BY used.at DESC NULLS LAST, b.created_at, b.id LIMIT 1"""
# who wrote last, while they are on file; on a ticket of nobody we know: who proved to have written it
_ADDRESSEE: Final = """
SELECT coalesce((
    SELECT m.address FROM ticket_mails m
     WHERE m.organization_id = $1 AND m.ticket_id = $2 AND NOT m.outgoing AND m.proven AND (
           c.email_match = crm_match_email(m.address)
        OR EXISTS (SELECT FROM contacts k WHERE k.organization_id = $1 AND k.customer_id = c.id
                   AND crm_match_email(k.email) = crm_match_email(m.address))
        OR EXISTS (SELECT FROM mailboxes b WHERE b.organization_id = $1 AND b.unknown_customer_id = c.id))
     ORDER BY m.created_at DESC LIMIT 1), c.email)
  FROM tickets t JOIN customers c ON c.organization_id = $1 AND c.id = t.customer_id
 WHERE t.organization_id = $1 AND t.id = $2"""


@dataclass(frozen=True, slots=True)
class Thread:
    """The mail of ours that a mail answers; `by_token`: it was sent to that mail's own reply address."""

    id: UUID
    ticket_id: UUID
    address: str
    by_token: bool


async def thread_of(
    connection: "asyncpg.Connection[asyncpg.Record]", organization: UUID, box: Mailbox, letter: Letter
) -> Thread | None:
    """By the secret of a reply address first, then by the Message-IDs that it answers."""
    local, _, domain = box.address.partition("@")
    reply = re.compile(re.escape(local) + _TAGGED + re.escape(domain))
    hashes = [_hashed(match[1]) for match in map(reply.fullmatch, letter.recipients) if match]
    found = await connection.fetchrow(_BY_ADDRESS, organization, hashes) if hashes else None
    if found is None and letter.answers:
        found = await connection.fetchrow(_BY_HEADER, organization, list(letter.answers))
    return None if found is None else Thread(**dict(found))


async def came(
    connection: "asyncpg.Connection[asyncpg.Record]",
    box: Mailbox,
    ticket: UUID,
    letter: Letter,
    address: str,
    *,
    proven: bool,
) -> None:
    """Note a mail that became part of a ticket."""
    usable = letter.message_id is not None and letter.message_id.isascii() and letter.message_id.isprintable()
    known = letter.message_id if usable else None
    await connection.execute(
        _ADD, box.organization_id, uuid7(), ticket, box.id, None, False, False, proven, address, known, None, True
    )


async def hold(
    connection: "asyncpg.Connection[asyncpg.Record]", organization: UUID, ticket: UUID, address: str, message: UUID
) -> None:
    """Note an answer that waits until its addressee has proven to be who they say."""
    await connection.execute(
        _ADD, organization, uuid7(), ticket, None, message, True, False, False, address, None, None, False
    )


async def addressee(connection: "asyncpg.Connection[asyncpg.Record]", organization: UUID, ticket: UUID) -> str | None:
    """Whom mail on a ticket goes to: who of the customer's people wrote last by mail, else the customer; or nobody."""
    found: str | None = await connection.fetchval(_ADDRESSEE, organization, ticket)
    return found


async def goes(
    connection: "asyncpg.Connection[asyncpg.Record]",
    organization: UUID,
    ticket: UUID,
    to: str,
    subject: str,
    body: str,
    *,
    name: str,
    message: UUID | None = None,
    automatic: bool = False,
) -> bool:
    """Send a mail on a ticket, with a reply address of its own; false where mail cannot be sent to that address.

    `name` is whom it is from. Where the organisation has no mailbox it goes without a reply address.
    """
    to = to.lower()  # as senders are read
    if not is_address(to) or to.endswith(".invalid"):
        return False
    box = await mailbox_of(connection, organization, ticket)
    token = base64.b32encode(secrets.token_bytes(15)).decode().lower()
    answered = [row["header_id"] for row in await connection.fetch(_ANSWERED, organization, ticket)]
    mail = Mail(
        to,
        subject,
        body,
        _named(name, box.address) if box else None,
        box.address.replace("@", f"+{token}@") if box else None,
        tuple(reversed(answered)),
        automatic,
    )
    sent = await post(connection, organization, mail)
    kept = (message, True, automatic, False, to, header_id(sent), _hashed(token), True)
    await connection.execute(_ADD, organization, uuid7(), ticket, box.id if box else None, *kept)
    return True


async def mailbox_of(
    connection: "asyncpg.Connection[asyncpg.Record]", organization: UUID, ticket: UUID
) -> Mailbox | None:
    """The mailbox that a ticket's mails came to last, else the organisation's first."""
    found = await connection.fetchrow(_BOX, organization, ticket)
    return None if found is None else Mailbox.of(found)


def _named(name: str, address: str) -> str:
    plain = "".join(c for c in name if c.isprintable() and c not in '"\\<>').strip()
    return f'"{plain}" <{address}>' if plain else address


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
