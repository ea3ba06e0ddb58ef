"""What customers say of a resolved ticket and of us: asked by a link, answered once, counted on the lens."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import httpx
import pytest
import pytest_asyncio

from crm_graph.db.ids import decode
from tests.people.conftest import form_token
from tests.resolvers.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

_addresses = itertools.count(1)
TABLES = (
    "ticket_ratings",
    "relationship_ratings",
    "ticket_messages",
    "outgoing_mails",
    "audit_entries",
    "outbox_events",
)


class Desk:
    """The service desk, and the customer persona whose tickets it resolves."""

    def __init__(self, world: World, email: str, customer: str, organization: Any) -> None:
        self.world, self.email, self.customer, self.organization = world, email, customer, organization

    async def do(self, verb: str, entity: str, by: str = "service_agent", **given: object) -> tuple[Any, list[str]]:
        found, errors = await self.world.send(by, verb, f"{entity} {{ id }}", given)
        return found and found["id"], [code for code, _ in errors]

    async def done(self, verb: str, entity: str, by: str = "service_agent", **given: object) -> str:
        found, errors = await self.do(verb, entity, by, **given)
        assert errors == [], (verb, errors)
        return str(found)

    async def resolved(self, **given: object) -> tuple[str, str]:
        """A new ticket of the customer that was resolved, and the link that they are mailed."""
        ticket = await self.done(
            "openTicket", "ticket", "customer", subject="Display <dark>", body="Nothing shows.", **given
        )
        await self.do("takeTicket", "ticket", id=ticket)  # or its queue gave it to somebody
        return ticket, await self.resolve(ticket)

    async def resolve(self, ticket: str) -> str:
        await self.done("resolveTicket", "ticket", id=ticket, body="It is updated.")
        return await self.link()

    async def link(self) -> str:
        """Where the last mail to the customer leads."""
        mail = await self.value(
            "SELECT body FROM outgoing_mails WHERE recipient = $1 ORDER BY id DESC LIMIT 1", self.email
        )
        found = re.search(r"https?://localhost[^/]*(/f/[A-Za-z0-9]{43})\s", mail)
        assert found, mail
        assert not await self.value("SELECT count(*) FROM ticket_ratings WHERE token_hash = $1", found[1][3:])
        return found[1]

    async def value(self, sql: str, *arguments: object) -> Any:
        return await self.world.connection.fetchval(sql, *arguments)

    async def traces(self) -> list[int]:
        return [await self.value(f"SELECT count(*) FROM {table}") for table in TABLES]

    async def ticket(self, ticket: str) -> dict[str, Any]:
        return dict(await self.world.connection.fetchrow("SELECT * FROM tickets WHERE id = $1", decode(ticket)[1]))

    async def rating(self, ticket: str) -> dict[str, Any]:
        sql = "SELECT * FROM ticket_ratings WHERE ticket_id = $1"
        return dict(await self.world.connection.fetchrow(sql, decode(ticket)[1]))


@pytest_asyncio.fixture(loop_scope="session")
async def desk(world: World) -> Desk:
    user = await world.user("customer")
    await world.connection.execute(
        "UPDATE customers SET email = 'joerdis@home.example', locale = 'de-AT' WHERE id = $1", user["customer_id"]
    )
    return Desk(world, "joerdis@home.example", f"cus_{user['customer_id'].hex}", user["organization_id"])


@asynccontextmanager
async def phone(desk: Desk, language: str = "en") -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who is not signed in, from an address of their own."""
    transport = httpx.ASGITransport(app=desk.world.api.app, client=(f"198.53.{next(_addresses)}.7", 5000))
    looks = {"sec-fetch-mode": "navigate", "accept-language": language}
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=looks) as client:
        yield client


async def answer(client: httpx.AsyncClient, link: str, **given: str) -> httpx.Response:
    """Open the page and send its form."""
    return await client.post(link, data={"form_token": form_token(await client.get(link)), **given})


