"""What partners do about the customers that are shared with them."""

from datetime import datetime
from enum import auto
from uuid import UUID

from crm_graph.auth.levels import INTERNAL
from crm_graph.auth.rows import Rows
from crm_graph.entity import Choice, Entity, Filter, Read, Ref, Search, Sort, Write, attr


class PartnerActivityKind(Choice):
    """What the partner did."""

    VISIT = auto()
    CALL = auto()
    MESSAGE = auto()
    NOTE = auto()


class PartnerActivity(Entity, table=True):
    """A visit to, a call with or a note about a customer, by a partner; made by `recordPartnerActivity`.

    It is the partner's, and who looks after the customer reads it. Shares of the customer do not reach it.
    """

    __prefix__ = "pac"
    __rows__ = Rows(partner="partner_id", parent="customer_id")
    __imported__ = False

    partner_id: UUID = attr(Read(INTERNAL), Ref("Partner", back="activities"))
    """The partner."""
    customer_id: UUID = attr(Read(INTERNAL), Ref("Customer", back="partnerActivities", owned=True))
    """The customer it is about."""
    kind: PartnerActivityKind = attr(Read(INTERNAL), Write(INTERNAL), Filter, default=PartnerActivityKind.NOTE)
    """What was done."""
    subject: str = attr(Read(INTERNAL), Write(INTERNAL), Filter, Sort, Search("A"))
    """What it was about."""
    notes: str | None = attr(Read(INTERNAL), Write(INTERNAL), Search("B"), default=None)
    """What came of it."""
    happened_at: datetime = attr(Read(INTERNAL), Write(INTERNAL), Filter, Sort)
    """When it was."""
    author_id: UUID | None = attr(Read(INTERNAL), Ref("User", back="partnerActivities"), default=None)
    """Who of the partner recorded it."""
