"""Messages that are about something else go to a ticket of their own."""

from typing import Final

import asyncpg

from crm_graph import kinds
from crm_graph.plan.changes import Outcome
from crm_graph.plan.mutations import Argument, Call, Listed, mutation
from crm_graph.plan.writes.write import insert_fields, update_fields
from crm_graph.resolvers.tickets.changed import TicketChange, What, ticket_changed
from crm_graph.resolvers.tickets.opening import free_number, wrong_subject
from crm_graph.resolvers.tickets.states import STAFF, Facts, locked, over, refused, standing
from crm_graph.schema.tickets import MessageSide, Ticket, TicketMessage, TicketStatus

_KEPT: Final = (
    "customer_id", "partner_id", "order_id", "product_id", "language", "channel", "impact", "urgency", "customer_value",
    "raised_by", "priority", "tags", "skills", "queue_id", "team_id", "assignee_id",
)  # fmt: skip
_ROW: Final = f"SELECT {', '.join(_KEPT)} FROM tickets WHERE organization_id = $1 AND id = $2"
_MESSAGES: Final = """
SELECT id, origin_id, public, side, sent_at FROM ticket_messages WHERE organization_id = $1 AND ticket_id = $2
 ORDER BY sent_at, id FOR NO KEY UPDATE"""


@mutation(
    Ticket,
    Argument("subject", kinds.STRING, "What the new ticket is about.", required=True),
    Listed(
        "messages",
        "SplitMessageInput",
        (Argument("message_id", kinds.ID, "A message of the ticket.", required=True, ref="TicketMessage"),),
        "What goes to it; at least one message stays.",
        required=True,
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
    if over(made) or made.id is None:
        return made
    for one in moving:
        moved = await update_fields(
            call.tx, call.actor, TicketMessage.__name__, one["id"],
            {"ticket_id": made.id, "origin_id": one["origin_id"] or facts.id}, "ticket_message.moved",
            request_id=call.request_id,
        )  # fmt: skip
        if over(moved):
            return moved
    for ticket, what in ((made.id, What.OPENED), (facts.id, What.MOVED)):
        await ticket_changed(call.tx, call.actor, TicketChange(ticket, what))
    return made


async def _moving(call: Call) -> "list[asyncpg.Record] | Outcome":
    """The messages that go; one that the customer reads has to stay."""
    listed = call.arguments["messages"]
    assert isinstance(listed, list)
    wanted = {one["message_id"] for one in listed}
    found = await (await call.tx.raw()).fetch(_MESSAGES, call.actor.organization_id, call.row)
    moving = [row for row in found if row["id"] in wanted]
    if not wanted or len(moving) < len(wanted):
        return refused("VALUE_INVALID", "Messages of this ticket are needed.", "messages")
    if not any(row["public"] for row in found if row["id"] not in wanted):
        return refused("VALUE_INVALID", "One that the customer reads has to stay.", "messages")
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
