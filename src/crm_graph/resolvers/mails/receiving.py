"""What becomes of a mail: a message on a ticket, a new ticket, a note that one of ours came back, or nothing.

Only who has proven to be a participant writes on a ticket; everybody else opens a new one and is told its number.
"""

import asyncio
import datetime as dt
import enum
import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from crm_graph.auth.actor import Actor
from crm_graph.auth.customers import customer_actor
from crm_graph.db.ids import uuid7
from crm_graph.db.session import Transaction
from crm_graph.jobs.incoming import RECEIVE
from crm_graph.jobs.mailboxes import Mailbox, mailbox
from crm_graph.jobs.timers import set_timer, timer
from crm_graph.mail.inbound import Letter, read
from crm_graph.mail.inbound.authenticity import is_authentic
from crm_graph.plan.mutations import Call
from crm_graph.resolvers.files.uploads import take_over
from crm_graph.resolvers.mails.correspondence import Thread, came, thread_of
from crm_graph.resolvers.mails.identifying import prove
from crm_graph.resolvers.mails.machines import bounced, note
from crm_graph.resolvers.mails.senders import NOBODY, Owners, is_unknown, new_customer, owners_of, unknown_customer
from crm_graph.resolvers.mails.sending import acknowledge
from crm_graph.resolvers.mails.wording import body_of, subject_of, taken
from crm_graph.resolvers.tickets.messages import Said, say
from crm_graph.resolvers.tickets.opening import New, opened
from crm_graph.resolvers.tickets.resolving import reopen_ticket
from crm_graph.schema.attachments import MessageAttachment
from crm_graph.schema.orders import Channel
from crm_graph.schema.tickets import MessageSide

MOST_AN_HOUR: Final = 30
"""Mails of one sender that are dealt with in an hour; the others wait."""
_LATER: Final = dt.timedelta(hours=1)
_NUMBER: Final = re.compile(r"\b(T-\d{8})\b")
_WAITING: Final = """
SELECT i.raw, i.mailbox_id, now() AS now FROM incoming_mails i
 WHERE i.organization_id = $1 AND i.id = $2 AND i.done_at IS NULL FOR UPDATE"""
_BUSY: Final = """
SELECT count(*) FROM incoming_mails
 WHERE organization_id = $1 AND sender = $2 AND done_at > now() - interval '1 hour'"""
_DONE: Final = """
UPDATE incoming_mails SET done_at = now(), sender = $3, became = $4, ticket_id = $5, raw = NULL
 WHERE organization_id = $1 AND id = $2"""
_MESSAGE: Final = """
SELECT id FROM ticket_messages WHERE organization_id = $1 AND ticket_id = $2 AND sent_at = now() AND side = 'CUSTOMER'
 ORDER BY id DESC LIMIT 1"""
_OURS: Final = "SELECT EXISTS (SELECT FROM ticket_mails WHERE organization_id = $1 AND header_id = $2 AND outgoing)"
_TICKET: Final = """
WITH RECURSIVE t AS (
    SELECT id, customer_id, status, unverified_sender, merged_into_id, 1 AS depth
      FROM tickets WHERE organization_id = $1 AND (id = $2 OR number = $3)
    UNION ALL
    SELECT n.id, n.customer_id, n.status, n.unverified_sender, n.merged_into_id, t.depth + 1
      FROM t JOIN tickets n ON n.organization_id = $1 AND n.id = t.merged_into_id WHERE t.depth < 20
) SELECT id, customer_id, status, unverified_sender FROM t ORDER BY depth DESC LIMIT 1"""
_WROTE: Final = """
SELECT EXISTS (SELECT FROM ticket_mails WHERE organization_id = $1 AND ticket_id = $2 AND address = $3 AND proven)"""


class Became(enum.StrEnum):
    """What was made of a mail."""

    TICKET = "TICKET"
    MESSAGE = "MESSAGE"
    BOUNCE = "BOUNCE"
    AUTOMATIC = "AUTOMATIC"
    OURS = "OURS"


@dataclass(frozen=True, slots=True)
class _Ticket:
    id: UUID
    customer_id: UUID
    status: str
    unverified_sender: str | None


@dataclass(frozen=True, slots=True)
class _Post:
    """A mail that is dealt with: whose it says it is, and whether that is so."""

    tx: Transaction
    actor: Actor
    box: Mailbox
    letter: Letter
    sender: str
    authentic: bool
    owners: Owners
    thread: Thread | None


@timer(RECEIVE)
async def receive(tx: Transaction, actor: Actor, row: UUID) -> None:
    """Make of a mail what it is to become, once."""
    connection, organization = await tx.raw(), actor.organization_id
    waiting = await connection.fetchrow(_WAITING, organization, row)
    if waiting is None:
        return
    box = await mailbox(connection, organization, waiting["mailbox_id"])
    assert box is not None, "mails go with their mailbox"
    letter = await asyncio.to_thread(read, waiting["raw"])
    sender = letter.sender or NOBODY
    if await connection.fetchval(_BUSY, organization, sender) >= MOST_AN_HOUR:
        await set_timer(tx, organization, RECEIVE, row, waiting["now"] + _LATER)
        return
    authentic = bool(box.trusted_server) and letter.sender is not None
    post = _Post(
        tx,
        actor,
        box,
        letter,
        sender,
        authentic and is_authentic(letter.results, sender, box.trusted_server or ""),
        await owners_of(connection, organization, sender),
        await thread_of(connection, organization, box, letter),
    )
    became, ticket = await _deal(post)
    if ticket is not None and became in (Became.TICKET, Became.MESSAGE):
        await _attach(post, ticket)
    await connection.execute(_DONE, organization, row, sender, became, ticket)


