"""From a draft to what readers see, by somebody who did not write it; and away again."""

from typing import Final

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL
from crm_graph.markers import Choice
from crm_graph.plan.changes import Outcome, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.writes.write import update_fields, update_rows
from crm_graph.resolvers.knowledge.drafts import TEXT
from crm_graph.resolvers.knowledge.states import MOVES, Facts, locked, locked_of_version, moved
from crm_graph.resolvers.states import current
from crm_graph.schema.knowledge import ArticleStatus, ArticleVersion, KnowledgeArticle

_OTHERS: Final = """
SELECT id FROM article_versions
 WHERE organization_id = $1 AND article_id = $2 AND status = ANY($3) AND id <> $4"""
_TEXT: Final = f"SELECT {', '.join(TEXT)} FROM article_versions WHERE organization_id = $1 AND id = $2"
# who put down a text that was not there before: whoever moves a version writes its row, too, and not its text
_WROTE: Final = f"""
SELECT EXISTS (
    SELECT 1 FROM article_versions v WHERE v.organization_id = $1 AND v.id = $2 AND v.author_id = $3
    UNION ALL
    SELECT 1 FROM (SELECT h.history_actor_id AS actor,
                          h.text IS DISTINCT FROM lag(h.text) OVER (ORDER BY h.history_from) AS wrote
                     FROM (SELECT *, jsonb_build_array({", ".join(TEXT)}) AS text FROM article_versions_history
                            WHERE organization_id = $1 AND id = $2) h) w
     WHERE w.wrote AND w.actor = $3)"""


@mutation(ArticleVersion, needs=INTERNAL)
async def submit_article(call: Call) -> Outcome:
    """Give a draft to review: somebody who did not write on it publishes or returns it."""
    facts = await locked_of_version(call)
    return await moved(call, ArticleStatus.IN_REVIEW, "knowledge.submitted", {"submitted_at": facts.now})


@mutation(ArticleVersion, Argument("note", kinds.STRING, "What is to be done about it.", required=True), needs=INTERNAL)
async def return_article(call: Call) -> Outcome:
    """Return a version from review to its author, as a draft."""
    await locked_of_version(call)
    values = {"reviewer_id": call.actor.user_id, "review_note": call.arguments["note"]}
    return await moved(call, ArticleStatus.DRAFT, "knowledge.returned", values)


@mutation(ArticleVersion, needs=INTERNAL)
async def publish_article(call: Call) -> Outcome:
    """Publish a version that you have reviewed: from now on its audience reads it, instead of the one before."""
    facts, connection = await locked_of_version(call), await call.tx.raw()
    key = call.actor.organization_id, call.row
    if call.actor.user_id is None or await connection.fetchval(_WROTE, *key, call.actor.user_id):
        return refusal("REVIEWER_WROTE", "Somebody who did not write on it publishes it.")
    values = {"published_at": facts.now, "reviewer_id": call.actor.user_id, "review_note": None}
    published = await moved(call, ArticleStatus.PUBLISHED, "knowledge.reviewed", values)
    if published.is_refused:
        return published
    if fault := await _archived(call, facts, ArticleStatus.PUBLISHED):
        return fault
    text = await connection.fetchrow(_TEXT, *key)
    assert text is not None
    shown = {name: text[name] for name in TEXT if name != "audience"}
    told = await update_fields(
        call.tx, call.actor, KnowledgeArticle.__name__, facts.id,
        {**shown, "published_to": text["audience"], "published_at": facts.now},
        "knowledge.published", needs=INTERNAL, request_id=call.request_id,
    )  # fmt: skip
    return told if told.is_refused else published


@mutation(ArticleVersion, needs=INTERNAL)
async def discard_article(call: Call) -> Outcome:
    """Give up a version that was not published."""
    facts = await locked_of_version(call)
    if await current(call, ArticleVersion) == ArticleStatus.PUBLISHED:
        return refusal("STATE_REFUSED", "It is PUBLISHED: archive the article, or publish another version.")
    return await moved(call, ArticleStatus.ARCHIVED, "knowledge.discarded", {"archived_at": facts.now})


@mutation(KnowledgeArticle, needs=INTERNAL)
async def archive_article(call: Call) -> Outcome:
    """Take an article away from its readers, and give up what is being written of it. It can be revised again."""
    facts = await locked(call)
    if fault := await _archived(call, facts, *MOVES):
        return fault
    return await update_fields(
        call.tx, call.actor, KnowledgeArticle.__name__, call.row, {"published_to": None}, "knowledge.archived",
        needs=INTERNAL, if_match=call.if_match, request_id=call.request_id,
    )  # fmt: skip


async def _archived(call: Call, facts: Facts, *statuses: Choice) -> Outcome | None:
    """Archive the article's other versions that stand so; what kept it from being done."""
    found = await (await call.tx.raw()).fetch(_OTHERS, call.actor.organization_id, facts.id, statuses, call.row)
    values = {"status": ArticleStatus.ARCHIVED.value, "archived_at": facts.now}
    rows = [(one["id"], values) for one in found]
    done = await update_rows(
        call.tx, call.actor, ArticleVersion.__name__, rows, needs=INTERNAL, request_id=call.request_id
    )
    return next((one for one in done if one.is_refused), None)
