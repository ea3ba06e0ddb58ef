"""What is held to be resolved waits for the customer's word, and is closed when that does not come."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from crm_graph.auth.actor import Actor
from crm_graph.db.session import Transaction
from crm_graph.jobs.timers import clear_timer, set_timer, timer
from crm_graph.plan.changes import Outcome
from crm_graph.plan.mutations import Call
from crm_graph.resolvers.tickets.changed import TicketChange, What, ticket_changed
from crm_graph.resolvers.tickets.states import CONFIRMED_WITHIN, Facts, present, put
from crm_graph.schema.tickets import TicketClosing, TicketStatus

UNCONFIRMED: Final = "ticket.unconfirmed"
UNRESOLVED: Final[Mapping[str, object]] = {"resolved_at": None, "confirm_until": None}
"""What a ticket has when it is not, or not any more."""


def resolved_values(facts: Facts) -> dict[str, object]:
    """What a ticket has when it is put to its customer as resolved."""
    return {"resolved_at": facts.now, "confirm_until": facts.now + CONFIRMED_WITHIN}


async def set_confirmation(call: Call, facts: Facts) -> None:
    """Have the ticket closed when its customer has said nothing for so long."""
    await set_timer(call.tx, call.actor.organization_id, UNCONFIRMED, facts.id, facts.now + CONFIRMED_WITHIN)


async def clear_confirmation(call: Call) -> None:
    await clear_timer(call.tx, call.actor.organization_id, UNCONFIRMED, call.row)


async def close(call: Call, facts: Facts, because: TicketClosing) -> Outcome:
    """Close a ticket; whoever calls has decided that it may be done."""
    values = {"closed_at": facts.now, "closed_because": because.value}
    done = await put(call, facts, "ticket.closed", values, TicketStatus.CLOSED)
    if not done.is_refused:
        await clear_confirmation(call)
        await ticket_changed(call.tx, call.actor, TicketChange(facts.id, What.CLOSED))
    return done


@timer(UNCONFIRMED)
async def time_out(tx: Transaction, actor: Actor, row: UUID) -> None:
    """Close what its customer was asked about and said nothing of."""
    call = Call(tx, actor, row, {})
    facts = await present(call)
    if facts is not None and facts.status is TicketStatus.RESOLVED:
        await close(call, facts, TicketClosing.TIMED_OUT)
