"""Tickets that are about the same, or about more than one thing, or part of an incident.

Merged messages stay on the ticket that they were written on: so who reads them is who read them before, and undoing it
is easy. The survivor lists them as `mergedTickets { messages }`.
"""

from typing import Final
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL
from crm_graph.markers import camel
from crm_graph.plan.changes import Effect, Outcome, denied, invalid, refusal
from crm_graph.plan.mutations import Argument, Call, may_write, mutation
from crm_graph.resolvers.tickets.changed import TicketChange, What, ticket_changed
from crm_graph.resolvers.tickets.resolution import UNRESOLVED, clear_confirmation
from crm_graph.resolvers.tickets.states import STAFF, Facts, locked, put, standing, unanswered
from crm_graph.schema.ticket_states import TicketStatus
from crm_graph.schema.tickets import Ticket

_IN_ORDER: Final = (
    "SELECT id FROM tickets WHERE organization_id = $1 AND id = ANY($2::uuid[]) ORDER BY id FOR NO KEY UPDATE"
)
_HAS_CHILDREN: Final = "SELECT EXISTS (SELECT FROM tickets WHERE organization_id = $1 AND parent_id = $2)"


@mutation(Ticket, Argument("into_id", kinds.ID, "The ticket that goes on.", required=True, ref="Ticket"), needs=STAFF)
async def merge_ticket(call: Call) -> Outcome:
    """Let a ticket go on as another one of the same customer; who reads its messages stays who it was."""
    into = await _other(call, "into_id")
    if isinstance(into, Outcome):
        return into
    facts = await locked(call)
    unfit = standing(facts) or standing(into) or _apart(facts, into) or unanswered(facts)
    if unfit is not None:
        return unfit
    if await _has_parts(call, facts):
        return refusal("STATE_REFUSED", "It is an incident that others are part of.")
    merged = await put(call, facts, "ticket.merged", {"merged_into_id": into.id, **UNRESOLVED}, TicketStatus.MERGED)
    if merged.is_refused:
        return merged
    await clear_confirmation(call)
    await _told(call, facts.id, into.id)
    return merged


def _apart(facts: Facts, into: Facts) -> Outcome | None:
    """Why two tickets are not one."""
    if facts.customer_id != into.customer_id:
        said = "They are of different customers: make them part of an incident instead."
        return refusal("TICKETS_OF_OTHERS", said, "intoId")
    if facts.partner_id != into.partner_id:
        return refusal("TICKETS_OF_OTHERS", "They were not opened by the same partner.", "intoId")
    return None


@mutation(Ticket, needs=STAFF)
async def unmerge_ticket(call: Call) -> Outcome:
    """Let a ticket that was merged go on by itself again."""
    facts = await locked(call)
    if facts.merged_into_id is None:
        return refusal("STATE_REFUSED", f"It is {facts.status} and was not merged.")
    undone = await put(call, facts, "ticket.unmerged", {"merged_into_id": None}, TicketStatus.OPEN)
    if not undone.is_refused:
        await _told(call, facts.id, facts.merged_into_id)
    return undone


@mutation(Ticket, Argument("incident_id", kinds.ID, "The incident.", required=True, ref="Ticket"), needs=STAFF)
async def link_to_incident(call: Call) -> Outcome:
    """Make a ticket, of whatever customer, part of an incident; no customer learns of it."""
    incident = await _other(call, "incident_id")
    if isinstance(incident, Outcome):
        return incident
    facts = await locked(call)
    ended = standing(facts) or standing(incident)
    if ended is not None:
        return ended
    if incident.parent_id is not None or await _has_parts(call, facts):
        return Outcome.refused(invalid("An incident is not part of another one.", "incidentId"))
    return await _part_of(call, facts, incident.id, "ticket.linked")


@mutation(Ticket, needs=STAFF)
async def unlink_from_incident(call: Call) -> Outcome:
    """Take a ticket out of the incident that it was part of."""
    facts = await locked(call)
    return standing(facts) or await _part_of(call, facts, None, "ticket.unlinked")


async def _has_parts(call: Call, facts: Facts) -> bool:
    return bool(await (await call.tx.raw()).fetchval(_HAS_CHILDREN, call.actor.organization_id, facts.id))


async def _part_of(call: Call, facts: Facts, incident: UUID | None, event: str) -> Outcome:
    done = await put(call, facts, event, {"parent_id": incident})
    if done.effect is Effect.UPDATED:
        await ticket_changed(call.tx, call.actor, TicketChange(facts.id, What.MOVED))
    return done


async def _other(call: Call, argument: str) -> Facts | Outcome:
    """The other ticket that a call names, which its caller must deal with, too; both are locked, in one order."""
    other = call.arguments[argument]
    assert isinstance(other, UUID)
    if other == call.row:
        return Outcome.refused(invalid("This is the ticket itself.", camel(argument)))
    if not await may_write(call.tx, call.actor, Ticket, other, INTERNAL):
        return Outcome.refused(denied())
    await (await call.tx.raw()).execute(_IN_ORDER, call.actor.organization_id, [call.row, other])
    return await locked(call, other)


async def _told(call: Call, *tickets: UUID) -> None:
    for ticket in tickets:
        await ticket_changed(call.tx, call.actor, TicketChange(ticket, What.MOVED))
