"""Passkeys over HTTP, with an authenticator in software that can be made to lie."""

import html
import re

import httpx
from starlette.applications import Starlette

from tests.auth.authenticator import Phone, options
from tests.auth.conftest import ADA, World, age_sessions, browser, form_token, mails, post, sign_in
from tests.auth.passkeys import ENTER, PAGE, add, enter
from tests.auth.second_step import STEP, switch_on


async def test_adding_one_and_signing_in_with_it(world: World, client: httpx.AsyncClient, phone: Phone) -> None:
    assert [m["subject"] for m in await mails(world)] == ["A passkey was added to your account"]
    response = await enter(client, phone, "/explorer")
    assert (response.status_code, response.headers["location"]) == (303, "/explorer")
    account = await client.get("/account")
    assert account.status_code == 200
    assert "Phone" in account.text
    assert await world.admin.fetchval(
        "SELECT methods FROM sessions WHERE revoked_at IS NULL ORDER BY id DESC LIMIT 1"
    ) == ["pop", "mfa"]
    row = await world.admin.fetchrow("SELECT sign_count, last_used_at, rp_id FROM passkeys")
    assert (row["sign_count"], row["rp_id"]) == (1, "acme.test")
    assert row["last_used_at"] is not None


async def test_what_the_browser_is_asked_for(client: httpx.AsyncClient, phone: Phone) -> None:
    asked = options(await client.get("/sign-in"))
    assert (asked["rpId"], asked["userVerification"], asked["allowCredentials"]) == ("acme.test", "required", [])
    await enter(client, phone)
    asked = options(await client.get(PAGE))
    assert asked["authenticatorSelection"]["residentKey"] == "required"
    assert asked["authenticatorSelection"]["userVerification"] == "required"
    assert asked["attestation"] == "none"
    assert len(asked["excludeCredentials"]) == 1
    assert (asked["user"]["name"], asked["rp"]) == (ADA, {"name": "Acme", "id": "acme.test"})


async def test_it_is_two_factors_at_once(world: World, client: httpx.AsyncClient, phone: Phone) -> None:
    await sign_in(client)
    await switch_on(client)
    client.cookies.clear()
    assert (await sign_in(client)).headers["location"] == STEP
    assert (await enter(client, phone)).headers["location"] == "/account"


async def test_it_works_at_its_host_and_in_its_organisation_only(
    world: World, app: Starlette, client: httpx.AsyncClient, phone: Phone
) -> None:
    await world.admin.execute("UPDATE organizations SET hosts = '{acme.test,crm.acme.test}'")
    await world.organization("other.test")
    for host in ("crm.acme.test", "other.test"):
        async with browser(app, f"http://{host}") as elsewhere:
            phone.origin = f"http://{host}"
            assert (await enter(elsewhere, phone)).status_code == 422
    async with browser(app, "http://crm.acme.test") as elsewhere:
        page = await elsewhere.get("/sign-in")
        phone.origin = "http://acme.test"
        asked = {**options(page), "rpId": "acme.test"}
        data = {"form_token": form_token(page), "credential": phone.get(asked)}
        assert (await elsewhere.post(ENTER, data=data)).status_code == 422


async def test_a_suspended_user_s_passkey_signs_nobody_in(
    world: World, client: httpx.AsyncClient, phone: Phone
) -> None:
    await world.admin.execute("UPDATE users SET status = 'SUSPENDED'")
    assert (await enter(client, phone)).status_code == 401
    assert "crm_session" not in client.cookies


async def test_names(world: World, client: httpx.AsyncClient, phone: Phone) -> None:
    await enter(client, phone)
    for name in ("", " ", "x" * 61, "a\x1bb"):
        page = await add(client, Phone(), name)
        assert page.status_code == 422
        assert "needs a name" in page.text
    id_ = str(await world.admin.fetchval("SELECT id FROM passkeys"))
    assert (await post(client, PAGE, f"{PAGE}/rename", id=id_, name="<b>Work</b>")).status_code == 303
    assert "&lt;b&gt;Work" in (await client.get(PAGE)).text
    assert (await post(client, PAGE, f"{PAGE}/rename", id=id_, name="")).status_code == 422
    assert await world.admin.fetchval("SELECT name FROM passkeys") == "<b>Work</b>"


async def test_removing_one(world: World, client: httpx.AsyncClient, phone: Phone) -> None:
    await enter(client, phone)
    id_ = str(await world.admin.fetchval("SELECT id FROM passkeys"))
    assert (await post(client, PAGE, f"{PAGE}/remove", id=id_)).headers["location"] == PAGE
    assert (await mails(world))[-1]["subject"] == "A passkey was removed from your account"
    client.cookies.clear()
    assert (await enter(client, phone)).status_code == 422


async def test_adding_and_removing_need_a_fresh_proof_which_a_passkey_is(
    world: World, client: httpx.AsyncClient, phone: Phone
) -> None:
    await enter(client, phone)
    page = await client.get(PAGE)
    await age_sessions(world)
    id_ = str(await world.admin.fetchval("SELECT id FROM passkeys"))
    data = {"form_token": form_token(page), "id": id_, "credential": Phone().create(options(page)), "name": "x"}
    for path in (PAGE, f"{PAGE}/remove"):
        assert (await client.post(path, data=data)).headers["location"] == "/account/confirm?next=%2Faccount%2Fpasskeys"
    assert await world.admin.fetchval("SELECT count(*) FROM passkeys") == 1
    confirm = await client.get("/account/confirm", params={"next": PAGE})
    fields = {"form_token": form_token(confirm), "credential": phone.get(options(confirm)), "next": PAGE}
    assert (await client.post("/account/confirm/passkey", data=fields)).headers["location"] == PAGE
    assert (await client.get(PAGE)).status_code == 200
    again = await client.post("/account/confirm/passkey", data=fields)
    assert again.status_code == 422, "a proof proves once"


async def test_at_an_address_of_numbers_there_are_none(world: World, app: Starlette) -> None:
    await world.admin.execute("UPDATE organizations SET hosts = '{127.0.0.1}'")
    async with browser(app, "http://127.0.0.1:8000") as client:
        page = await client.get("/sign-in")
        assert "data-passkey" not in page.text
        assert "<script" not in page.text
        await sign_in(client)
        assert "reached by a number" in (await client.get(PAGE)).text


async def test_pages_with_a_script_run_ours_and_no_other(client: httpx.AsyncClient) -> None:
    await sign_in(client)
    for path in ("/account/passkeys", "/account/confirm"):
        page = await client.get(path)
        policy = page.headers["content-security-policy"]
        scripts = re.findall(r"<script[^>]*>", page.text)
        assert ("script-src 'self'" in policy) == bool(scripts)
        assert "unsafe" not in policy
        assert re.findall(r"\son[a-z]+=", html.unescape(page.text)) == []
    [script] = re.findall(r'<script src="(/passkeys\.js\?v=[0-9a-f]{12})" defer>', (await client.get(PAGE)).text)
    found = await client.get(script)
    assert (found.status_code, found.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert "script-src" not in (await client.get("/account")).headers["content-security-policy"]
