"""The page of a proposal, over HTTP: what a link opens, what it does not do by itself, and what it is worth when over."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.people.conftest import form_token
from tests.resolvers.proposals.conftest import World, row_id

pytestmark = pytest.mark.asyncio(loop_scope="session")

LOOKS = {"sec-fetch-mode": "navigate", "accept-language": "de-AT,de;q=0.9,en;q=0.8"}
_numbers = itertools.count(1)
TABLES = (
    "proposals",
    "proposal_links",
    "proposal_questions",
    "orders",
    "outgoing_mails",
    "audit_entries",
    "outbox_events",
)


async def link_of(world: World, proposal: str, **given: object) -> str:
    """The path of a new link."""
    answer = await world.api.as_("sales_manager")(
        "mutation ($i: CreateProposalLinkInput!) { createProposalLink(input: $i) { url userErrors { code } } }",
        {"i": {"id": proposal, **given}},
    )
    payload = answer.data["createProposalLink"]
    assert payload["userErrors"] == [], payload
    found = re.fullmatch(r"https?://[^/]+(/p/[A-Za-z0-9]{43})", payload["url"])
    assert found, payload
    return found[1]


@asynccontextmanager
async def browser(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without an account, from an address of their own."""
    transport = httpx.ASGITransport(app=world.api.app, client=(f"198.52.{next(_numbers)}.7", 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=LOOKS) as client:
        yield client


async def answer(client: httpx.AsyncClient, link: str, how: str, **given: str) -> httpx.Response:
    """Open the page and send one of its forms."""
    form = form_token(await client.get(link))
    return await client.post(f"{link}/{how}", data={"form_token": form, "name": "Zoë Ångström", **given})


async def traces(world: World) -> list[Any]:
    counts = [await world.value(f"SELECT count(*) FROM {table}") for table in TABLES]
    return [*counts, await world.value("SELECT count(*) FROM proposals WHERE status = 'ACCEPTED'")]


async def test_who_has_the_link_reads_and_accepts_and_one_order_is_made(world: World) -> None:
    proposal = await world.sent(
        {"productId": world.products[0], "quantity": "3"}, language="de-AT", terms="30 Tage\nnetto"
    )
    link = await link_of(world, proposal["id"], recipient="zoe@example.org")
    mail = await world.value("SELECT body FROM outgoing_mails WHERE recipient = 'zoe@example.org'")
    assert link in mail
    async with browser(world) as client:
        page = await client.get(link)
        assert page.status_code == 200
        assert '<html lang="de-AT">' in page.text
        assert "Gesamtbetrag" in page.text
        assert "Test" in page.text
        assert page.headers["referrer-policy"] == "same-origin"
        assert page.headers["cache-control"] == "no-store"
        assert (await world.seen(proposal["id"]))["status"] == "VIEWED"
        assert (await answer(client, link, "accept")).status_code == 422  # without the tick
        assert (await answer(client, link, "accept", agree="yes", name=" ")).status_code == 422
        assert (await world.seen(proposal["id"]))["status"] == "VIEWED"
        done = await answer(client, link, "accept", agree="yes")
        assert (done.status_code, done.headers["location"]) == (303, link)
        after = await client.get(link)
        assert "Angenommen von Zoë Ångström" in after.text
        assert 'action="' + link + '/accept"' not in after.text
        again = await client.post(f"{link}/accept", data={"form_token": form_token(after), "name": "Z", "agree": "yes"})
        assert again.status_code == 303
    seen = await world.seen(proposal["id"])
    assert seen["status"] == "ACCEPTED"
    (order,) = seen["orders"]["nodes"]
    assert order["total"]["amount"] == seen["total"]["amount"]
    row = await world.connection.fetchrow("SELECT * FROM proposals WHERE id = $1", row_id(proposal["id"]))
    assert (row["decided_by"], row["accepted_by_way"]) == ("Zoë Ångström", "PAGE")
    entry = await world.connection.fetchrow(
        "SELECT * FROM audit_entries WHERE row_id = $1 AND channel = 'proposal_page' ORDER BY at DESC LIMIT 1",
        row["id"],
    )
    assert (entry["actor_id"], entry["actor_kind"]) == (None, "customer")


async def test_a_program_that_looks_through_mails_leaves_nothing(world: World) -> None:
    proposal = await world.sent()
    link = await link_of(world, proposal["id"])
    before = await traces(world)
    async with browser(world) as client:
        for headers in ({"sec-fetch-mode": "no-cors"}, {"sec-purpose": "prefetch"}):
            assert (await client.get(link, headers=headers)).status_code == 200
        assert (await client.head(link)).status_code == 200
        assert (await client.get(f"{link}/accept")).status_code == 405
        pdf = await client.get(f"{link}/pdf")
        assert pdf.content.startswith(b"%PDF-")
        assert pdf.headers["content-type"] == "application/pdf"
    assert await traces(world) == before
    assert (await world.seen(proposal["id"]))["status"] == "SENT"


async def test_fifty_clicks_make_one_order(world: World) -> None:
    proposal = await world.sent()
    link = await link_of(world, proposal["id"])
    async with browser(world) as client:
        form = form_token(await client.get(link))
        data = {"form_token": form, "name": "Ann", "agree": "yes"}
        sent = await asyncio.gather(*(client.post(f"{link}/accept", data=data) for _ in range(50)))
    assert {one.status_code for one in sent} == {303}
    assert len((await world.seen(proposal["id"]))["orders"]["nodes"]) == 1


async def test_a_question_is_asked_answered_and_read(world: World) -> None:
    proposal = await world.sent()
    link = await link_of(world, proposal["id"])
    async with browser(world) as client:
        asked = await answer(client, link, "ask", question="Auch in <b>blau</b>?")
        assert asked.status_code == 303
        question = await world.value("SELECT id FROM proposal_questions ORDER BY asked_at DESC LIMIT 1")
        answered = await world.api.as_("sales_manager")(
            "mutation ($i: AnswerProposalQuestionInput!)"
            " { answerProposalQuestion(input: $i) { proposalQuestion { answer } userErrors { code } } }",
            {"i": {"id": f"prq_{question.hex}", "answer": "Ja, gern."}},
        )
        assert answered.data["answerProposalQuestion"]["proposalQuestion"] == {"answer": "Ja, gern."}
        page = await client.get(link)
        assert "Auch in &lt;b&gt;blau&lt;/b&gt;?" in page.text
        assert "Ja, gern." in page.text
    seen = await world.seen(proposal["id"], shown="questions(first: 1) { nodes { question answer } }")
    assert seen["questions"]["nodes"] == [{"question": "Auch in <b>blau</b>?", "answer": "Ja, gern."}]


async def test_it_is_declined_with_a_reason(world: World) -> None:
    proposal = await world.sent()
    link = await link_of(world, proposal["id"])
    async with browser(world) as client:
        assert (await answer(client, link, "decline")).status_code == 422
        assert (await answer(client, link, "decline", reason="Zu teuer")).status_code == 303
        assert "Abgelehnt von Zoë Ångström" in (await client.get(link)).text
        refused = await client.post(
            f"{link}/accept",
            data={"form_token": form_token(await client.get(link)), "name": "Zoë", "agree": "yes"},
        )
        assert refused.status_code == 409
    seen = await world.seen(proposal["id"], shown="status orders(first: 1) { nodes { id } }")
    assert seen == {"status": "DECLINED", "orders": {"nodes": []}}


async def test_a_link_that_is_over_opens_nothing(world: World) -> None:
    proposal = await world.sent()
    revoked, expired = await link_of(world, proposal["id"]), await link_of(world, proposal["id"])
    listed = await world.seen(
        proposal["id"], by="sales_manager", shown="links(first: 9, orderBy: [{createdAt: ASC}]) { nodes { id live } }"
    )
    assert [one["live"] for one in listed["links"]["nodes"]] == [True, True]
    first = listed["links"]["nodes"][0]["id"]
    taken_back = await world.api.as_("sales_manager")(
        "mutation ($i: RevokeProposalLinkInput!)"
        " { revokeProposalLink(input: $i) { proposalLink { live } userErrors { code } } }",
        {"i": {"id": first}},
    )
    assert taken_back.data["revokeProposalLink"]["proposalLink"] == {"live": False}
    await world.connection.execute(
        "UPDATE proposal_links SET expires_at = now() - interval '1 second' WHERE id <> $1 AND proposal_id = $2",
        row_id(first), row_id(proposal["id"]),
    )  # fmt: skip
    before = await traces(world)
    async with browser(world) as client:
        answers = {(await client.get(link)).text for link in (revoked, expired, "/p/" + "x" * 43)}
        assert len(answers) == 1  # whatever is wrong with it
        for link in (revoked, expired):
            for how in ("", "/pdf"):
                assert (await client.get(f"{link}{how}")).status_code == 410
            page = await client.get("/sign-in")
            data = {"form_token": form_token(page), "name": "Zoë", "agree": "yes", "reason": "x", "question": "x"}
            for how in ("accept", "decline", "ask"):
                assert (await client.post(f"{link}/{how}", data=data)).status_code == 410
    assert await traces(world) == before


async def test_a_form_that_is_not_ours_does_nothing(world: World) -> None:
    proposal = await world.sent()
    link = await link_of(world, proposal["id"])
    before = await traces(world)
    async with browser(world) as client:
        data = {"form_token": "0" * 64, "name": "Zoë", "agree": "yes"}
        assert (await client.post(f"{link}/accept", data=data)).status_code == 403
    assert await traces(world) == before


async def test_what_no_link_is_made_of(world: World) -> None:
    proposal = await world.sent()
    before = await traces(world)
    query = "mutation ($i: CreateProposalLinkInput!) { createProposalLink(input: $i) { url userErrors { code } } }"
    for until in ("2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"):
        made = await world.api.as_("sales_manager")(query, {"i": {"id": proposal["id"], "expiresAt": until}})
        assert made.data["createProposalLink"] == {"url": None, "userErrors": [{"code": "VALUE_INVALID"}]}
    made = await world.api.as_("sales_manager")(query, {"i": {"id": proposal["id"], "recipient": "nobody"}})
    assert made.codes == ["VARIABLE_INVALID"]
    assert await traces(world) == before


async def test_a_draft_has_no_page_and_only_who_writes_it_makes_links(world: World) -> None:
    query = "mutation ($i: CreateProposalLinkInput!) { createProposalLink(input: $i) { url userErrors { code } } }"
    draft, sent = await world.draft(), await world.sent()
    before = await traces(world)
    refused = await world.api.as_("sales_manager")(query, {"i": {"id": draft["id"]}})
    assert refused.data["createProposalLink"]["userErrors"] == [{"code": "STATE_REFUSED"}]
    for persona in ("customer", "service_agent", "partner_rep"):
        made = await world.api.as_(persona)(query, {"i": {"id": sent["id"]}})
        assert made.errors or made.data["createProposalLink"]["url"] is None, persona
    assert await traces(world) == before


async def test_who_signs_in_gets_the_pdf_of_what_they_see(world: World) -> None:
    sent, draft = await world.sent(), await world.draft()
    async with browser(world) as client:
        for persona, seen in (("sales_manager", (200, 200)), ("customer", (200, 410)), ("partner_rep", (410, 410))):
            token = world.api.people[persona]["token"]
            found = [
                (
                    await client.get(f"/proposals/{one['id']}/pdf", headers={"authorization": f"Bearer {token}"})
                ).status_code
                for one in (sent, draft)
            ]
            assert tuple(found) == seen, persona


async def test_sending_mails_the_link_in_one_step_and_names_stay_as_they_were(world: World) -> None:
    """The customer reads what they were offered, also once the product is called otherwise and is not on sale."""
    product = world.products[2]
    name = await world.value("SELECT name FROM products WHERE id = $1", row_id(product))
    proposal = (await world.draft({"productId": product}))["id"]
    await world.done("submitProposal", {"id": proposal})
    answer = await world.api.as_("sales_manager")(
        "mutation ($i: SendProposalInput!) { sendProposal(input: $i) { url proposal { status } userErrors { code } } }",
        {"i": {"id": proposal, "recipient": "buyer@example.org"}},
    )
    payload = answer.data["sendProposal"]
    assert (payload["proposal"]["status"], payload["userErrors"]) == ("SENT", [])
    mail = await world.value("SELECT body FROM outgoing_mails WHERE recipient = 'buyer@example.org'")
    assert payload["url"] in mail
    kept = await world.connection.fetchrow("SELECT * FROM proposal_links WHERE recipient = 'buyer@example.org'")
    assert kept["proposal_id"] == row_id(proposal)
    await world.connection.execute(
        "UPDATE products SET name = 'Renamed', active = FALSE WHERE id = $1", row_id(product)
    )
    try:
        async with browser(world) as client:
            page = (await client.get(re.sub("^https?://[^/]+", "", payload["url"]))).text
            assert (name in page, "Renamed" in page) == (True, False)
        shown = "lines { nodes { productName product { name } } }"
        seen = await world.seen(proposal, by="customer", shown=shown)
        assert seen["lines"]["nodes"] == [{"productName": name, "product": None}]
    finally:
        await world.connection.execute(
            "UPDATE products SET name = $2, active = TRUE WHERE id = $1", row_id(product), name
        )
    before = await traces(world)
    _, codes = await world.do("sendProposal", {"id": proposal, "recipient": "buyer@example.org"})
    assert (codes, await traces(world)) == (["STATE_REFUSED"], before)