async def _deal(post: _Post) -> tuple[Became, UUID | None]:
    letter, thread, connection = post.letter, post.thread, await post.tx.raw()
    about = await _ticket(post, thread.ticket_id) if thread is not None else None
    if letter.bounce is not None:
        if thread is not None and about is not None and letter.bounce.failed:
            await bounced(post.tx, post.actor, thread.id, about.id, letter.bounce, thread.address)
        return Became.BOUNCE, about.id if about else None
    ours = await connection.fetchval(_OURS, post.actor.organization_id, letter.message_id)
    if ours or post.sender == post.box.address:
        return Became.OURS, None
    if letter.automatic:
        if thread is not None and about is not None and thread.by_token:
            said = f"An automatic answer came from {post.sender}:\n\n{letter.text[:1000]}"
            await note(post.tx, post.actor, about.id, said)
        return Became.AUTOMATIC, about.id if about else None
    return await _written(post, about)


async def _written(post: _Post, about: _Ticket | None) -> tuple[Became, UUID | None]:
    """What somebody wrote: on the ticket that it belongs to, or as a new one."""
    thread = post.thread
    by_token = thread is not None and thread.by_token and thread.address == post.sender
    proven = post.authentic or by_token
    if about is None and proven:
        about = await _named(post)
    if about is not None and proven and await _takes_part(post, about):
        if about.unverified_sender == post.sender:
            await prove(post.tx, post.actor, about.id, post.sender, post.letter.sender_name)
        if await _on(post, about):
            return Became.MESSAGE, about.id
    return Became.TICKET, await _new(post, about, proven=proven)


async def _takes_part(post: _Post, about: _Ticket) -> bool:
    """Whether a sender who has proven who they are belongs to a ticket: it is theirs, or was opened by their mail."""
    if about.unverified_sender is not None:
        return about.unverified_sender == post.sender
    if about.customer_id in post.owners:
        return True
    connection, organization = await post.tx.raw(), post.actor.organization_id
    wrote = await connection.fetchval(_WROTE, organization, about.id, post.sender)
    return bool(wrote) and await is_unknown(connection, organization, about.customer_id)


async def _named(post: _Post) -> _Ticket | None:
    """The ticket whose number is in the subject, where its customer is who writes."""
    match = _NUMBER.search(post.letter.subject)
    found = await _ticket(post, None, match[1]) if match else None
    return found if found is not None and found.customer_id in post.owners else None


async def _on(post: _Post, about: _Ticket) -> bool:
    """Say it on the ticket, reopening it where its customer may; false where it is over."""
    if about.status == "CLOSED":
        customer = await customer_actor(await post.tx.raw(), post.actor, about.customer_id, "mail")
        if (await reopen_ticket(Call(post.tx, customer, about.id, {}))).is_refused:
            return False
    said = Said(body_of(post.letter), MessageSide.CUSTOMER, channel=Channel.MAIL)
    done = await say(Call(post.tx, post.actor, about.id, {}), said)
    assert not done.is_refused, done.errors
    await came(await post.tx.raw(), post.box, about.id, post.letter, post.sender, proven=True)
    return True


async def _new(post: _Post, about: _Ticket | None, *, proven: bool) -> UUID:
    """Open a ticket: of who wrote, where that is known; else of the customer who stands for nobody we know."""
    tx, actor, letter = post.tx, post.actor, post.letter
    if proven and post.owners.nobody:
        customer = await new_customer(tx, actor, post.sender, letter.sender_name)
    else:
        known = post.owners.only if proven else None
        customer = known or await unknown_customer(tx, actor, post.box)
    new = New(
        customer,
        subject_of(letter),
        Said(body_of(letter), MessageSide.CUSTOMER, channel=Channel.MAIL),
        Channel.MAIL,
        further={} if proven else {"unverified_sender": post.sender},
    )
    call = Call(tx, actor, uuid7(), {})
    made = await opened(call, new)
    assert not made.is_refused, made.errors
    await came(await tx.raw(), post.box, call.row, letter, post.sender, proven=proven)
    if about is not None:
        await note(tx, actor, call.row, await _claims(post, about))
    if not letter.bulk and post.sender != NOBODY:
        await acknowledge(tx, actor, call.row, post.sender, proven=proven)
    return call.row


async def _attach(post: _Post, ticket: UUID) -> None:
    """Attach the mail's files to the message that it became."""
    message = await (await post.tx.raw()).fetchval(_MESSAGE, post.actor.organization_id, ticket)
    assert message is not None, "it was kept in this transaction"
    for file in taken(post.letter):
        await take_over(Call(post.tx, post.actor, message, {}), MessageAttachment, file.name, file.content)


async def _claims(post: _Post, about: _Ticket) -> str:
    number = await (await post.tx.raw()).fetchval(
        "SELECT number FROM tickets WHERE organization_id = $1 AND id = $2", post.actor.organization_id, about.id
    )
    return f"It answers a mail on {number}, but its sender is not known to take part in that, or that is over."


async def _ticket(post: _Post, row: UUID | None, number: str | None = None) -> _Ticket | None:
    """A ticket, or what goes on for it."""
    found = await (await post.tx.raw()).fetchrow(_TICKET, post.actor.organization_id, row, number)
    return None if found is None else _Ticket(**dict(found))
