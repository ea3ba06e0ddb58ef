"""Approval as a condition of a stage: a sale goes on from there once somebody whose limit covers its amount lets it."""

from decimal import Decimal
from typing import Final

import asyncpg

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL
from crm_graph.db.traces import add_event
from crm_graph.plan.changes import Effect, Outcome, UserError, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.writes.write import update_fields
from crm_graph.resolvers.authority import Action, Asked, Request, decide_or_ask, grant_at_once, on_decision
from crm_graph.schema.opportunities import Opportunity, OpportunityStatus

_ABOUT: Final = Opportunity.__name__
# what was granted since it came into its stage, and of no smaller amount than it has now
_SALE: Final = """
SELECT o.amount, o.currency, o.customer_id, o.status, EXISTS (
    SELECT FROM authority_uses u WHERE u.organization_id = o.organization_id AND u.row_id = o.id
       AND u.entity = 'Opportunity' AND u.action = 'STAGE_EXIT' AND u.currency = o.currency
       AND u.amount >= crm_round(o.amount, o.currency)
       AND u.created_at >= coalesce(o.entered_stage_at, o.created_at)) AS approved
  FROM opportunities o WHERE o.organization_id = $1 AND o.id = $2 FOR NO KEY UPDATE OF o"""


@mutation(Opportunity, Argument("note", kinds.STRING, "Why, for whoever is asked."), needs=INTERNAL)
async def request_stage_approval(call: Call) -> Outcome:
    """Have a sale approved for leaving its stage: at once where your limit covers it, else somebody is asked."""
    sale = await _sale(call)
    if sale["status"] != OpportunityStatus.OPEN.value:
        return refusal("OPPORTUNITY_CLOSED", "The opportunity is already won or lost.")
    if sale["approved"]:
        return Outcome(Effect.UNCHANGED, call.row)
    if not _amount(sale):
        return Outcome.refused(_NO_AMOUNT)
    answer = await decide_or_ask(
        call, Action.STAGE_EXIT, _amount(sale), sale["currency"], about=(_ABOUT, call.row),
        note=str(call.arguments.get("note") or "").strip() or None, customer=sale["customer_id"],
    )  # fmt: skip
    match answer:
        case UserError():
            return Outcome.refused(answer)
        case Asked():
            values = {"approval_request_id": answer.request}
            return await update_fields(
                call.tx, call.actor, _ABOUT, call.row, values, "opportunity.approval_asked", request_id=call.request_id
            )
    return Outcome(Effect.UPDATED, call.row)


@on_decision(Action.STAGE_EXIT, about=_ABOUT)
async def decided(call: Call, request: Request, approved: bool) -> Outcome | None:
    """Others are told. The grant is on record, where the next move finds it."""
    event = "opportunity.approved" if approved else "opportunity.not_approved"
    payload = {"id": str(request.row), "fields": []}
    await add_event(await call.tx.raw(), call.actor.organization_id, event, (_ABOUT, request.row), payload)
    return None


async def unapproved(call: Call) -> list[UserError]:
    """What is missing of the approval of a call's sale; where the caller's own limit covers it, it is granted."""
    sale = await _sale(call)
    if sale["approved"]:
        return []
    amount = _amount(sale)
    if not amount:
        return [_NO_AMOUNT]
    about, customer = (_ABOUT, call.row), sale["customer_id"]
    if await grant_at_once(call, Action.STAGE_EXIT, amount, sale["currency"], about=about, customer=customer):
        return []
    return [condition_unmet("It must be approved first: use requestStageApproval.")]


def condition_unmet(message: str, *field: str) -> UserError:
    """A condition of a stage that is not met."""
    return UserError("STAGE_CONDITIONS_UNMET", message, field)


_NO_AMOUNT: Final = condition_unmet("It must be approved first, which goes by its amount: it has none.")


def _amount(sale: asyncpg.Record) -> Decimal:
    """What is to be approved, in the currency's minor units; nothing of a sale without an amount."""
    return kinds.rounded(sale["amount"] or Decimal(0), sale["currency"])


async def _sale(call: Call) -> asyncpg.Record:
    found: asyncpg.Record | None = await (await call.tx.raw()).fetchrow(_SALE, call.actor.organization_id, call.row)
    assert found is not None, "the opportunity was seen in this transaction"
    return found
