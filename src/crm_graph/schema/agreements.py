"""What we and our partners have agreed, and what their people are certified for."""

from datetime import date
from uuid import UUID

from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL, PARTNER, Category
from crm_graph.auth.rows import Rows
from crm_graph.entity import Entity, Filter, Read, Ref, Sort, Write, attr


class PartnerAgreement(Entity, table=True):
    """An agreement with a partner: what it may do for us, for how long."""

    __prefix__ = "pag"
    __rows__ = Rows(partner="partner_id")
    __checks__ = {"days": "starts_on <= ends_on"}

    name: str = attr(Read(PARTNER), Write(CONFIDENTIAL), Filter, Sort)
    """What it is called."""
    partner_id: UUID = attr(
        Read(PARTNER), Write(CONFIDENTIAL, create_only=True), Ref("Partner", back="agreements", owned=True)
    )
    """The partner."""
    starts_on: date = attr(Read(PARTNER), Write(CONFIDENTIAL), Filter, Sort)
    """From which day."""
    ends_on: date | None = attr(Read(PARTNER), Write(CONFIDENTIAL), Filter, Sort, default=None)
    """To which day; none: until somebody ends it."""
    terms: str | None = attr(Read(PARTNER, category=Category.PARTNER_COMMERCIAL), Write(CONFIDENTIAL), default=None)
    """What was agreed, and how the partner may speak for us."""
    notes: str | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=None)
    """Internal notes."""


class PartnerCertification(Entity, table=True):
    """Something that a partner, or one of its people, is certified for."""

    __prefix__ = "pct"
    __rows__ = Rows(partner="partner_id")
    __checks__ = {"days": "issued_on <= expires_on"}

    name: str = attr(Read(PARTNER), Write(CONFIDENTIAL), Filter, Sort)
    """What for."""
    partner_id: UUID = attr(
        Read(PARTNER), Write(CONFIDENTIAL, create_only=True), Ref("Partner", back="certifications", owned=True)
    )
    """The partner."""
    user_id: UUID | None = attr(Read(PARTNER), Write(CONFIDENTIAL), Ref("User", back="certifications"), default=None)
    """Who passed; none: the partner as a whole."""
    issued_on: date = attr(Read(PARTNER), Write(CONFIDENTIAL), Filter, Sort)
    """When it was given."""
    expires_on: date | None = attr(Read(PARTNER), Write(CONFIDENTIAL), Filter, Sort, default=None)
    """To which day it holds; none: for good."""
