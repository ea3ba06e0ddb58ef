"""Codes are guessed: who guesses gets nowhere, the owner is told, and nobody is kept out by it."""

import time

import httpx
import pyotp
from starlette.applications import Starlette

from crm_graph.auth.authentication import Authenticator
from crm_graph.auth.proofs import totp
from tests.auth.conftest import ADA, PASSWORD, World, browser, form_token, mails, post, sign_in
from tests.auth.second_step import STEP, forget_used_codes, step


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
    slow = world.sign_in(authenticator, world.throttles((9, 60), (4, 60)))
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
    slow = world.sign_in(authenticator, world.throttles((2, 60), (100, 1)))
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
