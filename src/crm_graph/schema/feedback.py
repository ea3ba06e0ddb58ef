"""What customers say of us when they are asked: about a ticket that was resolved, and about us as a whole."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

import sqlalchemy as sa

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL
from crm_graph.auth.rows import Rows
from crm_graph.entity import Computed, Entity, Filter, Read, Ref, Search, Sort, Unique, attr, table_of
from crm_graph.kinds import EmailAddress

_LIVE = "{expires_at} > now() AND {revoked_at} IS NULL"


class TicketRating(Entity, table=True):
    """What a customer is asked about a ticket that was resolved, and how satisfied they are: once for each ticket."""

    __prefix__ = "trt"
    __rows__ = Rows(parent="ticket_id", delegated=True)
    __imported__ = False
    __unexposed__ = ("token_hash",)
    __checks__ = {"score": "score BETWEEN 1 AND 5", "rated": "(score IS NULL) = (rated_at IS NULL)"}

    ticket_id: UUID = attr(Read(INTERNAL, subject=True), Ref("Ticket", back="ratings", owned=True), Unique)
    """The ticket."""
    recipient: EmailAddress | None = attr(Read(INTERNAL), default=None)
    """Where the link was mailed to last."""
    expires_at: datetime | None = attr(Read(INTERNAL), Filter, Sort, default=None)
    """Until when the link works that was mailed last."""
    revoked_at: datetime | None = attr(Read(INTERNAL), default=None)
    """When that link was taken back."""
    token_hash: str | None = attr(Unique, default=None)
    """SHA-256 of its secret, in hexadecimal."""
    score: int | None = attr(Read(INTERNAL, subject=True), Filter, Sort, default=None)
    """How satisfied the customer is, from 1 (not at all) to 5 (very); empty until they have said so."""
    comment: str | None = attr(Read(INTERNAL, subject=True), Search("C"), default=None)
    """What they said besides."""
    rated_at: datetime | None = attr(Read(INTERNAL, subject=True), Filter, Sort, default=None)
    """When they did."""
    agent_id: UUID | None = attr(Read(INTERNAL), Ref("User", back="ticketRatings"), default=None)
    """Who dealt with the ticket by then."""
    team_id: UUID | None = attr(Read(INTERNAL), Ref("Team", back="ticketRatings"), default=None)
    """Their team."""

    satisfaction: ClassVar[Computed] = Computed(
        kinds.INT,
        "CASE WHEN {score} >= 4 THEN 100 WHEN {score} IS NOT NULL THEN 0 END",
        "100 if the score is 4 or 5, else 0: its average is the CSAT, the percentage of those who are satisfied.",
    )
    live: ClassVar[Computed] = Computed(
        kinds.BOOLEAN, f"coalesce({_LIVE}, FALSE)", "Whether a link works now.", filter=True
    )


class RelationshipRating(Entity, table=True):
    """Whether a customer would recommend us, asked once a quarter by a link."""

    __prefix__ = "rrt"
    __rows__ = Rows(parent="customer_id")
    __imported__ = False
    __unexposed__ = ("token_hash",)
    __checks__ = {"score": "score BETWEEN 0 AND 10", "answered": "(score IS NULL) = (answered_at IS NULL)"}

    customer_id: UUID = attr(Read(INTERNAL), Ref("Customer", back="relationshipRatings", owned=True))
    """Who is asked."""
    period: str = attr(Read(INTERNAL), Filter, Sort)
    """The quarter it is about, like 2026-Q4, in UTC."""
    recipient: EmailAddress = attr(Read(INTERNAL))
    """Where the link was mailed to."""
    asked_by_id: UUID | None = attr(Read(INTERNAL), Ref("User"), default=None)
    """Who had them asked."""
    expires_at: datetime = attr(Read(INTERNAL), Filter, Sort)
    """Until when the link works."""
    revoked_at: datetime | None = attr(Read(INTERNAL), default=None)
    """When it was taken back."""
    token_hash: str = attr(Unique)
    """SHA-256 of its secret, in hexadecimal."""
    score: int | None = attr(Read(INTERNAL), Filter, Sort, default=None)
    """How likely they are to recommend us, from 0 to 10; empty until they have said so."""
    comment: str | None = attr(Read(INTERNAL), Search("C"), default=None)
    """Why."""
    answered_at: datetime | None = attr(Read(INTERNAL), Filter, Sort, default=None)
    """When they answered."""

    net_promoter: ClassVar[Computed] = Computed(
        kinds.INT,
        "CASE WHEN {score} >= 9 THEN 100 WHEN {score} >= 7 THEN 0 WHEN {score} IS NOT NULL THEN -100 END",
        "100 for a promoter (9 or 10), -100 for a detractor (0 to 6), else 0: its average is the Net Promoter Score,"
        " the percentage of promoters less that of detractors (Reichheld, Harvard Business Review 12/2003).",
    )
    live: ClassVar[Computed] = Computed(kinds.BOOLEAN, _LIVE, "Whether the link works now.", filter=True)


_surveys = table_of(RelationshipRating).c
sa.Index("uq_relationship_ratings_period", _surveys.organization_id, _surveys.customer_id, _surveys.period, unique=True)
