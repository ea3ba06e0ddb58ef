"""What customers agreed to be written to or called about, on which channel."""

from datetime import datetime
from enum import auto
from uuid import UUID

import sqlalchemy as sa

from crm_graph.auth.levels import INTERNAL
from crm_graph.auth.rows import Rows
from crm_graph.entity import Choice, Entity, Filter, Read, Ref, Sort, attr, table_of


class ConsentPurpose(Choice):
    """What somebody agrees to be addressed for."""

    SUGGESTIONS = auto()
    NEWS = auto()
    EVENTS = auto()
    SURVEYS = auto()


class ConsentChannel(Choice):
    """On which way somebody agrees to be addressed."""

    EMAIL = auto()
    PHONE = auto()
    SMS = auto()
    POST = auto()


class Consent(Entity, table=True):
    """A customer's agreement to be addressed for one purpose on one channel; it holds until it is withdrawn."""

    __prefix__ = "cns"
    __rows__ = Rows(self_="customer_id", parent="customer_id")
    __imported__ = False
    __checks__ = {"withdrawn_at": "given_at <= withdrawn_at"}

    customer_id: UUID = attr(Read(INTERNAL, subject=True), Ref("Customer", back="consents", owned=True))
    """Who agreed."""
    purpose: ConsentPurpose = attr(Read(INTERNAL, subject=True), Filter)
    """For what."""
    channel: ConsentChannel = attr(Read(INTERNAL, subject=True), Filter)
    """On which channel."""
    given_at: datetime = attr(Read(INTERNAL, subject=True), Filter, Sort)
    """When."""
    evidence: str = attr(Read(INTERNAL, subject=True))
    """How we know: the form, the call, the words."""
    given_by_id: UUID | None = attr(Read(INTERNAL), Ref("User"), default=None)
    """Who put it on record."""
    withdrawn_at: datetime | None = attr(Read(INTERNAL, subject=True), Filter, Sort, default=None)
    """When it was withdrawn; none: it holds."""
    withdrawn_by_id: UUID | None = attr(Read(INTERNAL), Ref("User"), default=None)
    """Who put that on record."""


_columns = table_of(Consent).c
sa.Index(
    "uq_consents_holding",
    _columns.organization_id,
    _columns.customer_id,
    _columns.purpose,
    _columns.channel,
    unique=True,
    postgresql_where=_columns.withdrawn_at.is_(None),
)
