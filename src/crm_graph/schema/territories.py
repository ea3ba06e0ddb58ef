"""What of the market is whose: territories, and what of them or of a segment partners are given to look after."""

from datetime import datetime
from uuid import UUID

from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL, PARTNER
from crm_graph.auth.rows import Rows
from crm_graph.entity import Entity, Filter, Read, Ref, Search, Sort, Write, attr
from crm_graph.kinds import CountryCode
from crm_graph.schema.customers import CustomerSegment
from crm_graph.schema.shares import EVER, FOREVER, ShareLevel


class Territory(Entity, table=True):
    """A part of the market: the customers assigned to it, else those that fit what it names, and all of those below it.

    A customer that is assigned is in that territory alone, and in those above it.
    """

    __prefix__ = "ter"

    name: str = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, Sort, Search("A"))
    """Name of the territory."""
    parent_id: UUID | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), Ref("Territory", back="parts"), default=None)
    """The territory that it is part of."""
    country: CountryCode | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, default=None)
    """The country of its customers; none: any."""
    city: str | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, default=None)
    """The city of its customers, however it is written; none: any."""
    segment: CustomerSegment | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, default=None)
    """The segment of its customers; none: any."""


class PartnerCoverage(Entity, table=True):
    """A territory, a segment, or what both have in common, shared with a partner: its customers are, one by one.

    The database keeps a `CustomerShare` for each of them, in the transaction that changes either (territories.sql).
    """

    __prefix__ = "cov"
    __rows__ = Rows(partner="partner_id")
    __checks__ = {
        "what": "num_nonnulls(territory_id, segment) > 0",
        "period": "valid_from < valid_until",
    }

    name: str = attr(Read(PARTNER), Write(CONFIDENTIAL), Filter, Sort)
    """What the partner looks after, in words."""
    partner_id: UUID = attr(
        Read(PARTNER), Write(CONFIDENTIAL, create_only=True), Ref("Partner", back="coverages", owned=True)
    )
    """The partner."""
    territory_id: UUID | None = attr(
        Read(INTERNAL), Write(CONFIDENTIAL, create_only=True), Ref("Territory", back="coverages"), default=None
    )
    """The territory; none: anywhere."""
    segment: CustomerSegment | None = attr(Read(PARTNER), Write(CONFIDENTIAL, create_only=True), Filter, default=None)
    """The segment; none: any."""
    level: ShareLevel = attr(Read(PARTNER), Write(CONFIDENTIAL), Filter, default=ShareLevel.PARTNER)
    """Up to which level the customers may be read."""
    valid_from: datetime = attr(Read(PARTNER), Write(CONFIDENTIAL), Filter, Sort, default=EVER)
    """From when."""
    valid_until: datetime = attr(Read(PARTNER), Write(CONFIDENTIAL), Filter, Sort, default=FOREVER)
    """Until when, exclusively."""
