"""What customers asked, how it stands, and what was said about it."""

from datetime import datetime
from enum import auto
from uuid import UUID

import sqlalchemy as sa

from crm_graph.auth.levels import INTERNAL, PARTNER
from crm_graph.auth.rows import Rows
from crm_graph.entity import Choice, Entity, Filter, Frozen, Read, Ref, Search, Sort, Unique, Write, attr, table_of
from crm_graph.kinds import EmailAddress, Locale
from crm_graph.schema.orders import Channel
from crm_graph.schema.promises import Promised
from crm_graph.schema.ticket_queues import TicketType
from crm_graph.schema.ticket_states import TicketStatus


class TicketClosing(Choice):
    """How a ticket came to be closed."""

    CONFIRMED = auto()
    TIMED_OUT = auto()
    WITHDRAWN = auto()
    BY_US = auto()


class TicketGrade(Choice):
    """How far a matter reaches, or how soon it matters."""

    LOW = auto()
    MEDIUM = auto()
    HIGH = auto()


class TicketPriority(Choice):
    """How soon a ticket must be dealt with."""

    LOW = auto()
    NORMAL = auto()
    HIGH = auto()
    URGENT = auto()


class CustomerValue(Choice):
    """Whom we speak to: KEY is a key account, HIGH a loyal customer or one that was won back."""

    STANDARD = auto()
    HIGH = auto()
    KEY = auto()


class Ticket(Promised, table=True):
    """A question, problem, complaint or request of a customer; made by `openTicket`, moved by verbs."""

    __prefix__ = "tic"
    __rows__ = Rows(
        own="assignee_id",
        team="team_id",
        self_="customer_id",
        partner="partner_id",
        parent="customer_id",
        delegated=True,
    )
    __custom__ = True
    __frozen__ = Frozen("{status} IN ('CLOSED', 'MERGED')", but=("tags",))
    __indexes__ = (
        ("assignee_id", "status", "opened_at", "id"),
        ("assignee_id", "sla_due_at", "id", "status"),
        ("queue_id", "status", "opened_at", "id"),
        ("sla_status", "sla_due_at", "id"),
    )
    __checks__ = {
        "management": "NOT to_management OR type = 'COMPLAINT'",
        "merged": "(status = 'MERGED') = (merged_into_id IS NOT NULL)",
        "itself": "parent_id <> id AND merged_into_id <> id",
        "complaint": "NOT to_management OR status NOT IN ('RESOLVED', 'CLOSED', 'MERGED')"
        " OR answered_by_management_at IS NOT NULL",
    }

    number: str = attr(Read(PARTNER, subject=True), Filter, Unique, Search("A"))
    """Number the customer may name; unique, and it tells nothing of how many there are."""
    subject: str = attr(Read(PARTNER, subject=True), Write(INTERNAL), Filter, Sort, Search("A"))
    """What it is about."""
    type: TicketType = attr(Read(PARTNER, subject=True), Write(INTERNAL), Filter, default=TicketType.QUESTION)
    """What the customer wants."""
    to_management: bool = attr(Read(PARTNER, subject=True), Filter, default=False)
    """Whether it is a complaint to the management: that is never closed unanswered."""
    customer_id: UUID = attr(Read(PARTNER, subject=True), Ref("Customer", back="tickets"))
    """Who asked."""
    partner_id: UUID | None = attr(Read(PARTNER), Ref("Partner", back="tickets"), default=None)
    """The partner that asked for the customer, and reads what we answer."""
    order_id: UUID | None = attr(
        Read(PARTNER, subject=True), Write(INTERNAL), Ref("Order", back="tickets", same="customer_id"), default=None
    )
    """The order it is about."""
    product_id: UUID | None = attr(
        Read(PARTNER, subject=True), Write(INTERNAL), Ref("Product", back="tickets"), default=None
    )
    """The product it is about."""
    opportunity_id: UUID | None = attr(
        Read(INTERNAL), Write(INTERNAL), Ref("Opportunity", back="tickets", same="customer_id"), default=None
    )
    """The opportunity it touches."""
    language: Locale | None = attr(Read(PARTNER, subject=True), Write(INTERNAL), default=None)
    """Language to answer in: the customer's, unless told otherwise."""
    channel: Channel = attr(Read(PARTNER, subject=True), Filter, default=Channel.WEB)
    """Channel the request came through."""
    unverified_sender: EmailAddress | None = attr(Read(INTERNAL), Filter, default=None)
    """Address that a mail says it is from, which nobody has proven: until then no answer goes there."""
    status: TicketStatus = attr(Read(PARTNER, subject=True), Filter, default=TicketStatus.NEW)
    """How it stands."""
    merged_into_id: UUID | None = attr(Read(PARTNER, subject=True), Ref("Ticket", back="mergedTickets"), default=None)
    """The ticket that goes on for it; its messages stay where they were written."""
    impact: TicketGrade = attr(Read(INTERNAL), default=TicketGrade.MEDIUM)
    """How far it reaches."""
    urgency: TicketGrade = attr(Read(INTERNAL), default=TicketGrade.MEDIUM)
    """How soon it matters."""
    customer_value: CustomerValue = attr(Read(INTERNAL), default=CustomerValue.STANDARD)
    """Whom we speak to, as it was when the ticket was opened or given another priority."""
    raised_by: int = attr(Read(INTERNAL), default=0)
    """Steps by which a routing rule raised its priority."""
    priority: TicketPriority = attr(Read(INTERNAL), Filter, default=TicketPriority.NORMAL)
    """How soon it must be dealt with: impact and urgency, raised for key accounts and by routing rules."""
    tags: list[str] = attr(Read(INTERNAL), Write(INTERNAL), default_factory=list)
    """Words to find it by."""
    skills: list[str] = attr(Read(INTERNAL), Write(INTERNAL), default_factory=list)
    """What whoever deals with it must know, as members of queues have it."""
    queue_id: UUID | None = attr(Read(INTERNAL), Ref("TicketQueue", back="tickets"), default=None)
    """Queue it waits in."""
    assignee_id: UUID | None = attr(Read(INTERNAL), Ref("User", back="assignedTickets"), default=None)
    """Who deals with it."""
    team_id: UUID | None = attr(Read(INTERNAL), Ref("Team", back="tickets"), default=None)
    """Team that deals with it."""
    parent_id: UUID | None = attr(Read(INTERNAL), Ref("Ticket", back="children"), default=None)
    """The incident it is part of."""
    opened_by_id: UUID | None = attr(Read(INTERNAL), Ref("User"), default=None)
    """Who opened it."""
    opened_at: datetime = attr(Read(PARTNER, subject=True), Filter, Sort)
    """When the customer asked."""
    first_answered_at: datetime | None = attr(Read(INTERNAL), Filter, Sort, default=None)
    """When we first answered the customer; notes among ourselves are no answer."""
    answered_by_management_at: datetime | None = attr(Read(INTERNAL), default=None)
    """When somebody of the management answered a complaint to it; before that it is neither resolved nor closed."""
    escalated_at: datetime | None = attr(Read(INTERNAL), Filter, Sort, default=None)
    """When it was last brought before the management, because nobody had answered."""
    last_answer_at: datetime | None = attr(Read(INTERNAL), default=None)
    """When we last answered."""
    last_customer_message_at: datetime | None = attr(Read(INTERNAL), Filter, Sort, default=None)
    """When the customer, or their partner, last wrote."""
    waiting_since: datetime | None = attr(Read(INTERNAL), Filter, Sort, default=None)
    """Since when it waits for the customer; empty where it does not."""
    resolved_at: datetime | None = attr(Read(PARTNER, subject=True), Filter, Sort, default=None)
    """When it was put to the customer as resolved."""
    confirm_until: datetime | None = attr(Read(PARTNER, subject=True), default=None)
    """Until when the customer may say that it is not resolved; then it is closed."""
    closed_at: datetime | None = attr(Read(PARTNER, subject=True), Filter, Sort, default=None)
    """When it was closed."""
    closed_because: TicketClosing | None = attr(Read(PARTNER, subject=True), Filter, default=None)
    """How it came to be closed."""
    reopen_count: int = attr(Read(INTERNAL), Filter, Sort, default=0)
    """How often it turned out not to be resolved."""


