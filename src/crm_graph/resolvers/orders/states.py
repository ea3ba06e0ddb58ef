"""Moving orders from state to state."""

import datetime as dt
from decimal import Decimal

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL
from crm_graph.entity import Choice
from crm_graph.kinds import Amount
from crm_graph.plan.changes import Outcome, invalid, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.writes.write import update_fields
from crm_graph.resolvers.states import Moves, move
from crm_graph.schema.orders import Order, OrderStatus

PLACED, PAID, SHIPPED, DELIVERED, CANCELLED, RETURNED = OrderStatus
MOVES: Moves = {
    PLACED: (PAID, SHIPPED, CANCELLED),
    PAID: (SHIPPED, CANCELLED),
    SHIPPED: (DELIVERED, RETURNED),
    DELIVERED: (RETURNED,),
}
FIXED = (SHIPPED, DELIVERED, CANCELLED, RETURNED)
"""States in which the lines stay as they are."""
_CURRENT = """SELECT status, currency, total, coalesce(paid, 0) AS paid FROM orders
 WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE"""


def leads(at: Choice, to: Choice) -> bool:
    """Whether legal moves, one or many, lead from a state to another."""
    return at is to or any(leads(step, to) for step in MOVES.get(at, ()))


def stamps(to: OrderStatus) -> dict[str, object]:
    """What entering a state notes besides."""
    column = {PAID: "paid_at", SHIPPED: "shipped_at", DELIVERED: "delivered_at"}.get(to)
    return {column: dt.datetime.now(dt.UTC)} if column else {}


@mutation(
    Order,
    Argument("amount", kinds.MONEY, "How much came in; all that is still to be paid if it is left out."),
    needs=INTERNAL,
)
async def pay_order(call: Call) -> Outcome:
    """Note what came in for an order; it is PAID when that is all of it, unless it was shipped on account before."""
    found = await (await call.tx.raw()).fetchrow(_CURRENT, call.actor.organization_id, call.row)
    assert found is not None, "the order was seen in this transaction"
    at, total, paid = OrderStatus(found["status"]), found["total"], found["paid"]
    if at in (CANCELLED, RETURNED):
        return refusal("STATE_REFUSED", f"It is {at}: nothing is paid for it.")
    due = max(total - paid, Decimal(0)) if total is not None else Decimal(0)
    given = call.arguments.get("amount")
    amount = given.amount if isinstance(given, Amount) else due
    if isinstance(given, Amount) and given.currency != found["currency"]:
        return refusal("CURRENCY_MISMATCH", f"The order is in {found['currency']}.", "amount")
    if not 0 < amount <= due:
        return Outcome.refused(invalid(f"{due} {found['currency']} is still to be paid.", "amount"))
    values = {"paid": paid + amount, **stamps(PAID)}
    if at is PLACED and amount == due:
        return await move(call, Order, MOVES, PAID, "order.paid", values, needs=INTERNAL)
    return await update_fields(
        call.tx, call.actor, "Order", call.row, values, "order.paid",
        needs=INTERNAL, if_match=call.if_match, request_id=call.request_id,
    )  # fmt: skip


@mutation(Order, needs=INTERNAL)
async def ship_order(call: Call) -> Outcome:
    """Note that an order left the house, paid or on account; its lines stay as they are from now on."""
    return await move(call, Order, MOVES, SHIPPED, "order.shipped", stamps(SHIPPED), needs=INTERNAL)


@mutation(Order, needs=INTERNAL)
async def deliver_order(call: Call) -> Outcome:
    """Note that an order has arrived."""
    return await move(call, Order, MOVES, DELIVERED, "order.delivered", stamps(DELIVERED), needs=INTERNAL)


@mutation(Order, Argument("reason", kinds.STRING, "Why."), needs=INTERNAL)
async def cancel_order(call: Call) -> Outcome:
    """Cancel an order that was not shipped; what was paid for it is given back by `creditOrder`."""
    values = {"cancel_reason": call.arguments.get("reason")}
    return await move(call, Order, MOVES, CANCELLED, "order.cancelled", values, needs=INTERNAL)
