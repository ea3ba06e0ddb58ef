"""An authenticator app as the second step: setting it up, signing in with it, and what does not get past it."""

import asyncio
import html
import re
import time

import httpx
import pyotp
import pytest
from starlette.applications import Starlette

from crm_graph.auth.authentication import Authenticator
from crm_graph.auth.proofs import recovery_codes, totp
from crm_graph.auth.sign_in_throttle import Throttle, Throttles
from tests.auth.conftest import (
    ADA,
    PASSWORD,
    SEALING_KEY,
    World,
    age_sessions,
    browser,
    form_token,
    mails,
    post,
    sign_in,
)

SETUP = "/account/second-step"
STEP = "/sign-in/second-step"
CODE = re.compile(r"<code>((?:[a-z2-9]{4}-){3}[a-z2-9]{4})</code>")


async def begin(client: httpx.AsyncClient) -> str:
    """Ask for a key and read it off the page."""
    assert (await post(client, "/account", f"{SETUP}/begin")).headers["location"] == SETUP
    page = await client.get(SETUP)
    found = re.search(r'class="secret">([A-Z2-7 ]+)<', page.text)
    assert found, page.text
    return found[1].replace(" ", "")


async def switch_on(client: httpx.AsyncClient) -> tuple[pyotp.TOTP, list[str]]:
    """The app and the recovery codes of somebody who is signed in."""
    app = pyotp.TOTP(await begin(client))
    done = await post(client, SETUP, f"{SETUP}/confirm", code=app.now())
    assert done.status_code == 200, done.text
    return app, CODE.findall(done.text)


async def forget_used_codes(world: World) -> None:
    """As if half a minute had passed since the last code."""
    await world.admin.execute("UPDATE totp_keys SET last_counter = NULL")


async def step(client: httpx.AsyncClient, **fields: str) -> httpx.Response:
    return await post(client, STEP, STEP, **fields)


@pytest.fixture
async def user(world: World, client: httpx.AsyncClient) -> tuple[pyotp.TOTP, list[str]]:
    """Ada with an app; nobody is signed in and no browser is known."""
    await sign_in(client)
    kept = await switch_on(client)
    client.cookies.clear()
    await forget_used_codes(world)
    await world.admin.execute("DELETE FROM outgoing_mails")
    return kept


async def test_setting_up_and_signing_in(world: World, client: httpx.AsyncClient) -> None:
    await sign_in(client)
    assert "off: the password is enough" in (await client.get("/account")).text
    app, codes = await switch_on(client)
    assert len(set(codes)) == recovery_codes.HOW_MANY
    account = await client.get("/account")
    assert ">on</span>" in account.text
    assert codes[0] not in account.text
    assert [m["subject"] for m in await mails(world)] == ["Signing in now asks for a code of your app"]
    await post(client, "/account", "/sign-out")
    asked = await sign_in(client, next="/explorer")
    assert (asked.status_code, asked.headers["location"]) == (303, STEP)
    assert "crm_session" not in client.cookies
    assert (await client.get("/account")).headers["location"] == "/sign-in?next=/account"
    await forget_used_codes(world)
    done = await step(client, code=f" {app.now()[:3]} {app.now()[3:]} ")
    assert (done.status_code, done.headers["location"]) == (303, "/explorer")
    assert "crm_pending" not in client.cookies
    assert (await client.get("/account")).status_code == 200
    methods = await world.admin.fetchval("SELECT methods FROM sessions WHERE revoked_at IS NULL")
    assert methods == ["pwd", "otp", "mfa"]


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


async def test_no_code_works_twice(world: World, app: Starlette, user: tuple[pyotp.TOTP, list[str]]) -> None:
    totp_app, _ = user
    code = totp_app.now()
    async with browser(app) as first, browser(app, address="203.0.113.8") as second:
        for one in (first, second):
            await sign_in(one)
        assert (await step(first, code=code)).status_code == 303
        replayed = await step(second, code=code)
        assert replayed.status_code == 422
        older = totp_app.at(time.time() - 30)
        assert (await step(second, code=older)).status_code == 422, "nor one from before it"
        assert "crm_session" not in second.cookies
    assert (
        await world.admin.fetchval("SELECT count(*) FROM sessions WHERE revoked_at IS NULL AND methods @> '{otp}'") == 2
    )


