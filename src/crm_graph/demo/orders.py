"""What was bought: orders on every channel, and what customers come to through them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from crm_graph.demo.baskets import Line, fill
from crm_graph.demo.business import Business, Buyer, cents
from crm_graph.demo.payments import RATES, paid, tax_in
from crm_graph.schema.customers import LifecycleStage
from crm_graph.schema.orders import VOID, Channel, Order, OrderLine, OrderStatus

HOME_CHANNELS = (Channel.WEB, Channel.MOBILE, Channel.PHONE, Channel.BRANCH, Channel.CHAT), (55, 25, 10, 8, 2)
TRADE_CHANNELS = (Channel.WEB, Channel.PHONE, Channel.MAIL, Channel.BRANCH, Channel.PARTNER), (30, 25, 15, 15, 15)


def sell(business: Business, numbers: list[str]) -> None:
    """Add an order for each number left; three of four customers are the ones who buy."""
    random = business.dice("orders")
    buying = [b for b in business.buyers if random.random() < 0.72]
    weights = [random.paretovariate(1.6) * (2.0 if b.trade else 1.0) for b in buying]
    drawn = [business.anchors[key] for key in ("customer", "shared") for _ in range(3) if key in business.anchors]
    drawn += random.choices(buying, weights, k=max(0, len(numbers) - len(drawn)))
    for buyer in drawn[: len(numbers)]:
        names, odds = TRADE_CHANNELS if buyer.trade else HOME_CHANNELS
        channel = random.choices(names, odds)[0]
        near = [r.id for r in business.resellers if buyer.country.code in r.countries]
        if channel is Channel.PARTNER and not near:
            channel = Channel.PHONE
        partner = random.choice(near) if channel is Channel.PARTNER else None
        moment = business.calendar.between(buyer.created_at, business.calendar.now)
        lines = fill(business, random, buyer, most=5, project=False)
        place(business, random, buyer, lines, moment, channel, partner, numbers.pop())


def place(
    business: Business,
    random: Random,
    buyer: Buyer,
    lines: Sequence[Line],
    moment: datetime,
    channel: Channel,
    partner: UUID | None,
    number: str,
    proposal: UUID | None = None,
) -> None:
    """Add one order with its lines; of a `proposal`, if it was made by accepting one."""
    total = sum((line.total for line in lines), Decimal(0))
    tax = sum((tax_in(line.total, buyer.country.code) for line in lines), Decimal(0))
    status, changed = _status(business, random, moment)
    identifier = business.rows.add(
        Order,
        moment,
        updated_at=changed,
        number=number,
        customer_id=buyer.id,
        partner_id=partner,
        proposal_id=proposal,
        channel=channel,
        status=status,
        placed_at=moment,
        currency=buyer.currency,
        total=total,
        net=total - tax,
        tax=tax,
        **paid(status, total, moment, changed),
    )
    taxed = {"tax_rate": RATES.get(buyer.country.code), "tax_included": True}
    for position, line in enumerate(lines, start=1):
        values = line.values(position, buyer.currency)
        business.rows.add(OrderLine, moment, order_id=identifier, unit_cost=line.unit_cost, **taxed, **values)
    buyer.orders.append((identifier, moment))
    if status not in VOID:
        buyer.last_order = max(moment, buyer.last_order or moment)
        buyer.revenue += total
        buyer.margin += total - sum((line.cost for line in lines), Decimal(0))


def _status(business: Business, random: Random, moment: datetime) -> tuple[OrderStatus, datetime]:
    age, fate = business.calendar.now - moment, random.random()
    if fate < 0.03:
        return OrderStatus.CANCELLED, min(moment + timedelta(hours=9), business.calendar.now)
    if fate < 0.045 and age > timedelta(days=30):
        return OrderStatus.RETURNED, moment + timedelta(days=random.randint(15, 29))
    for days, status in ((1, OrderStatus.PLACED), (4, OrderStatus.PAID), (12, OrderStatus.SHIPPED)):
        if age < timedelta(days=days):
            return status, moment + age * random.random()
    return OrderStatus.DELIVERED, moment + timedelta(days=random.randint(5, 12))


def take_stock(business: Business) -> None:
    """Set each customer's life-cycle stage and value from what it bought."""
    random = business.dice("lifecycle")
    pursued = {row["customer_id"] for row in business.rows.of["Opportunity"]}
    for buyer in business.buyers:
        buyer.row["stage"] = _stage(business, random, buyer, pursued=buyer.id in pursued)
        if buyer.last_order:
            buyer.row["lifetime_value"] = cents(buyer.margin * Decimal("1.6"))
            buyer.row["updated_at"] = buyer.last_order


def _stage(business: Business, random: Random, buyer: Buyer, *, pursued: bool) -> LifecycleStage:
    if buyer.last_order is None:
        if buyer.created_at < business.calendar.now - timedelta(days=700) and random.random() < 0.4:
            return LifecycleStage.LOST
        return LifecycleStage.PROSPECT if pursued or random.random() < 0.6 else LifecycleStage.SUSPECT
    quiet = business.calendar.now - buyer.last_order
    if quiet > timedelta(days=600):
        return LifecycleStage.ATTRITED
    if quiet > timedelta(days=330):
        return LifecycleStage.LAPSED
    if len(buyer.orders) == 1:
        return LifecycleStage.CUSTOMER
    return LifecycleStage.REPEAT if len(buyer.orders) < 5 else LifecycleStage.LOYAL
