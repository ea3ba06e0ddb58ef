"""Changing the password, proving again who one is, and ending other sessions."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette

from crm_graph.auth.authentication import Authenticator
from tests.auth.conftest import ADA, PASSWORD, World, age_sessions, browser, form_token, mails, post, sign_in

PAGE, CONFIRM = "/account/password", "/account/confirm"
NEW = "another horse battery"
PAGES = (PAGE, CONFIRM, "/account/second-step", "/account/passkeys")


async def change(client: httpx.AsyncClient, current: str = PASSWORD, password: str = NEW) -> httpx.Response:
    return await post(client, PAGE, PAGE, current=current, password=password)


async def test_changing_the_password_ends_all_sessions_but_this_one(
    world: World, app: Starlette, client: httpx.AsyncClient
) -> None:
    await sign_in(client)
    before = client.cookies["crm_session"]
    async with browser(app) as other:
        await sign_in(other)
        assert (await change(client)).headers["location"] == "/account"
        assert (await other.get("/account")).headers["location"] == "/sign-in?next=/account"
        assert client.cookies["crm_session"] != before
        assert (await client.get("/account")).status_code == 200
        assert (await sign_in(other, password=PASSWORD)).status_code == 422
        assert (await sign_in(other, password=NEW)).status_code == 303
    [mail] = await mails(world)
    assert (mail["recipient"], mail["subject"]) == (ADA, "Your password was changed")
    assert "203.0.113.7" in mail["body"]
    assert "http://acme.test/sign-in/forgotten" in mail["body"]


@pytest.mark.parametrize(
    ("current", "password", "message"),
    [
        ("wrong", NEW, "not right"),
        ("", NEW, "not right"),
        (PASSWORD, "short", "at least"),
        (PASSWORD, "x" * 201, "at most"),
    ],
)
async def test_a_change_that_is_refused_changes_nothing(
    world: World, client: httpx.AsyncClient, current: str, password: str, message: str
) -> None:
    await sign_in(client)
    refused = await change(client, current, password)
    assert refused.status_code == 422
    assert message in refused.text
    assert password not in refused.text
    assert (await client.get("/account")).status_code == 200
    assert await mails(world) == []
    client.cookies.clear()
    assert (await sign_in(client)).status_code == 303


async def test_the_current_password_is_not_guessed_at_will(
    world: World, authenticator: Authenticator, app: Starlette
) -> None:
    slow = world.sign_in(authenticator, world.throttles((3, 60), (100, 1)))
    for path, field in ((PAGE, "current"), (CONFIRM, "password")):
        async with browser(slow, address=f"203.0.113.{len(path)}") as client:
            await sign_in(client)
            token = form_token(await client.get(path))
            data = {"form_token": token, "current": "wrong", "password": "wrong wrong wrong"}
            answers = [(await client.post(path, data=data)).status_code for _ in range(5)]
            assert answers == [422, 422, 422, 429, 429]
            right = {"form_token": token, "current": PASSWORD, "password": NEW, field: PASSWORD}
            assert (await client.post(path, data=right)).status_code == 429
        async with browser(slow, address="198.51.100.7") as owner:
            assert (await sign_in(owner)).status_code == 303


async def test_who_has_no_password_sets_one_after_a_fresh_proof(world: World, client: httpx.AsyncClient) -> None:
    await sign_in(client)
    await world.admin.execute("DELETE FROM credentials")  # as of somebody who signed in by another provider
    assert "Current password" not in (await client.get(PAGE)).text
    await age_sessions(world)
    stale = await post(client, PAGE, PAGE, password=NEW)
    assert stale.headers["location"] == f"{CONFIRM}?next=%2Faccount%2Fpassword"
    confirm = await client.get(CONFIRM)
    assert 'action="/sign-out"' in confirm.text
    assert (await post(client, CONFIRM, CONFIRM, password="")).status_code == 422
    assert await world.admin.fetchval("SELECT count(*) FROM credentials") == 0
    await world.admin.execute("UPDATE sessions SET authenticated_at = now()")
    assert (await post(client, PAGE, PAGE, password=NEW)).headers["location"] == "/account"
    client.cookies.clear()
    assert (await sign_in(client, password=NEW)).status_code == 303


@pytest.mark.parametrize("path", ["//evil.test", "https://evil.test", "/\\evil.test", "javascript:alert(1)"])
async def test_confirming_leads_nowhere_else(client: httpx.AsyncClient, path: str) -> None:
    await sign_in(client)
    page = await client.get(CONFIRM, params={"next": path})
    assert 'name="next" value="/account"' in page.text
    done = await post(client, CONFIRM, CONFIRM, password=PASSWORD, next=path)
    assert done.headers["location"] == "/account"


async def test_confirming_is_for_this_session_only(world: World, app: Starlette, client: httpx.AsyncClient) -> None:
    async with browser(app) as other:
        for one in (client, other):
            await sign_in(one)
        await age_sessions(world)
        await post(client, CONFIRM, CONFIRM, password=PASSWORD)
        assert (await client.get("/account/passkeys")).status_code == 200
        assert (await other.get("/account/passkeys")).status_code == 303


async def test_ending_all_other_sessions(app: Starlette, client: httpx.AsyncClient) -> None:
    async with browser(app) as one, browser(app) as two:
        for any_ in (client, one, two):
            await sign_in(any_)
        assert "Sign out everywhere else" in (await client.get("/account")).text
        await post(client, "/account", "/account/sessions/revoke-others")
        assert [(await any_.get("/account")).status_code for any_ in (client, one, two)] == [200, 303, 303]
    assert "Sign out everywhere else" not in (await client.get("/account")).text


async def test_who_is_not_signed_in_sees_none_of_it(client: httpx.AsyncClient) -> None:
    for path in PAGES:
        assert (await client.get(path)).headers["location"] == "/sign-in?next=/account"
        assert (await client.post(path, data={"form_token": "x"})).status_code in (303, 405)


async def test_two_session_cookies_open_nothing(client: httpx.AsyncClient) -> None:
    await sign_in(client)
    cookie = f"crm_session={client.cookies['crm_session']}"
    client.cookies.clear()
    for path in PAGES:
        answer = await client.get(path, headers={"cookie": f"{cookie}; {cookie[:-4]}abcd"})
        assert answer.status_code in (303, 403)
        assert "form_token" not in answer.text


async def test_nobody_without_an_address_is_told(world: World, client: httpx.AsyncClient) -> None:
    await sign_in(client)
    await world.admin.execute("UPDATE users SET email = NULL")
    await change(client)
    await asyncio.sleep(0)
    assert await mails(world) == []


async def test_pages_of_the_account_name_their_title(client: httpx.AsyncClient) -> None:
    await sign_in(client)
    for path, heading in (
        (PAGE, "Change your password"), (CONFIRM, "Is it you?"), ("/account/second-step", "Authenticator app"), ("/account/passkeys", "Passkeys"),
    ):  # fmt: skip
        page = await client.get(path)
        assert f"<title>{heading} · Acme</title>" in page.text
        assert f"<h1>{heading}</h1>" in page.text
