"""The page on which administrators decide about apps, over HTTP."""

import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.auth.conftest import PASSWORD, form_token, sign_in
from tests.auth.oauth.conftest import Site
from tests.auth.oauth.partners import PORTAL, SERVICE, Partnership, partnership

PAGE = "/access/apps"


@pytest.fixture
async def acme(site: Site) -> Partnership:
    await site.world.user(site.organization, name="Root", email="root@acme.test", password=PASSWORD, roles=["administrator"])  # fmt: skip
    return await partnership(site)


@asynccontextmanager
async def reviewer(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    async with site.client(address="203.0.113.30") as client:
        assert (await sign_in(client, "root@acme.test")).status_code == 303
        yield client


async def decide(client: httpx.AsyncClient, client_id: str, decision: str, **fields: str) -> httpx.Response:
    given = {"form_token": form_token(await client.get(PAGE)), "id": client_id, "decision": decision, **fields}
    return await client.post(PAGE, data=given)


async def status(site: Site, client_id: str) -> tuple[Any, ...]:
    row = await site.world.admin.fetchrow(
        "SELECT status, review_note, user_id FROM oauth_clients WHERE id = $1::uuid", client_id.removeprefix("cli_")
    )
    return tuple(row)


async def test_what_waits_is_told_in_the_words_of_the_consent_page(acme: Partnership, site: Site) -> None:
    portal, _ = await acme.registered(acme.partner_admin)
    name = "<script>alert(1)</script>"
    ours, _ = await acme.registered(acme.administrator, **{**SERVICE, "name": name, "redirectUris": None})
    async with reviewer(site) as client:
        account = await client.get("/account")
        assert f'href="{PAGE}"' in account.text
        shown = await client.get(PAGE)
        assert "script-src" not in shown.headers["content-security-policy"]
        assert "<script" not in shown.text
        text = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", shown.text)))
    for words in (
        "Partner portal",
        ", of Nordwind,",
        "What it is for: to work on opportunities with you",
        "Know who you are",
        "See customers: internal details",
        "See, add and change opportunities: what partners may see",
        "Never more than the people of Nordwind may.",
        "People go on to portal.test",
        "It acts on its own",
        "<script>alert(1)</script>",
    ):
        assert words in text, words
    assert shown.text.index(portal) < shown.text.index(ours), "who waits longest is first"


async def test_approving_and_refusing_are_the_mutations(acme: Partnership, site: Site) -> None:
    portal, _ = await acme.registered(acme.partner_admin)
    other, _ = await acme.registered(acme.partner_admin)
    service, app = await acme.registered(acme.administrator, **{**SERVICE, "redirectUris": None})
    async with reviewer(site) as client:
        assert (await decide(client, portal, "approve", note="Welcome")).headers["location"] == PAGE
        assert (await status(site, portal))[:2] == ("ACTIVE", "Welcome")
        entry, _ = await acme.on_record("app.approved")
        assert (entry["channel"], entry["actor_kind"], entry["changes"]["status"]) == ("apps_page", "staff", ["PENDING", "ACTIVE"])  # fmt: skip

        silent = await decide(client, other, "refuse", note="  ")
        assert (silent.status_code, await status(site, other)) == (422, ("PENDING", None, None))
        assert "Say why it is refused" in silent.text
        assert (await decide(client, other, "refuse", note="Which data do you keep?")).status_code == 303
        assert (await status(site, other))[:2] == ("REJECTED", "Which data do you keep?")

        without = await decide(client, service, "approve", note="Kept")
        assert (without.status_code, await status(site, service)) == (422, ("PENDING", None, None))
        assert 'value="Kept"' in without.text, "what was typed is still there"
        assert (await decide(client, service, "approve", **{"role:service_agent": "on"})).status_code == 303
        row = await site.world.admin.fetchrow(
            "SELECT name, roles FROM users WHERE id = $1", (await status(site, service))[2]
        )
        assert (row["name"], row["roles"]) == ("Sync", ["service_agent"])
        again = await client.post(PAGE, data={"form_token": form_token(await client.get("/account")), "id": service, "decision": "approve"})  # fmt: skip
        assert again.status_code == 422, "somebody else has decided meanwhile"
        lately = (await client.get(PAGE)).text
        assert "No app waits" in lately
        assert "Which data do you keep?" in lately
    assert (await site.token(app, grant_type="client_credentials")).status_code == 200


async def test_a_refused_decision_leaves_nothing(acme: Partnership, site: Site) -> None:
    """The service user that was made for it is not there either."""
    theirs, _ = await acme.registered(acme.partner_admin, **{**SERVICE, "redirectUris": None})
    async with reviewer(site) as client:
        before = await acme.traces()
        for fields in (
            {"role:sales_manager": "on"},
            {"role:nonsense": "on"},
            {"role:partner_rep": "on", "note": "x" * 501},
        ):
            assert (await decide(client, theirs, "approve", **fields)).status_code == 422, fields
            assert await acme.traces() == before
        for id_ in ("cli_" + "0" * 32, "nonsense", ""):
            assert (await decide(client, id_, "approve")).status_code == 422
        assert await acme.traces() == before


async def test_it_is_for_reviewers_and_for_their_own_forms(acme: Partnership, site: Site) -> None:
    world = site.world
    await world.user(site.organization, name="Petra", email="petra@acme.test", password=PASSWORD, partner_id=acme.partner, roles=["partner_rep", "app_admin"])  # fmt: skip
    portal, _ = await acme.registered(acme.partner_admin)
    before = await acme.traces()
    async with site.client() as nobody:
        assert (await nobody.get(PAGE)).headers["location"] == f"/sign-in?next={PAGE}"
        assert (await nobody.post(PAGE, data={"id": portal})).status_code == 303
    for email in ("ada@acme.test", "petra@acme.test"):  # a manager; and a partner's reviewer, who is none
        async with site.client(address="203.0.113.31") as client:
            await sign_in(client, email)
            assert PAGE not in (await client.get("/account")).text
            shown = await client.get(PAGE)
            assert (shown.status_code, PORTAL["name"] in shown.text) == (403, False)
            given = {"form_token": form_token(await client.get("/account")), "id": portal, "decision": "approve"}
            assert (await client.post(PAGE, data=given)).status_code == 403
    async with reviewer(site) as client:
        given = {"id": portal, "decision": "approve"}
        async with site.client() as other:
            await sign_in(other, "root@acme.test")
            foreign = form_token(await other.get("/account"))
        for token in ("", "0" * 64, foreign):
            assert (await client.post(PAGE, data={**given, "form_token": token})).status_code == 403
        right = form_token(await client.get(PAGE))
        cross = await client.post(PAGE, data={**given, "form_token": right}, headers={"sec-fetch-site": "cross-site"})
        assert cross.status_code == 403
    now = await acme.traces()
    assert [row for row in now if isinstance(row, dict)] == [row for row in before if isinstance(row, dict)]
