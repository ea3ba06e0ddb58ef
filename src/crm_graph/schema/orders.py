"""What customers bought."""

from datetime import datetime
from decimal import Decimal
from enum import auto
from typing import ClassVar, Final
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL, PARTNER, Category
from crm_graph.auth.rows import Rows
from crm_graph.entity import (
    Choice,
    Computed,
    Entity,
    Filter,
    Frozen,
    Read,
    Ref,
    Search,
    Sort,
    SumOf,
    Unique,
    Write,
    attr,
)
from crm_graph.kinds import CurrencyCode, Money
from crm_graph.markers import listed


class Channel(Choice):
    """Where a customer met us."""

    WEB = auto()
    MOBILE = auto()
    BRANCH = auto()
    PHONE = auto()
    MAIL = auto()
    CHAT = auto()
    PARTNER = auto()


class OrderStatus(Choice):
    """How an order stands."""

    PLACED = auto()
    PAID = auto()
    SHIPPED = auto()
    DELIVERED = auto()
    CANCELLED = auto()
    RETURNED = auto()


VOID: Final = (OrderStatus.CANCELLED, OrderStatus.RETURNED)
"""Orders that came to nothing."""
COUNTS: Final = f"NOT IN {listed(VOID)}"
"""SQL that follows on an order's status: whether it counts as bought."""


class LineKind(Choice):
    """What a line of an order is."""

    PRODUCT = auto()
    SHIPPING = auto()
    DISCOUNT = auto()
    FEE = auto()


class Order(Entity, table=True):
    """What a customer ordered, on any channel."""

    __prefix__ = "ord"
    __events__ = {"created": "placed"}
    __rows__ = Rows(self_="customer_id", partner="partner_id", parent="customer_id", delegated=True)
    __custom__ = True

    number: str = attr(Read(PARTNER, subject=True), Write(INTERNAL, create_only=True), Filter, Unique, Search("A"))
    """Number on the papers, unique."""
    customer_id: UUID = attr(
        Read(PARTNER, subject=True), Write(INTERNAL, create_only=True), Ref("Customer", back="orders")
    )
    """Who ordered."""
    partner_id: UUID | None = attr(Read(PARTNER), Write(INTERNAL), Ref("Partner", back="orders"), default=None)
    """Partner who sold."""
    proposal_id: UUID | None = attr(Read(PARTNER, subject=True), Ref("Proposal", back="orders"), Unique, default=None)
    """The proposal whose acceptance made it; a proposal makes one order."""
    channel: Channel = attr(Read(PARTNER, subject=True), Write(INTERNAL), Filter, default=Channel.WEB)
    """Channel the order came through."""
    status: OrderStatus = attr(Read(PARTNER, subject=True), Filter, default=OrderStatus.PLACED)
    """How it stands; moved by `payOrder`, `shipOrder`, `deliverOrder`, `cancelOrder`, and when all of it came back."""
    placed_at: datetime = attr(Read(PARTNER, subject=True), Write(INTERNAL), Filter, Sort)
    """When it was placed."""
    currency: CurrencyCode = attr(Read(PARTNER, subject=True), Write(INTERNAL, create_only=True), default="EUR")
    """Currency of the amounts, and of its lines."""
    total: Money | None = attr(Read(PARTNER, subject=True), SumOf("lines", "total"), Filter, Sort, default=None)
    """What the customer pays: the sum of its lines; if it came without lines, what its source says."""
    net: Money | None = attr(Read(PARTNER, subject=True), SumOf("lines", "net"), default=None)
    """The total without tax."""
    tax: Money | None = attr(Read(PARTNER, subject=True), SumOf("lines", "tax"), default=None)
    """Tax in the total."""
    paid: Money | None = attr(Read(PARTNER, subject=True), default=None)
    """What was paid so far."""
    credited: Money | None = attr(Read(PARTNER, subject=True), SumOf("credits", "amount"), default=None)
    """What was given back of it."""
    paid_at: datetime | None = attr(Read(PARTNER, subject=True), default=None)
    """When it was last paid on."""
    shipped_at: datetime | None = attr(Read(PARTNER, subject=True), default=None)
    """When it was shipped."""
    delivered_at: datetime | None = attr(Read(PARTNER, subject=True), default=None)
    """When it was delivered."""
    cancel_reason: str | None = attr(Read(PARTNER, subject=True), default=None)
    """Why it was cancelled."""
    source_updated_at: datetime | None = attr(Read(INTERNAL), default=None)
    """When its source last changed it, as far as we know: an older update changes nothing."""

    kept: ClassVar[Computed] = Computed(
        kinds.MONEY, "{paid} - coalesce({credited}, 0)", "What was paid less what was given back."
    )


