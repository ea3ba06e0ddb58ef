"""Distributors, resellers and agents who sell with us."""

from decimal import Decimal
from enum import auto
from uuid import UUID

from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL, PARTNER, PUBLIC, Category
from crm_graph.auth.rows import Rows
from crm_graph.entity import Choice, Entity, Filter, Read, Ref, Search, Sort, Unique, Write, attr
from crm_graph.kinds import CountryCode, CurrencyCode, EmailAddress, Money


class PartnerKind(Choice):
    """What a partner does for us."""

    DISTRIBUTOR = auto()
    RESELLER = auto()
    AGENT = auto()
    SUPPLIER = auto()


class PartnerTier(Entity, table=True):
    """A tier of the organisation's partner programme, and what a partner should reach in a quarter to be in it."""

    __prefix__ = "ptr"
    __checks__ = {
        "rank": "rank > 0",
        "minimum_revenue": "minimum_revenue > 0",
        "minimum_won": "minimum_won > 0",
        "minimum_certifications": "minimum_certifications > 0",
    }

    name: str = attr(Read(PARTNER), Write(CONFIDENTIAL), Filter, Sort, Search("A"), Unique)
    """What it is called."""
    rank: int = attr(Read(PARTNER), Write(CONFIDENTIAL), Filter, Sort, Unique)
    """Where it stands among the tiers: 1 is the highest."""
    currency: CurrencyCode = attr(Read(PARTNER), Write(CONFIDENTIAL), default="EUR")
    """Currency of the revenue."""
    minimum_revenue: Money | None = attr(Read(PARTNER), Write(CONFIDENTIAL), default=None)
    """What its orders should come to without tax; none: any."""
    minimum_won: int | None = attr(Read(PARTNER), Write(CONFIDENTIAL), default=None)
    """How many opportunities it should win; none: any."""
    minimum_certifications: int | None = attr(Read(PARTNER), Write(CONFIDENTIAL), default=None)
    """How many certifications it should hold; none: any."""


class Partner(Entity, table=True):
    """A business that sells, delivers or serves together with us."""

    __prefix__ = "par"
    __rows__ = Rows(own="owner_id", partner="id")
    __custom__ = True
    __checks__ = {"commission": "commission_rate BETWEEN 0 AND 100"}

    name: str = attr(Read(PUBLIC), Write(CONFIDENTIAL), Filter, Sort, Search("A"))
    """Name of the business."""
    kind: PartnerKind = attr(Read(PARTNER), Write(CONFIDENTIAL), Filter, default=PartnerKind.RESELLER)
    """What the partner does for us."""
    tier_id: UUID | None = attr(Read(PARTNER), Write(CONFIDENTIAL), Ref("PartnerTier", back="partners"), default=None)
    """Tier of the partner programme."""
    country: CountryCode | None = attr(Read(PARTNER), Write(CONFIDENTIAL), Filter, default=None)
    """Country the partner works in."""
    email: EmailAddress | None = attr(Read(PARTNER), Write(CONFIDENTIAL), Search("B"), default=None)
    """General address of the partner."""
    commission_rate: Decimal | None = attr(
        Read(PARTNER, category=Category.PARTNER_COMMERCIAL), Write(CONFIDENTIAL), Filter, Sort, default=None
    )
    """What the partner gets of a sale, in percent."""
    owner_id: UUID | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), Ref("User", back="partners"), default=None)
    """Who looks after the partner."""
