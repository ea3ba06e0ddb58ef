"""What is promised to whom: how soon we answer, and resolve."""

from enum import auto
from uuid import UUID

from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL
from crm_graph.entity import Choice, Entity, Filter, Read, Ref, Search, Sort, Write, attr
from crm_graph.schema.customers import CustomerSegment
from crm_graph.schema.orders import Channel
from crm_graph.schema.ticket_queues import TicketType
from crm_graph.schema.tickets import TicketPriority


class SlaClock(Choice):
    """Which time counts: that of the calendar, or all of it."""

    BUSINESS = auto()
    ELAPSED = auto()


class SlaPolicy(Entity, table=True):
    """What is promised for tickets that fit all of its conditions; an empty one fits any. The most specific holds.

    One with a condition on the customer before one on key accounts, then segment, type, priority and channel: the first
    in which two differ decides; of two that have the same ones, the older.
    """

    __prefix__ = "sla"
    __checks__ = {
        "first_response_minutes": "first_response_minutes BETWEEN 1 AND 5256000",
        "next_response_minutes": "next_response_minutes BETWEEN 1 AND 5256000",
        "resolution_minutes": "resolution_minutes BETWEEN 1 AND 5256000",
        "warning_percent": "warning_percent BETWEEN 1 AND 100",
    }

    name: str = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, Sort, Search("A"))
    """Name of the policy."""
    active: bool = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, default=True)
    """Whether it holds."""
    customer_id: UUID | None = attr(
        Read(INTERNAL), Write(CONFIDENTIAL), Ref("Customer", back="slaPolicies"), default=None
    )
    """Tickets of this customer."""
    key_account: bool | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=None)
    """Tickets of key accounts, or of others."""
    segment: CustomerSegment | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=None)
    """Tickets of customers of this segment."""
    type: TicketType | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=None)
    """Tickets of this type."""
    priority: TicketPriority | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=None)
    """Tickets of this priority."""
    channel: Channel | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=None)
    """Tickets that came through this channel."""
    first_response_minutes: int | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=None)
    """Within how many minutes we answer first; empty: that is not promised."""
    next_response_minutes: int | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=None)
    """Within how many minutes we answer what the customer writes after that."""
    resolution_minutes: int | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=None)
    """Within how many minutes it is resolved."""
    clock: SlaClock = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, default=SlaClock.BUSINESS)
    """Whether minutes are those of the calendar, or of the clock on the wall."""
    calendar_id: UUID | None = attr(
        Read(INTERNAL), Write(CONFIDENTIAL), Ref("BusinessCalendar", back="slaPolicies"), default=None
    )
    """The calendar that counts; empty: that of the ticket's team, or else the organisation's standard one."""
    pauses_waiting: bool = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=True)
    """Whether the clock stands still while a ticket waits for its customer."""
    pauses_on_hold: bool = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=False)
    """Whether it stands still while a ticket is on hold."""
    warning_percent: int = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=80)
    """After how many percent of the time somebody is warned; 100: nobody is."""
    escalation_queue_id: UUID | None = attr(
        Read(INTERNAL), Write(CONFIDENTIAL), Ref("TicketQueue", back="escalatingPolicies"), default=None
    )
    """Where tickets go that are late; empty: they stay where they are."""
