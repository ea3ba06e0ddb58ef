"""What we offer in writing: a version each row, and what becomes of it."""

from datetime import date, datetime
from decimal import Decimal
from enum import auto
from typing import ClassVar
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
from crm_graph.kinds import CurrencyCode, Locale, Money


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


class AcceptanceWay(Choice):
    """How a proposal was accepted."""

    SIGNED_IN = auto()
    PAGE = auto()
    IN_WRITING = auto()
    PHONE = auto()
    IN_PERSON = auto()


ENDED = "(now() AT TIME ZONE 'Etc/GMT+12')::date"
"""SQL of the first day that has not ended everywhere on earth: what is valid until a day is so wherever it still is."""


class Proposal(Entity, table=True):
    """One version of a written offer to a customer."""

    __prefix__ = "pro"
    # the customer sees it once it was sent: until then it has no addressee
    __rows__ = Rows(own="owner_id", self_="addressee_id", parent="opportunity_id", delegated=True)
    __frozen__ = Frozen("{status} <> 'DRAFT'", but=("owner_id",))
    __checks__ = {
        "discount_percent": "discount_percent BETWEEN 0 AND 100",
        "addressee": "addressee_id IS NULL OR addressee_id = customer_id",
        "sent": "status NOT IN ('SENT', 'VIEWED', 'ACCEPTED', 'DECLINED') OR addressee_id IS NOT NULL",
    }

    number: str = attr(Read(PARTNER, subject=True), Write(INTERNAL, create_only=True), Filter, Unique, Search("A"))
    """Number on the paper, unique; that of a later version ends in its revision."""
    title: str = attr(Read(PARTNER, subject=True), Write(INTERNAL), Filter, Sort, Search("A"))
    """What is offered, in a few words."""
    opportunity_id: UUID | None = attr(
        Read(PARTNER), Write(INTERNAL), Ref("Opportunity", back="proposals"), default=None
    )
    """The opportunity it belongs to."""
    customer_id: UUID = attr(
        Read(PARTNER, subject=True), Write(INTERNAL, create_only=True), Ref("Customer", back="proposals")
    )
    """For whom it is."""
    addressee_id: UUID | None = attr(Read(PARTNER, subject=True), Ref("Customer"), default=None)
    """The customer it was sent to, who sees it from then on; empty until it is sent."""
    status: ProposalStatus = attr(Read(PARTNER, subject=True), Filter, default=ProposalStatus.DRAFT)
    """How it stands. One whose validity is over may be SENT or VIEWED for some moments more: see `open`."""
    root_id: UUID | None = attr(Read(PARTNER, subject=True), Ref("Proposal", back="revisions"), default=None)
    """The first version of the proposal; empty for the first one itself."""
    revision: int = attr(Read(PARTNER, subject=True), default=1)
    """Which version of the proposal it is, from 1."""
    current: bool = attr(Read(PARTNER, subject=True), Filter, default=True)
    """Whether it is the last version; the others were superseded."""
    language: Locale | None = attr(Read(PARTNER, subject=True), Write(INTERNAL), default=None)
    """Language it is written in."""
    currency: CurrencyCode = attr(Read(PARTNER, subject=True), Write(INTERNAL, create_only=True), default="EUR")
    """Currency of the amounts."""
    subtotal: Money | None = attr(Read(PARTNER, subject=True), SumOf("lines", "total"), default=None)
    """What its lines come to, before the discount on the whole."""
    discount_percent: Decimal = attr(Read(PARTNER, subject=True), Write(INTERNAL), default=Decimal(0))
    """Discount on the whole, in percent; lines have their own besides."""
    lines_changed_at: datetime | None = attr(Read(INTERNAL), default=None)
    """When a line or file of it was last written."""
    cost: Money | None = attr(Read(CONFIDENTIAL, category=Category.COMMERCIAL), SumOf("lines", "cost"), default=None)
    """What its lines cost us, as far as that is known of each."""
    valid_until: date | None = attr(Read(PARTNER, subject=True), Write(INTERNAL), Filter, Sort, default=None)
    """The last day on which the customer may accept."""
    introduction: str | None = attr(Read(PARTNER, subject=True), Write(INTERNAL), Search("C"), default=None)
    """What is said before the lines."""
    terms: str | None = attr(Read(PARTNER, subject=True), Write(INTERNAL), Search("D"), default=None)
    """Terms of payment and delivery."""
    closing: str | None = attr(Read(PARTNER, subject=True), Write(INTERNAL), Search("D"), default=None)
    """What is said after the lines."""
    owner_id: UUID | None = attr(Read(INTERNAL), Write(INTERNAL), Ref("User", back="proposals"), default=None)
    """Who wrote it."""
    approval_request_id: UUID | None = attr(Read(INTERNAL), Ref("ApprovalRequest", back="proposals"), default=None)
    """The last request for approval of its discounts, if they were beyond their author's authority."""
    sent_at: datetime | None = attr(Read(PARTNER, subject=True), Filter, Sort, default=None)
    """When it was sent."""
    viewed_at: datetime | None = attr(Read(PARTNER, subject=True), default=None)
    """When its addressee looked at it first, as far as we know."""
    decided_at: datetime | None = attr(Read(PARTNER, subject=True), Filter, Sort, default=None)
    """When it was accepted or declined."""
    decided_by: str | None = attr(Read(PARTNER, subject=True), default=None)
    """Name of the person who accepted or declined it."""
    accepted_by_way: AcceptanceWay | None = attr(Read(PARTNER, subject=True), default=None)
    """How it was accepted."""
    decline_reason: str | None = attr(Read(PARTNER, subject=True), Search("D"), default=None)
    """Why it was declined."""

    discount: ClassVar[Computed] = Computed(
        kinds.MONEY,
        "crm_round({subtotal} * {discount_percent} * 0.01, {currency})",
        "Discount on the whole.",
    )
    total: ClassVar[Computed] = Computed(
        kinds.MONEY, "{subtotal} - {discount}", "What the customer would pay.", filter=True, sort=True
    )
    margin: ClassVar[Computed] = Computed(kinds.MONEY, "{total} - {cost}", "Total less cost.", filter=True, sort=True)
    open: ClassVar[Computed] = Computed(
        kinds.BOOLEAN,
        f"{{status}} IN ('SENT', 'VIEWED') AND coalesce({{valid_until}} >= {ENDED}, TRUE)",
        "Whether the customer may accept it now.",
        filter=True,
    )


