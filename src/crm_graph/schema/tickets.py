"""What customers asked, and what we answered."""

from datetime import datetime
from enum import auto
from uuid import UUID

from crm_graph.auth.levels import INTERNAL, PARTNER
from crm_graph.auth.rows import Rows
from crm_graph.entity import Choice, Entity, Filter, Read, Ref, Search, Sort, Unique, Write, attr
from crm_graph.schema.orders import Channel


class TicketStatus(Choice):
    """How a request stands."""

    NEW = auto()
    OPEN = auto()
    WAITING = auto()
    RESOLVED = auto()
    CLOSED = auto()


class TicketPriority(Choice):
    """How soon a request must be dealt with."""

    LOW = auto()
    NORMAL = auto()
    HIGH = auto()
    URGENT = auto()


class Ticket(Entity, table=True):
    """A request, question or complaint of a customer."""

    __prefix__ = "tic"
    __rows__ = Rows(own="assignee_id", team="team_id", self_="customer_id", parent="customer_id", delegated=True)
    __custom__ = True

    number: str = attr(Read(PARTNER, subject=True), Write(INTERNAL, create_only=True), Filter, Unique, Search("A"))
    """Number the customer may name, unique."""
    subject: str = attr(Read(PARTNER, subject=True), Write(INTERNAL), Filter, Sort, Search("A"))
    """What it is about."""
    customer_id: UUID = attr(
        Read(PARTNER, subject=True), Write(INTERNAL, create_only=True), Ref("Customer", back="tickets")
    )
    """Who asked."""
    order_id: UUID | None = attr(
        Read(PARTNER, subject=True), Write(INTERNAL), Ref("Order", back="tickets"), default=None
    )
    """The order it is about."""
    channel: Channel = attr(Read(PARTNER, subject=True), Write(INTERNAL), Filter, default=Channel.WEB)
    """Channel the request came through."""
    status: TicketStatus = attr(Read(PARTNER, subject=True), Write(INTERNAL), Filter, default=TicketStatus.NEW)
    """How it stands."""
    priority: TicketPriority = attr(Read(INTERNAL), Write(INTERNAL), Filter, default=TicketPriority.NORMAL)
    """How soon it must be dealt with."""
    opened_at: datetime = attr(Read(PARTNER, subject=True), Write(INTERNAL), Filter, Sort)
    """When the customer asked."""
    resolved_at: datetime | None = attr(Read(PARTNER, subject=True), Write(INTERNAL), Filter, Sort, default=None)
    """When it was resolved."""
    assignee_id: UUID | None = attr(Read(INTERNAL), Write(INTERNAL), Ref("User", back="assignedTickets"), default=None)
    """Who deals with it."""
    team_id: UUID | None = attr(Read(INTERNAL), Write(INTERNAL), Ref("Team", back="tickets"), default=None)
    """Team that deals with it."""


class TicketMessage(Entity, table=True):
    """One message on a ticket, by the customer or by us."""

    __prefix__ = "msg"
    __rows__ = Rows(parent="ticket_id", self_=None, published="public", delegated=True)

    ticket_id: UUID = attr(
        Read(PARTNER, subject=True), Write(INTERNAL, create_only=True), Ref("Ticket", back="messages", owned=True)
    )
    """The ticket."""
    public: bool = attr(Read(PARTNER, subject=True), Write(INTERNAL, create_only=True), Filter, default=False)
    """Whether the customer reads it; internal otherwise."""
    body: str = attr(Read(PARTNER, subject=True), Write(INTERNAL, create_only=True), Search("B"))
    """The text."""
    author_id: UUID | None = attr(Read(INTERNAL), Ref("User"), default=None)
    """Who wrote it, where one of our users did."""
    sent_at: datetime = attr(Read(PARTNER, subject=True), Write(INTERNAL, create_only=True), Filter, Sort)
    """When it was sent."""
