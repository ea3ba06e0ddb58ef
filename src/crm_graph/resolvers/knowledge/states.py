"""Where versions of articles may go from where, and what is known of an article while its row is locked."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from crm_graph.auth.levels import INTERNAL
from crm_graph.plan.changes import Outcome
from crm_graph.plan.mutations import Call
from crm_graph.resolvers.states import Moves, move
from crm_graph.schema.knowledge import ArticleStatus, ArticleVersion

MOVES: Final[Moves] = {
    ArticleStatus.DRAFT: (ArticleStatus.IN_REVIEW, ArticleStatus.ARCHIVED),
    ArticleStatus.IN_REVIEW: (ArticleStatus.PUBLISHED, ArticleStatus.DRAFT, ArticleStatus.ARCHIVED),
    ArticleStatus.PUBLISHED: (ArticleStatus.ARCHIVED,),
}

_ARTICLE: Final = """
SELECT id, original_id, published_to, now() AS now
  FROM knowledge_articles WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE"""
_OF_VERSION: Final = "SELECT article_id FROM article_versions WHERE organization_id = $1 AND id = $2"


@dataclass(frozen=True, slots=True)
class Facts:
    """An article as it is until the transaction ends; with its row, all its versions stay as they are."""

    id: UUID
    original_id: UUID | None
    published_to: str | None
    now: dt.datetime


async def locked(call: Call, article: UUID | None = None) -> Facts:
    """The article of a call, or another one, locked."""
    connection = await call.tx.raw()
    found = await connection.fetchrow(_ARTICLE, call.actor.organization_id, article or call.row)
    assert found is not None, "the article was seen in this transaction"
    return Facts(**dict(found))


async def locked_of_version(call: Call) -> Facts:
    """The article of the version that a call is about, locked."""
    article = await (await call.tx.raw()).fetchval(_OF_VERSION, call.actor.organization_id, call.row)
    return await locked(call, article)


async def moved(call: Call, to: ArticleStatus, event: str, values: Mapping[str, object] | None = None) -> Outcome:
    """Put the version of a call into a state."""
    return await move(call, ArticleVersion, MOVES, to, event, values, needs=INTERNAL)
