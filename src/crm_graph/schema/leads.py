"""Leads: who may become a customer, before anybody knows; and the partners they were offered to."""

from datetime import datetime
from enum import auto
from typing import ClassVar
from uuid import UUID

import sqlalchemy as sa

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL, PARTNER
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
    Write,
    attr,
    table_of,
)
from crm_graph.kinds import CountryCode, EmailAddress, PhoneNumber
from crm_graph.schema.customers import CustomerSegment


class LeadStatus(Choice):
    """How far a lead is."""

    NEW = auto()
    WORKING = auto()
    CONVERTED = auto()
    DISQUALIFIED = auto()


class LeadRating(Choice):
    """How promising a lead is."""

    HOT = auto()
    WARM = auto()
    COLD = auto()


class Lead(Entity, table=True):
    """Somebody who may become a customer: `convertLead` makes customer, contact and opportunity of it."""

    __prefix__ = "lea"
    __rows__ = Rows(own="owner_id", team="team_id", partner="partner_id")
    __frozen__ = Frozen("{accept_by} IS NOT NULL", but=("owner_id", "team_id"))
    __checks__ = {"offered": "accept_by IS NULL OR partner_id IS NOT NULL"}

    name: str = attr(Read(PARTNER), Write(PARTNER), Filter, Sort, Search("A"))
    """Name of the person."""
    company: str | None = attr(Read(PARTNER), Write(PARTNER), Filter, Sort, Search("A"), default=None)
    """The organisation the person asks for; empty of a consumer."""
    email: EmailAddress | None = attr(Read(PARTNER), Write(PARTNER), Filter, Search("B"), default=None)
    """E-mail address."""
    phone: PhoneNumber | None = attr(Read(PARTNER), Write(PARTNER), Search("B"), default=None)
    """Telephone number."""
    country: CountryCode | None = attr(Read(PARTNER), Write(PARTNER), Filter, default=None)
    """Country."""
    city: str | None = attr(Read(PARTNER), Write(PARTNER), Filter, default=None)
    """City."""
    segment: CustomerSegment | None = attr(Read(PARTNER), Write(INTERNAL), Filter, default=None)
    """The segment it would be in as a customer."""
    origin: str | None = attr(Read(PARTNER), Write(PARTNER), Filter, default=None)
    """How the lead came to us: a fair, the web site, somebody's recommendation."""
    interest: str | None = attr(Read(PARTNER), Write(PARTNER), Search("C"), default=None)
    """What the person is interested in."""
    rating: LeadRating | None = attr(Read(PARTNER), Write(PARTNER), Filter, default=None)
    """How promising it is."""
    status: LeadStatus = attr(Read(PARTNER), Filter, default=LeadStatus.NEW)
    """How far it is; moved by `workLead`, `convertLead`, `disqualifyLead`, and as partners are offered it."""
    disqualified_because: str | None = attr(Read(PARTNER), Search("D"), default=None)
    """Why nothing came of it."""
    closed_at: datetime | None = attr(Read(PARTNER), Filter, Sort, default=None)
    """When it was converted or disqualified."""
    customer_id: UUID | None = attr(Read(INTERNAL), Ref("Customer", back="leads"), default=None)
    """The customer it became, or was already."""
    contact_id: UUID | None = attr(Read(INTERNAL), Ref("Contact", back="leads"), default=None)
    """The contact it became, or was already."""
    opportunity_id: UUID | None = attr(Read(INTERNAL), Ref("Opportunity", back="leads"), default=None)
    """The opportunity it became."""
    owner_id: UUID | None = attr(Read(INTERNAL), Write(INTERNAL), Ref("User", back="leads"), default=None)
    """Who works on it."""
    team_id: UUID | None = attr(Read(INTERNAL), Write(INTERNAL), Ref("Team", back="leads"), default=None)
    """Team that works on it."""
    partner_id: UUID | None = attr(
        Read(PARTNER), Write(INTERNAL, create_only=True), Ref("Partner", back="leads"), default=None
    )
    """Partner that has it, or is offered it; changed by `assignLeadToPartner` and `takeBackLead`."""
    accept_by: datetime | None = attr(Read(PARTNER), Filter, Sort, default=None)
    """While it is offered: until when that partner may accept it, exclusively."""


class LeadOfferStatus(Choice):
    """What came of a lead that was offered to a partner."""

    OFFERED = auto()
    ACCEPTED = auto()
    DECLINED = auto()
    EXPIRED = auto()
    WITHDRAWN = auto()


class LeadOffer(Entity, table=True):
    """A lead offered to a partner. A partner reads those made to itself, and what is in them tells of no other."""

    __prefix__ = "lof"
    __rows__ = Rows(partner="partner_id", parent="lead_id")
    __imported__ = False
    __checks__ = {
        "time": "offered_at < accept_by",
        "answered": "(responded_at IS NULL) = (status NOT IN ('ACCEPTED', 'DECLINED'))",
        "ended": "status IN ('OFFERED', 'ACCEPTED') OR ended_at IS NOT NULL",
    }

    lead_id: UUID = attr(Read(PARTNER), Ref("Lead", back="offers", owned=True))
    """The lead; null to a partner that no longer has it."""
    partner_id: UUID = attr(Read(PARTNER), Ref("Partner", back="leadOffers", owned=True))
    """The partner."""
    status: LeadOfferStatus = attr(Read(PARTNER), Filter, default=LeadOfferStatus.OFFERED)
    """What came of it."""
    offered_at: datetime = attr(Read(PARTNER), Filter, Sort)
    """When it was offered."""
    accept_by: datetime = attr(Read(PARTNER), Filter, Sort)
    """Until when it could be accepted, exclusively."""
    responded_at: datetime | None = attr(Read(PARTNER), Filter, Sort, default=None)
    """When the partner accepted or declined."""
    decline_reason: str | None = attr(Read(PARTNER), Search("D"), default=None)
    """Why it declined."""
    ended_at: datetime | None = attr(Read(PARTNER), Filter, Sort, default=None)
    """Since when the lead is the partner's no more, and not offered to it."""
    by_rule: bool = attr(Read(INTERNAL), Filter, default=False)
    """Whether the partner was found by rule: then the next one is, if it does not accept."""
    offered_by_id: UUID | None = attr(Read(INTERNAL), Ref("User"), default=None)
    """Who had it offered; none: nobody, as the one before did not accept."""

    response_minutes: ClassVar[Computed] = Computed(
        kinds.INT,
        "floor(extract(epoch FROM {responded_at} - {offered_at}) / 60)::int",
        "Minutes until the partner answered.",
    )


_offers = table_of(LeadOffer).c
sa.Index(
    "uq_lead_offers_lead_id",
    _offers.organization_id,
    _offers.lead_id,
    unique=True,
    postgresql_where=_offers.ended_at.is_(None),
)
