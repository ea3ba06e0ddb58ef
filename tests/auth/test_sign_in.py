"""Signing in and out over HTTP, as a browser does."""

import asyncio
import re

import httpx
import pytest
from argon2 import PasswordHasher
from starlette.applications import Starlette

from crm_graph.auth.authentication import Authenticator
from crm_graph.auth.passwords import Passwords
from crm_graph.auth.sign_in.sign_in import SignIn
from crm_graph.errors import Unauthenticated
from crm_graph.settings import Settings
from tests.auth.conftest import ADA, PASSWORD, World, browser, form_token, request, sign_in

TOKEN = re.compile(r'name="form_token" value="([0-9a-f]{64})"')


async def test_signing_in_begins_a_session_and_signing_out_ends_it(
    client: httpx.AsyncClient, authenticator: Authenticator
) -> None:
    assert (await client.get("/account")).headers["location"] == "/sign-in?next=/account"
    response = await sign_in(client)
    assert (response.status_code, response.headers["location"]) == (303, "/account")
    set_cookie = next(c for c in response.headers.get_list("set-cookie") if c.startswith("crm_session="))
    assert "; Path=/; HttpOnly; SameSite=Lax; Max-Age=43200" in set_cookie
    cookie = client.cookies["crm_session"]
    account = await client.get("/account")
    assert account.status_code == 200
    assert "Ada" in account.text
    assert "sales manager" in account.text
    assert "this browser" in account.text
    assert cookie not in account.text
    assert (await client.get("/sign-in?next=/x")).headers["location"] == "/x"
    out = await client.post("/sign-out", data={"form_token": form_token(account)})
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
    assert "crm_session" not in client.cookies
    with pytest.raises(Unauthenticated):
        await authenticator.actor(request(("Authorization", f"Bearer {cookie}")))


async def test_capitals_in_the_address_do_not_matter(client: httpx.AsyncClient) -> None:
    assert (await sign_in(client, "  Ada@ACME.test ")).status_code == 303


async def test_the_cookie_counts_for_requests_of_our_own_pages_only(
    client: httpx.AsyncClient, authenticator: Authenticator
) -> None:
    await sign_in(client)
    cookie = ("Cookie", f"crm_session={client.cookies['crm_session']}")
    host = ("Host", "acme.test")
    for proof in (("Sec-Fetch-Site", "same-origin"), ("Origin", "http://acme.test"), ("X-Requested-With", "explorer")):
        assert (await authenticator.actor(request(host, cookie, proof))).roles == ("sales_manager",)
    for forged in ([], [("Sec-Fetch-Site", "cross-site")], [("Origin", "http://evil.test")], [("Origin", "null")]):
        with pytest.raises(Unauthenticated):
            await authenticator.actor(request(host, cookie, *forged))
    proof = ("Sec-Fetch-Site", "same-origin")
    with pytest.raises(Unauthenticated):
        await authenticator.actor(request(host, proof, ("Cookie", f"{cookie[1]}; crm_session=another")))
    with pytest.raises(Unauthenticated):
        await authenticator.actor(request(host, proof, ("Cookie", "crm_session=crm_ses_" + "x" * 43)))
    # Over https a cookie without the prefix could have come from a sibling host: it is not looked at.
    assert (await authenticator.actor(request(host, cookie, proof, scheme="https"))).roles == ("storefront",)


async def test_a_cookie_works_at_hosts_of_its_organisation_only(
    world: World, client: httpx.AsyncClient, authenticator: Authenticator
) -> None:
    await world.organization("other.test")
    await sign_in(client)
    cookie = ("Cookie", f"crm_session={client.cookies['crm_session']}")
    with pytest.raises(Unauthenticated):
        await authenticator.actor(request(("Host", "other.test"), cookie, ("Sec-Fetch-Site", "same-origin")))


async def test_an_api_key_is_no_cookie(world: World, client: httpx.AsyncClient, authenticator: Authenticator) -> None:
    row = await world.admin.fetchrow("SELECT organization_id, id FROM users")
    assert row is not None
    key = await world.key(*row)
    headers = request(("Host", "acme.test"), ("Sec-Fetch-Site", "same-origin"), ("Cookie", f"crm_session={key}"))
    with pytest.raises(Unauthenticated):
        await authenticator.actor(headers)


async def test_over_https_the_cookie_is_secure_and_bound_to_the_host(app: Starlette) -> None:
    async with browser(app, "https://acme.test") as client:
        response = await sign_in(client)
        set_cookies = response.headers.get_list("set-cookie")
        assert all(c.startswith("__Host-") and "; Secure" in c for c in set_cookies)
        assert (await client.get("/account")).status_code == 200


