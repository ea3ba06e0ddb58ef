"""What comes back of orders, and what is given back for it."""

from datetime import datetime
from decimal import Decimal
from enum import auto
from uuid import UUID

from crm_graph.auth.levels import INTERNAL, PARTNER
from crm_graph.auth.rows import Rows
from crm_graph.entity import Choice, Entity, Filter, Read, Ref, Sort, SumOf, attr
from crm_graph.kinds import CurrencyCode, Money


class ReturnStatus(Choice):
    """How a return stands."""

    REQUESTED = auto()
    APPROVED = auto()
    RECEIVED = auto()
    CREDITED = auto()
    REJECTED = auto()


class Return(Entity, table=True):
    """What a customer sends back of an order; made by `requestReturn`."""

    __prefix__ = "ret"
    __rows__ = Rows(parent="order_id")
    __imported__ = False

    order_id: UUID = attr(Read(PARTNER, subject=True), Ref("Order", back="returns", owned=True))
    """The order."""
    status: ReturnStatus = attr(Read(PARTNER, subject=True), Filter, default=ReturnStatus.REQUESTED)
    """How it stands."""
    reason: str | None = attr(Read(PARTNER, subject=True), default=None)
    """Why, in the customer's words."""
    requested_at: datetime = attr(Read(PARTNER, subject=True), Filter, Sort)
    """When it was asked for."""
    currency: CurrencyCode = attr(Read(PARTNER, subject=True), default="EUR")
    """Currency of the amounts."""
    amount: Money | None = attr(Read(PARTNER, subject=True), SumOf("lines", "amount"), default=None)
    """What the customer paid, or owes, for what comes back."""


class ReturnLine(Entity, table=True):
    """So many of one line of an order that come back."""

    __prefix__ = "rtl"
    __rows__ = Rows(parent="return_id")
    __imported__ = False
    __checks__ = {"quantity": "quantity > 0"}

    return_id: UUID = attr(Read(PARTNER, subject=True), Ref("Return", back="lines", owned=True))
    """The return."""
    order_line_id: UUID = attr(Read(PARTNER, subject=True), Ref("OrderLine", back="returnLines"))
    """The line of the order."""
    quantity: Decimal = attr(Read(PARTNER, subject=True), default=Decimal(1))
    """How many."""
    currency: CurrencyCode = attr(Read(PARTNER, subject=True), default="EUR")
    """Currency of the amount."""
    amount: Money | None = attr(Read(PARTNER, subject=True), default=None)
    """Their part of what the order's line comes to with tax; all parts of a line come to no more than the line."""


class Credit(Entity, table=True):
    """Money given back to a customer for an order; made by `creditOrder` and `creditReturn`."""

    __prefix__ = "crd"
    __rows__ = Rows(parent="order_id")
    __imported__ = False
    __checks__ = {"amount": "amount > 0"}

    order_id: UUID = attr(Read(PARTNER, subject=True), Ref("Order", back="credits", owned=True))
    """The order."""
    return_id: UUID | None = attr(Read(PARTNER, subject=True), Ref("Return", back="credits"), default=None)
    """The return it is for, if there is one."""
    currency: CurrencyCode = attr(Read(PARTNER, subject=True), default="EUR")
    """Currency of the amount."""
    amount: Money = attr(Read(PARTNER, subject=True), Filter, Sort)
    """How much."""
    reason: str | None = attr(Read(PARTNER, subject=True), default=None)
    """What for."""
    credited_at: datetime = attr(Read(PARTNER, subject=True), Filter, Sort)
    """When."""
    credited_by_id: UUID | None = attr(Read(INTERNAL), Ref("User"), default=None)
    """Who gave it."""
