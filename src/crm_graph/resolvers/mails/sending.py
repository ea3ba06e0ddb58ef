"""What we answer goes out by mail where that is the customer's channel; what we say among ourselves never does."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from crm_graph.auth.actor import Actor
from crm_graph.db.session import Transaction
from crm_graph.documents.language import language
from crm_graph.plan.mutations import Call
from crm_graph.resolvers.mails.correspondence import addressee, goes, hold
from crm_graph.resolvers.tickets.changed import TicketChange, Turn, What, on_ticket_change
from crm_graph.resolvers.tickets.messages import Said, say

MOST_AUTOMATIC: Final = 3
"""Mails within an hour that nobody wrote, to one address: two programs that answer each other come to an end."""
_ABOUT: Final = """
SELECT t.id, t.number, t.subject, t.unverified_sender, coalesce(t.language, c.locale) AS language,
       o.name AS organization
  FROM tickets t JOIN customers c ON c.organization_id = $1 AND c.id = t.customer_id
       JOIN organizations o ON o.organization_id = $1
 WHERE t.organization_id = $1 AND t.id = $2"""
# what goes to a customer is public, ours, and said by mail: nothing else is ever read here
_SAID: Final = """
SELECT body FROM ticket_messages
 WHERE organization_id = $1 AND id = $2 AND public AND side = 'STAFF' AND channel = 'MAIL'"""
_HELD: Final = """
DELETE FROM ticket_mails WHERE organization_id = $1 AND ticket_id = $2 AND outgoing AND sent_at IS NULL
RETURNING message_id, created_at"""
_AUTOMATIC: Final = """
SELECT count(*) FROM ticket_mails
 WHERE organization_id = $1 AND address = $2 AND outgoing AND automatic AND created_at > now() - interval '1 hour'"""


@dataclass(frozen=True, slots=True)
class About:
    """What a mail on a ticket is made of."""

    id: UUID
    number: str
    subject: str
    unverified_sender: str | None
    language: str | None
    organization: str


@on_ticket_change(Turn.ANSWERS)
async def mail_out(tx: Transaction, actor: Actor, change: TicketChange) -> None:
    """Send what we said to a customer by mail. Whether a request is resolved they are asked by `resolvers/feedback`."""
    connection = await tx.raw()
    if change.what is What.ANSWERED and change.message is not None:
        body = await connection.fetchval(_SAID, actor.organization_id, change.message)
        if body is not None:
            await _answer(tx, actor, change.ticket, change.message, body)


async def acknowledge(tx: Transaction, actor: Actor, ticket: UUID, to: str, *, proven: bool) -> None:
    """Say that a mail is here, and nothing of what it or the ticket says.

    Who has not proven who they are is asked to, by an answer: the text is the same whether we know the address or not.
    """
    connection = await tx.raw()
    if await connection.fetchval(_AUTOMATIC, actor.organization_id, to) >= MOST_AUTOMATIC:
        return
    about = await about_ticket(connection, actor.organization_id, ticket)
    words = language(about.language if proven else None).words
    facts = {"number": about.number, "organization": about.organization}
    body = words["mail_received" if proven else "mail_unproven"].format(**facts).strip()
    subject = words["mail_received_subject"].format(**facts)
    organization = actor.organization_id
    await goes(connection, organization, ticket, to, subject, body, name=about.organization, automatic=True)


async def release(tx: Transaction, actor: Actor, ticket: UUID) -> None:
    """Send the answers that waited until it was clear who gets them."""
    connection = await tx.raw()
    waiting = await connection.fetch(_HELD, actor.organization_id, ticket)
    about = await about_ticket(connection, actor.organization_id, ticket)
    for held in sorted(waiting, key=lambda row: row["created_at"]):
        body = await connection.fetchval(_SAID, actor.organization_id, held["message_id"])
        if body is not None:
            await _send(tx, actor, about, body, held["message_id"])


async def about_ticket(connection: "asyncpg.Connection[asyncpg.Record]", organization: UUID, ticket: UUID) -> About:
    """What is known of a ticket that was seen in this transaction."""
    found = await connection.fetchrow(_ABOUT, organization, ticket)
    assert found is not None, "the ticket was seen in this transaction"
    return About(**dict(found))


async def _answer(tx: Transaction, actor: Actor, ticket: UUID, message: UUID, body: str) -> None:
    connection = await tx.raw()
    about = await about_ticket(connection, actor.organization_id, ticket)
    if about.unverified_sender is None:
        await _send(tx, actor, about, body, message)
        return
    await hold(connection, actor.organization_id, ticket, about.unverified_sender, message)
    await acknowledge(tx, actor, ticket, about.unverified_sender, proven=False)


async def _send(tx: Transaction, actor: Actor, about: About, body: str, message: UUID) -> None:
    """Mail to whoever gets the ticket's answers; where that is nobody, those who deal with it are told."""
    connection, organization = await tx.raw(), actor.organization_id
    to = await addressee(connection, organization, about.id)
    footer = language(about.language).words["mail_footer"].format(organization=about.organization, number=about.number)
    subject = f"Re: {' '.join(about.subject.split())} [{about.number}]"
    sent = to is not None and await goes(
        connection, organization, about.id, to, subject, f"{body}\n\n-- \n{footer}\n",
        name=about.organization, message=message,
    )  # fmt: skip
    if not sent:
        note = Said(
            "This could not be mailed: the customer has no e-mail address that mail can be sent to.", public=False
        )
        await say(Call(tx, actor, about.id, {}), note)
