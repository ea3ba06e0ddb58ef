"""Leads: who may become a customer, before anybody knows."""

from datetime import datetime
from enum import auto
from uuid import UUID

from crm_graph.auth.levels import INTERNAL, PARTNER
from crm_graph.auth.rows import Rows
from crm_graph.entity import Choice, Entity, Filter, Read, Ref, Search, Sort, Write, attr
from crm_graph.kinds import CountryCode, EmailAddress, PhoneNumber


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
    origin: str | None = attr(Read(PARTNER), Write(PARTNER), Filter, default=None)
    """How the lead came to us: a fair, the web site, somebody's recommendation."""
    interest: str | None = attr(Read(PARTNER), Write(PARTNER), Search("C"), default=None)
    """What the person is interested in."""
    rating: LeadRating | None = attr(Read(PARTNER), Write(PARTNER), Filter, default=None)
    """How promising it is."""
    status: LeadStatus = attr(Read(PARTNER), Filter, default=LeadStatus.NEW)
    """How far it is; moved by `workLead`, `convertLead` and `disqualifyLead`."""
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
    partner_id: UUID | None = attr(Read(PARTNER), Write(INTERNAL), Ref("Partner", back="leads"), default=None)
    """Partner that it was given to."""
