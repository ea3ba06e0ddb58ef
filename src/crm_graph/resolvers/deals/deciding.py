"""What we do with a registration: look at it, approve or reject it, extend its protection, make a sale of it."""

import datetime as dt
from typing import Final
from uuid import UUID

import asyncpg

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL
from crm_graph.jobs.timers import set_timer
from crm_graph.plan.changes import Outcome, invalid, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.resolvers.deals.answering import EXPIRE
from crm_graph.resolvers.deals.states import MOVES
from crm_graph.resolvers.states import move
from crm_graph.schema.deals import DealAnswer, DealRegistration, DealRegistrationStatus

DAYS: Final = 90
"""For how long a deal is protected, unless it is said."""
MOST_DAYS: Final = 730

_ROW: Final = """
SELECT d.partner_id, d.protected_until, d.checked_at, now() AS now,
       EXISTS (SELECT FROM channel_conflicts c WHERE c.organization_id = d.organization_id
                  AND d.id IN (c.registration_id, c.other_registration_id) AND c.resolved_at IS NULL) AS open
  FROM deal_registrations d WHERE d.organization_id = $1 AND d.id = $2 FOR NO KEY UPDATE OF d"""
_SELLS: Final = "SELECT partner_id FROM opportunities WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE"
_TAKEN: Final = "SELECT EXISTS (SELECT FROM deal_registrations WHERE organization_id = $1 AND opportunity_id = $2)"
_NOT_YET: Final = refusal("STATE_REFUSED", "Its protection has not begun.")
_REASON: Final = Argument("reason", kinds.STRING, "Why; the partner does not read it.", required=True)


@mutation(DealRegistration, needs=INTERNAL)
async def review_deal_registration(call: Call) -> Outcome:
    """Say that somebody looks at a registration; the partner is told nothing of it."""
    to = DealRegistrationStatus.IN_REVIEW
    return await move(call, DealRegistration, MOVES, to, "deal_registration.in_review", needs=INTERNAL)


@mutation(
    DealRegistration,
    _REASON,
    Argument("protection_days", kinds.INT, f"For how many days it is protected; {DAYS} unless said."),
    needs=INTERNAL,
)
async def approve_deal_registration(call: Call) -> Outcome:
    """Protect a deal from the time on that its partner is answered; what it collides with must be settled first."""
    days = call.arguments.get("protection_days", DAYS)
    if not isinstance(days, int) or not 1 <= days <= MOST_DAYS:
        return Outcome.refused(invalid(f"From 1 to {MOST_DAYS} days.", "protectionDays"))
    found = await _row(call)
    if found["checked_at"] is None:
        return refusal("REGISTRATION_UNCHECKED", "It is not yet held against customers and other registrations.")
    if found["open"]:
        return refusal("CHANNEL_CONFLICT", "It collides with another sale or registration: settle that first.")
    return await _decide(call, DealRegistrationStatus.APPROVED, {"protection_days": days}, found["now"])


@mutation(DealRegistration, _REASON, needs=INTERNAL)
async def reject_deal_registration(call: Call) -> Outcome:
    """Protect no deal; the partner is told so at the time of its answer, and nothing else."""
    return await _decide(call, DealRegistrationStatus.REJECTED, {}, (await _row(call))["now"])


@mutation(
    DealRegistration,
    _REASON,
    Argument("days", kinds.INT, "By how many days.", required=True),
    needs=INTERNAL,
)
async def extend_deal_registration(call: Call) -> Outcome:
    """Protect a deal for longer."""
    days = call.arguments["days"]
    if not isinstance(days, int) or not 1 <= days <= MOST_DAYS:
        return Outcome.refused(invalid(f"From 1 to {MOST_DAYS} days.", "days"))
    found = await _row(call)
    until: dt.datetime | None = found["protected_until"]
    if until is None:
        return _NOT_YET
    until += dt.timedelta(days=days)
    outcome = await _decide(call, DealRegistrationStatus.EXTENDED, {"protected_until": until}, found["now"])
    if not outcome.is_refused:
        await set_timer(call.tx, call.actor.organization_id, EXPIRE, call.row, until)
    return outcome


@mutation(
    DealRegistration,
    Argument("opportunity_id", kinds.ID, "The opportunity it has become.", required=True, ref="Opportunity"),
    needs=INTERNAL,
)
async def convert_deal_registration(call: Call) -> Outcome:
    """Say which opportunity a protected deal has become: one of the same partner, who was told that it is protected."""
    found, opportunity = await _row(call), call.arguments["opportunity_id"]
    if found["protected_until"] is None:  # what it reads would say when we decided
        return _NOT_YET
    assert isinstance(opportunity, UUID)
    connection, of = await call.tx.raw(), (call.actor.organization_id, opportunity)
    if await connection.fetchval(_SELLS, *of) != found["partner_id"]:
        return Outcome.refused(invalid("It is not an opportunity of this partner.", "opportunityId"))
    if await connection.fetchval(_TAKEN, *of):  # two at once wait for the opportunity
        return Outcome.refused(invalid("Another registration has become this opportunity.", "opportunityId"))
    values = {"opportunity_id": opportunity, "answer": DealAnswer.CONVERTED.value}
    to, event = DealRegistrationStatus.CONVERTED, "deal_registration.converted"
    return await move(call, DealRegistration, MOVES, to, event, values, needs=INTERNAL)


async def _row(call: Call) -> asyncpg.Record:
    """The registration, locked."""
    found = await (await call.tx.raw()).fetchrow(_ROW, call.actor.organization_id, call.row)
    assert found is not None, "the registration was seen in this transaction"
    return found


async def _decide(call: Call, to: DealRegistrationStatus, values: dict[str, object], now: dt.datetime) -> Outcome:
    reason = str(call.arguments["reason"]).strip()
    if not reason:
        return Outcome.refused(invalid("The reason cannot be blank.", "reason"))
    decided = {"reason": reason, "decided_at": now, "decided_by_id": call.actor.user_id, **values}
    event = f"deal_registration.{to.value.lower()}"
    return await move(call, DealRegistration, MOVES, to, event, decided, needs=INTERNAL)
