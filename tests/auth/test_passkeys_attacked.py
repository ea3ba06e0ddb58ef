"""What is no passkey's own answer to our challenge in this browser is refused."""

import asyncio
import json
import secrets

import httpx
import pytest
from starlette.applications import Starlette

from crm_graph.auth.proofs import challenges
from crm_graph.auth.proofs.challenges import Challenges
from tests.auth.authenticator import PRESENT, VERIFIED, Phone, options
from tests.auth.conftest import PASSWORD, World, browser, form_token, post, sign_in
from tests.auth.passkeys import ENTER, PAGE, add, enter


async def test_an_answer_works_once(world: World, app: Starlette, client: httpx.AsyncClient, phone: Phone) -> None:
    page = await client.get("/sign-in")
    nonce = client.cookies["crm_form"]
    fields = {"form_token": form_token(page), "credential": phone.get(options(page))}
    answers = []
    for _ in range(3):
        client.cookies.clear()
        client.cookies.set("crm_form", nonce, domain="acme.test")
        answers.append((await client.post(ENTER, data=fields)).status_code)
    assert answers == [303, 422, 422]
    assert await world.admin.fetchval("SELECT count(*) FROM sessions WHERE methods @> '{pop}'") == 1


async def test_an_answer_works_once_without_a_counter_and_at_the_same_moment(
    world: World, app: Starlette, client: httpx.AsyncClient
) -> None:
    """Synced passkeys count nothing, so the challenge alone has to be single."""
    await sign_in(client)
    phone = Phone(count=-1)
    phone.count = 0
    await add(client, phone)
    client.cookies.clear()
    page = await client.get("/sign-in")
    phone.count = -1  # the answer says 0
    fields = {"form_token": form_token(page), "credential": phone.get(options(page))}
    cookie = {"cookie": f"crm_form={client.cookies['crm_form']}"}
    async with browser(app) as one, browser(app) as two:
        answers = await asyncio.gather(*(b.post(ENTER, data=fields, headers=cookie) for b in (one, two)))
    assert sorted(a.status_code for a in answers) == [303, 422]


async def test_a_challenge_of_another_browser_is_refused(
    world: World, app: Starlette, client: httpx.AsyncClient, phone: Phone
) -> None:
    """An attacker's challenge, answered by the owner's phone, signs in neither of them."""
    async with browser(app) as attacker:
        page = await attacker.get("/sign-in")
        answer = phone.get(options(page))
        own = await client.get("/sign-in")
        refused = await client.post(ENTER, data={"form_token": form_token(own), "credential": answer})
        assert refused.status_code == 422
        stolen = {"form_token": form_token(own), "credential": phone.get(options(own))}
        assert (await attacker.post(ENTER, data=stolen)).status_code == 403
        stolen["form_token"] = form_token(await attacker.get("/sign-in"))
        assert (await attacker.post(ENTER, data=stolen)).status_code == 422
    assert await world.admin.fetchval("SELECT count(*) FROM sessions WHERE methods @> '{pop}'") == 0


async def test_a_challenge_for_another_purpose_is_refused(client: httpx.AsyncClient, phone: Phone) -> None:
    await sign_in(client)
    page = await client.get(PAGE)
    asked = {"rpId": "acme.test", "challenge": options(page)["challenge"]}
    fields = {"form_token": form_token(page), "credential": phone.get(asked), "next": "/account"}
    assert (await client.post("/account/confirm/passkey", data=fields)).status_code == 422


async def test_a_challenge_lasts_a_quarter_of_an_hour() -> None:
    now = 1000.0
    made = Challenges(b"x" * 32, clock=lambda: now)
    challenge = made.new("sign in", "browser")
    assert made.is_good(challenge, "sign in", "browser")
    assert not made.is_good(challenge, "sign in", "another")
    assert not made.is_good(challenge, "add", "browser")
    assert not Challenges(b"y" * 32, clock=lambda: now).is_good(challenge, "sign in", "browser")
    assert not made.is_good(b"", "sign in", "browser")
    for at in range(len(challenge)):
        assert not made.is_good(challenge[:at] + bytes([challenge[at] ^ 1]) + challenge[at + 1 :], "sign in", "browser")
    now += challenges.SECONDS
    assert not made.is_good(challenge, "sign in", "browser")


