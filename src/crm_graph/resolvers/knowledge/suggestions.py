"""Articles that may help with what somebody is writing: in one statement, of what they may read.

A search asks for all of its words; this asks for any of them, and the more of them an article has, the better. It is as
monotone, so the index still only finds candidates. Of long words the end is left out, which stands in for inflection.
"""

from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files
from typing import Annotated, Final
from uuid import UUID

from crm_graph.auth.rows import PUBLISHED_TO, Rule
from crm_graph.db.ids import encode
from crm_graph.entity import REGISTRY
from crm_graph.errors import NotFound, PageSizeInvalid, SearchInvalid
from crm_graph.markers import listed
from crm_graph.plan.access.lens import Lens
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.queries import query
from crm_graph.plan.reads.search import Search, indexed, visible
from crm_graph.plan.signatures import Ask, Id
from crm_graph.plan.sql.ids import record_of
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.schema.knowledge import Audience, KnowledgeArticle

MOST: Final = 20
LONGEST: Final = 10_000
WORDS: Final = 60
"""Words that are looked for, from the beginning of what is written."""
MESSAGES: Final = 5
"""Messages of a ticket that are looked at, the newest first."""
STOP_WORDS: Final = tuple(
    word
    for line in files("crm_graph.resolvers.knowledge").joinpath("stop_words.txt").read_text("utf-8").splitlines()
    for word in line.partition("#")[0].split()
)

_SUGGESTED: Final = """
WITH written AS (
  SELECT w.word, w.n FROM string_to_table(crm_words({text}), ' ') WITH ORDINALITY w(word, n)
   WHERE char_length(w.word) > 2 AND w.word <> ALL({stop_words})
), asked AS (
  SELECT string_agg('''' || left(o.word, greatest(4, char_length(o.word) - 2)) ||
                    CASE WHEN char_length(o.word) > 3 THEN ''':*' ELSE '''' END, ' | ')::tsquery AS query
    FROM (SELECT DISTINCT f.word FROM (SELECT * FROM written w ORDER BY w.n LIMIT {words}) f) o
)
SELECT t.id, {title} AS title, {summary} AS summary, {language} AS language, {published_to} AS published_to,
       ts_rank({vector}, (SELECT query FROM asked)) AS rank
  FROM {articles} AND {published_to} IS NOT NULL{also}
   AND {index} @@ ((SELECT query FROM asked) && ('''' || {organization} || '''')::tsquery)
   AND {vector} @@ (SELECT query FROM asked)
 ORDER BY rank DESC, t.id DESC LIMIT {first}"""


@dataclass(frozen=True, slots=True)
class ArticleSuggestion:
    """An article that may help."""

    article_id: Annotated[Id, "The article."]
    title: Annotated[str | None, "Its title."]
    summary: Annotated[str | None, "What it says, in a sentence or two."]
    language: Annotated[str | None, "Language it is written in."]
    published_to: Annotated[Audience | None, "For whom it is published."]
    rank: Annotated[Decimal, "How well it fits; the best come first."]


@query(of=KnowledgeArticle.__name__)
async def suggest_articles(
    ask: Ask,
    text: Annotated[str | None, "What is being written; the beginning of it counts."] = None,
    ticket_id: Annotated[Id | None, "The ticket it is about: its subject and last messages count as well."] = None,
    language: Annotated[str | None, "Only articles in this language, of whatever country."] = None,
    for_customer: Annotated[bool, "Only what customers may read."] = False,
    first: Annotated[int, "How many, the best first; at most 20."] = 5,
) -> list[ArticleSuggestion]:
    """Published articles that may help with what is being written, among those you may read."""
    if not 0 < first <= MOST:
        raise PageSizeInvalid(f"`first` is a number from 1 to {MOST}.")
    if (text is None and ticket_id is None) or len(text or "") > LONGEST:
        raise SearchInvalid(f"A text of at most {LONGEST} characters or a ticket is needed.")
    parameters = Parameters()
    lens = open_lens(KnowledgeArticle, ask.actor.policy, parameters, "t")
    found = None if lens is None else Search(lens, "", visible(lens))
    if lens is None or found is None or not found.visible:
        raise NotFound("There is no such record.")
    wanted = [f"coalesce({parameters.constant(text, 'text')}, '')"]
    if ticket_id is not None:
        wanted += _ticket(ask, parameters, ticket_id)
    published_to, written_in = _column(lens, "published_to"), _column(lens, "language")
    also = f" AND {published_to} IN {listed(PUBLISHED_TO[Rule.FOR_CUSTOMERS])}" if for_customer else ""
    if language is not None:
        asked_for = parameters.constant(language, "text")
        also += f" AND lower(split_part({written_in}, '-', 1)) = lower(split_part({asked_for}, '-', 1))"
    sql, sources = parameters.read(
        _SUGGESTED.format(
            text=" || ' ' || ".join(wanted),
            stop_words=parameters.constant(list(STOP_WORDS), "text[]"),
            words=WORDS,
            title=_column(lens, "title"),
            summary=_column(lens, "summary"),
            language=written_in,
            published_to=published_to,
            vector=found.vector,
            articles=f"{lens.source()} WHERE {lens.where()}",
            also=also,
            index=indexed(KnowledgeArticle, "t"),
            organization=parameters.organization,
            first=parameters.constant(first, "integer"),
        )
    )
    rows = await (await ask.tx.raw()).fetch(sql, *[source((), ask.actor) for source in sources])
    return [
        ArticleSuggestion(
            Id(encode(KnowledgeArticle.__prefix__, row["id"])), row["title"], row["summary"], row["language"],
            Audience(row["published_to"]), Decimal(str(round(row["rank"], 6))),
        )
        for row in rows
    ]  # fmt: skip


def _ticket(ask: Ask, parameters: Parameters, ticket: Id) -> list[str]:
    """SQL of a ticket's texts as the caller sees them; of one out of their sight there are none, as of no ticket."""
    tickets = open_lens(REGISTRY["Ticket"], ask.actor.policy, parameters, "k")
    messages = open_lens(REGISTRY["TicketMessage"], ask.actor.policy, parameters, "m")
    row = record_of(ticket)
    if tickets is None or row is None or row[0] is not REGISTRY["Ticket"]:
        return []
    wanted: UUID = row[1]
    bound = parameters.constant(wanted, "uuid")
    subject = f"SELECT {_column(tickets, 'subject')} FROM {tickets.source()} WHERE {tickets.where()} AND k.id = {bound}"
    texts = [f"coalesce(({subject}), '')"]
    if messages is not None:
        body, of = _column(messages, "body"), _column(messages, "ticket_id")
        last = (
            f"SELECT {body} AS body FROM {messages.source()} WHERE {messages.where()} AND {of} = {bound}"
            f" ORDER BY {_column(messages, 'sent_at')} DESC LIMIT {MESSAGES}"
        )
        texts.append(f"coalesce((SELECT string_agg(l.body, ' ') FROM ({last}) l), '')")
    return texts


def _column(lens: Lens, name: str) -> str:
    """A field as the caller sees it; of one they see nowhere, nothing."""
    spec = lens.spec(name)
    return lens.column(spec).sql or f"NULL::{spec.kind.sql}"