async def test_of_two_at_the_same_moment_one_gets_in(app: Starlette, user: tuple[pyotp.TOTP, list[str]]) -> None:
    totp_app, _ = user
    async with browser(app) as first, browser(app, address="203.0.113.8") as second:
        tokens = []
        for one in (first, second):
            await sign_in(one)
            tokens.append(form_token(await one.get(STEP)))
        code = totp_app.now()
        posts = (
            one.post(STEP, data={"form_token": t, "code": code}) for one, t in zip((first, second), tokens, strict=True)
        )
        assert sorted(answer.status_code for answer in await asyncio.gather(*posts)) == [303, 422]


async def test_a_code_from_setting_up_does_not_sign_in(world: World, client: httpx.AsyncClient) -> None:
    await sign_in(client)
    app = pyotp.TOTP(await begin(client))
    code = app.now()
    assert (await post(client, SETUP, f"{SETUP}/confirm", code=code)).status_code == 200
    await post(client, "/account", "/sign-out")
    await sign_in(client)
    assert (await step(client, code=code)).status_code == 422


async def test_clocks_may_differ_a_little(
    world: World, client: httpx.AsyncClient, user: tuple[pyotp.TOTP, list[str]]
) -> None:
    app, _ = user
    await sign_in(client)
    now = time.time()
    assert (await step(client, code=app.at(now - 90))).status_code == 422
    assert (await step(client, code=app.at(now + 90))).status_code == 422
    assert (await step(client, code=app.at(now + 30))).status_code == 303


async def test_a_recovery_code_works_once_however_it_is_written(
    world: World, client: httpx.AsyncClient, user: tuple[pyotp.TOTP, list[str]]
) -> None:
    _, codes = user
    await sign_in(client)
    assert (await step(client, recovery_code="aaaa-bbbb-cccc-dddd")).status_code == 422
    assert (await step(client, recovery_code=f" {codes[3].replace('-', ' ').upper()} ")).status_code == 303
    [mail] = await mails(world)
    assert mail["subject"] == "A recovery code was used to sign in"
    assert "9 are left" in mail["body"]
    assert codes[3] not in mail["body"]
    assert "9 recovery codes left" in (await client.get(SETUP)).text
    client.cookies.clear()
    await sign_in(client)
    assert (await step(client, recovery_code=codes[3])).status_code == 422
    assert (await step(client, recovery_code=codes[4])).status_code == 303


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


async def test_it_belongs_to_the_browser_that_knew_the_password(
    world: World, app: Starlette, client: httpx.AsyncClient, user: tuple[pyotp.TOTP, list[str]]
) -> None:
    code = user[0].now()
    await sign_in(client)
    token = form_token(await client.get(STEP))
    async with browser(app) as other:
        assert (await other.get(STEP)).headers["location"] == "/sign-in"
        without = await other.post(STEP, data={"form_token": token, "code": code})
        assert without.headers["location"] == "/sign-in"
        other.cookies.set("crm_pending", "crm_pen_" + "x" * 43, domain="acme.test")
        assert (await other.post(STEP, data={"form_token": token, "code": code})).status_code == 403
        assert (await other.get(STEP)).status_code == 403
    assert (await client.post(STEP, data={"form_token": token[::-1], "code": code})).status_code == 403
    foreign = {"sec-fetch-site": "cross-site"}
    assert (await client.post(STEP, data={"form_token": token, "code": code}, headers=foreign)).status_code == 403
    assert (await client.post(STEP, data={"form_token": token, "code": code})).status_code == 303