class ProposalLine(Entity, table=True):
    """One product on a proposal; written by `addProposalLine` and its like, while that is a draft."""

    __prefix__ = "prl"
    __rows__ = Rows(parent="proposal_id", delegated=True)
    __checks__ = {"quantity": "quantity > 0", "discount": "discount_percent BETWEEN 0 AND 100"}
    __unexposed__ = ("origin",)

    proposal_id: UUID = attr(Read(PARTNER, subject=True), Ref("Proposal", back="lines", owned=True))
    """The proposal."""
    product_id: UUID = attr(Read(PARTNER, subject=True), Ref("Product", back="proposalLines"))
    """The product."""
    product_name: str | None = attr(Read(PARTNER, subject=True), default=None)
    """What it was called when the line was written: what the customer accepts, whatever becomes of the product."""
    product_sku: str | None = attr(Read(PARTNER, subject=True), default=None)
    """Its stock-keeping unit, likewise."""
    position: int = attr(Read(PARTNER, subject=True), Sort, default=1)
    """Place on the list, from 1."""
    quantity: Decimal = attr(Read(PARTNER, subject=True), default=Decimal(1))
    """How many."""
    currency: CurrencyCode = attr(Read(PARTNER, subject=True), default="EUR")
    """Currency of the price."""
    list_price: Money | None = attr(Read(PARTNER, subject=True), default=None)
    """Price of one as the price lists had it when the line was written; empty where they had none."""
    unit_price: Money | None = attr(Read(PARTNER, subject=True), default=None)
    """Price of one as it is offered, before discount."""
    discount_percent: Decimal = attr(Read(PARTNER, subject=True), default=Decimal(0))
    """Discount, in percent."""
    unit_cost: Money | None = attr(Read(CONFIDENTIAL, category=Category.COMMERCIAL), default=None)
    """What one cost us when the line was written."""
    origin: UUID | None = attr(default=None)
    """The line of an earlier version that this one is, by the id of the first."""

    total: ClassVar[Computed] = Computed(
        kinds.MONEY,
        "crm_round({quantity} * {unit_price} * (100 - {discount_percent}) * 0.01, {currency})",
        "What the line comes to, before the discount on the whole.",
    )
    cost: ClassVar[Computed] = Computed(
        kinds.MONEY, "crm_round({quantity} * {unit_cost}, {currency})", "Quantity times unit cost."
    )
