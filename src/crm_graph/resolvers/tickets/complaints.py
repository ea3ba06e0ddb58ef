"""Complaints to the management: answered by somebody of it before they end, and brought before it until they are."""

import datetime as dt
from typing import Final
from uuid import UUID

from crm_graph.auth.actor import Actor
from crm_graph.db.session import Transaction
from crm_graph.jobs.timers import clear_timer, set_timer, timer
from crm_graph.mail.outbox import Mail, post
from crm_graph.plan.changes import Effect, Outcome, denied
from crm_graph.plan.mutations import Call, mutation
from crm_graph.resolvers.people import MAILED, OF_STAFF
from crm_graph.resolvers.tickets.changed import TicketChange, What, ticket_changed, told
from crm_graph.resolvers.tickets.resolution import UNRESOLVED
from crm_graph.resolvers.tickets.routing import management
from crm_graph.resolvers.tickets.sides import side_of, speaks
from crm_graph.resolvers.tickets.states import Facts, locked, present, put, standing
from crm_graph.schema.ticket_queues import TicketType
from crm_graph.schema.ticket_states import TicketStatus
from crm_graph.schema.tickets import Ticket, TicketGrade, TicketPriority

UNANSWERED: Final = "ticket.unanswered_complaint"
ANSWERED_WITHIN: Final = dt.timedelta(hours=24)
"""How long the management has before it is reminded, and between one time and the next."""

# whoever answers is of the management; where nobody is named as such, anybody is
_OF_MANAGEMENT: Final = """
SELECT count(*) = 0 OR coalesce(bool_or(m.user_id = $2), FALSE)
  FROM queue_members m
  JOIN ticket_queues q ON q.organization_id = $1 AND q.id = m.queue_id AND q.to_management AND q.active
  JOIN users u ON u.organization_id = $1 AND u.id = m.user_id AND u.status = 'ACTIVE'
 WHERE m.organization_id = $1"""
_TOLD: Final = f"""
SELECT DISTINCT u.email FROM users u
 WHERE u.organization_id = $1 AND {MAILED} AND {OF_STAFF} AND (
       u.id = (SELECT manager_id FROM users a WHERE a.organization_id = $1 AND a.id = $2)
    OR u.id IN (SELECT m.user_id FROM queue_members m JOIN ticket_queues q ON q.organization_id = $1
         AND q.id = m.queue_id AND q.to_management AND q.active WHERE m.organization_id = $1))
 ORDER BY u.email"""
_SAID: Final = """A complaint to the management waits for an answer: {number}.

Nobody of the management has answered it. It cannot be closed before, and comes back every day until it is answered.
"""


async def answered_values(call: Call, facts: Facts, author: UUID | None) -> dict[str, object]:
    """What an answer by `author` makes of a complaint to the management; nothing of other tickets, or by others."""
    if not facts.unanswered:
        return {}
    connection = await call.tx.raw()
    if not await connection.fetchval(_OF_MANAGEMENT, call.actor.organization_id, author):
        return {}
    await clear_timer(call.tx, call.actor.organization_id, UNANSWERED, facts.id)
    return {"answered_by_management_at": facts.now}


async def watch(tx: Transaction, actor: Actor, ticket: UUID, now: dt.datetime) -> None:
    """Have the management reminded of a complaint until it has answered."""
    await set_timer(tx, actor.organization_id, UNANSWERED, ticket, now + ANSWERED_WITHIN)


@mutation(Ticket, needs=None, offered=speaks)
async def address_to_management(call: Call) -> Outcome:
    """Make a ticket a complaint to the management: it cannot be closed before somebody of it has answered."""
    facts = await locked(call)
    if await side_of(call, facts.customer_id, facts.partner_id) is None:
        return Outcome.refused(denied())
    ended = standing(facts)
    if ended is not None:
        return ended
    if facts.to_management:
        return Outcome(Effect.UNCHANGED, call.row)
    values = {"type": TicketType.COMPLAINT.value, "to_management": True, **UNRESOLVED}
    back = TicketStatus.OPEN if facts.status is TicketStatus.RESOLVED else None
    done = await put(call, facts, "ticket.addressed_to_management", {**values, **await _above(call, facts)}, back)
    if not done.is_refused:
        await watch(call.tx, call.actor, call.row, facts.now)
    return await told(call, done, What.MOVED)


@timer(UNANSWERED)
async def escalate(tx: Transaction, actor: Actor, row: UUID) -> None:
    """Bring a complaint before the management again: into its queue, urgent, and by mail; and the next day, too."""
    call = Call(tx, actor, row, {})
    facts = await present(call)
    if facts is None or not facts.unanswered:
        return
    high, urgent = TicketGrade.HIGH.value, TicketPriority.URGENT.value
    values = {"escalated_at": facts.now, "impact": high, "urgency": high, "priority": urgent}
    await put(call, facts, "ticket.escalated", {**values, **await _above(call, facts)})
    connection = await tx.raw()
    for person in await connection.fetch(_TOLD, actor.organization_id, facts.assignee_id):
        subject = f"Waits for the management: {facts.number}"
        said = _SAID.format(number=facts.number)
        await post(connection, actor.organization_id, Mail(person["email"], subject, said))
    await watch(tx, actor, row, facts.now)
    await ticket_changed(tx, actor, TicketChange(row, What.MOVED))


async def _above(call: Call, facts: Facts) -> dict[str, object]:
    """The management's queue, where the ticket is not in it."""
    above = await management(call.tx, call.actor.organization_id)
    if above is None or above[0] == facts.queue_id:
        return {}
    return {"queue_id": above[0], "team_id": above[1] or facts.team_id, "assignee_id": None}
