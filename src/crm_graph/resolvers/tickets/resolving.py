"""A ticket is resolved by its customer's word: it is asked for, given, or turns out to be no."""

import datetime as dt
from dataclasses import replace
from typing import Final

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL
from crm_graph.declaration import choice_kind
from crm_graph.plan.changes import Effect, Outcome, denied, refusal
from crm_graph.plan.mutations import Argument, Call, may_write, mutation
from crm_graph.resolvers.tickets.changed import What, told
from crm_graph.resolvers.tickets.messages import Said, say
from crm_graph.resolvers.tickets.resolution import (
    UNRESOLVED,
    clear_confirmation,
    close,
    put_resolved,
)
from crm_graph.resolvers.tickets.sides import side_of, speaks
from crm_graph.resolvers.tickets.states import STAFF, Facts, locked, put, standing, unanswered
from crm_graph.schema.orders import Channel
from crm_graph.schema.ticket_queues import TicketNextState
from crm_graph.schema.ticket_states import IS_OPEN, TicketStatus
from crm_graph.schema.tickets import MessageSide, Ticket, TicketClosing

REOPENED_WITHIN: Final = dt.timedelta(days=30)
"""How long after a ticket was closed its customer may reopen it."""
_CHILDREN: Final = f"""
SELECT id FROM tickets WHERE organization_id = $1 AND parent_id = $2 AND status {IS_OPEN}
 ORDER BY id FOR NO KEY UPDATE"""
_SAYS: Final = Argument("body", kinds.STRING, "What is said with it; all who see the ticket read it.")


@mutation(
    Ticket,
    _SAYS,
    Argument("children", kinds.BOOLEAN, "Of an incident: resolve the tickets that are part of it, too."),
    needs=STAFF,
)
async def resolve_ticket(call: Call) -> Outcome:
    """Put a ticket to its customer as resolved: they confirm it, or say otherwise, or it is closed after five days.

    Of an incident, `children` says the same to all whose tickets are part of it, where you may. Complaints that the
    management has to answer are left out.
    """
    facts = await locked(call)
    done = await _resolve(call, facts)
    if done.is_refused or not call.arguments.get("children"):
        return done
    for found in await (await call.tx.raw()).fetch(_CHILDREN, call.actor.organization_id, call.row):
        child = replace(call, row=found["id"], if_match=None)
        known = await locked(child)
        if known.unanswered or not await may_write(call.tx, call.actor, Ticket, known.id, INTERNAL):
            continue
        part = await _resolve(child, known)
        if part.is_refused:
            return part
    return done


async def _resolve(call: Call, facts: Facts) -> Outcome:
    body = str(call.arguments.get("body") or "").strip()
    if body:
        return await say(call, Said(body, author_id=call.actor.user_id), TicketNextState.RESOLVED)
    unfit = standing(facts) or unanswered(facts)
    if unfit is not None:
        return unfit
    if facts.status is TicketStatus.RESOLVED:
        return Outcome(Effect.UNCHANGED, facts.id)
    return await told(call, await put_resolved(call, facts, "ticket.resolved"), What.RESOLVED)


@mutation(
    Ticket,
    Argument("channel", choice_kind(Channel), "How we were told; for staff, who record what the customer said."),
    needs=None,
    offered=speaks,
)
async def confirm_resolution(call: Call) -> Outcome:
    """Say that a ticket of yours is resolved; or record that its customer has said so. It is closed."""
    facts = await locked(call)
    side = await side_of(call, facts.customer_id, facts.partner_id)
    if side is None:
        return Outcome.refused(denied())
    if side is MessageSide.STAFF and "channel" not in call.arguments:
        return refusal("VALUE_INVALID", "Say how the customer told us.", "channel")
    if facts.status is not TicketStatus.RESOLVED:
        return refusal("STATE_REFUSED", f"It is {facts.status}: only what is RESOLVED is confirmed.")
    return await close(call, facts, TicketClosing.CONFIRMED)


@mutation(Ticket, _SAYS, needs=None, offered=speaks)
async def reopen_ticket(call: Call) -> Outcome:
    """Say that a ticket is not resolved after all; that is counted. Customers may until 30 days after it was closed."""
    facts = await locked(call)
    side = await side_of(call, facts.customer_id, facts.partner_id)
    if side is None:
        return Outcome.refused(denied())
    if facts.status not in (TicketStatus.RESOLVED, TicketStatus.CLOSED):
        return refusal("STATE_REFUSED", f"It is {facts.status}: only what is RESOLVED or CLOSED is reopened.")
    late = facts.closed_at is not None and facts.now > facts.closed_at + REOPENED_WITHIN
    if late and side is not MessageSide.STAFF:
        return refusal("TICKET_CLOSED", "It was closed too long ago: open another one.")
    gone: dict[str, object] = {**UNRESOLVED, "closed_at": None, "closed_because": None}
    values = {**gone, "reopen_count": facts.reopen_count + 1}
    done = await put(call, facts, "ticket.reopened", values, TicketStatus.OPEN)
    if done.is_refused:
        return done
    await clear_confirmation(call)
    await told(call, done, What.MOVED)
    body = str(call.arguments.get("body") or "").strip()
    said = Said(body, side, author_id=call.actor.user_id)
    return await say(replace(call, if_match=None), said) if body else done


@mutation(Ticket, Argument("reason", kinds.STRING, "For staff: why; kept as a note."), needs=None, offered=speaks)
async def close_ticket(call: Call) -> Outcome:
    """Close a ticket: of your own, because you need nothing more; for staff, what needs no answer, with the reason.

    What staff have answered is resolved instead, and closed by its customer's word.
    """
    facts = await locked(call)
    side = await side_of(call, facts.customer_id, facts.partner_id)
    if side is None:
        return Outcome.refused(denied())
    unfit = standing(facts) or unanswered(facts)
    if unfit is not None:
        return unfit
    if side is not MessageSide.STAFF:
        confirmed = facts.status is TicketStatus.RESOLVED
        return await close(call, facts, TicketClosing.CONFIRMED if confirmed else TicketClosing.WITHDRAWN)
    return await _close_by_us(call, facts)


async def _close_by_us(call: Call, facts: Facts) -> Outcome:
    reason = str(call.arguments.get("reason") or "").strip()
    if facts.status is TicketStatus.RESOLVED:
        return refusal("STATE_REFUSED", "It is RESOLVED: its customer has the word, until time is up.")
    if not reason:
        return refusal("VALUE_INVALID", "A reason is needed.", "reason")
    noted = await say(call, Said(reason, public=False, author_id=call.actor.user_id))
    return noted if noted.is_refused else await close(call, facts, TicketClosing.BY_US)
