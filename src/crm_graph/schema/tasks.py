"""What is to be done, by whom and until when."""

from datetime import date, datetime
from uuid import UUID

from crm_graph.auth.levels import INTERNAL
from crm_graph.auth.rows import Rows
from crm_graph.entity import Entity, Filter, Read, Ref, Search, Sort, Write, attr


class Task(Entity, table=True):
    """Something to be done about an opportunity or a customer."""

    __prefix__ = "tsk"
    __rows__ = Rows(own="owner_id", parent="opportunity_id")

    subject: str = attr(Read(INTERNAL), Write(INTERNAL), Filter, Sort, Search("A"))
    """What is to be done."""
    due_on: date | None = attr(Read(INTERNAL), Write(INTERNAL), Filter, Sort, default=None)
    """The day it is to be done."""
    done_at: datetime | None = attr(Read(INTERNAL), Filter, Sort, default=None)
    """When it was done; set by `completeTask`."""
    opportunity_id: UUID | None = attr(
        Read(INTERNAL), Write(INTERNAL), Ref("Opportunity", back="tasks", owned=True), default=None
    )
    """The opportunity it is about."""
    customer_id: UUID | None = attr(
        Read(INTERNAL), Write(INTERNAL), Ref("Customer", back="tasks", owned=True), default=None
    )
    """The customer it is about."""
    owner_id: UUID | None = attr(Read(INTERNAL), Write(INTERNAL), Ref("User", back="tasks"), default=None)
    """Who does it."""
