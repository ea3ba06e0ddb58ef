"""An authenticator app as the second step: setting it up, signing in with it, and what does not get past it."""

import asyncio
import time

import httpx
import pyotp
from starlette.applications import Starlette

from crm_graph.auth.authentication import Authenticator
from crm_graph.auth.proofs import recovery_codes
from tests.auth.conftest import (
    PASSWORD,
    SEALING_KEY,
    World,
    browser,
    form_token,
    mails,
    post,
    sign_in,
)
from tests.auth.second_step import SETUP, STEP, begin, forget_used_codes, step, switch_on


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
        assert "9 recovery codes left" in (await one.get(SETUP)).text
        assert (await post(one, SETUP, f"{SETUP}/off")).headers["location"] == "/account"
        assert await world.admin.fetchval("SELECT count(*) FROM totp_keys") == 0
