"""Articles: what readers of each audience see of them, and when; who may publish; votes, links, suggestions."""

import json
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from crm_graph.auth.actor import Actor, ActorKind
from crm_graph.auth.policy import resolve
from crm_graph.db.ids import decode
from crm_graph.db.session import Database
from crm_graph.plan.signatures import Ask
from crm_graph.resolvers.knowledge.suggestions import suggest_articles
from tests.resolvers.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVERYBODY = ("storefront", "customer", "partner_rep", "sales_rep")
READERS = {audience: set(EVERYBODY[n:]) for n, audience in enumerate(("PUBLIC", "CUSTOMER", "PARTNER", "INTERNAL"))}
LOOK = """query ($id: ID!, $word: String, $original: ID!) {
  node(id: $id) { id ... on KnowledgeArticle { title body } }
  knowledgeArticle(id: $id) { title }
  found: knowledgeArticles(search: $word) { totalCount nodes { id } edges { highlights { text } } }
  listed: knowledgeArticles(filter: {title: {contains: $word}}) { totalCount }
  counted: knowledgeArticleAggregate(filter: {id: {eq: $id}}) { groups { count } }
  suggestArticles(text: $word) { articleId }
  of: knowledgeArticle(id: $original) { translations { totalCount nodes { id } } }
}"""
TABLES = (
    "knowledge_articles",
    "article_versions",
    "article_votes",
    "ticket_articles",
    "audit_entries",
    "outbox_events",
)


