"""Deals that partners register, and what they collide with."""

from datetime import date, datetime
from enum import auto
from uuid import UUID

from crm_graph.auth.levels import INTERNAL, PARTNER
from crm_graph.auth.rows import Rows
from crm_graph.entity import Choice, Entity, Filter, Matching, Read, Ref, Search, Sort, attr, table_of
from crm_graph.kinds import CountryCode, CurrencyCode, EmailAddress, Money, PhoneNumber
from crm_graph.tables import keep_company_keys


class DealRegistrationStatus(Choice):
    """How a registration stands with us."""

    SUBMITTED = auto()
    IN_REVIEW = auto()
    APPROVED = auto()
    REJECTED = auto()
    EXTENDED = auto()
    EXPIRED = auto()
    CONVERTED = auto()


class DealAnswer(Choice):
    """What the partner was told."""

    RECEIVED = auto()
    PROTECTED = auto()
    NOT_PROTECTED = auto()
    EXPIRED = auto()
    CONVERTED = auto()


class DealRegistration(Entity, table=True):
    """A deal that a partner wants to have to itself for a time; made by `registerDeal`.

    The partner reads its own words and the answer, which comes at fixed times and gives no reasons.
    """

    __prefix__ = "dgr"
    __rows__ = Rows(partner="partner_id")
    __imported__ = False
    __checks__ = {"amount": "amount > 0", "decision": "(decided_at IS NULL) = (status IN ('SUBMITTED', 'IN_REVIEW'))"}

    partner_id: UUID = attr(Read(PARTNER), Ref("Partner", back="dealRegistrations"))
    """The partner."""
    customer_name: str = attr(Read(PARTNER), Filter, Sort, Matching.NAME, Search("A"))
    """The customer, as the partner knows it."""
    customer_email: EmailAddress | None = attr(Read(PARTNER), Matching.EMAIL, default=None)
    """Its e-mail address, as the partner knows it."""
    customer_phone: PhoneNumber | None = attr(Read(PARTNER), Matching.PHONE, default=None)
    """Its telephone number, as the partner knows it."""
    customer_tax_number: str | None = attr(Read(PARTNER), Matching.TAX, default=None)
    """Its tax number, as the partner knows it."""
    customer_country: CountryCode | None = attr(Read(PARTNER), Filter, default=None)
    """Its country."""
    product_id: UUID | None = attr(Read(PARTNER), Ref("Product", back="dealRegistrations"), default=None)
    """What is to be sold."""
    currency: CurrencyCode = attr(Read(PARTNER), default="EUR")
    """Currency of the amount."""
    amount: Money = attr(Read(PARTNER), Filter, Sort)
    """What the deal is worth."""
    close_on: date = attr(Read(PARTNER), Filter, Sort)
    """When it is expected to close."""
    answer: DealAnswer = attr(Read(PARTNER), Filter, default=DealAnswer.RECEIVED)
    """What the partner was told."""
    answered_at: datetime | None = attr(Read(PARTNER), Filter, Sort, default=None)
    """When it was told whether the deal is protected."""
    protected_until: datetime | None = attr(Read(PARTNER), Filter, Sort, default=None)
    """Until when the deal is the partner's, exclusively."""
    status: DealRegistrationStatus = attr(Read(INTERNAL), Filter, default=DealRegistrationStatus.SUBMITTED)
    """How it stands with us, before the partner knows."""
    protection_days: int | None = attr(Read(INTERNAL), default=None)
    """For how many days it is protected from the answer on, as decided."""
    reason: str | None = attr(Read(INTERNAL), default=None)
    """Why it was decided so; the partner does not read it."""
    checked_at: datetime | None = attr(Read(INTERNAL), Filter, Sort, default=None)
    """When it was held against customers and other registrations."""
    decided_at: datetime | None = attr(Read(INTERNAL), Filter, Sort, default=None)
    """When it was decided."""
    decided_by_id: UUID | None = attr(Read(INTERNAL), Ref("User"), default=None)
    """Who decided."""
    customer_id: UUID | None = attr(Read(INTERNAL), Ref("Customer", back="dealRegistrations"), default=None)
    """The customer that it is about, as far as we know."""
    opportunity_id: UUID | None = attr(Read(INTERNAL), Ref("Opportunity", back="dealRegistrations"), default=None)
    """The opportunity it became."""


class ConflictKind(Choice):
    """With what a registration collides."""

    DIRECT_SALE = auto()
    PARTNER_SALE = auto()
    REGISTRATION = auto()


class ConflictMatch(Choice):
    """By what the customer was known to be the same, the surest first."""

    TAX_NUMBER = auto()
    EMAIL = auto()
    PHONE = auto()
    NAME = auto()
    GROUP = auto()


class ChannelConflict(Entity, table=True):
    """Two channels after one customer: a registration, and a sale of our own or what another partner does."""

    __prefix__ = "ccf"
    __imported__ = False
    __checks__ = {
        "other_side": "(kind = 'REGISTRATION') = (other_registration_id IS NOT NULL)"
        " AND num_nonnulls(opportunity_id, order_id, other_registration_id) = 1",
    }

    registration_id: UUID = attr(Read(INTERNAL), Ref("DealRegistration", back="conflicts", owned=True))
    """The registration."""
    kind: ConflictKind = attr(Read(INTERNAL), Filter)
    """With what it collides."""
    matched_by: ConflictMatch = attr(Read(INTERNAL), Filter)
    """By what the customer was known to be the same."""
    customer_id: UUID | None = attr(Read(INTERNAL), Ref("Customer", back="channelConflicts"), default=None)
    """The customer of the sale."""
    opportunity_id: UUID | None = attr(Read(INTERNAL), Ref("Opportunity", back="channelConflicts"), default=None)
    """The open sale it collides with."""
    order_id: UUID | None = attr(Read(INTERNAL), Ref("Order", back="channelConflicts"), default=None)
    """The recent order it collides with: of those of a customer through one channel the last."""
    other_registration_id: UUID | None = attr(
        Read(INTERNAL), Ref("DealRegistration", back="conflictsOfOthers", owned=True), default=None
    )
    """The registration of another partner that it collides with."""
    resolution: str | None = attr(Read(INTERNAL), default=None)
    """How it was settled, and why."""
    resolved_at: datetime | None = attr(Read(INTERNAL), Filter, Sort, default=None)
    """When it was settled."""
    resolved_by_id: UUID | None = attr(Read(INTERNAL), Ref("User"), default=None)
    """Who settled it."""


keep_company_keys(table_of(DealRegistration), "customer_name")
