"""Customers: the people, organisations and households we serve."""

from datetime import date
from enum import auto
from typing import ClassVar
from uuid import UUID

from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL, PARTNER, PUBLIC, RESTRICTED, Category, Mask
from crm_graph.auth.rows import Rows
from crm_graph.entity import (
    Benchmark,
    Change,
    Choice,
    Days,
    Entity,
    Filter,
    Matching,
    Read,
    Ref,
    RelatedCount,
    Search,
    Sort,
    Write,
    attr,
    table_of,
)
from crm_graph.kinds import CountryCode, CurrencyCode, EmailAddress, Locale, Money, PhoneNumber, Url
from crm_graph.schema.ticket_states import OPEN_STATUSES
from crm_graph.tables import keep_company_keys


class CustomerKind(Choice):
    """What a customer is; a human being is one customer."""

    PERSON = auto()
    ORGANIZATION = auto()
    HOUSEHOLD = auto()


class CustomerSegment(Choice):
    """Coarse market segment."""

    CONSUMER = auto()
    SMALL_BUSINESS = auto()
    MID_MARKET = auto()
    ENTERPRISE = auto()
    PUBLIC_SECTOR = auto()


class LifecycleStage(Choice):
    """Where the relationship stands."""

    SUSPECT = auto()
    PROSPECT = auto()
    CUSTOMER = auto()
    REPEAT = auto()
    LOYAL = auto()
    LAPSED = auto()
    LOST = auto()
    ATTRITED = auto()
    WON_BACK = auto()


class Customer(Entity, table=True):
    """A person, household or organisation we serve or hope to."""

    __prefix__ = "cus"
    __rows__ = Rows(
        own="owner_id",
        team="team_id",
        self_="id",
        person="{alias}.kind = 'PERSON'",
        shared=True,
        reaches=("Contact", "Address", "Order", "Ticket"),
        delegated=True,
    )
    __custom__ = True
    __indexes__ = (("segment", "stage", "-created_at", "-id"),)

    name: str = attr(
        Read(PUBLIC, subject=True), Write(PARTNER, subject=Change.APPROVED), Filter, Sort, Matching.NAME, Search("A")
    )
    """Name as the customer writes it."""
    kind: CustomerKind = attr(Read(PUBLIC, subject=True), Write(INTERNAL), Filter, default=CustomerKind.ORGANIZATION)
    """Person, organisation or household."""
    segment: CustomerSegment | None = attr(Read(PARTNER), Write(INTERNAL), Filter, default=None)
    """Coarse market segment."""
    stage: LifecycleStage = attr(Read(PARTNER), Write(INTERNAL), Filter, default=LifecycleStage.PROSPECT)
    """Where the relationship stands."""
    industry: str | None = attr(Read(PARTNER), Write(INTERNAL), Filter, Search("C"), default=None)
    """Industry an organisation works in."""
    email: EmailAddress | None = attr(
        Read(INTERNAL, mask=Mask.EMAIL, subject=True),
        Write(INTERNAL, subject=Change.VERIFIED),
        Filter,
        Matching.EMAIL,
        Search("B"),
        default=None,
    )
    """Preferred e-mail address."""
    phone: PhoneNumber | None = attr(
        Read(INTERNAL, mask=Mask.PHONE, subject=True),
        Write(INTERNAL, subject=Change.VERIFIED),
        Filter,
        Matching.PHONE,
        Search("B"),
        default=None,
    )
    """Preferred telephone number."""
    website: Url | None = attr(
        Read(PARTNER, subject=True), Write(INTERNAL, subject=Change.AT_ONCE), Search("C"), default=None
    )
    """Public web site."""
    city: str | None = attr(
        Read(PARTNER, subject=True), Write(INTERNAL, subject=Change.AT_ONCE), Filter, Sort, Search("C"), default=None
    )
    """City of the main address."""
    country: CountryCode | None = attr(
        Read(PARTNER, subject=True), Write(INTERNAL, subject=Change.AT_ONCE), Filter, default=None
    )
    """Country of the main address."""
    locale: Locale | None = attr(Read(PARTNER, subject=True), Write(INTERNAL, subject=Change.AT_ONCE), default=None)
    """Language the customer is addressed in."""
    born_on: date | None = attr(
        Read(CONFIDENTIAL, mask=Mask.YEAR, subject=True, category=Category.PERSONAL),
        Write(CONFIDENTIAL, subject=Change.APPROVED),
        Days(date(1800, 1, 1), begun=True),
        default=None,
    )
    """Birthday of a person."""
    founded_in: int | None = attr(Read(PARTNER), Write(INTERNAL), default=None)
    """Year an organisation was founded."""
    employees: int | None = attr(Read(INTERNAL), Write(INTERNAL), Filter, Sort, default=None)
    """How many people an organisation employs."""
    tax_number: str | None = attr(
        Read(CONFIDENTIAL, mask=Mask.EXISTS, subject=True),
        Write(CONFIDENTIAL, subject=Change.APPROVED),
        Filter,
        Matching.TAX,
        Search("B"),
        default=None,
    )
    """Tax or VAT identification number."""
    currency: CurrencyCode = attr(Read(PUBLIC), default="EUR")
    """Currency the customer's amounts are kept in."""
    annual_revenue: Money | None = attr(Read(INTERNAL, mask=Mask.BUCKET), Write(INTERNAL), Filter, Sort, default=None)
    """What an organisation turns over in a year."""
    credit_limit: Money | None = attr(
        Read(CONFIDENTIAL, mask=Mask.BUCKET, category=Category.COMMERCIAL),
        Write(CONFIDENTIAL),
        Filter,
        Sort,
        default=None,
    )
    """What may be open at once."""
    limit_request_id: UUID | None = attr(Read(INTERNAL), Ref("ApprovalRequest", back="customers"), default=None)
    """The last request for approval to raise that, if it was beyond the limit of who wanted to."""
    lifetime_value: Money | None = attr(
        Read(CONFIDENTIAL, category=Category.COMMERCIAL), Write(CONFIDENTIAL), Filter, Sort, default=None
    )
    """What the customer is estimated to be worth to us."""
    risk_note: str | None = attr(Read(RESTRICTED), Write(RESTRICTED), Search("D"), default=None)
    """What management must know about the risk of this customer."""
    notes: str | None = attr(Read(INTERNAL), Write(INTERNAL), Search("D"), default=None)
    """Internal notes."""
    owner_id: UUID | None = attr(Read(INTERNAL), Write(INTERNAL), Ref("User", back="customers"), default=None)
    """Who looks after the customer."""
    team_id: UUID | None = attr(Read(INTERNAL), Write(INTERNAL), Ref("Team", back="customers"), default=None)
    """Team that looks after the customer."""
    territory_id: UUID | None = attr(
        Read(INTERNAL), Write(CONFIDENTIAL), Ref("Territory", back="customers"), default=None
    )
    """The territory the customer is assigned to; none: those whose country, city and segment it has."""
    parent_id: UUID | None = attr(Read(INTERNAL), Write(INTERNAL), Ref("Customer", back="subsidiaries"), default=None)
    """Company or household this customer belongs to."""

    open_tickets: ClassVar[RelatedCount] = RelatedCount(
        "tickets",
        {"status": {"in": [one.value for one in OPEN_STATUSES]}},
        "How many of the customer's tickets are not resolved.",
    )

    revenue: ClassVar[Benchmark] = Benchmark(
        ("segment", "country"),
        "annual_revenue",
        PARTNER,
        "What customers of a segment and country turn over in a year: the median of those that you do not see.",
    )


keep_company_keys(table_of(Customer), "name", "kind")
