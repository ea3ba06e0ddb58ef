"""A partner's answer to a lead that it is offered. It reads the same whoever was asked before, and who is next."""

import datetime as dt
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.levels import PARTNER
from crm_graph.auth.policy import Policy
from crm_graph.jobs.timers import clear_timer, set_timer
from crm_graph.plan.changes import Outcome, certain, denied, invalid, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.writes.refusals import NOT_FOUND
from crm_graph.plan.writes.write import update_fields
from crm_graph.resolvers.acting import for_their_partner
from crm_graph.resolvers.lead_offers.offering import EXPIRE, NEXT, end, held
from crm_graph.schema.leads import Lead, LeadOfferStatus, LeadStatus


def _for_partners(policy: Policy) -> bool:
    return for_their_partner(policy, Lead)


@mutation(Lead, needs=PARTNER, offered=_for_partners)
async def accept_lead(call: Call) -> Outcome:
    """Accept a lead that you are offered, in time: then you work on it."""
    found = await _open(call)
    if isinstance(found, Outcome):
        return found
    row, now = found
    values: dict[str, object] = {"accept_by": None, "status": LeadStatus.WORKING.value}
    outcome = await _write(call, values, "lead.accepted")
    if not outcome.is_refused:
        answer = {"status": LeadOfferStatus.ACCEPTED.value, "responded_at": now}
        certain(await update_fields(call.tx, call.actor, "LeadOffer", row, answer, "lead_offer.accepted"))
        await clear_timer(call.tx, call.actor.organization_id, EXPIRE, row)
    return outcome


@mutation(Lead, Argument("reason", kinds.STRING, "Why not.", required=True), needs=PARTNER, offered=_for_partners)
async def decline_lead(call: Call) -> Outcome:
    """Decline a lead that you are offered; you do not see it any more."""
    reason = str(call.arguments["reason"]).strip()
    if not reason:
        return Outcome.refused(invalid("The reason cannot be blank.", "reason"))
    found = await _open(call)
    if isinstance(found, Outcome):
        return found
    row, now = found
    outcome = await _write(call, {"partner_id": None, "accept_by": None}, "lead.declined")
    if not outcome.is_refused:
        answer: dict[str, object] = {"responded_at": now, "decline_reason": reason}
        await end(call.tx, call.actor, row, now, LeadOfferStatus.DECLINED, answer)
        # by the worker: this answer takes as long whether there is another partner or not
        await set_timer(call.tx, call.actor.organization_id, NEXT, call.row, now)
    return outcome


async def _open(call: Call) -> tuple[UUID, dt.datetime] | Outcome:
    """The offer that is open to the caller's partner, and the time; or why there is none."""
    if call.actor.partner_id is None:
        return Outcome.refused(denied())
    at = await held(call.tx, call.actor.organization_id, call.row)
    if at is None or at.partner_id != call.actor.partner_id:
        return Outcome.refused(NOT_FOUND)  # it was seen as this began, and is gone by now
    if at.accept_by is None or at.offer_id is None:
        return refusal("STATE_REFUSED", "It is not offered.")
    if at.accept_by <= at.now:
        return refusal("STATE_REFUSED", "The time to accept it is over.")
    return at.offer_id, at.now


async def _write(call: Call, values: dict[str, object], event: str) -> Outcome:
    """Whoever calls: that the lead is theirs was seen under its lock."""
    return await update_fields(
        call.tx,
        call.actor,
        "Lead",
        call.row,
        values,
        event,
        if_match=call.if_match,
        request_id=call.request_id,
    )