async def test_a_customer_confirms_and_rates_once_and_opening_does_nothing(desk: Desk) -> None:
    ticket, link = await desk.resolved()
    before = await desk.traces(), await desk.ticket(ticket), await desk.rating(ticket)
    async with phone(desk) as client:
        for headers in ({}, {"sec-fetch-mode": "no-cors"}, {"user-agent": "scanner"}):
            page = await client.get(link, headers=headers)
            assert page.status_code == 200
        assert '<html lang="de-AT">' in page.text
        assert "Ist es gelöst?" in page.text
        assert "Display &lt;dark&gt;" in page.text
        assert "<script" not in page.text
        form = form_token(page)
        assert page.headers["cache-control"] == "no-store"
        assert (await client.post(link, data={"score": "5", "answer": "yes"})).status_code == 403
        assert (await desk.traces(), await desk.ticket(ticket), await desk.rating(ticket)) == before
        kept = await answer(client, link, answer="yes", comment="Quick.")
        assert (kept.status_code, ">Quick.</textarea>" in kept.text) == (422, True), "a comment is not lost"
        twice = {"form_token": form, "score": "5", "answer": "yes", "comment": " Quick. "}
        clicks = await asyncio.gather(*(client.post(link, data=twice) for _ in range(2)))
        assert [said.status_code for said in clicks] == [303, 303]
        thanks = await client.get(link)
        assert "Vielen Dank" in thanks.text
        assert "<form" not in thanks.text
        rated, row = await desk.rating(ticket), await desk.ticket(ticket)
        assert (rated["score"], rated["comment"], rated["agent_id"]) == (5, "Quick.", row["assignee_id"])
        assert (row["status"], row["closed_because"]) == ("CLOSED", "CONFIRMED")
        left = await desk.traces()
        for given in ({"score": "1", "answer": "rate"}, {"score": "2", "answer": "no"}, {"answer": "yes"}):
            assert (await client.post(link, data={"form_token": form, **given})).status_code == 303
        assert (await desk.rating(ticket), await desk.ticket(ticket)) == (rated, row)
        assert await desk.traces() == left


async def test_a_customer_says_that_it_is_not_resolved(desk: Desk) -> None:
    ticket, link = await desk.resolved(language="en")
    async with phone(desk, "de") as client:
        assert "Is it resolved?" in (await client.get(link)).text, "in the language of the ticket"
        assert (await answer(client, link, answer="no", comment="It is still dark.")).status_code == 303
        assert "working on it again" in (await client.get(link)).text
        row, rated = await desk.ticket(ticket), await desk.rating(ticket)
        assert (row["status"], row["reopen_count"], rated["score"]) == ("OPEN", 1, None)
        said = await desk.world.connection.fetchrow(
            "SELECT body, side, public FROM ticket_messages WHERE ticket_id = $1 ORDER BY sent_at DESC LIMIT 1",
            decode(ticket)[1],
        )
        assert tuple(said) == ("It is still dark.", "CUSTOMER", True)
        later = await desk.resolve(ticket)
        assert (await client.get(link)).status_code == 410, "the link before has ended"
        await desk.done("confirmResolution", "ticket", "customer", id=ticket)
        assert (await answer(client, later, answer="rate")).status_code == 422
        assert (await answer(client, later, answer="rate", score="9")).status_code == 422
        assert (await answer(client, later, answer="rate", score="2")).status_code == 303
        assert (await desk.rating(ticket))["score"] == 2
        assert await desk.do("rateTicket", "ticket", "customer", id=ticket, score=5) == (None, ["RATED_ALREADY"])


async def test_a_link_that_is_over_says_no_more_than_one_that_never_was(desk: Desk) -> None:
    ticket, link = await desk.resolved()
    rating = f"trt_{(await desk.rating(ticket))['id'].hex}"
    async with phone(desk) as client:
        form = form_token(await client.get(link))
        await desk.done("revokeRatingLink", "ticketRating", id=rating)
        never = await client.get(f"/f/{'a' * 43}")
        assert never.status_code == 410
        before = await desk.traces()
        assert await desk.do("revokeRatingLink", "ticketRating", "customer", id=rating) == (
            None,
            ["WRITE_ACCESS_DENIED"],
        )
        for how in ("UPDATE ticket_ratings SET expires_at = now() + interval '1 day'",
                    "UPDATE ticket_ratings SET revoked_at = NULL, expires_at = now()"):  # fmt: skip
            over = await client.get(link)
            assert (over.status_code, over.text) == (410, never.text)
            posted = await client.post(link, data={"form_token": form, "score": "5", "answer": "yes"})
            assert posted.status_code == 410
            await desk.world.connection.execute(f"{how} WHERE id = $1", decode(rating)[1])
        assert (await client.get(link)).status_code == 410
        assert (await desk.traces(), (await desk.ticket(ticket))["status"]) == (before, "RESOLVED")
        answers = [(await client.get(f"/f/{'b' * 43}")).status_code for _ in range(70)]
        assert answers[-1] == 429


