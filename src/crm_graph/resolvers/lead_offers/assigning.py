"""What we do with leads and partners: offer one, to another if need be, and take it back."""

import datetime as dt
from typing import Final
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL
from crm_graph.plan.changes import Outcome, invalid, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.writes.write import update_fields
from crm_graph.resolvers.lead_offers.candidates import next_candidate
from crm_graph.resolvers.lead_offers.offering import Held, Terms, end, held, offer
from crm_graph.schema.leads import Lead, LeadOfferStatus, LeadStatus

WITHIN: Final = dt.timedelta(days=2)
"""For how long a lead is offered, unless it is said."""
MOST: Final = dt.timedelta(days=90)


@mutation(
    Lead,
    Argument("partner_id", kinds.ID, "To whom; left out: who fits best, and then the next.", ref="Partner"),
    Argument("accept_by", kinds.DATETIME, f"Until when it can be accepted; {WITHIN.days} days from now unless said."),
    needs=INTERNAL,
)
async def assign_lead_to_partner(call: Call) -> Outcome:
    """Offer a lead to a partner, who may accept it for a time; another who has it, or is offered it, has it no more."""
    at = await _seen(call)
    until, given = call.arguments.get("accept_by") or at.now + WITHIN, call.arguments.get("partner_id")
    assert isinstance(until, dt.datetime)
    if not at.now < until <= at.now + MOST:
        return Outcome.refused(invalid(f"From now on, within {MOST.days} days.", "acceptBy"))
    if at.status not in (LeadStatus.NEW, LeadStatus.WORKING):
        return refusal("STATE_REFUSED", f"It is {at.status.value}: it is offered to nobody.")
    if given is not None and given == at.partner_id:
        return refusal("STATE_REFUSED", "This partner has it, or is offered it, already.")
    partner = given if isinstance(given, UUID) else await next_candidate(call.tx, call.actor.organization_id, call.row)
    if partner is None:
        return refusal("NO_PARTNER_FITS", "No partner who was not asked yet looks after such customers.")
    await _end(call, at)
    terms = Terms(partner, until, by_rule=given is None, offered_by_id=call.actor.user_id)
    return await offer(
        call.tx, call.actor, call.row, terms, at.now, needs=INTERNAL, if_match=call.if_match, request_id=call.request_id
    )


@mutation(Lead, needs=INTERNAL)
async def take_back_lead(call: Call) -> Outcome:
    """Take a lead from the partner who has it, or is offered it; it is nobody's but its owner's then."""
    at = await _seen(call)
    if at.partner_id is None:
        return refusal("STATE_REFUSED", "No partner has it.")
    await _end(call, at)
    values = {"partner_id": None, "accept_by": None}
    return await update_fields(
        call.tx,
        call.actor,
        "Lead",
        call.row,
        values,
        "lead.taken_back",
        needs=INTERNAL,
        if_match=call.if_match,
        request_id=call.request_id,
    )


async def _seen(call: Call) -> Held:
    found = await held(call.tx, call.actor.organization_id, call.row)
    assert found is not None, "the lead was seen in this transaction"
    return found


async def _end(call: Call, at: Held) -> None:
    """What was accepted stays on record as that; a refusal that follows undoes it."""
    if at.offer_id is not None:
        status = LeadOfferStatus.WITHDRAWN if at.accept_by is not None else None
        await end(call.tx, call.actor, at.offer_id, at.now, status)
