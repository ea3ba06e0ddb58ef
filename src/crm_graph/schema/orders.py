"""What customers bought."""

from datetime import datetime
from decimal import Decimal
from enum import auto
from typing import ClassVar
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL, PARTNER, Category
from crm_graph.auth.rows import Rows
from crm_graph.entity import Choice, Computed, Entity, Filter, Read, Ref, Search, Sort, SumOf, Unique, Write, attr
from crm_graph.kinds import CurrencyCode, Money


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


class Order(Entity, table=True):
    """What a customer ordered, on any channel."""

    __prefix__ = "ord"
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
    channel: Channel = attr(Read(PARTNER, subject=True), Write(INTERNAL), Filter, default=Channel.WEB)
    """Channel the order came through."""
    status: OrderStatus = attr(Read(PARTNER, subject=True), Write(INTERNAL), Filter, default=OrderStatus.PLACED)
    """How it stands."""
    placed_at: datetime = attr(Read(PARTNER, subject=True), Write(INTERNAL), Filter, Sort)
    """When it was placed."""
    currency: CurrencyCode = attr(Read(PARTNER, subject=True), Write(INTERNAL, create_only=True), default="EUR")
    """Currency of the amounts, and of its lines."""
    total: Money | None = attr(Read(PARTNER, subject=True), SumOf("lines", "total"), Filter, Sort, default=None)
    """What the customer pays: the sum of its lines; if it came without lines, what its source says."""


class OrderLine(Entity, table=True):
    """One product of an order."""

    __prefix__ = "orl"
    __rows__ = Rows(parent="order_id", delegated=True)
    __checks__ = {"quantity": "quantity > 0"}

    order_id: UUID = attr(
        Read(PARTNER, subject=True), Write(INTERNAL, create_only=True), Ref("Order", back="lines", owned=True)
    )
    """The order."""
    product_id: UUID = attr(Read(PARTNER, subject=True), Write(INTERNAL), Ref("Product", back="orderLines"))
    """The product."""
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

    total: ClassVar[Computed] = Computed(
        kinds.MONEY,
        "crm_round({quantity} * {unit_price}, {currency})",
        "Quantity times unit price, rounded to the currency's minor unit.",
    )
