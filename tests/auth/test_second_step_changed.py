"""Setting an authenticator app up, renewing its recovery codes, switching it off."""

import html
import re

import httpx
import pyotp
import pytest
from starlette.applications import Starlette

from tests.auth.conftest import ADA, PASSWORD, World, age_sessions, browser, form_token, mails, post, sign_in
from tests.auth.second_step import CODE, SETUP, begin, step, switch_on


async def test_secrets_at_rest_are_sealed_or_hashed(world: World, user: tuple[pyotp.TOTP, list[str]]) -> None:
    app, codes = user
    sealed = bytes(await world.admin.fetchval("SELECT sealed_key FROM totp_keys"))
    hashes = [bytes(row["code_hash"]) for row in await world.admin.fetch("SELECT code_hash FROM recovery_codes")]
    assert app.secret.encode() not in sealed
    assert app.byte_secret() not in sealed
    assert all(len(one) == 32 for one in hashes)
    assert not any(code.replace("-", "").encode() in one for code in codes for one in hashes)


async def test_the_page_shows_a_picture_a_link_and_the_key(client: httpx.AsyncClient) -> None:
    await sign_in(client)
    key = await begin(client)
    page = await client.get(SETUP)
    assert "<svg" in page.text
    link = html.unescape(re.findall(r'href="(otpauth://[^"]+)"', page.text)[0])
    parsed = pyotp.parse_uri(link)
    assert (parsed.secret, parsed.issuer, parsed.name) == (key, "Acme", ADA)
    assert "<script" not in page.text
    assert (await client.get(SETUP)).text.count(key[:4]) >= 1, "a reload shows the same key"
    assert await begin(client) != key, "asking anew makes another"


async def test_a_wrong_code_switches_nothing_on(world: World, client: httpx.AsyncClient) -> None:
    await sign_in(client)
    app = pyotp.TOTP(await begin(client))
    for code in (
        "",
        "000000" if app.now() != "000000" else "111111",
        "abcdef",
        app.now()[:5],
        app.now() + "0",
        "९" * 6,
    ):
        refused = await post(client, SETUP, f"{SETUP}/confirm", code=code)
        assert refused.status_code == 422
    assert await world.admin.fetchval("SELECT confirmed_at FROM totp_keys") is None
    assert await mails(world) == []
    await post(client, "/account", "/sign-out")
    assert (await sign_in(client)).headers["location"] == "/account", "an app that waits asks for nothing"


async def test_switching_on_ends_other_sessions(app: Starlette, client: httpx.AsyncClient) -> None:
    async with browser(app) as other:
        await sign_in(other)
        await sign_in(client)
        await switch_on(client)
        assert (await other.get("/account")).status_code == 303
        assert (await client.get("/account")).status_code == 200


async def test_new_recovery_codes_replace_the_old(world: World, client: httpx.AsyncClient) -> None:
    await sign_in(client)
    _, old = await switch_on(client)
    renewed = await post(client, SETUP, f"{SETUP}/codes")
    new = CODE.findall(renewed.text)
    assert len(new) == len(old)
    assert set(new).isdisjoint(old)
    assert (await client.get(f"{SETUP}/codes")).headers["location"] == SETUP, "a reload shows none and makes none"
    client.cookies.clear()
    await sign_in(client)
    assert (await step(client, recovery_code=old[0])).status_code == 422
    assert (await step(client, recovery_code=new[0])).status_code == 303


@pytest.mark.parametrize("path", ["begin", "confirm", "codes", "off"])
async def test_changing_it_needs_a_fresh_proof(world: World, client: httpx.AsyncClient, path: str) -> None:
    await sign_in(client)
    await switch_on(client)
    await world.admin.execute("DELETE FROM outgoing_mails")
    before = await world.admin.fetch("SELECT * FROM totp_keys, recovery_codes")
    await age_sessions(world)
    asked = await post(client, "/account", f"{SETUP}/{path}", code="000000")
    assert asked.headers["location"] == "/account/confirm?next=%2Faccount%2Fsecond-step"
    assert (await client.get(SETUP)).headers["location"] == asked.headers["location"]
    assert await world.admin.fetch("SELECT * FROM totp_keys, recovery_codes") == before
    assert await mails(world) == []


async def test_switching_it_off_after_confirming(world: World, client: httpx.AsyncClient) -> None:
    await sign_in(client)
    await switch_on(client)
    await age_sessions(world)
    confirm = (await client.get(SETUP)).headers["location"]
    wrong = await post(client, confirm, "/account/confirm", password="wrong", next=SETUP)
    assert wrong.status_code == 422
    assert (await client.get(SETUP)).status_code == 303
    right = await post(client, confirm, "/account/confirm", password=PASSWORD, next=SETUP)
    assert right.headers["location"] == SETUP
    assert (await post(client, SETUP, f"{SETUP}/off")).headers["location"] == "/account"
    assert await world.admin.fetchval("SELECT count(*) FROM totp_keys") == 0
    assert await world.admin.fetchval("SELECT count(*) FROM recovery_codes") == 0
    assert (await mails(world))[-1]["subject"] == "Signing in no longer asks for a code of your app"
    client.cookies.clear()
    assert (await sign_in(client)).headers["location"] == "/account"


async def test_a_key_that_is_on_is_not_replaced_nor_shown(world: World, client: httpx.AsyncClient) -> None:
    await sign_in(client)
    app, _ = await switch_on(client)
    before = await world.admin.fetchrow("SELECT * FROM totp_keys")
    await post(client, "/account", f"{SETUP}/begin")
    assert await world.admin.fetchrow("SELECT * FROM totp_keys") == before
    assert app.secret[:4] not in (await client.get(SETUP)).text


async def test_forms_of_another_session_change_nothing(world: World, app: Starlette, client: httpx.AsyncClient) -> None:
    organization = await world.admin.fetchval("SELECT id FROM organizations")
    await world.user(organization, name="Bob", email="bob@acme.test", password=PASSWORD)
    async with browser(app) as attacker:
        await sign_in(attacker, "bob@acme.test")
        foreign = form_token(await attacker.get("/account"))
    await sign_in(client)
    await switch_on(client)
    for path in ("begin", "confirm", "codes", "off"):
        assert (await client.post(f"{SETUP}/{path}", data={"form_token": foreign})).status_code == 403
    for path in ("/account/password", "/account/confirm", "/account/passkeys", "/account/passkeys/remove"):
        assert (await client.post(path, data={"form_token": foreign, "password": PASSWORD})).status_code == 403
    assert await world.admin.fetchval("SELECT count(*) FROM totp_keys WHERE confirmed_at IS NOT NULL") == 1
