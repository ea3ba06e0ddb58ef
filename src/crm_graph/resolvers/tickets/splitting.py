"""Messages that are about something else go to a ticket of their own."""

from dataclasses import dataclass
from typing import Annotated, Final

import asyncpg

from crm_graph import kinds
from crm_graph.plan.access.visibility import named
from crm_graph.plan.changes import Outcome, invalid, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.signatures import Id
from crm_graph.plan.writes.write import insert_fields, update_fields
from crm_graph.resolvers.tickets.changed import TicketChange, What, ticket_changed
from crm_graph.resolvers.tickets.opening import free_number, wrong_subject
from crm_graph.resolvers.tickets.states import STAFF, Facts, locked, standing
from crm_graph.schema.ticket_states import TicketStatus
from crm_graph.schema.tickets import MessageSide, Ticket, TicketMessage

_MOST: Final = 100
_KEPT: Final = (
    "customer_id", "partner_id", "order_id", "product_id", "language", "channel", "impact", "urgency", "customer_value",
    "raised_by", "priority", "tags", "skills", "queue_id", "team_id", "assignee_id", "unverified_sender",
)  # fmt: skip
_ROW: Final = f"SELECT {', '.join(_KEPT)} FROM tickets WHERE organization_id = $1 AND id = $2"
# what was mailed, or waits to be, goes with its message; who wrote by mail is answered on both tickets
_THEIR_MAILS: Final = "UPDATE ticket_mails SET ticket_id = $3 WHERE organization_id = $1 AND message_id = ANY($2)"
_SENDERS: Final = """
INSERT INTO ticket_mails (organization_id, id, created_at, ticket_id, mailbox_id, outgoing, proven, address, header_id,
                          sent_at)
SELECT organization_id, gen_random_uuid(), created_at, $3, mailbox_id, FALSE, proven, address, header_id, sent_at
  FROM ticket_mails WHERE organization_id = $1 AND ticket_id = $2 AND NOT outgoing"""
_MESSAGES: Final = """
SELECT id, origin_id, public, side, sent_at FROM ticket_messages WHERE organization_id = $1 AND ticket_id = $2
 ORDER BY sent_at, id FOR NO KEY UPDATE"""


@dataclass(frozen=True, slots=True)
class SplitMessageInput:
    """A message that goes to a ticket of its own."""

    message_id: Annotated[Id, "A message of the ticket."]


@mutation(
    Ticket,
    Argument("subject", kinds.STRING, "What the new ticket is about.", required=True),
    Argument(
        "messages",
        None,
        "What goes to it; at least one message that the customer reads goes, and one stays.",
        required=True,
        parts=SplitMessageInput,
        many=True,
    ),
    needs=STAFF,
)
async def split_ticket(call: Call) -> Outcome:
    """Open another ticket of the same customer with some of a ticket's messages; gives the new one.

    They are read there by who read them before: internal ones stay internal.
    """
    facts, subject = await locked(call), str(call.arguments["subject"])
    unfit = standing(facts) or wrong_subject(subject)
    if unfit is not None:
        return unfit
    moving = await _moving(call)
    if isinstance(moving, Outcome):
        return moving
    made = await _made(call, facts, subject.strip(), moving)
    if made.is_refused or made.id is None:
        return made
    for one in moving:
        moved = await update_fields(
            call.tx, call.actor, TicketMessage.__name__, one["id"],
            {"ticket_id": made.id, "origin_id": one["origin_id"] or facts.id}, "ticket_message.moved",
            request_id=call.request_id,
        )  # fmt: skip
        if moved.is_refused:
            return moved
    connection, organization = await call.tx.raw(), call.actor.organization_id
    await connection.execute(_SENDERS, organization, facts.id, made.id)
    await connection.execute(_THEIR_MAILS, organization, [one["id"] for one in moving], made.id)
    for ticket, what in ((made.id, What.OPENED), (facts.id, What.MOVED)):
        await ticket_changed(call.tx, call.actor, TicketChange(ticket, what))
    return made


async def _moving(call: Call) -> "list[asyncpg.Record] | Outcome":
    """The messages that go; of those that the customer reads, one has to, and one has to stay."""
    given: list[SplitMessageInput] = call.arguments["messages"]  # type: ignore[assignment]
    if len(given) > _MOST:
        return Outcome.refused(invalid(f"At most {_MOST} messages are taken.", "messages"))
    wanted = {await named(call.tx, call.actor, TicketMessage, one.message_id) for one in given}
    found = await (await call.tx.raw()).fetch(_MESSAGES, call.actor.organization_id, call.row)
    moving = [row for row in found if row["id"] in wanted]
    if not wanted or len(moving) < len(wanted):
        return refusal("VALUE_INVALID", "Messages of this ticket are needed.", "messages")
    if not any(row["public"] for row in found if row["id"] not in wanted):
        return refusal("VALUE_INVALID", "One that the customer reads has to stay.", "messages")
    if not any(row["public"] for row in moving):  # or the customer would have a ticket that tells of a note
        return refusal("VALUE_INVALID", "One that the customer reads has to go.", "messages")
    return moving


async def _made(call: Call, facts: Facts, subject: str, moving: "list[asyncpg.Record]") -> Outcome:
    row = await (await call.tx.raw()).fetchrow(_ROW, call.actor.organization_id, facts.id)
    assert row is not None
    answers = [m["sent_at"] for m in moving if m["public"] and m["side"] == MessageSide.STAFF]
    asked = [m["sent_at"] for m in moving if m["side"] != MessageSide.STAFF]
    values = {
        **dict(row),
        "number": await free_number(call),
        "subject": subject,
        "type": facts.type.value,
        "status": TicketStatus.OPEN.value,
        "opened_by_id": call.actor.user_id,
        "opened_at": facts.now,
        "first_answered_at": min(answers, default=None),
        "last_answer_at": max(answers, default=None),
        "last_customer_message_at": max(asked, default=None),
    }
    return await insert_fields(
        call.tx, call.actor, Ticket.__name__, values, event="ticket.split", request_id=call.request_id
    )
