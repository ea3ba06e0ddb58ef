"""Passkeys over HTTP, with an authenticator in software that can be made to lie."""

import asyncio
import html
import json
import re
import secrets

import httpx
import pytest
from starlette.applications import Starlette

from crm_graph.auth.proofs import challenges
from crm_graph.auth.proofs.challenges import Challenges
from tests.auth.authenticator import PRESENT, VERIFIED, Phone, options
from tests.auth.conftest import ADA, PASSWORD, World, age_sessions, browser, form_token, mails, post, sign_in
from tests.auth.test_second_step import STEP, switch_on

PAGE, ENTER = "/account/passkeys", "/sign-in/passkey"


async def add(client: httpx.AsyncClient, phone: Phone, name: str = "Phone", **changed: str) -> httpx.Response:
    page = await client.get(PAGE)
    answer = phone.create(options(page), **changed)
    return await client.post(PAGE, data={"form_token": form_token(page), "credential": answer, "name": name})


async def enter(client: httpx.AsyncClient, phone: Phone, following: str = "/account", **changed: str) -> httpx.Response:
    page = await client.get("/sign-in")
    answer = phone.get(options(page), **changed)
    return await client.post(ENTER, data={"form_token": form_token(page), "credential": answer, "next": following})


@pytest.fixture
async def phone(client: httpx.AsyncClient, world: World) -> Phone:
    """Ada's passkey; she is signed out."""
    await sign_in(client)
    made = Phone()
    assert (await add(client, made)).headers["location"] == PAGE
    client.cookies.clear()
    return made


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