async def test_wrong_is_wrong_whatever_is_wrong(world: World, app: Starlette) -> None:
    """Nobody learns from status, body or headers who has an account here."""
    organization, other = await world.admin.fetchval("SELECT id FROM organizations"), await world.organization("b.test")
    await world.user(organization, name="Sus", email="sus@acme.test", password=PASSWORD, status="SUSPENDED")
    await world.user(organization, name="New", email="new@acme.test")
    await world.user(other, name="Else", email="else@acme.test", password=PASSWORD)
    tries = [
        (ADA, "wrong one"), ("nobody@acme.test", PASSWORD), ("sus@acme.test", PASSWORD), ("sus@acme.test", "wrong"),
        ("new@acme.test", PASSWORD), ("else@acme.test", PASSWORD), ("", ""), (ADA, ""), (ADA, PASSWORD + " "),
        (ADA, PASSWORD.upper()), (f"{ADA}\u200b\u202e" + "x" * 5000, PASSWORD), ("'; --", PASSWORD), (ADA, "x" * 5000),
    ]  # fmt: skip
    seen = set()
    for n, (email, password) in enumerate(tries):
        async with browser(app, address=f"203.0.113.{n}") as client:
            response = await sign_in(client, email, password)
            assert "set-cookie" not in response.headers
            body = re.sub(r'name="email"[^>]* value="[^"]*"|data-options="[^"]*"', "", response.text)
            headers = sorted((k, v) for k, v in response.headers.items() if k != "content-length")
            seen.add((response.status_code, TOKEN.sub("", body), str(headers)))
    assert len(seen) == 1
    assert next(iter(seen))[0] == 422
    assert await world.admin.fetchval("SELECT count(*) FROM sessions") == 0


async def test_the_unknown_are_verified_like_the_known(
    world: World, app: Starlette, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    original = Passwords._matches
    monkeypatch.setattr(
        Passwords, "_matches", lambda self, encoded, text: counted.append(encoded) or original(self, encoded, text)
    )
    for email in (ADA, "nobody@acme.test", "", "x" * 400):
        await sign_in(client, email, "wrong")
    assert len(counted) == 4
    assert len({encoded.rsplit("$", 2)[0] for encoded in counted}) == 1


async def test_signing_in_makes_a_new_session_and_ends_the_old(world: World, client: httpx.AsyncClient) -> None:
    planted = "crm_ses_" + "A" * 43
    client.cookies.set("crm_session", planted, domain="acme.test")
    await sign_in(client)
    first = client.cookies["crm_session"]
    assert first != planted
    page = await client.get("/sign-in")  # signed in: redirected
    assert page.status_code == 303
    token = form_token(await _form_of_another_tab(client))
    await client.post("/sign-in", data={"form_token": token, "email": ADA, "password": PASSWORD})
    assert client.cookies["crm_session"] not in (first, planted)
    rows = await world.admin.fetch("SELECT revoked_at IS NULL AS live FROM sessions ORDER BY created_at")
    assert [row["live"] for row in rows] == [False, True]


async def _form_of_another_tab(client: httpx.AsyncClient) -> httpx.Response:
    """The sign-in form as it was opened before signing in."""
    kept = client.cookies["crm_session"]
    client.cookies.delete("crm_session")
    response = await client.get("/sign-in")
    client.cookies.set("crm_session", kept, domain="acme.test")
    return response


async def test_a_stronger_hash_is_kept_after_signing_in(
    world: World, authenticator: Authenticator, client: httpx.AsyncClient
) -> None:
    strong = Passwords(PasswordHasher(time_cost=2, memory_cost=2048, parallelism=1))
    before = await world.admin.fetchrow("SELECT hash, changed_at FROM credentials")
    assert before is not None
    sign_in_app = SignIn(
        authenticator, world.lanes, world.database, strong, Settings(secret="x" * 40, sealing_keys="x" * 40)
    )
    async with browser(Starlette(routes=sign_in_app.routes())) as other:
        assert (await sign_in(other, password="not this one")).status_code == 422
        assert await world.admin.fetchval("SELECT hash FROM credentials") == before["hash"]
        assert (await sign_in(other)).status_code == 303
        after = await world.admin.fetchrow("SELECT hash, changed_at FROM credentials")
        assert after is not None
        assert "m=2048,t=2" in after["hash"]
        assert after["changed_at"] == before["changed_at"]
    assert (await sign_in(client)).status_code == 303
    strong.close()


@pytest.mark.parametrize(
    "path",
    [
        "//evil.test",
        "/\\evil.test",
        "https://evil.test",
        "/\t/evil.test",
        "javascript:alert(1)",
        "/\r\nSet-Cookie: a=b",
    ],
)
async def test_signing_in_leads_nowhere_else(client: httpx.AsyncClient, path: str) -> None:
    page = await client.get("/sign-in", params={"next": path})
    assert 'name="next" value="/account"' in page.text
    response = await sign_in(client, next=path)
    assert response.headers["location"] == "/account"
    assert (await client.get("/sign-in", params={"next": path})).headers["location"] == "/account"


async def test_signing_in_leads_back_to_where_one_was(client: httpx.AsyncClient) -> None:
    page = await client.get("/sign-in", params={"next": "/explorer?a=b"})
    assert 'name="next" value="/explorer?a=b"' in page.text
    assert (await sign_in(client, next="/explorer?a=b")).headers["location"] == "/explorer?a=b"


async def test_a_suspended_users_session_ends_and_its_cookie_goes(world: World, client: httpx.AsyncClient) -> None:
    await sign_in(client)
    await world.admin.execute("UPDATE users SET status = 'SUSPENDED'")
    for _ in range(200):
        response = await client.get("/account")
        if response.status_code == 303:
            break
        await asyncio.sleep(0.005)
    assert response.headers["location"] == "/sign-in?next=/account"
    assert "crm_session" not in client.cookies
