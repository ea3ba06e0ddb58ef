"""Making something good to a customer: at once, where whoever speaks to them may."""

import datetime as dt
from typing import Final
from uuid import UUID

import asyncpg

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL
from crm_graph.declaration import choice_kind
from crm_graph.kinds import Amount
from crm_graph.plan.changes import Outcome, UserError, denied, invalid
from crm_graph.plan.mutations import Argument, Call, may_write, mutation
from crm_graph.plan.writes.write import insert_fields, update_fields
from crm_graph.resolvers.authority import Action, Asked, Granted, Request, decide_or_ask, on_decision
from crm_graph.schema.compensations import Compensation, CompensationKind, CompensationState
from crm_graph.schema.customers import Customer

_ABOUT: Final = """
SELECT c.currency, o.currency AS order_currency, o.customer_id AS order_customer, t.customer_id AS ticket_customer
  FROM customers c
  LEFT JOIN orders o ON o.organization_id = c.organization_id AND o.id = $3
  LEFT JOIN tickets t ON t.organization_id = c.organization_id AND t.id = $4
 WHERE c.organization_id = $1 AND c.id = $2"""


@mutation(
    Compensation,
    Argument("customer_id", kinds.ID, "Whom it is for.", required=True, ref="Customer"),
    Argument("kind", choice_kind(CompensationKind), "Fee waived, credit or refund.", required=True),
    Argument("amount", kinds.MONEY, "How much, in the order's currency, else the customer's.", required=True),
    Argument("reason", kinds.STRING, "Why; the customer does not read it.", required=True),
    Argument("order_id", kinds.ID, "The order it is about.", ref="Order"),
    Argument("ticket_id", kinds.ID, "The ticket it comes of.", ref="Ticket"),
    needs=INTERNAL,
    creates=True,
)
async def grant_compensation(call: Call) -> Outcome:
    """Waive a fee, give credit or refund: within your limit at once, above it once somebody approves whose limit does.

    Never to yourself or your own household.
    """
    customer, amount, reason = call.arguments["customer_id"], call.arguments["amount"], call.arguments["reason"]
    assert isinstance(customer, UUID)
    assert isinstance(amount, Amount)
    if not await may_write(call.tx, call.actor, Customer, customer, INTERNAL):
        return Outcome.refused(denied())
    if not str(reason).strip():
        return Outcome.refused(invalid("The reason cannot be blank.", "reason"))
    unfit = await _unfit(call, customer, amount)
    if unfit is not None:
        return Outcome.refused(unfit)
    action = Action(str(call.arguments["kind"]))
    decided = await decide_or_ask(
        call,
        action,
        amount.amount,
        amount.currency,
        about=("Compensation", call.row),
        note=str(reason),
        customer=customer,
    )
    match decided:
        case UserError():
            return Outcome.refused(decided)
        case Granted():
            state: dict[str, object] = _granted(call)
        case Asked():
            state = {"state": CompensationState.ASKED.value, "approval_request_id": decided.request}
    return await insert_fields(
        call.tx,
        call.actor,
        "Compensation",
        {
            "customer_id": customer,
            "kind": call.arguments["kind"],
            "amount": amount.amount,
            "currency": amount.currency,
            "reason": reason,
            "order_id": call.arguments.get("order_id"),
            "ticket_id": call.arguments.get("ticket_id"),
            "requested_by_id": call.actor.user_id,
            **state,
        },
        row=call.row,
        event="compensation.granted" if isinstance(decided, Granted) else "compensation.asked",
        request_id=call.request_id,
    )


@on_decision(*(Action(kind.value) for kind in CompensationKind), about="Compensation")
async def settle_compensation(call: Call, request: Request, approved: bool) -> Outcome:
    """The customer has it, or does not."""
    state = CompensationState.GRANTED if approved else CompensationState(request.state.value)
    values = _granted(call) if approved else {"state": state.value}
    event = f"compensation.{state.value.lower()}"
    return await update_fields(
        call.tx, call.actor, "Compensation", request.row, values, event, request_id=call.request_id
    )


def _granted(call: Call) -> dict[str, object]:
    return {
        "state": CompensationState.GRANTED.value,
        "granted": True,
        "granted_by_id": call.actor.user_id,
        "granted_at": dt.datetime.now(dt.UTC),
    }


async def _unfit(call: Call, customer: UUID, amount: Amount) -> UserError | None:
    """What does not fit together: another customer's order or ticket, another currency than what is made good has."""
    order, ticket = call.arguments.get("order_id"), call.arguments.get("ticket_id")
    found: asyncpg.Record | None = await (await call.tx.raw()).fetchrow(
        _ABOUT, call.actor.organization_id, customer, order, ticket
    )
    assert found is not None, "the customer was seen in this transaction"
    if order is not None and found["order_customer"] != customer:
        return invalid("This is an order of another customer.", "orderId")
    if ticket is not None and found["ticket_customer"] != customer:
        return invalid("This is a ticket of another customer.", "ticketId")
    currency = found["currency"] if order is None else found["order_currency"]
    return None if amount.currency == currency else invalid(f"This is settled in {currency}.", "amount", "currency")
