"""What is held to be resolved waits for the customer's word, and is closed when that does not come."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from uuid import UUID

from crm_graph.auth.actor import Actor
from crm_graph.db.session import Transaction
from crm_graph.jobs.timers import clear_timer, set_timer, timer
from crm_graph.plan.changes import Outcome
from crm_graph.plan.mutations import Call
from crm_graph.resolvers.tickets.changed import What, told
from crm_graph.resolvers.tickets.states import CONFIRMED_WITHIN, Facts, present, put
from crm_graph.schema.ticket_states import TicketStatus
from crm_graph.schema.tickets import TicketClosing

UNCONFIRMED: Final = "ticket.unconfirmed"
UNRESOLVED: Final[Mapping[str, object]] = {"resolved_at": None, "confirm_until": None}
"""What a ticket has when it is not, or not any more."""


async def put_resolved(
    call: Call, facts: Facts, event: str, values: Mapping[str, object] = MappingProxyType({})
) -> Outcome:
    """Put a ticket to its customer as resolved; it is closed when they have said nothing for so long.

    Whoever calls tells of it, after what was said with it.
    """
    until = facts.now + CONFIRMED_WITHIN
    written = {**values, "resolved_at": facts.now, "confirm_until": until}
    done = await put(call, facts, event, written, TicketStatus.RESOLVED)
    if not done.is_refused:
        await set_timer(call.tx, call.actor.organization_id, UNCONFIRMED, facts.id, until)
    return done


async def clear_confirmation(call: Call) -> None:
    await clear_timer(call.tx, call.actor.organization_id, UNCONFIRMED, call.row)


async def close(call: Call, facts: Facts, because: TicketClosing) -> Outcome:
    """Close a ticket; whoever calls has decided that it may be done."""
    values = {"closed_at": facts.now, "closed_because": because.value}
    done = await put(call, facts, "ticket.closed", values, TicketStatus.CLOSED)
    if not done.is_refused:
        await clear_confirmation(call)
    return await told(call, done, What.CLOSED)


@timer(UNCONFIRMED)
async def time_out(tx: Transaction, actor: Actor, row: UUID) -> None:
    """Close what its customer was asked about and said nothing of."""
    call = Call(tx, actor, row, {})
    facts = await present(call)
    if facts is not None and facts.status is TicketStatus.RESOLVED:
        await close(call, facts, TicketClosing.TIMED_OUT)