async def test_five_wrong_codes_end_the_sign_in_and_the_owner_is_told(
    world: World, client: httpx.AsyncClient, user: tuple[pyotp.TOTP, list[str]]
) -> None:
    app, codes = user
    await sign_in(client)
    token = form_token(await client.get(STEP))
    wrong = [(await client.post(STEP, data={"form_token": token, "code": "x"})).status_code for _ in range(5)]
    assert wrong == [422] * 4 + [403]
    for fields in ({"code": app.now()}, {"recovery_code": codes[0]}):
        over = await client.post(STEP, data={"form_token": token, **fields})
        assert over.status_code == 403
        assert "SIGN_IN_OVER" in over.text
    assert [m["subject"] for m in await mails(world)] == ["Somebody who knows your password tries codes"]
    assert await recovery_codes_left(world) == 10
    await sign_in(client)
    assert (await step(client, code=app.now())).status_code == 303


async def recovery_codes_left(world: World) -> int:
    return await world.admin.fetchval("SELECT count(*) FROM recovery_codes WHERE used_at IS NULL")


async def test_a_sign_in_waits_ten_minutes(
    world: World, client: httpx.AsyncClient, user: tuple[pyotp.TOTP, list[str]]
) -> None:
    await sign_in(client)
    token = form_token(await client.get(STEP))
    await world.admin.execute("UPDATE pending_sign_ins SET expires_at = now()")
    assert (await client.get(STEP)).status_code == 403
    over = await client.post(STEP, data={"form_token": token, "code": user[0].now()})
    assert over.status_code == 403
    assert await world.admin.fetchval("SELECT count(*) FROM sessions WHERE revoked_at IS NULL") == 1, "from setting up"


async def test_a_changed_password_ends_sign_ins_that_wait(
    world: World, app: Starlette, client: httpx.AsyncClient, user: tuple[pyotp.TOTP, list[str]]
) -> None:
    totp_app, _ = user
    await sign_in(client)
    token = form_token(await client.get(STEP))
    async with browser(app) as owner:
        await sign_in(owner)
        await step(owner, code=totp_app.now())
        changed = await post(
            owner, "/account/password", "/account/password", current=PASSWORD, password="another horse battery"
        )
        assert changed.headers["location"] == "/account"
    await forget_used_codes(world)
    over = await client.post(STEP, data={"form_token": token, "code": totp_app.now()})
    assert over.status_code == 403


async def test_a_suspended_user_gets_no_further(
    world: World, client: httpx.AsyncClient, user: tuple[pyotp.TOTP, list[str]]
) -> None:
    await sign_in(client)
    token = form_token(await client.get(STEP))
    await world.admin.execute("UPDATE users SET status = 'SUSPENDED'")
    assert (await client.post(STEP, data={"form_token": token, "code": user[0].now()})).status_code == 401
    assert "crm_session" not in client.cookies


async def test_strangers_who_guess_keep_the_owner_s_browser_in(
    world: World, authenticator: Authenticator, app: Starlette, user: tuple[pyotp.TOTP, list[str]]
) -> None:
    """Codes are guessed for an account from many addresses; its owner's browser is known and has guesses of its own."""
    totp_app, codes = user
    async with browser(app) as owner:
        await sign_in(owner)
        await step(owner, code=totp_app.now())
        await post(owner, "/account", "/sign-out")
        statuses = []
        for n in range(4):
            async with browser(app, address=f"198.51.100.{n}") as stranger:
                await sign_in(stranger)
                token = form_token(await stranger.get(STEP))
                statuses += [
                    (await stranger.post(STEP, data={"form_token": token, "code": "x"})).status_code for _ in range(4)
                ]
        assert statuses == [422] * totp.GUESSES + [429] * (16 - totp.GUESSES)
        async with browser(app, address="198.51.100.99") as stranger:
            await sign_in(stranger)
            held = await step(stranger, code=totp_app.at(time.time() + 30))
            assert held.status_code == 429, "a right code is not told from a wrong one"
            assert int(held.headers["retry-after"]) > 0
            assert (await step(stranger, recovery_code=codes[0])).status_code == 303, "the owner on another browser"
        await forget_used_codes(world)
        await sign_in(owner)
        assert (await step(owner, code=totp_app.now())).status_code == 303


