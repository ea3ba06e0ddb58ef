"""What we offer in writing."""

from datetime import date
from decimal import Decimal
from enum import auto
from typing import ClassVar
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL, PARTNER, Category
from crm_graph.auth.rows import Rows
from crm_graph.entity import Choice, Computed, Entity, Filter, Read, Ref, Search, Sort, Unique, Write, attr
from crm_graph.kinds import CurrencyCode, Money


class ProposalStatus(Choice):
    """How a proposal stands."""

    DRAFT = auto()
    IN_APPROVAL = auto()
    APPROVED = auto()
    SENT = auto()
    VIEWED = auto()
    ACCEPTED = auto()
    DECLINED = auto()
    EXPIRED = auto()
    WITHDRAWN = auto()


class Proposal(Entity, table=True):
    """A written offer to a customer."""

    __prefix__ = "pro"
    __rows__ = Rows(own="owner_id", self_="customer_id", parent="opportunity_id", delegated=True)

    number: str = attr(Read(PARTNER, subject=True), Write(INTERNAL, create_only=True), Filter, Unique, Search("A"))
    """Number on the paper, unique."""
    title: str = attr(Read(PARTNER, subject=True), Write(INTERNAL), Filter, Sort, Search("A"))
    """What is offered, in a few words."""
    opportunity_id: UUID | None = attr(
        Read(PARTNER), Write(INTERNAL), Ref("Opportunity", back="proposals"), default=None
    )
    """The opportunity it belongs to."""
    customer_id: UUID = attr(
        Read(PARTNER, subject=True), Write(INTERNAL, create_only=True), Ref("Customer", back="proposals")
    )
    """To whom it is addressed."""
    status: ProposalStatus = attr(Read(PARTNER, subject=True), Write(INTERNAL), Filter, default=ProposalStatus.DRAFT)
    """How it stands."""
    currency: CurrencyCode = attr(Read(PARTNER, subject=True), default="EUR")
    """Currency of the amounts."""
    total: Money | None = attr(Read(PARTNER, subject=True), Write(INTERNAL), Filter, Sort, default=None)
    """What the customer would pay."""
    cost: Money | None = attr(Read(CONFIDENTIAL, category=Category.COMMERCIAL), Write(CONFIDENTIAL), default=None)
    """What it would cost us."""
    valid_until: date | None = attr(Read(PARTNER, subject=True), Write(INTERNAL), Filter, Sort, default=None)
    """Until when the customer may accept."""
    terms: str | None = attr(Read(PARTNER, subject=True), Write(INTERNAL), Search("D"), default=None)
    """Terms of payment and delivery."""
    owner_id: UUID | None = attr(Read(INTERNAL), Write(INTERNAL), Ref("User", back="proposals"), default=None)
    """Who wrote it."""

    margin: ClassVar[Computed] = Computed(kinds.MONEY, "{total} - {cost}", "Total less cost.")


class ProposalLine(Entity, table=True):
    """One product on a proposal."""

    __prefix__ = "prl"
    __rows__ = Rows(parent="proposal_id", delegated=True)
    __checks__ = {"quantity": "quantity > 0", "discount": "discount_percent BETWEEN 0 AND 100"}

    proposal_id: UUID = attr(
        Read(PARTNER, subject=True), Write(INTERNAL, create_only=True), Ref("Proposal", back="lines", owned=True)
    )
    """The proposal."""
    product_id: UUID = attr(Read(PARTNER, subject=True), Write(INTERNAL), Ref("Product", back="proposalLines"))
    """The product."""
    position: int = attr(Read(PARTNER, subject=True), Write(INTERNAL), Sort, default=1)
    """Place on the list, from 1."""
    quantity: Decimal = attr(Read(PARTNER, subject=True), Write(INTERNAL), default=Decimal(1))
    """How many."""
    currency: CurrencyCode = attr(Read(PARTNER, subject=True), default="EUR")
    """Currency of the price."""
    unit_price: Money | None = attr(Read(PARTNER, subject=True), Write(INTERNAL), default=None)
    """Price of one, before discount."""
    discount_percent: Decimal = attr(Read(PARTNER, subject=True), Write(INTERNAL), default=Decimal(0))
    """Discount, in percent."""

    total: ClassVar[Computed] = Computed(
        kinds.MONEY, "round({quantity} * {unit_price} * (100 - {discount_percent}) / 100, 2)", "What the line comes to."
    )
