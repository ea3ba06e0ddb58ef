"""Giving money back: never more than was paid, whoever gives it at once."""

import datetime as dt
from decimal import Decimal
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL
from crm_graph.db.traces import add_event
from crm_graph.kinds import Amount
from crm_graph.plan.changes import Effect, Outcome, invalid, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.writes.write import insert_fields
from crm_graph.schema.orders import Order
from crm_graph.schema.returns import Credit

_LEFT = """SELECT currency, coalesce(paid, 0) - coalesce(credited, 0) AS kept FROM orders
 WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE"""

AMOUNT = Argument("amount", kinds.MONEY, "How much; all that is left of it if it is left out.")
_REASON = Argument("reason", kinds.STRING, "What for.")


@mutation(Order, AMOUNT, _REASON, needs=INTERNAL)
async def credit_order(call: Call) -> Outcome:
    """Give back some or all of what was paid for an order."""
    given = await give(call, call.row, None)
    return given if given.is_refused else Outcome(Effect.UPDATED, call.row)


async def give(call: Call, order: UUID, for_return: UUID | None, most: Decimal | None = None) -> Outcome:
    """A credit for an order, by the call's `amount` and `reason`; at `most` so much if it says no amount."""
    connection, organization = await call.tx.raw(), call.actor.organization_id
    found = await connection.fetchrow(_LEFT, organization, order)
    assert found is not None, "the order was seen in this transaction"
    kept, currency, asked = found["kept"], found["currency"], call.arguments.get("amount")
    if isinstance(asked, Amount) and asked.currency != currency:
        return refusal("CURRENCY_MISMATCH", f"The order is in {currency}.", "amount")
    amount = asked.amount if isinstance(asked, Amount) else kept if most is None else min(most, kept)
    if not 0 < amount <= kept:
        says = f"{kept} {currency} of what was paid has not been given back."
        return refusal("CREDIT_EXCEEDS_PAYMENT", says, "amount")
    if most is not None and amount > most:
        return Outcome.refused(invalid(f"The return comes to {most} {currency}.", "amount"))
    values: dict[str, object] = {
        "order_id": order,
        "return_id": for_return,
        "currency": currency,
        "amount": amount,
        "reason": call.arguments.get("reason"),
        "credited_at": dt.datetime.now(dt.UTC),
        "credited_by_id": call.actor.user_id,
    }
    outcome = await insert_fields(call.tx, call.actor, Credit.__name__, values, request_id=call.request_id)
    if outcome.effect is Effect.CREATED:
        await add_event(
            connection, organization, "order.credited", ("Order", order), {"id": str(order), "fields": ["credited"]}
        )
    return outcome