async def test_a_neighbour_at_one_address_keeps_a_known_browser_in(
    world: World, authenticator: Authenticator, user: tuple[pyotp.TOTP, list[str]]
) -> None:
    slow = world.sign_in(authenticator, Throttles(Throttle(9, 60), Throttle(4, 60)))
    async with browser(slow) as owner, browser(slow) as neighbour:
        await sign_in(owner)
        await step(owner, code=user[0].now())
        await post(owner, "/account", "/sign-out")
        assert [(await sign_in(neighbour, "x@acme.test", "wrong")).status_code for _ in range(5)] == [422] * 4 + [429]
        assert (await sign_in(neighbour)).status_code == 429
        await forget_used_codes(world)
        await sign_in(owner)
        assert (await step(owner, code=user[0].now())).status_code == 303


async def test_guesses_of_a_known_browser_end_too(
    app: Starlette, world: World, user: tuple[pyotp.TOTP, list[str]]
) -> None:
    async with browser(app) as owner:
        await sign_in(owner)
        await step(owner, code=user[0].now())
        await post(owner, "/account", "/sign-out")
        statuses = []
        for _ in range(2):
            await sign_in(owner)
            token = form_token(await owner.get(STEP))
            statuses += [
                (await owner.post(STEP, data={"form_token": token, "code": "x"})).status_code for _ in range(4)
            ]
    assert statuses == [422] * 5 + [429] * 3


async def test_a_known_browser_is_known_to_its_user_only(
    world: World, app: Starlette, authenticator: Authenticator
) -> None:
    slow = world.sign_in(authenticator, Throttles(Throttle(2, 60), Throttle(100, 1)))
    organization = await world.admin.fetchval("SELECT id FROM organizations")
    await world.user(organization, name="Bob", email="bob@acme.test", password=PASSWORD)
    async with browser(slow) as owner, browser(slow) as neighbour:
        await sign_in(owner)
        await post(owner, "/account", "/sign-out")
        await sign_in(neighbour, "bob@acme.test")
        await post(neighbour, "/account", "/sign-out")
        assert [(await sign_in(neighbour, ADA, "wrong")).status_code for _ in range(3)] == [422, 422, 429]
        assert (await sign_in(owner)).status_code == 303, "from the very same address"
        owner.cookies.delete("crm_session")
        forged = owner.cookies["crm_known"][:-4] + "0000"
        owner.cookies.delete("crm_known")
        owner.cookies.set("crm_known", forged, domain="acme.test")
        assert (await sign_in(owner)).status_code == 429


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


async def test_an_old_sealing_key_still_opens_and_the_code_seals_anew(
    world: World, authenticator: Authenticator, client: httpx.AsyncClient, user: tuple[pyotp.TOTP, list[str]]
) -> None:
    app, codes = user
    before = await world.admin.fetchval("SELECT sealed_key FROM totp_keys")
    rotated = world.sign_in(authenticator, sealing_keys=f"{'n' * 40},{SEALING_KEY}")
    async with browser(rotated) as one:
        await sign_in(one)
        assert (await step(one, code=app.now())).status_code == 303
    assert await world.admin.fetchval("SELECT sealed_key FROM totp_keys") != before
    await forget_used_codes(world)
    lost = world.sign_in(authenticator, sealing_keys="x" * 40)
    async with browser(lost, address="203.0.113.9") as one:
        await sign_in(one)
        broken = await step(one, code=app.now())
        assert (broken.status_code, "SEAL_BROKEN" in broken.text) == (503, True)
        assert (await step(one, recovery_code=codes[0])).status_code == 303, "recovery codes need no key"