@pytest.mark.parametrize(
    "lie",
    [
        {"origin": "http://evil.test"},
        {"origin": "https://acme.test"},
        {"flags": PRESENT},
        {"flags": VERIFIED},
        {"flags": 0},
    ],
)
async def test_a_lying_authenticator_is_refused(
    world: World, client: httpx.AsyncClient, phone: Phone, lie: dict[str, object]
) -> None:
    for name, value in lie.items():
        setattr(phone, name, value)
    refused = await enter(client, phone)
    assert refused.status_code == 422
    assert "crm_session" not in client.cookies
    await sign_in(client)
    assert (await add(client, Phone(**lie))).status_code == 422  # type: ignore[arg-type]
    assert await world.admin.fetchval("SELECT count(*) FROM passkeys") == 1


async def test_a_copied_authenticator_is_noticed(client: httpx.AsyncClient, phone: Phone) -> None:
    phone.count = 9
    assert (await enter(client, phone)).status_code == 303
    client.cookies.clear()
    phone.count = 5
    assert (await enter(client, phone)).status_code == 422


async def test_another_key_or_another_s_name_is_refused(world: World, client: httpx.AsyncClient, phone: Phone) -> None:
    forged = Phone(id=phone.id, user_handle=phone.user_handle)
    assert (await enter(client, forged)).status_code == 422
    phone.user_handle = secrets.token_bytes(16)
    assert (await enter(client, phone)).status_code == 422
    unknown = Phone(user_handle=b"")
    assert (await enter(client, unknown)).status_code == 422


JUNK = [
    "",
    "null",
    "[]",
    "{",
    "1" * 5000,
    "[" * 5000,
    '{"id": 1}',
    json.dumps({"id": "AA", "rawId": "AA", "type": "public-key", "response": {}}),
    json.dumps({"id": "AA", "rawId": "AA", "type": "password", "response": {"clientDataJSON": "AA"}}),
    json.dumps({"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "!!", "authenticatorData": "é", "signature": "A"}}),
    json.dumps({"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "e30", "attestationObject": "oWE"}}),
    json.dumps({"id": "\u0000", "rawId": "\ud800", "type": "public-key", "response": {"clientDataJSON": "W10", "attestationObject": "9999"}}),
]  # fmt: skip


@pytest.mark.parametrize("junk", JUNK)
async def test_junk_is_refused(world: World, client: httpx.AsyncClient, junk: str) -> None:
    page = await client.get("/sign-in")
    assert (await client.post(ENTER, data={"form_token": form_token(page), "credential": junk})).status_code == 422
    await sign_in(client)
    page = await client.get(PAGE)
    data = {"form_token": form_token(page), "credential": junk, "name": "Phone"}
    assert (await client.post(PAGE, data=data)).status_code == 422
    assert (await client.post("/account/confirm/passkey", data=data)).status_code == 422
    assert await world.admin.fetchval("SELECT count(*) FROM passkeys") == 0


async def test_half_right_answers_are_refused(world: World, client: httpx.AsyncClient, phone: Phone) -> None:
    for part in ("clientDataJSON", "authenticatorData", "signature", "userHandle"):
        for value in ("AAAA", "", "oQ", "gg" * 40):
            if part == "userHandle" and value == "":
                continue
            assert (await enter(client, phone, **{part: value})).status_code == 422, (part, value)
    await sign_in(client)
    for part in ("clientDataJSON", "attestationObject"):
        for value in ("AAAA", "", "oQ", "gg" * 40):
            assert (await add(client, Phone(), **{part: value})).status_code == 422, (part, value)
    assert await world.admin.fetchval("SELECT count(*) FROM passkeys") == 1


async def test_nothing_is_done_to_passkeys_of_others(
    world: World, app: Starlette, client: httpx.AsyncClient, phone: Phone
) -> None:
    organization = await world.admin.fetchval("SELECT id FROM organizations")
    await world.user(organization, name="Bob", email="bob@acme.test", password=PASSWORD)
    id_ = str(await world.admin.fetchval("SELECT id FROM passkeys"))
    async with browser(app) as bob:
        await sign_in(bob, "bob@acme.test")
        await post(bob, PAGE, f"{PAGE}/rename", id=id_, name="Mine now")
        await post(bob, PAGE, f"{PAGE}/remove", id=id_)
        for odd in ("", "x", str(organization)):
            assert (await post(bob, PAGE, f"{PAGE}/remove", id=odd)).status_code == 303
        again = await add(bob, phone)
        assert again.status_code == 422, "one passkey, one owner"
        # Bob's session is confirmed by no passkey of Ada's
        page = await bob.get("/account/confirm")
        assert "data-options" not in page.text
        asked = {"rpId": "acme.test", "challenge": options(await bob.get(PAGE))["challenge"]}
        fields = {"form_token": form_token(page), "credential": phone.get(asked)}
        assert (await bob.post("/account/confirm/passkey", data=fields)).status_code == 422
    assert [r["name"] for r in await world.admin.fetch("SELECT name FROM passkeys")] == ["Phone"]