class OrderLine(Entity, table=True):
    """One position of an order: a product, shipping, a discount (a negative price) or a fee."""

    __prefix__ = "orl"
    __rows__ = Rows(parent="order_id", delegated=True)
    __frozen__ = Frozen("{status} NOT IN ('PLACED', 'PAID')", of="order_id")
    __checks__ = {
        "quantity": "quantity > 0",
        "product": "kind <> 'PRODUCT' OR product_id IS NOT NULL",
        "tax_rate": "tax_rate BETWEEN 0 AND 100",
    }

    order_id: UUID = attr(
        Read(PARTNER, subject=True), Write(INTERNAL, create_only=True), Ref("Order", back="lines", owned=True)
    )
    """The order."""
    kind: LineKind = attr(Read(PARTNER, subject=True), Write(INTERNAL), Filter, default=LineKind.PRODUCT)
    """What it is."""
    product_id: UUID | None = attr(
        Read(PARTNER, subject=True), Write(INTERNAL), Ref("Product", back="orderLines"), default=None
    )
    """The product, if it is one."""
    title: str | None = attr(Read(PARTNER, subject=True), Write(INTERNAL), default=None)
    """What it is called on the papers, if not as the product."""
    position: int = attr(Read(PARTNER, subject=True), Write(INTERNAL), Sort, default=1)
    """Place on the list, from 1."""
    quantity: Decimal = attr(Read(PARTNER, subject=True), Write(INTERNAL), default=Decimal(1))
    """How many."""
    currency: CurrencyCode = attr(Read(PARTNER, subject=True), default="EUR")
    """Currency of the price."""
    unit_price: Money | None = attr(Read(PARTNER, subject=True), Write(INTERNAL), default=None)
    """Price of one."""
    unit_cost: Money | None = attr(Read(CONFIDENTIAL, category=Category.COMMERCIAL), Write(CONFIDENTIAL), default=None)
    """What one cost us."""

    tax_rate: Decimal | None = attr(Read(PARTNER, subject=True), Write(INTERNAL), default=None)
    """Tax in percent, as given; empty: none."""
    tax_included: bool = attr(Read(PARTNER, subject=True), Write(INTERNAL), default=False)
    """Whether the price has the tax in it."""
    tax_given: Money | None = attr(Read(PARTNER, subject=True), Write(INTERNAL), default=None)
    """Tax on the line, where its source says it; else it is worked out by the rate."""

    amount: ClassVar[Computed] = Computed(
        kinds.MONEY,
        "crm_round({quantity} * {unit_price}, {currency})",
        "Quantity times unit price, rounded to the currency's minor unit.",
    )
    tax: ClassVar[Computed] = Computed(
        kinds.MONEY, "crm_tax({amount}, {tax_rate}, {tax_included}, {tax_given}, {currency})", "Tax on it, or in it."
    )
    net: ClassVar[Computed] = Computed(
        kinds.MONEY, "{amount} - CASE WHEN {tax_included} THEN {tax} ELSE 0 END", "What it comes to without tax."
    )
    total: ClassVar[Computed] = Computed(
        kinds.MONEY, "{amount} + CASE WHEN {tax_included} THEN 0 ELSE {tax} END", "What it comes to with tax."
    )
