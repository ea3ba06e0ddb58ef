"""Writing: an article's first draft, a translation's, the draft of its next version."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL
from crm_graph.declaration import choice_kind
from crm_graph.plan.changes import Outcome, invalid, key_taken, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.writes.write import insert_fields, update_fields
from crm_graph.resolvers.knowledge.states import locked, locked_of_version
from crm_graph.resolvers.states import current
from crm_graph.schema.knowledge import ArticleStatus, ArticleVersion, Audience, KnowledgeArticle
from crm_graph.specs import INDEXED_TEXT

TEXT: Final = ("title", "summary", "body", "audience")
"""What a version is made of."""
_FILED: Final = ("category", "tags")

_AUDIENCE: Final = Argument("audience", choice_kind(Audience), "For whom it is to be published.")
_SUMMARY: Final = Argument("summary", kinds.STRING, "What it says, in a sentence or two.")
_CATEGORY: Final = Argument("category", kinds.STRING, "What it belongs to.")
_TAGS: Final = Argument("tags", kinds.STRING, "Words to find it by, separated by commas.")

_TRANSLATED: Final = """
SELECT EXISTS (SELECT 1 FROM knowledge_articles
                WHERE organization_id = $1 AND (id = $2 OR original_id = $2) AND lower(language) = lower($3))"""
_LAST: Final = """
SELECT revision, status, title, summary, body, audience FROM article_versions
 WHERE organization_id = $1 AND article_id = $2 ORDER BY revision DESC"""


@mutation(
    KnowledgeArticle,
    Argument("language", kinds.LOCALE, "Language it is written in.", required=True),
    Argument("title", kinds.STRING, "Title.", required=True),
    Argument("body", kinds.STRING, "The text.", required=True),
    Argument("audience", choice_kind(Audience), "For whom it is to be published.", required=True),
    _SUMMARY,
    _CATEGORY,
    _TAGS,
    Argument("original_id", kinds.ID, "The article that it is a translation of.", ref=KnowledgeArticle.__name__),
    needs=INTERNAL,
    creates=True,
)
async def draft_article(call: Call) -> Outcome:
    """Begin an article, or the translation of one, with the draft of its first version."""
    original, language = call.arguments.get("original_id"), str(call.arguments["language"])
    if isinstance(original, UUID):
        facts = await locked(call, original)
        original = facts.original_id or original
        asked = call.actor.organization_id, original, language
        if await (await call.tx.raw()).fetchval(_TRANSLATED, *asked):
            return Outcome.refused(key_taken("language"))
    filed = {name: call.arguments.get(name) for name in _FILED}
    if fault := _unfit(call.arguments):
        return fault
    values = {"language": language, "original_id": original, **filed}
    made = await insert_fields(
        call.tx, call.actor, KnowledgeArticle.__name__, values,
        row=call.row, event="knowledge.begun", request_id=call.request_id,
    )  # fmt: skip
    if made.is_refused:
        return made
    drafted = await _drafted(call, call.row, 1, {name: call.arguments.get(name) for name in TEXT})
    return drafted if drafted.is_refused else made


@mutation(KnowledgeArticle, needs=INTERNAL)
async def revise_article(call: Call) -> Outcome:
    """Begin an article's next version, as a draft of what is published. Until it is published, nothing changes."""
    await locked(call)
    versions = await (await call.tx.raw()).fetch(_LAST, call.actor.organization_id, call.row)
    if any(one["status"] in (ArticleStatus.DRAFT, ArticleStatus.IN_REVIEW) for one in versions):
        return refusal("STATE_REFUSED", "A version of it is being written already.")
    published = [one for one in versions if one["status"] == ArticleStatus.PUBLISHED]
    text = {name: (published or versions)[0][name] for name in TEXT}
    drafted = await _drafted(call, call.row, versions[0]["revision"] + 1, text)
    return drafted if drafted.is_refused else Outcome(drafted.effect, call.row)


@mutation(
    ArticleVersion,
    Argument("title", kinds.STRING, "Title."),
    Argument("body", kinds.STRING, "The text."),
    _SUMMARY,
    _AUDIENCE,
    needs=INTERNAL,
)
async def edit_article(call: Call) -> Outcome:
    """Write on a draft. What is not given stays. Whoever writes on a version does not publish it."""
    await locked_of_version(call)
    at = await current(call, ArticleVersion)
    if at != ArticleStatus.DRAFT:
        return refusal("STATE_REFUSED", f"It is {at}: only a draft is written on.")
    if fault := _unfit(call.arguments):
        return fault
    return await update_fields(
        call.tx, call.actor, ArticleVersion.__name__, call.row, dict(call.arguments), "knowledge.edited",
        needs=INTERNAL, if_match=call.if_match, request_id=call.request_id,
    )  # fmt: skip


@mutation(KnowledgeArticle, _CATEGORY, _TAGS, needs=INTERNAL)
async def file_article(call: Call) -> Outcome:
    """Say what an article belongs to and by which words it is found; what is not given stays."""
    if fault := _unfit(call.arguments):
        return fault
    return await update_fields(
        call.tx, call.actor, KnowledgeArticle.__name__, call.row, dict(call.arguments), "knowledge.filed",
        needs=INTERNAL, if_match=call.if_match, request_id=call.request_id,
    )  # fmt: skip


async def _drafted(call: Call, article: UUID, revision: int, text: Mapping[str, object]) -> Outcome:
    values = {"article_id": article, "revision": revision, "author_id": call.actor.user_id, **text}
    return await insert_fields(
        call.tx, call.actor, ArticleVersion.__name__, values, event="knowledge.drafted", request_id=call.request_id
    )


def _unfit(given: Mapping[str, object]) -> Outcome | None:
    """What is wrong with texts that were given."""
    for name in ("title", "body"):
        if name in given and not str(given[name]).strip():
            return Outcome.refused(invalid(f"The {name} cannot be blank.", name))
    for name in ("title", *_FILED):
        if len(str(given.get(name) or "")) > INDEXED_TEXT:
            return Outcome.refused(invalid(f"At most {INDEXED_TEXT} characters.", name))
    if not given:
        return Outcome.refused(invalid("Nothing is given to write."))
    return None
