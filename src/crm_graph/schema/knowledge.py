"""What we know and tell: articles as they are published, and the versions in which they are written.

An article's row holds its published text and nothing else: no draft is in what readers search, count and link to.
"""

from datetime import datetime
from enum import auto
from typing import ClassVar
from uuid import UUID

from crm_graph.auth.levels import INTERNAL, PUBLIC
from crm_graph.auth.rows import Rows
from crm_graph.entity import Choice, Entity, Filter, Read, Ref, RelatedCount, Search, Sort, Unique, attr
from crm_graph.kinds import Locale


class Audience(Choice):
    """For whom an article is; each of these is part of those before it."""

    PUBLIC = auto()
    CUSTOMER = auto()
    PARTNER = auto()
    INTERNAL = auto()


class ArticleStatus(Choice):
    """How a version of an article stands."""

    DRAFT = auto()
    IN_REVIEW = auto()
    PUBLISHED = auto()
    ARCHIVED = auto()


class KnowledgeArticle(Entity, table=True):
    """An article of the knowledge base in one language, as it is published; written in its versions."""

    __prefix__ = "kna"
    # until a version is published, and once it is archived, it is published to nobody
    __rows__ = Rows(audience="published_to")
    __imported__ = False
    __checks__ = {"published": "published_to IS NULL OR num_nonnulls(title, body, published_at) = 3"}

    language: Locale = attr(Read(PUBLIC), Filter)
    """Language it is written in."""
    original_id: UUID | None = attr(Read(PUBLIC), Ref("KnowledgeArticle", back="translations"), default=None)
    """The article that it is a translation of."""
    category: str | None = attr(Read(PUBLIC), Filter, Sort, default=None)
    """What it belongs to."""
    tags: str | None = attr(Read(PUBLIC), Filter, Search("A"), default=None)
    """Words to find it by, separated by commas."""
    title: str | None = attr(Read(PUBLIC), Filter, Sort, Search("A"), default=None)
    """Title; empty before a version is published."""
    summary: str | None = attr(Read(PUBLIC), Search("B"), default=None)
    """What it says, in a sentence or two."""
    body: str | None = attr(Read(PUBLIC), Search("C"), default=None)
    """The text."""
    published_to: Audience | None = attr(Read(PUBLIC), Filter, default=None)
    """For whom it is published; empty if it is not."""
    published_at: datetime | None = attr(Read(PUBLIC), Filter, Sort, default=None)
    """When this text was published."""

    helpful_votes: ClassVar[RelatedCount] = RelatedCount(
        "votes", {"helpful": {"eq": True}}, "How many readers found it helpful."
    )
    unhelpful_votes: ClassVar[RelatedCount] = RelatedCount("votes", {"helpful": {"eq": False}}, "How many did not.")


class ArticleVersion(Entity, table=True):
    """A text of an article, from its draft on."""

    __prefix__ = "knv"
    __rows__ = Rows(parent="article_id")
    __imported__ = False

    article_id: UUID = attr(Read(INTERNAL), Ref("KnowledgeArticle", back="versions", owned=True))
    """The article."""
    revision: int = attr(Read(INTERNAL), default=1)
    """Which version of the article it is, from 1."""
    status: ArticleStatus = attr(Read(INTERNAL), Filter, default=ArticleStatus.DRAFT)
    """How it stands."""
    audience: Audience = attr(Read(INTERNAL), Filter, default=Audience.INTERNAL)
    """For whom it is to be published."""
    title: str = attr(Read(INTERNAL), Filter, Sort, Search("A"))
    """Title."""
    summary: str | None = attr(Read(INTERNAL), Search("B"), default=None)
    """What it says, in a sentence or two."""
    body: str = attr(Read(INTERNAL), Search("C"))
    """The text."""
    author_id: UUID | None = attr(Read(INTERNAL), Ref("User", back="writtenArticles"), default=None)
    """Who began it."""
    submitted_at: datetime | None = attr(Read(INTERNAL), Filter, Sort, default=None)
    """When it was last submitted for review."""
    reviewer_id: UUID | None = attr(Read(INTERNAL), Ref("User", back="reviewedArticles"), default=None)
    """Who published it, or returned it last."""
    review_note: str | None = attr(Read(INTERNAL), default=None)
    """What the reviewer said when it was returned."""
    published_at: datetime | None = attr(Read(INTERNAL), default=None)
    """When it was published."""
    archived_at: datetime | None = attr(Read(INTERNAL), default=None)
    """When another version took its place, or it was archived."""


class ArticleVote(Entity, table=True):
    """Whether a reader found an article helpful; cast by `voteOnArticle`."""

    __prefix__ = "kno"
    __rows__ = Rows(parent="article_id")
    __imported__ = False
    __unexposed__ = ("voter",)

    article_id: UUID = attr(Read(INTERNAL), Ref("KnowledgeArticle", back="votes", owned=True))
    """The article."""
    helpful: bool = attr(Read(INTERNAL), Filter)
    """Whether it helped."""
    voter: str | None = attr(Unique, default=None)
    """SHA-256 of article and reader, in hexadecimal: one vote each. Empty where nobody was signed in."""


class TicketArticle(Entity, table=True):
    """An article that helps with a ticket, for whoever deals with it."""

    __prefix__ = "tka"
    __rows__ = Rows(parent="ticket_id")
    __imported__ = False

    ticket_id: UUID = attr(Read(INTERNAL), Ref("Ticket", back="articles", owned=True))
    """The ticket."""
    article_id: UUID = attr(Read(INTERNAL), Ref("KnowledgeArticle", back="tickets"))
    """The article."""
    linked_by_id: UUID | None = attr(Read(INTERNAL), Ref("User"), default=None)
    """Who linked it."""