class Desk:
    """Who writes articles: the agent drafts, the administrator reviews."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def do(self, verb: str, entity: str, by: str = "service_agent", **given: object) -> tuple[Any, list[str]]:
        shown = f"{entity} {{ id }}"
        found, errors = await self.world.send(by, verb, shown, given)
        return found and found["id"], [code for code, _ in errors]

    async def done(self, verb: str, entity: str, by: str = "service_agent", **given: object) -> str:
        found, errors = await self.do(verb, entity, by, **given)
        assert errors == [], (verb, errors)
        return str(found)

    async def draft(self, word: str, audience: str, **given: object) -> tuple[str, str]:
        """An article about a word of its own, and its first version."""
        made = await self.done(
            "draftArticle", "knowledgeArticle",
            **{"language": "en", "title": f"All about {word}", "body": f"The {word} is kept here.", "audience": audience, **given},
        )  # fmt: skip
        return made, await self.version(made)

    async def version(self, article: str) -> str:
        """The last version."""
        found = await self.world.connection.fetchval(
            "SELECT id FROM article_versions WHERE article_id = $1 ORDER BY revision DESC LIMIT 1", decode(article)[1]
        )
        return f"knv_{found.hex}"

    async def publish(self, version: str, by: str = "administrator") -> None:
        await self.done("submitArticle", "articleVersion", id=version)
        await self.done("publishArticle", "articleVersion", by, id=version)

    async def seen(self, article: str, word: str, original: str) -> set[str]:
        """Who sees it; whoever does not gets the answer that they get of an article that never was, whatever they ask."""
        found = set()
        for persona in EVERYBODY:
            ask = self.world.api.as_(persona)
            data = (await ask(LOOK, {"id": article, "word": word, "original": original})).data
            if data["node"] is None:
                never = await ask(LOOK, {"id": f"kna_{UUID(int=7).hex}", "word": word, "original": original})
                assert data == never.data, persona
                assert (
                    data["found"]["totalCount"]
                    == data["listed"]["totalCount"]
                    == data["counted"]["groups"][0]["count"]
                    == 0
                )
                assert data["suggestArticles"] == []
                assert article not in json.dumps(data["of"])
                continue
            found.add(persona)
            assert data["found"]["nodes"] == data["of"]["translations"]["nodes"][:1] == [{"id": article}]
            assert f"<mark>{word}</mark>" in json.dumps(data["found"]["edges"]).lower()
            assert data["suggestArticles"] == [{"articleId": article}]
        return found

    async def finds(self, word: str) -> set[str]:
        """Who finds anything by a word."""
        text = "query ($w: String) { knowledgeArticles(search: $w) { totalCount } suggestArticles(text: $w) { title } }"
        answers = {persona: (await self.world.api.as_(persona)(text, {"w": word})).data for persona in EVERYBODY}
        return {p for p, data in answers.items() if data["knowledgeArticles"]["totalCount"] or data["suggestArticles"]}

    async def traces(self) -> list[int]:
        return [await self.world.connection.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES]

    async def refused(self, code: str, verb: str, entity: str, by: str = "service_agent", **given: object) -> None:
        before = await self.traces()
        _, errors = await self.do(verb, entity, by, **given)
        assert errors == [code], verb
        assert await self.traces() == before


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


async def test_an_article_is_seen_by_its_audience_while_it_is_published(desk: Desk) -> None:
    original, version = await desk.draft("zitterrochen", "PUBLIC")
    await desk.publish(version)
    for audience, readers in READERS.items():
        word = f"quux{audience.lower()}"
        article, version = await desk.draft(word, audience, originalId=original, language=f"de-{audience[:2]}")
        assert await desk.seen(article, word, original) == set()
        await desk.done("submitArticle", "articleVersion", id=version)
        assert await desk.seen(article, word, original) == set()
        await desk.done("publishArticle", "articleVersion", "administrator", id=version)
        assert await desk.seen(article, word, original) == readers, audience
        await desk.refused("KEY_TAKEN", "draftArticle", "knowledgeArticle", language=f"de-{audience[:2]}", title="t",
                           body="b", audience="PUBLIC", originalId=article)  # fmt: skip

        await desk.done("reviseArticle", "knowledgeArticle", id=article)
        await desk.refused("STATE_REFUSED", "reviseArticle", "knowledgeArticle", id=article)
        later, fresh = await desk.version(article), f"vlax{audience.lower()}"
        await desk.done("editArticle", "articleVersion", id=later, title=fresh, body="Drafted.", audience="INTERNAL")
        await desk.done("submitArticle", "articleVersion", id=later)
        assert await desk.seen(article, word, original) == readers, "what is written changes nothing"
        assert await desk.finds(fresh) == set()
        await desk.done("publishArticle", "articleVersion", "administrator", id=later)
        assert await desk.seen(article, fresh, original) == READERS["INTERNAL"]
        assert await desk.finds(word) == set()
        states = await desk.world.connection.fetch(
            "SELECT status FROM article_versions WHERE article_id = $1 ORDER BY revision", decode(article)[1]
        )
        assert [row["status"] for row in states] == ["ARCHIVED", "PUBLISHED"]
        await desk.done("archiveArticle", "knowledgeArticle", id=article)
        assert await desk.seen(article, fresh, original) == set()


async def test_whoever_wrote_on_a_version_does_not_publish_it(desk: Desk) -> None:
    _, version = await desk.draft("vieraugen", "PUBLIC")
    for verb in ("publishArticle", "returnArticle"):
        note = {"note": "Not yet"} if verb == "returnArticle" else {}
        await desk.refused("STATE_REFUSED", verb, "articleVersion", "administrator", id=version, **note)
    await desk.done("submitArticle", "articleVersion", id=version)
    await desk.refused("REVIEWER_WROTE", "publishArticle", "articleVersion", id=version)
    await desk.refused("STATE_REFUSED", "editArticle", "articleVersion", id=version, title="Later")
    await desk.done("returnArticle", "articleVersion", "administrator", id=version, note="Say where")
    await desk.done("submitArticle", "articleVersion", "administrator", id=version)  # neither is writing
    await desk.done("returnArticle", "articleVersion", "administrator", id=version, note="Say when, too")
    await desk.done("editArticle", "articleVersion", "administrator", id=version, summary="Where and when")
    await desk.done("submitArticle", "articleVersion", id=version)
    await desk.refused("REVIEWER_WROTE", "publishArticle", "articleVersion", "administrator", id=version)
    await desk.refused("REVIEWER_WROTE", "publishArticle", "articleVersion", id=version)
    await desk.done("discardArticle", "articleVersion", id=version)
    await desk.refused("STATE_REFUSED", "submitArticle", "articleVersion", id=version)
    row = await desk.world.connection.fetchrow("SELECT * FROM article_versions WHERE id = $1", decode(version)[1])
    assert (row["status"], row["review_note"], row["summary"]) == ("ARCHIVED", "Say when, too", "Where and when")


async def test_who_only_reads_writes_nothing(desk: Desk) -> None:
    article, version = await desk.draft("leseratte", "PUBLIC")
    await desk.publish(version)
    await desk.done("reviseArticle", "knowledgeArticle", id=article)
    draft = await desk.version(article)
    new = {"language": "en", "title": "t", "body": "b", "audience": "PUBLIC"}
    for persona in EVERYBODY:
        await desk.refused("WRITE_ACCESS_DENIED", "archiveArticle", "knowledgeArticle", persona, id=article)
        await desk.refused("WRITE_ACCESS_DENIED", "draftArticle", "knowledgeArticle", persona, **new)
        await desk.refused("NOT_FOUND", "editArticle", "articleVersion", persona, id=draft, title="Mine")
        await desk.refused("NOT_FOUND", "publishArticle", "articleVersion", persona, id=draft)
    for given in ({**new, "title": " "}, {**new, "body": ""}, {**new, "tags": "x" * 300}):
        await desk.refused("VALUE_INVALID", "draftArticle", "knowledgeArticle", **given)


async def test_each_reader_has_one_vote(desk: Desk) -> None:
    article, version = await desk.draft("stimmzettel", "PUBLIC")
    await desk.refused("NOT_FOUND", "voteOnArticle", "knowledgeArticle", "customer", id=article, helpful=True)
    await desk.refused("STATE_REFUSED", "voteOnArticle", "knowledgeArticle", id=article, helpful=True)
    await desk.publish(version)
    for persona, helpful in (("customer", True), ("customer", False), ("customer", False), ("partner_rep", True),
                             ("service_agent", True), ("storefront", False)):  # fmt: skip
        await desk.done("voteOnArticle", "knowledgeArticle", persona, id=article, helpful=helpful)
    await desk.refused("TOO_MANY_VOTES", "voteOnArticle", "knowledgeArticle", "storefront", id=article, helpful=True)
    text = "query ($id: ID!) { knowledgeArticle(id: $id) { helpfulVotes unhelpfulVotes votes { totalCount } } }"
    shown = (await desk.world.api.as_("service_agent")(text, {"id": article})).data["knowledgeArticle"]
    assert shown == {"helpfulVotes": 2, "unhelpfulVotes": 2, "votes": {"totalCount": 4}}
    for persona in EVERYBODY:
        answer = await desk.world.api.as_(persona)(text, {"id": article})
        assert set(answer.codes) == {"FIELD_ACCESS_DENIED"}
        assert answer.json["data"]["knowledgeArticle"] == {"helpfulVotes": None, "unhelpfulVotes": None, "votes": None}
    internal, version = await desk.draft("stimmzettel2", "INTERNAL")
    await desk.publish(version)
    for persona in ("storefront", "customer", "partner_rep"):
        await desk.refused("NOT_FOUND", "voteOnArticle", "knowledgeArticle", persona, id=internal, helpful=True)


async def test_links_to_tickets_are_for_staff(desk: Desk) -> None:
    customer = (await desk.world.user("customer"))["customer_id"]
    row = await desk.world.connection.fetchval("SELECT id FROM tickets WHERE customer_id = $1 LIMIT 1", customer)
    ticket, (article, version) = f"tic_{row.hex}", await desk.draft("bindfaden", "PUBLIC")
    await desk.publish(version)
    given = {"ticketId": ticket, "articleId": article}
    link = await desk.done("linkArticle", "ticketArticle", **given)
    assert await desk.done("linkArticle", "ticketArticle", **given) == link
    await desk.refused("WRITE_ACCESS_DENIED", "linkArticle", "ticketArticle", "sales_manager", **given)
    await desk.refused("NOT_FOUND", "unlinkArticle", "ticketArticle", "customer", id=link)
    text = "query ($id: ID!) { ticket(id: $id) { articles { nodes { article { id } } } } }"
    seen = (await desk.world.api.as_("sales_manager")(text, {"id": ticket})).data["ticket"]["articles"]["nodes"]
    assert {"article": {"id": article}} in seen
    answer = await desk.world.api.as_("customer")(text, {"id": ticket})
    assert (answer.codes, answer.json["data"]["ticket"]) == (["FIELD_ACCESS_DENIED"], {"articles": None})
    assert (await desk.do("unlinkArticle", "ticketArticle", id=link))[1] == []
    assert (
        await desk.world.connection.fetchval("SELECT count(*) FROM ticket_articles WHERE id = $1", decode(link)[1]) == 0
    )


async def test_suggestions_know_the_ticket_and_other_forms_of_a_word(desk: Desk) -> None:
    made = {}
    for word, audience, language in (("Zählerschränke", "PUBLIC", "de-AT"), ("meterings", "INTERNAL", "en")):
        made[word], version = await desk.draft(word, audience, language=language)
        await desk.publish(version)
    ask = desk.world.api.as_("service_agent")

    async def suggested(**given: object) -> list[str]:
        text = """query ($t: String, $k: ID, $l: String, $c: Boolean!) {
          suggestArticles(text: $t, ticketId: $k, language: $l, forCustomer: $c, first: 20) { articleId } }"""
        variables = {
            "t": given.get("text"),
            "k": given.get("ticket"),
            "l": given.get("language"),
            "c": "customer" in given,
        }
        return [one["articleId"] for one in (await ask(text, variables)).data["suggestArticles"]]

    question = "Guten Tag, was ist mit den Zählerschränken? And what about the metering, please?"
    assert set(await suggested(text=question)) >= {*made.values()}
    assert made["Zählerschränke"] in await suggested(text=question, language="de")
    assert made["meterings"] not in await suggested(text=question, language="de")
    assert made["meterings"] not in await suggested(text=question, customer=True)
    assert await suggested(text="what is the and for, please") == []
    row = await desk.world.connection.fetchval("SELECT id FROM tickets WHERE subject LIKE 'App does not show%' LIMIT 1")
    demo = await desk.world.connection.fetchval(
        "SELECT id FROM knowledge_articles WHERE title = 'The app does not show the battery'"
    )
    assert (await suggested(ticket=f"tic_{row.hex}"))[0] == f"kna_{demo.hex}"
    customer = desk.world.api.as_("other_partner_rep")  # sees no ticket
    answer = await customer("query ($k: ID) { suggestArticles(ticketId: $k) { articleId } }", {"k": f"tic_{row.hex}"})
    assert answer.data["suggestArticles"] == []
    assert (await customer("{ suggestArticles { articleId } }")).codes == ["SEARCH_INVALID"]
    assert (await customer('{ suggestArticles(text: "a", first: 99) { articleId } }')).codes == ["PAGE_SIZE_INVALID"]


async def test_a_suggestion_is_one_statement(desk: Desk) -> None:
    organization = await desk.world.connection.fetchval("SELECT id FROM organizations WHERE external_id = 'main'")
    actor, sent = Actor(organization, ActorKind.STAFF, resolve(frozenset(["service_agent"]))), list[str]()
    row = await desk.world.connection.fetchval(
        "SELECT id FROM tickets WHERE organization_id = $1 LIMIT 1", organization
    )
    database = Database(desk.world.api.url, 1)

    def note(query: "asyncpg.connection.LoggedQuery") -> None:
        sent.append(query.query)

    async with database.transaction(organization, None, "test") as tx:
        connection = await tx.raw()
        with connection.query_logger(note):
            assert await suggest_articles(Ask(tx, actor), text="inverter error", ticket_id=f"tic_{row.hex}")
    await database.dispose()
    assert len(sent) == 1
