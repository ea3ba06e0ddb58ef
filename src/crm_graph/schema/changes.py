"""Changes that people asked for about themselves, and that wait for a code or for one of us."""

from datetime import datetime
from enum import auto
from typing import ClassVar
from uuid import UUID

import sqlalchemy as sa

from crm_graph.auth.levels import INTERNAL
from crm_graph.auth.rows import Rows
from crm_graph.entity import Choice, Entity, Filter, Proposed, Read, Ref, Sort, attr, table_of


class ChangeState(Choice):
    """How a change stands that somebody asked for."""

    PENDING = auto()
    APPLIED = auto()
    REJECTED = auto()
    REPLACED = auto()


class ChangeWaits(Choice):
    """What a change waits for."""

    VERIFICATION = auto()
    APPROVAL = auto()


class ChangeRequest(Entity, table=True):
    """A change of one field that the person it is about asked for."""

    __prefix__ = "chr"
    __rows__ = Rows(self_="customer_id", parent="customer_id", delegated=True)
    __unexposed__ = ("row_id", "before_value", "after_value")

    customer_id: UUID = attr(Read(INTERNAL, subject=True), Ref("Customer", back="changeRequests", owned=True))
    """Whom it is about."""
    entity: str = attr(Read(INTERNAL, subject=True), Filter)
    """Kind of the record to change."""
    row_id: UUID
    field: str = attr(Read(INTERNAL, subject=True), Filter)
    """Name of the field to change."""
    waits_for: ChangeWaits = attr(Read(INTERNAL, subject=True), Filter)
    """Whether it waits for the code that was sent, or for approval."""
    state: ChangeState = attr(Read(INTERNAL, subject=True), Filter, default=ChangeState.PENDING)
    """How it stands. What is pending beyond `expiresAt` comes to nothing."""
    before_value: str | None = attr(default=None)
    after_value: str | None = attr(default=None)
    requested_by_id: UUID | None = attr(Read(INTERNAL), Ref("User"), default=None)
    """Who asked for it."""
    expires_at: datetime = attr(Read(INTERNAL, subject=True), Filter, Sort)
    """Until when it may be verified or approved."""
    decided_at: datetime | None = attr(Read(INTERNAL, subject=True), Filter, Sort, default=None)
    """When it was verified, approved, rejected or replaced by a newer one."""
    decided_by_id: UUID | None = attr(Read(INTERNAL), Ref("User"), default=None)
    """Who decided it."""
    reason: str | None = attr(Read(INTERNAL, subject=True), default=None)
    """Why it was rejected; the person reads it."""

    before: ClassVar[Proposed] = Proposed(
        "before_value", "The field's value when the change was asked for, as you may see that field."
    )
    after: ClassVar[Proposed] = Proposed("after_value", "The value asked for, as you may see that field.")


_columns = table_of(ChangeRequest).c
sa.Index(
    "uq_change_requests_pending",
    _columns.organization_id,
    _columns.entity,
    _columns.row_id,
    _columns.field,
    unique=True,
    postgresql_where=sa.text("state = 'PENDING'"),
)
