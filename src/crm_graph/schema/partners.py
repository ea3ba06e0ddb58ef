"""Distributors, resellers and agents who sell with us."""

from decimal import Decimal
from enum import auto
from uuid import UUID

from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL, PARTNER, PUBLIC, Category
from crm_graph.auth.rows import Rows
from crm_graph.entity import Choice, Entity, Filter, Read, Ref, Search, Sort, Write, attr
from crm_graph.kinds import CountryCode, EmailAddress


class PartnerKind(Choice):
    """What a partner does for us."""

    DISTRIBUTOR = auto()
    RESELLER = auto()
    AGENT = auto()
    SUPPLIER = auto()


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
    tier: str | None = attr(Read(PARTNER), Write(CONFIDENTIAL), Filter, Search("C"), default=None)
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