class MessageSide(Choice):
    """Who speaks in a message."""

    CUSTOMER = auto()
    PARTNER = auto()
    STAFF = auto()


class TicketMessage(Entity, table=True):
    """One message on a ticket, by the customer or by us; or a note among ourselves."""

    __prefix__ = "msg"
    __rows__ = Rows(parent="ticket_id", self_=None, published="public", delegated=True)
    __checks__ = {"internal": "public OR side = 'STAFF'"}

    ticket_id: UUID = attr(Read(PARTNER, subject=True), Ref("Ticket", back="messages", owned=True))
    """The ticket."""
    public: bool = attr(Read(PARTNER, subject=True), Filter, default=False)
    """Whether the customer reads it; internal otherwise."""
    side: MessageSide = attr(Read(PARTNER, subject=True), default=MessageSide.STAFF)
    """Who speaks."""
    channel: Channel = attr(Read(PARTNER, subject=True), default=Channel.WEB)
    """Channel it came through, or went out by."""
    body: str = attr(Read(PARTNER, subject=True), Search("B"))
    """The text."""
    author_id: UUID | None = attr(Read(INTERNAL), Ref("User"), default=None)
    """Who wrote it, where somebody did who signs in."""
    sent_at: datetime = attr(Read(PARTNER, subject=True), Filter, Sort)
    """When it was sent."""
    origin_id: UUID | None = attr(Read(INTERNAL), Ref("Ticket"), default=None)
    """The ticket it was written on, where that was split."""


class TicketCollaborator(Entity, table=True):
    """Somebody of the staff who helps with a ticket beside its assignee; that lets nobody see more."""

    __prefix__ = "tco"
    __rows__ = Rows(own="user_id", parent="ticket_id")
    __imported__ = False

    ticket_id: UUID = attr(Read(INTERNAL), Ref("Ticket", back="collaborators", owned=True))
    """The ticket."""
    user_id: UUID = attr(Read(INTERNAL), Ref("User", back="collaborations"))
    """Who helps."""
    added_by_id: UUID | None = attr(Read(INTERNAL), Ref("User"), default=None)
    """Who asked them to."""


_collaborators = table_of(TicketCollaborator).c
sa.Index(
    "uq_ticket_collaborators_user",
    _collaborators.organization_id,
    _collaborators.ticket_id,
    _collaborators.user_id,
    unique=True,
)
