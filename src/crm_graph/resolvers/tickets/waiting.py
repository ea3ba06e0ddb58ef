"""Tickets that wait: for their customer, or for somebody else."""

from crm_graph import kinds
from crm_graph.plan.changes import Outcome, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.resolvers.tickets.changed import What, told
from crm_graph.resolvers.tickets.messages import Said, say
from crm_graph.resolvers.tickets.states import STAFF, locked, put
from crm_graph.schema.ticket_queues import TicketNextState
from crm_graph.schema.ticket_states import OPEN_STATUSES, TicketStatus
from crm_graph.schema.tickets import Ticket


@mutation(Ticket, Argument("body", kinds.STRING, "What the customer is asked."), needs=STAFF)
async def wait_for_customer(call: Call) -> Outcome:
    """Have a ticket wait until its customer writes, asking them something or not."""
    body = str(call.arguments.get("body") or "").strip()
    if body:
        return await say(call, Said(body, author_id=call.actor.user_id), TicketNextState.WAITING)
    return await _stand(call, TicketStatus.WAITING, "ticket.waiting")


@mutation(Ticket, needs=STAFF)
async def put_ticket_on_hold(call: Call) -> Outcome:
    """Have a ticket wait for somebody other than its customer."""
    return await _stand(call, TicketStatus.ON_HOLD, "ticket.held")


@mutation(Ticket, needs=STAFF)
async def resume_ticket(call: Call) -> Outcome:
    """Go on with a ticket that waited."""
    if (await locked(call)).status not in OPEN_STATUSES:
        return refusal("STATE_REFUSED", "It does not wait: see reopenTicket.")
    return await _stand(call, TicketStatus.OPEN, "ticket.resumed")


async def _stand(call: Call, to: TicketStatus, event: str) -> Outcome:
    return await told(call, await put(call, await locked(call), event, {"status": to.value}, to), What.MOVED)
