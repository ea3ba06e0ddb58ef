"""Raising what may be open of a customer: within one's limit at once, above it once somebody approves."""

from decimal import Decimal
from typing import Final

import asyncpg

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL
from crm_graph.kinds import Amount
from crm_graph.plan.changes import Outcome, UserError, invalid, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.writes.write import update_fields
from crm_graph.resolvers.authority import Action, Asked, Request, decide_or_ask, on_decision
from crm_graph.schema.customers import Customer

_ABOUT: Final = Customer.__name__
_LIMIT: Final = """
SELECT currency, credit_limit FROM customers
 WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE"""


@mutation(
    Customer,
    Argument("by", kinds.MONEY, "How much more may be open, in the customer's currency.", required=True),
    Argument("reason", kinds.STRING, "Why, for whoever is asked.", required=True),
    needs=INTERNAL,
)
async def raise_credit_limit(call: Call) -> Outcome:
    """Raise a customer's credit limit by an amount: within your limit at once, else somebody is asked.

    Never your own or your household's.
    """
    by, reason, customer = call.arguments["by"], str(call.arguments["reason"]).strip(), await _locked(call)
    assert isinstance(by, Amount)
    if not reason:
        return Outcome.refused(invalid("The reason cannot be blank.", "reason"))
    if by.currency != customer["currency"]:
        return Outcome.refused(invalid(f"The customer's limit is in {customer['currency']}.", "by", "currency"))
    if customer["credit_limit"] is None:
        return refusal("STATE_REFUSED", "They have no credit limit that could be raised.")
    answer = await decide_or_ask(
        call, Action.LIMIT_RAISE, by.amount, by.currency, about=(_ABOUT, call.row), note=reason, customer=call.row
    )
    match answer:
        case UserError():
            return Outcome.refused(answer)
        case Asked():
            values = {"limit_request_id": answer.request}
            return await update_fields(
                call.tx, call.actor, _ABOUT, call.row, values, "customer.limit_asked",
                if_match=call.if_match, request_id=call.request_id,
            )  # fmt: skip
    return await _raised(call, by.amount)


@on_decision(Action.LIMIT_RAISE, about=_ABOUT)
async def decided(call: Call, request: Request, approved: bool) -> Outcome | None:
    """The limit is higher by what was asked for, or as it was."""
    if not approved or request.gone:
        return None
    return await _raised(Call(call.tx, call.actor, request.row, {}, request_id=call.request_id), request.size)


async def _raised(call: Call, by: Decimal) -> Outcome:
    limit = (await _locked(call))["credit_limit"]
    if limit is None:
        return refusal("STATE_REFUSED", "They have no credit limit that could be raised.")
    return await update_fields(
        call.tx, call.actor, _ABOUT, call.row, {"credit_limit": limit + by}, "customer.limit_raised",
        if_match=call.if_match, request_id=call.request_id,
    )  # fmt: skip


async def _locked(call: Call) -> asyncpg.Record:
    found: asyncpg.Record | None = await (await call.tx.raw()).fetchrow(_LIMIT, call.actor.organization_id, call.row)
    assert found is not None, "the customer was seen in this transaction"
    return found
