"""Where tickets wait, who works there, how they get there, and answers that are ready."""

from datetime import datetime
from enum import auto
from uuid import UUID

import sqlalchemy as sa

from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL
from crm_graph.auth.rows import Rows
from crm_graph.entity import Choice, Entity, Filter, Read, Ref, Search, Sort, Write, attr, table_of
from crm_graph.kinds import Locale
from crm_graph.schema.customers import CustomerSegment
from crm_graph.schema.orders import Channel


class TicketType(Choice):
    """What a customer wants."""

    QUESTION = auto()
    PROBLEM = auto()
    COMPLAINT = auto()
    REQUEST = auto()


class TicketAssignment(Choice):
    """How a queue gives its tickets to its members; MANUAL leaves them to be taken."""

    MANUAL = auto()
    ROUND_ROBIN = auto()
    LEAST_LOADED = auto()
    SKILLS = auto()


class TicketQueue(Entity, table=True):
    """Where tickets wait for a team."""

    __prefix__ = "tqu"

    name: str = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, Sort, Search("A"))
    """Name of the queue."""
    team_id: UUID | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), Ref("Team", back="ticketQueues"), default=None)
    """The team that works on it."""
    assignment: TicketAssignment = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, default=TicketAssignment.MANUAL)
    """How its tickets find who deals with them."""
    to_management: bool = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, default=False)
    """Whether complaints to the management come here, and those that nobody answered."""
    active: bool = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, default=True)
    """Whether tickets still come here."""


class QueueMember(Entity, table=True):
    """Somebody who gets tickets of a queue."""

    __prefix__ = "tqm"
    __rows__ = Rows(own="user_id")
    __unexposed__ = ("last_given_at",)
    __checks__ = {"capacity": "capacity > 0"}

    queue_id: UUID = attr(
        Read(INTERNAL), Write(CONFIDENTIAL, create_only=True), Ref("TicketQueue", back="members", owned=True)
    )
    """The queue."""
    user_id: UUID = attr(Read(INTERNAL), Write(CONFIDENTIAL, create_only=True), Ref("User", back="queueMemberships"))
    """Who gets them."""
    skills: list[str] = attr(Read(INTERNAL), Write(CONFIDENTIAL), default_factory=list)
    """What they know, as tickets ask for it."""
    capacity: int | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=None)
    """How many tickets they have at a time before they are given no more; empty: any number."""
    available: bool = attr(Read(INTERNAL), Write(INTERNAL), Filter, default=True)
    """Whether they are given tickets now."""
    last_given_at: datetime | None = attr(default=None)


_members = table_of(QueueMember).c
sa.Index("uq_queue_members_user", _members.organization_id, _members.queue_id, _members.user_id, unique=True)


class RoutingRule(Entity, table=True):
    """Where a new ticket goes; the first rule whose conditions all hold decides. An empty condition holds."""

    __prefix__ = "trr"
    __checks__ = {"raised": "raise_by BETWEEN 0 AND 3"}

    name: str = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, Sort, Search("A"))
    """What it is for."""
    position: int = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, Sort, default=1)
    """Its turn; the lowest is asked first."""
    active: bool = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, default=True)
    """Whether it is asked."""
    channel: Channel | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=None)
    """Of tickets that came through this channel."""
    type: TicketType | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=None)
    """Of tickets of this type."""
    segment: CustomerSegment | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=None)
    """Of customers of this segment."""
    product_id: UUID | None = attr(
        Read(INTERNAL), Write(CONFIDENTIAL), Ref("Product", back="routingRules"), default=None
    )
    """Of tickets about this product."""
    language: Locale | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=None)
    """Of tickets in this language; `de` means also `de-AT`."""
    key_account: bool | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=None)
    """Of key accounts, or of others."""
    queue_id: UUID = attr(Read(INTERNAL), Write(CONFIDENTIAL), Ref("TicketQueue", back="rules"))
    """Where they go."""
    raise_by: int = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=0)
    """Steps by which their priority is raised, 0 to 3."""
    tags: list[str] = attr(Read(INTERNAL), Write(CONFIDENTIAL), default_factory=list)
    """Tags they get."""
    skills: list[str] = attr(Read(INTERNAL), Write(CONFIDENTIAL), default_factory=list)
    """What whoever deals with them must know."""


class TicketNextState(Choice):
    """How a ticket stands after something was said."""

    WAITING = auto()
    ON_HOLD = auto()
    RESOLVED = auto()


class TicketMacro(Entity, table=True):
    """A text that is ready, and what is done to a ticket with it, by `applyMacro`."""

    __prefix__ = "mac"
    __checks__ = {"text": "body IS NULL OR btrim(body) <> ''"}

    name: str = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, Sort, Search("A"))
    """What it is for."""
    body: str | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), Search("B"), default=None)
    """The text, with `{customer}`, `{number}` and `{subject}` for those of the ticket; empty: none is sent."""
    public: bool = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, default=False)
    """Whether the text is an answer to the customer; else a note among ourselves."""
    becomes: TicketNextState | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=None)
    """How the ticket stands then; empty: as the text makes it."""
    queue_id: UUID | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), Ref("TicketQueue", back="macros"), default=None)
    """Where the ticket goes; empty: it stays."""
    tags: list[str] = attr(Read(INTERNAL), Write(CONFIDENTIAL), default_factory=list)
    """Tags that are added."""
    active: bool = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, default=True)
    """Whether it is offered."""
