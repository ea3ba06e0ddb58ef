"""Returns: asked for, approved or rejected, received, credited. No more comes back of a line than was ordered."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL
from crm_graph.auth.policy import Policy
from crm_graph.db import ids
from crm_graph.db.traces import add_event
from crm_graph.plan.changes import Effect, Outcome, UserError, denied, invalid, refusal
from crm_graph.plan.mutations import Argument, Call, may_write, mutation
from crm_graph.plan.signatures import Id
from crm_graph.plan.writes.write import insert_fields, insert_rows, update_fields
from crm_graph.resolvers.acting import for_themselves, for_us
from crm_graph.resolvers.orders.credits_given import AMOUNT, give
from crm_graph.resolvers.orders.states import DELIVERED, MOVES, RETURNED, SHIPPED
from crm_graph.resolvers.states import Moves, current, move
from crm_graph.schema.orders import Order, OrderLine, OrderStatus
from crm_graph.schema.returns import Return, ReturnLine, ReturnStatus
from crm_graph.specs import expanded

REQUESTED, APPROVED, RECEIVED, CREDITED, REJECTED = ReturnStatus
STEPS: Moves = {REQUESTED: (APPROVED, REJECTED), APPROVED: (RECEIVED, REJECTED), RECEIVED: (CREDITED,)}
MOST_LINES = 500

# what is left of each line, and what its earlier returns came to
_LEFT = """
SELECT l.id, l.quantity, l.currency, {total} AS total,
       coalesce(sum(r.quantity), 0) AS back, coalesce(sum(r.amount), 0) AS given
  FROM order_lines l
  LEFT JOIN (return_lines r JOIN returns t ON t.organization_id = r.organization_id AND t.id = r.return_id
             AND t.status <> 'REJECTED') ON r.organization_id = l.organization_id AND r.order_line_id = l.id
 WHERE l.organization_id = $1 AND l.order_id = $2 AND l.kind = 'PRODUCT' GROUP BY l.organization_id, l.id"""
_OF = "SELECT order_id, amount FROM returns WHERE organization_id = $1 AND id = $2"
_LOCK = "SELECT status FROM orders WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE"
_WHOSE = "SELECT customer_id FROM orders WHERE organization_id = $1 AND id = $2"
_ALL_BACK = """
SELECT NOT EXISTS (
    SELECT FROM order_lines l WHERE l.organization_id = $1 AND l.order_id = $2 AND l.kind = 'PRODUCT'
       AND l.quantity > (SELECT coalesce(sum(r.quantity), 0) FROM return_lines r JOIN returns t
            ON t.organization_id = r.organization_id AND t.id = r.return_id
         WHERE r.organization_id = $1 AND r.order_line_id = l.id AND t.status IN ('RECEIVED', 'CREDITED')))"""


@dataclass(frozen=True, slots=True)
class ReturnLineInput:
    """So many of one line of an order."""

    order_line_id: Annotated[Id, "The line of the order."]
    quantity: Annotated[Decimal, "How many come back."]


def _asks(policy: Policy) -> bool:
    return for_themselves(policy, Order) or for_us(policy, Order)


async def _its_customer(call: Call) -> bool:
    """Whether the caller is the customer who ordered, or acts for them and speaks."""
    customer = call.actor.customer_id
    if customer is None or not for_themselves(call.actor.policy, Order):
        return False
    found = await (await call.tx.raw()).fetchval(_WHOSE, call.actor.organization_id, call.row)
    return bool(found == customer)


@mutation(
    Order,
    Argument("lines", None, "What comes back.", required=True, parts=ReturnLineInput, many=True),
    Argument("reason", kinds.STRING, "Why, in the customer's words."),
    needs=None,
    offered=_asks,
)
async def request_return(call: Call) -> Outcome:
    """Ask to send back lines of an order of yours that was shipped; or note that its customer wants to."""
    if not await _its_customer(call) and not await may_write(call.tx, call.actor, Order, call.row, INTERNAL):
        return Outcome.refused(denied())
    at = OrderStatus(await current(call, Order))
    if at not in (SHIPPED, DELIVERED):
        return refusal("STATE_REFUSED", f"It is {at}: nothing of it comes back.")
    asked = call.arguments["lines"]
    assert isinstance(asked, list)
    lines = await _taken(call, asked)
    if isinstance(lines, Outcome):
        return lines
    made = ids.uuid7()
    values: dict[str, object] = {
        "order_id": call.row,
        "reason": call.arguments.get("reason"),
        "requested_at": dt.datetime.now(dt.UTC),
        "currency": lines[0]["currency"],
    }
    whole = await insert_fields(
        call.tx, call.actor, Return.__name__, values, row=made, event="return.requested", request_id=call.request_id
    )
    rows = [{**line, "return_id": made} for line in lines]
    parts = await insert_rows(call.tx, call.actor, ReturnLine.__name__, rows, request_id=call.request_id)
    refused = next((one for one in (whole, *parts) if one.is_refused), None)
    return refused or Outcome(Effect.UPDATED, call.row)


async def _taken(call: Call, asked: Sequence[ReturnLineInput]) -> list[dict[str, object]] | Outcome:
    """The lines of a return, under the order's lock; each with its part of what the order's line comes to."""
    if not 0 < len(asked) <= MOST_LINES:
        return Outcome.refused(invalid(f"1 to {MOST_LINES} lines are needed.", "lines"))
    total = f"({expanded(OrderLine.__specs__, 'total', 'l')})"
    found = await (await call.tx.raw()).fetch(_LEFT.format(total=total), call.actor.organization_id, call.row)
    left = {row["id"]: dict(row) for row in found}
    lines: list[dict[str, object]] = []
    errors = []
    for place, one in enumerate(asked):
        path = ("lines", str(place), "quantity")
        row = ids.decode_as(OrderLine.__prefix__, one.order_line_id)
        line = left.pop(row, None) if row else None  # each of them once
        if line is None:
            errors.append(invalid("This names no product line of the order, or one twice.", "lines", str(place)))
        elif not 0 < one.quantity <= line["quantity"] - line["back"]:
            says = f"{line['quantity'] - line['back']} of this line can still come back."
            errors.append(UserError("RETURN_EXCEEDS_ORDER", says, path))
        elif one.quantity % _least(line["quantity"]):
            errors.append(invalid(f"Of this line come back multiples of {_least(line['quantity'])}.", *path))
        else:
            lines.append({"order_line_id": row, "quantity": one.quantity, **_part(line, one.quantity)})
    return Outcome.refused(*errors) if errors else lines


def _least(ordered: Decimal) -> Decimal:
    """The least of a line that comes back: one, or of what was ordered in parts the last digit of that."""
    return Decimal(1).scaleb(min(0, int(ordered.normalize().as_tuple().exponent)))


def _part(line: Mapping[str, Any], quantity: Decimal) -> dict[str, object]:
    """What so many of a line come to: all returns of a line together to the line, to the cent."""
    currency, total = str(line["currency"]), line["total"]
    if total is None:
        return {"currency": currency, "amount": None}
    until = kinds.rounded(total * (line["back"] + quantity) / line["quantity"], currency)
    return {"currency": currency, "amount": until - line["given"]}


@mutation(Return, needs=INTERNAL)
async def approve_return(call: Call) -> Outcome:
    """Let it come back."""
    return await move(call, Return, STEPS, APPROVED, "return.approved", needs=INTERNAL)


@mutation(Return, Argument("reason", kinds.STRING, "Why not."), needs=INTERNAL)
async def reject_return(call: Call) -> Outcome:
    """Refuse a return; its lines can be returned by another one."""
    values = {"reason": call.arguments["reason"]} if call.arguments.get("reason") else {}
    await _order(call)
    return await move(call, Return, STEPS, REJECTED, "return.rejected", values, needs=INTERNAL)


@mutation(Return, needs=INTERNAL)
async def receive_return(call: Call) -> Outcome:
    """Note that it has come back. An order of which all products have come back is RETURNED."""
    order, at, _ = await _order(call)
    outcome = await move(call, Return, STEPS, RECEIVED, "return.received", needs=INTERNAL)
    if outcome.is_refused:
        return outcome
    connection, organization = await call.tx.raw(), call.actor.organization_id
    if RETURNED in MOVES.get(at, ()) and await connection.fetchval(_ALL_BACK, organization, order):
        moved = await update_fields(
            call.tx, call.actor, Order.__name__, order, {"status": RETURNED.value}, "order.returned",
            request_id=call.request_id,
        )  # fmt: skip
        return moved if moved.is_refused else outcome
    payload = {"id": str(order), "fields": ["returns"]}
    await add_event(connection, organization, "order.returned", ("Order", order), payload)
    return outcome


@mutation(Return, AMOUNT, Argument("reason", kinds.STRING, "What for."), needs=INTERNAL)
async def credit_return(call: Call) -> Outcome:
    """Give back what a received return comes to, or less of it; never more than was paid for the order."""
    order, _, amount = await _order(call)
    outcome = await move(call, Return, STEPS, CREDITED, "return.credited", needs=INTERNAL)
    if outcome.is_refused:
        return outcome
    given = await give(call, order, call.row, amount or Decimal(0))
    return given if given.is_refused else outcome


async def _order(call: Call) -> tuple[UUID, OrderStatus, Decimal | None]:
    """The order of the call's return, locked before it: its id and state, and what the return comes to."""
    connection, organization = await call.tx.raw(), call.actor.organization_id
    found = await connection.fetchrow(_OF, organization, call.row)
    assert found is not None, "the return was seen in this transaction"
    status = await connection.fetchval(_LOCK, organization, found["order_id"])
    return found["order_id"], OrderStatus(status), found["amount"]
