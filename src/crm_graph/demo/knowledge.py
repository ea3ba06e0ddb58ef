"""What the service desk knows: articles in two languages, how far each is, whether it helped.

It comes last and has dice of its own, so that all else stays as it is.
"""

import hashlib
import tomllib
from datetime import datetime, timedelta
from importlib.resources import files
from random import Random
from typing import NotRequired, TypedDict
from uuid import UUID

from crm_graph.demo.business import Business
from crm_graph.schema.knowledge import (
    ArticleStatus,
    ArticleVersion,
    ArticleVote,
    Audience,
    KnowledgeArticle,
    TicketArticle,
)
from crm_graph.schema.tickets import Ticket

LINKED = 40
"""Tickets that an article is linked to, at most."""


class _Text(TypedDict):
    title: str
    summary: str
    body: str


class _Article(TypedDict):
    key: str
    category: str
    tags: str
    to: str
    state: NotRequired[str]
    helpful: NotRequired[list[int]]
    topic: NotRequired[str]
    en: NotRequired[_Text]
    de: NotRequired[_Text]


def tell(business: Business) -> None:
    """Add the articles with their versions, votes and tickets."""
    random = business.dice("knowledge")
    text = files("crm_graph.demo").joinpath("knowledge.toml").read_text(encoding="utf-8")
    articles: list[_Article] = tomllib.loads(text)["article"]
    for article in articles:
        begun = business.calendar.now - timedelta(days=random.randint(40, 400), hours=random.randint(1, 9))
        original: UUID | None = None
        for language, words in (("en", article.get("en")), ("de", article.get("de"))):
            if words is not None:
                original = _write(business, random, article, language, words, original, begun)


def _write(
    business: Business,
    random: Random,
    article: _Article,
    language: str,
    words: _Text,
    original: UUID | None,
    begun: datetime,
) -> UUID:
    """One language of an article, with what became of it."""
    author, reviewer = random.sample(business.agents, 2) if len(business.agents) > 1 else business.agents * 2
    state = ArticleStatus(article.get("state", "PUBLISHED"))
    shown = state in (ArticleStatus.PUBLISHED, ArticleStatus.ARCHIVED)
    published = begun + timedelta(days=3)
    text: dict[str, object] = dict(words)
    made = business.rows.add(
        KnowledgeArticle, begun, updated_at=published if shown else begun, language=language, original_id=original,
        category=article["category"], tags=article["tags"], published_at=published if shown else None,
        published_to=Audience(article["to"]) if state is ArticleStatus.PUBLISHED else None,
        **(text if shown else {}),
    )  # fmt: skip
    business.rows.add(
        ArticleVersion, begun, article_id=made, status=state, audience=Audience(article["to"]), author_id=author.id,
        submitted_at=None if state is ArticleStatus.DRAFT else begun + timedelta(days=1),
        reviewer_id=reviewer.id if shown else None, published_at=published if shown else None,
        archived_at=published + timedelta(days=30) if state is ArticleStatus.ARCHIVED else None, **text,
    )  # fmt: skip
    if original is None:
        _judge(business, article, made, published)
        _link(business, random, article, made, published)
    return original or made


def _judge(business: Business, article: _Article, made: UUID, published: datetime) -> None:
    helpful, not_helpful = article.get("helpful", [0, 0])
    for n in range(helpful + not_helpful):
        voter = hashlib.sha256(f"{made}/{n}".encode()).hexdigest() if n % 2 else None
        cast = min(published + timedelta(days=1 + n), business.calendar.now)
        business.rows.add(ArticleVote, cast, article_id=made, helpful=n < helpful, voter=voter)


def _link(business: Business, random: Random, article: _Article, made: UUID, published: datetime) -> None:
    topic = article.get("topic")
    about = [row for row in business.rows.of[Ticket.__name__] if topic and str(row["subject"]).startswith(topic)]
    for row in random.sample(about, min(len(about), LINKED)):
        opened, agent = row["opened_at"], row["assignee_id"]
        assert isinstance(opened, datetime)
        if opened > published and agent is not None:
            linked = min(opened + timedelta(hours=2), business.calendar.now)
            business.rows.add(TicketArticle, linked, ticket_id=row["id"], article_id=made, linked_by_id=agent)
