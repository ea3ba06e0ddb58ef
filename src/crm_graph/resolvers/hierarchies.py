"""What companies with their subsidiaries, and households with their people, come to together. Read in one statement.

To a customer belong those below it in the tree of parents, and the members of a household; each counts once, however
it is reached. All goes through the caller's lens: a subsidiary, order or amount that they do not see is not there.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final
from uuid import UUID

import orjson

from crm_graph.auth.policy import Policy
from crm_graph.db.ids import decode_as, encode
from crm_graph.entity import REGISTRY
from crm_graph.plan.access.lens import Lens
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.queries import query
from crm_graph.plan.signatures import Ask, Id
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.schema.customers import Customer
from crm_graph.schema.orders import COUNTS
from crm_graph.schema.ticket_states import IS_OPEN

MOST_SHOWN: Final = 500
"""Customers that are listed one by one; all of them count."""


@dataclass(frozen=True, slots=True)
class RollUpMember:
    """A customer that belongs to another."""

    id: Annotated[Id, "The customer."]
    name: Annotated[str | None, "Its name."]
    parent_id: Annotated[Id | None, "What it belongs to directly by `Customer.parent`, if you see it."]


@dataclass(frozen=True, slots=True)
class RollUpAmount:
    """What they come to in one currency."""

    currency: Annotated[str, "The currency."]
    orders: Annotated[int, "Orders, but for those that were cancelled or came back."]
    revenue: Annotated[Decimal, "What these orders come to without tax."]
    open_amount: Annotated[Decimal, "What open opportunities are worth."]


@dataclass(frozen=True, slots=True)
class CustomerRollUp:
    """A customer with all that belong to it, as far as you see them."""

    customers: Annotated[int, "How many customers these are, itself included."]
    members: Annotated[list[RollUpMember], "They, itself first; the first 500."]
    amounts: Annotated[list[RollUpAmount], "What they come to, by currency."]
    open_opportunities: Annotated[int, "Opportunities that are open."]
    open_tickets: Annotated[int, "Tickets that are not resolved."]


@query(of=Customer.__name__)
async def customer_roll_up(
    ask: Ask,
    customer_id: Annotated[Id, "The parent company, or the household."],
    since: Annotated[dt.date | None, "First day of orders (UTC)."] = None,
    until: Annotated[dt.date | None, "Last day of orders (UTC)."] = None,
) -> CustomerRollUp | None:
    """What a customer comes to with its subsidiaries, at any depth, or with the members of its household."""
    row = decode_as(Customer.__prefix__, customer_id)
    found = await _read(ask, row, since, until) if row is not None else None
    if row is None or found is None or not found["members"]:
        return None
    members = [
        RollUpMember(_id(one["id"]), one["name"], _id(one["parent"]) if one["parent"] else None)
        for one in found["members"]
    ]
    sales: Mapping[str, Any] = {one["currency"]: one for one in found["opportunities"] if one["currency"]}
    orders: Mapping[str, Any] = {one["currency"]: one for one in found["orders"] if one["currency"]}
    amounts = [
        RollUpAmount(
            currency,
            orders[currency]["count"] if currency in orders else 0,
            _decimal(orders.get(currency)),
            _decimal(sales.get(currency)),
        )
        for currency in sorted({*sales, *orders})
    ]
    open_opportunities = sum(one["count"] for one in found["opportunities"])
    return CustomerRollUp(found["customers"], members, amounts, open_opportunities, found["tickets"])


def _id(row: str) -> Id:
    return Id(encode(Customer.__prefix__, UUID(row)))


def _decimal(found: Mapping[str, Any] | None) -> Decimal:
    return Decimal(found["amount"]) if found else Decimal(0)


async def _read(ask: Ask, row: UUID, since: dt.date | None, until: dt.date | None) -> Mapping[str, Any] | None:
    policy, parameters = ask.actor.policy, Parameters()
    root = parameters.constant(row, "uuid")
    top = open_lens(REGISTRY[Customer.__name__], policy, parameters, "c")
    if top is None:
        return None
    days = parameters.constant(since, "date"), parameters.constant(until, "date")
    below = " UNION ALL ".join(_below(policy, parameters))
    sql, sources = parameters.read(
        f"WITH RECURSIVE members AS (SELECT c.id FROM {top.source()} WHERE {top.where()} AND c.id = {root}"
        f" UNION SELECT e.id FROM members m CROSS JOIN LATERAL ({below}) e)"
        " SELECT json_build_object('customers', (SELECT count(*) FROM members m),"
        f" 'members', {_members(policy, parameters, root)}, 'orders', {_orders(policy, parameters, *days)},"
        f" 'opportunities', {_opportunities(policy, parameters)}, 'tickets', {_tickets(policy, parameters)})"
    )
    found: Mapping[str, Any] = orjson.loads(
        await (await ask.tx.raw()).fetchval(sql, *[source((), ask.actor) for source in sources])
    )
    return found


def _below(policy: Policy, parameters: Parameters) -> Sequence[str]:
    """Queries of the ids of those that belong to the customer `m` directly: its subsidiaries, and its members."""
    child = open_lens(REGISTRY[Customer.__name__], policy, parameters, "d")
    member = open_lens(REGISTRY["HouseholdMember"], policy, parameters, "h")
    person = open_lens(REGISTRY[Customer.__name__], policy, parameters, "n")
    assert child is not None, "customers are seen"
    assert person is not None
    found = ["SELECT NULL::uuid AS id WHERE FALSE"]
    parent = child.column(child.spec("parent_id"))
    if parent.sql is not None:
        found.append(f"SELECT d.id FROM {child.source()} WHERE {child.where()} AND {parent.leads_to('m.id')}")
    if member is not None:
        household, of = (member.column(member.spec(name)) for name in ("household_id", "member_id"))
        if household.sql is not None and of.sql is not None:
            inside = f"SELECT {of.sql} FROM {member.source()} WHERE {member.where()} AND {household.leads_to('m.id')}"
            found.append(f"SELECT n.id FROM {person.source()} WHERE {person.where()} AND n.id IN ({inside})")
    return found


def _members(policy: Policy, parameters: Parameters, root: str) -> str:
    lens = open_lens(REGISTRY[Customer.__name__], policy, parameters, "s")
    assert lens is not None, "customers are seen"
    name, parent = _columns(lens, "name", "parent_id")
    inside = "x.parent IN (SELECT y.id FROM members y)"
    return (
        f"coalesce((SELECT json_agg(json_build_object('id', x.id, 'name', x.name, 'parent', CASE WHEN {inside}"
        f" THEN x.parent END) ORDER BY x.id <> {root}, x.id)"
        f" FROM (SELECT s.id, {name} AS name, {parent}::uuid AS parent"
        f" FROM {lens.source()} WHERE {lens.where()} AND s.id IN (SELECT m.id FROM members m)"
        f" ORDER BY s.id <> {root}, s.id LIMIT {MOST_SHOWN}) x), '[]'::json)"
    )


def _orders(policy: Policy, parameters: Parameters, since: str, until: str) -> str:
    lens = open_lens(REGISTRY["Order"], policy, parameters, "o", as_set=True)
    if lens is None:
        return "'[]'::json"
    customer, status, placed, currency, net, total = _columns(
        lens, "customer_id", "status", "placed_at", "currency", "net", "total"
    )
    day = f"({placed} AT TIME ZONE 'UTC')::date"
    return _summed(
        f"SELECT {currency} AS currency, coalesce({net}, {total}) AS amount FROM {lens.source()} WHERE {lens.where()}"
        f" AND {customer} IN (SELECT m.id FROM members m) AND {status} {COUNTS}"
        f" AND ({since} IS NULL OR {day} >= {since}) AND ({until} IS NULL OR {day} <= {until})"
    )


def _opportunities(policy: Policy, parameters: Parameters) -> str:
    lens = open_lens(REGISTRY["Opportunity"], policy, parameters, "p", as_set=True)
    if lens is None:
        return "'[]'::json"
    customer, status, currency, amount = _columns(lens, "customer_id", "status", "currency", "amount")
    return _summed(
        f"SELECT {currency} AS currency, {amount} AS amount FROM {lens.source()} WHERE {lens.where()}"
        f" AND {customer} IN (SELECT m.id FROM members m) AND {status} = 'OPEN'"
    )


def _tickets(policy: Policy, parameters: Parameters) -> str:
    lens = open_lens(REGISTRY["Ticket"], policy, parameters, "t", as_set=True)
    if lens is None:
        return "0"
    customer, status = _columns(lens, "customer_id", "status")
    return (
        f"(SELECT count(*) FROM {lens.source()} WHERE {lens.where()} AND {customer} IN (SELECT m.id FROM members m)"
        f" AND {status} {IS_OPEN})"
    )


def _summed(rows: str) -> str:
    """The rows of a query with `currency` and `amount`, counted and summed up by currency."""
    return (
        "coalesce((SELECT json_agg(json_build_object("
        "'currency', x.currency, 'count', x.count, 'amount', x.amount::text))"
        " FROM (SELECT r.currency, count(*) AS count, coalesce(sum(r.amount), 0) AS amount"
        f" FROM ({rows}) r GROUP BY r.currency) x), '[]'::json)"
    )


def _columns(lens: Lens, *names: str) -> tuple[str, ...]:
    """SQL of fields as the caller sees them; what they do not see is NULL."""
    return tuple(f"({lens.column(lens.spec(name)).sql or 'NULL'})" for name in names)