async def test_who_is_signed_in_rates_their_own_resolved_tickets(desk: Desk) -> None:
    ticket, _ = await desk.resolved()
    another = await desk.value(
        "SELECT id FROM tickets WHERE organization_id = $1 AND customer_id <> $2 LIMIT 1",
        desk.organization, decode(desk.customer)[1],
    )  # fmt: skip
    before = await desk.traces()
    for by, row, score, code in (
        ("customer", ticket, 0, "VALUE_INVALID"),
        ("customer", ticket, 6, "VALUE_INVALID"),
        ("customer", f"tic_{another.hex}", 5, "NOT_FOUND"),
        ("service_agent", ticket, 5, "WRITE_ACCESS_DENIED"),
        ("storefront", ticket, 5, "NOT_FOUND"),
    ):
        assert await desk.do("rateTicket", "ticket", by, id=row, score=score) == (None, [code])
    assert await desk.traces() == before
    await desk.done("rateTicket", "ticket", "customer", id=ticket, score=4, comment="Fine")
    shown = (await desk.world.api.as_("customer")(
        "query ($id: ID!) { ticket(id: $id) { ratings { nodes { score comment satisfaction } } } }", {"id": ticket}
    )).data["ticket"]["ratings"]["nodes"]  # fmt: skip
    assert shown == [{"score": 4, "comment": "Fine", "satisfaction": 100}]
    unresolved = await desk.done("openTicket", "ticket", "customer", subject="s", body="b")
    assert await desk.do("rateTicket", "ticket", "customer", id=unresolved, score=4) == (None, ["STATE_REFUSED"])


async def test_whether_a_customer_would_recommend_us_is_asked_once_a_quarter(desk: Desk) -> None:
    customer = decode(desk.customer)[1]
    await desk.world.connection.execute("DELETE FROM relationship_ratings WHERE customer_id = $1", customer)
    await desk.world.connection.execute("UPDATE consents SET withdrawn_at = now() WHERE customer_id = $1", customer)
    ask = {"verb": "surveyRelationship", "entity": "relationshipRating", "customerId": desk.customer}
    assert await desk.do(**ask) == (None, ["CONSENT_MISSING"])
    await desk.done("giveConsent", "consent", "customer", customerId=desk.customer, purpose="SURVEYS", channel="EMAIL",
                    evidence="Portal")  # fmt: skip
    assert (await desk.do(by="customer", **ask))[1] == ["WRITE_ACCESS_DENIED"]
    rating = await desk.done(**ask)
    link = await desk.link()
    assert await desk.do(**ask) == (None, ["SURVEYED_ALREADY"])
    async with phone(desk) as client:
        page = await client.get(link)
        assert "Würden Sie Helvara Energie empfehlen?" in page.text
        assert [int(n) for n in re.findall(r'name="score" value="(\d+)"', page.text)] == list(range(11))
        assert (await answer(client, link, answer="rate", comment="?")).status_code == 422
        long = await answer(client, link, answer="rate", score="9", comment="x" * 4001)
        assert (long.status_code, "A comment has at most 4000 characters." in long.text) == (422, True)
        form = form_token(await client.get(link))
        for score in ("10", "0"):
            sent = await client.post(link, data={"form_token": form, "answer": "rate", "score": score})
            assert sent.status_code == 303
        assert "Vielen Dank" in (await client.get(link)).text
        text = "query ($id: ID!) { relationshipRating(id: $id) { score netPromoter period live } }"
        shown = (await desk.world.api.as_("service_agent")(text, {"id": rating})).data["relationshipRating"]
        assert (shown["score"], shown["netPromoter"]) == (10, 100)
        assert re.fullmatch(r"20\d\d-Q[1-4]", shown["period"])
        await desk.done("revokeSurveyLink", "relationshipRating", id=rating)
        assert (await client.get(link)).status_code == 410


async def test_scores_are_the_averages_that_they_are_defined_as(desk: Desk) -> None:
    ratings = await desk.world.connection.fetch(
        "SELECT agent_id, score FROM ticket_ratings WHERE organization_id = $1", desk.organization
    )
    text = """{ ticketRatingAggregate(groupBy: [{ agent: VALUE }], first: 100) { groups {
      key { agent { id } } count avg { satisfaction score } } } }"""
    found = (await desk.world.api.as_("administrator")(text)).data["ticketRatingAggregate"]["groups"]
    for group in found:
        agent = group["key"]["agent"] and decode(group["key"]["agent"]["id"])[1]
        scores = [row["score"] for row in ratings if row["agent_id"] == agent and row["score"] is not None]
        if not scores:
            assert group["avg"]["satisfaction"] is None
            continue
        csat = Decimal(100 * sum(score >= 4 for score in scores)) / len(scores)
        assert abs(Decimal(group["avg"]["satisfaction"]) - csat) < Decimal("0.001")
    assert len(found) > 1
    answers = await desk.world.connection.fetch(
        "SELECT score FROM relationship_ratings WHERE organization_id = $1 AND score IS NOT NULL", desk.organization
    )
    scores = [row["score"] for row in answers]
    nps = Decimal(100 * (sum(s >= 9 for s in scores) - sum(s <= 6 for s in scores))) / len(scores)
    text = "{ relationshipRatingAggregate { groups { avg { netPromoter } } } }"
    [group] = (await desk.world.api.as_("administrator")(text)).data["relationshipRatingAggregate"]["groups"]
    assert abs(Decimal(group["avg"]["netPromoter"]) - nps) < Decimal("0.001")
