"""Orders from shops: one mutation with all lines, safe to repeat, in whatever order deliveries arrive."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Final
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL
from crm_graph.db import ids
from crm_graph.declaration import choice_kind
from crm_graph.kinds import Amount
from crm_graph.plan.access.visibility import find
from crm_graph.plan.changes import Change, Effect, Outcome, UserError, denied, refusal
from crm_graph.plan.mutations import Argument, Call, may_write, mutation
from crm_graph.plan.writes.write import update_fields, write
from crm_graph.resolvers.orders import lines_given
from crm_graph.resolvers.orders.lines_given import OrderLineInput
from crm_graph.resolvers.orders.states import FIXED, PAID, PLACED, leads, stamps
from crm_graph.schema.customers import Customer
from crm_graph.schema.orders import Order, OrderLine, OrderStatus

_ALONE: Final = (
    "SELECT pg_advisory_xact_lock(hashtextextended($1::text || chr(31) || $2::text || chr(31) || $3::text, 0))"
)
_KNOWN: Final = """SELECT id, status, currency, source_updated_at, total, paid FROM orders
 WHERE organization_id = $1 AND source = $2 AND external_id = $3 FOR NO KEY UPDATE"""


@dataclass(frozen=True, slots=True)
class RecordKeyInput:
    """A record by its key in another system."""

    source: Annotated[str, "The system."]
    external_id: Annotated[str, "The record's key there."]


@mutation(
    Order,
    Argument(
        "customer",
        None,
        "Who ordered, by their key in another system, where their id is not known.",
        parts=RecordKeyInput,
    ),
    Argument(
        "lines", None, "All lines, in their order; left out, they stay as they are.", parts=OrderLineInput, many=True
    ),
    Argument("status", choice_kind(OrderStatus), "How it stands in the shop; legal moves must lead there."),
    Argument("total", kinds.MONEY, "What the customer pays, of an order whose lines are not given."),
    Argument("paid", kinds.MONEY, "What was paid so far; of an order that is PAID the total, if it is left out."),
    Argument("updated_at", kinds.DATETIME, "When the shop changed it: what is older than what is on record is STALE."),
    needs=INTERNAL,
    upserts=True,
)
async def upsert_order(call: Call) -> Outcome:
    """Take in an order from a shop, with its lines, by its key there: made once, changed by what is newer."""
    change = call.upserted
    assert change is not None
    assert change.key is not None
    connection, organization = await call.tx.raw(), call.actor.organization_id
    key = (change.key.source, change.key.external_id)
    await connection.execute(_ALONE, str(organization), *key)  # of deliveries at once, one makes it
    known = await connection.fetchrow(_KNOWN, organization, *key)
    if known is not None:
        seen = await find(call.tx, call.actor, Order, {"source": key[0], "external_id": key[1]})
        if seen is None:
            return await write(call.tx, call.actor, change, request_id=call.request_id)  # refuses as it should
        if not await may_write(call.tx, call.actor, Order, seen, INTERNAL):
            return Outcome.refused(denied())
        if _stale(call.arguments.get("updated_at"), known["source_updated_at"]):
            return Outcome(Effect.STALE, seen)
    return await _take(call, change, dict(known) if known else None)


def _stale(given: object, on_record: dt.datetime | None) -> bool:
    return isinstance(given, dt.datetime) and on_record is not None and given < on_record


async def _take(call: Call, change: Change, known: Mapping[str, object] | None) -> Outcome:
    """Write order, lines and state; `UNCHANGED` where all of it was so before."""
    values = dict(change.values)
    customer = call.arguments.get("customer")
    if isinstance(customer, RecordKeyInput):
        at = {"source": customer.source, "external_id": customer.external_id}
        found = await find(call.tx, call.actor, Customer, at)
        if found is None or ("customerId" in values and values["customerId"] != ids.encode(Customer.__prefix__, found)):
            return Outcome.refused(
                UserError("REFERENCE_NOT_FOUND", "customer names no record that you can see.", ("customer",))
            )
        values["customerId"] = ids.encode(Customer.__prefix__, found)
    currency = str(known["currency"]) if known else _currency(call, values)
    if known is None:
        values.setdefault("currency", currency)
    rows = await _lines(call, currency)
    if isinstance(rows, Outcome):
        return rows
    whole = await write(call.tx, call.actor, replace(change, values=values), request_id=call.request_id)
    if whole.is_refused or whole.id is None:
        return whole
    parts = Outcome(Effect.UNCHANGED, whole.id)
    status = OrderStatus(str(known["status"])) if known else PLACED
    if rows is not None:
        parts = await lines_given.put(call, whole.id, currency, rows, fixed=known is not None and status in FIXED)
    if parts.is_refused:
        return parts
    facts = await _facts(call, whole.id, known, status, currency)
    if facts.is_refused or whole.effect is Effect.CREATED:
        return facts if facts.is_refused else whole
    effects = {whole.effect, parts.effect, facts.effect}
    return Outcome(Effect.UPDATED if Effect.UPDATED in effects else Effect.UNCHANGED, whole.id)


def _currency(call: Call, values: Mapping[str, object]) -> str:
    """What a new order is in: as stated, else as its first amount, else as the organisation's."""
    if isinstance(values.get("currency"), str):
        return str(values["currency"])
    lines = call.arguments.get("lines")
    amounts = [line.unit_price for line in lines] if isinstance(lines, list) else []
    amounts += [one for one in (call.arguments.get("total"), call.arguments.get("paid")) if isinstance(one, Amount)]
    return str(amounts[0].currency) if amounts else call.actor.currency


async def _lines(call: Call, currency: str) -> list[dict[str, object]] | Outcome | None:
    """The lines given, `None` where none are; for callers who may write lines."""
    lines = call.arguments.get("lines")
    if not isinstance(lines, list):
        return None
    grants = call.actor.policy.on(OrderLine.__name__)
    if not any(grant.create and grant.write is not None and grant.write >= INTERNAL for grant in grants):
        return refusal("WRITE_ACCESS_DENIED", "You may not write lines.", "lines")
    return await lines_given.read(call, lines, currency)


async def _facts(
    call: Call, order: UUID, known: Mapping[str, object] | None, at: OrderStatus, currency: str
) -> Outcome:
    """Note what only the shop tells: its time, amounts without lines, payments, and how the order stands there."""
    values: dict[str, object] = {}
    for name in ("total", "paid"):
        given = call.arguments.get(name)
        if isinstance(given, Amount):
            if given.currency != currency or given.amount < 0:
                return Outcome.refused(
                    UserError("CURRENCY_MISMATCH", f"An amount of zero or more in {currency} is needed.", (name,))
                )
            values[name] = given.amount
    if "updated_at" in call.arguments:
        values["source_updated_at"] = call.arguments["updated_at"]
    to = OrderStatus(str(call.arguments.get("status", at)))
    if known is not None and not leads(at, to):
        return refusal("STATE_REFUSED", f"It is {at}, which does not lead to {to}.", "status")
    event = "order.updated"
    if to is not at:
        event = f"order.{to.lower()}"
        values |= {"status": to.value, **stamps(to)}
    if to is PAID and to is not at and "paid" not in values:
        total = await (await call.tx.raw()).fetchval(
            "SELECT total FROM orders WHERE organization_id = $1 AND id = $2", call.actor.organization_id, order
        )
        values["paid"] = values.get("total", total) if "lines" not in call.arguments else total
    if not values:
        return Outcome(Effect.UNCHANGED, order)
    return await update_fields(call.tx, call.actor, Order.__name__, order, values, event, request_id=call.request_id)
