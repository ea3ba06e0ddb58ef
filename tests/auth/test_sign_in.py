"""Signing in and out over HTTP, as a browser does."""

import asyncio
import re
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import httpx
import pytest
from argon2 import PasswordHasher
from starlette.applications import Starlette

from crm_graph.auth.authentication import Authenticator
from crm_graph.auth.passwords import Passwords
from crm_graph.auth.sign_in import SignIn
from crm_graph.auth.sign_in_throttle import Throttle, Throttles
from crm_graph.errors import Unauthenticated
from crm_graph.settings import Settings
from tests.auth.conftest import PASSWORD, World, browser, request

ADA = "ada@acme.test"
TOKEN = re.compile(r'name="form_token" value="([0-9a-f]{64})"')


@pytest.fixture
async def app(world: World, authenticator: Authenticator) -> Starlette:
    organization = await world.organization("acme.test")
    await world.user(organization, email=ADA, password=PASSWORD, roles=["sales_manager"])
    return world.sign_in(authenticator)


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(app) as made:
        yield made


def form_token(response: httpx.Response) -> str:
    found = TOKEN.search(response.text)
    assert found, response.text
    return found[1]


async def sign_in(
    client: httpx.AsyncClient, email: str = ADA, password: str = PASSWORD, **fields: str
) -> httpx.Response:
    token = form_token(await client.get("/sign-in"))
    return await client.post("/sign-in", data={"form_token": token, "email": email, "password": password, **fields})


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
            body = re.sub(r'name="email"[^>]* value="[^"]*"', "", response.text)
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
    sign_in_app = SignIn(authenticator, world.lanes, world.database, strong, Settings(secret="x" * 40))
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


async def test_a_form_that_is_not_ours_does_nothing(world: World, app: Starlette, client: httpx.AsyncClient) -> None:
    async with browser(app) as attacker:
        foreign = form_token(await attacker.get("/sign-in"))
    token = form_token(await client.get("/sign-in"))
    good = {"email": ADA, "password": PASSWORD}
    for fields, headers in [
        (good, {}),
        ({**good, "form_token": ""}, {}),
        ({**good, "form_token": "é" * 64}, {}),
        ({**good, "form_token": foreign}, {}),
        ({**good, "form_token": token[::-1]}, {}),
        ({**good, "form_token": token}, {"sec-fetch-site": "cross-site"}),
        ({**good, "form_token": token}, {"sec-fetch-site": "same-site"}),
    ]:
        response = await client.post("/sign-in", data=fields, headers=headers)
        assert response.status_code == 403
        assert "FORM_FORGED" in response.text
    client.cookies.clear()
    assert (await client.post("/sign-in", data={**good, "form_token": token})).status_code == 403
    assert await world.admin.fetchval("SELECT count(*) FROM sessions") == 0


async def test_signing_out_needs_the_form(client: httpx.AsyncClient) -> None:
    await sign_in(client)
    assert (await client.get("/sign-out")).status_code == 405
    for token in ("", "0" * 64):
        assert (await client.post("/sign-out", data={"form_token": token})).status_code == 403
    assert (await client.get("/account")).status_code == 200


async def test_too_many_attempts_wait_but_only_there(
    world: World, authenticator: Authenticator, app: Starlette
) -> None:
    slow = world.sign_in(authenticator, Throttles(Throttle(3, 60), Throttle(30, 2)))
    for email in (ADA, "nobody@acme.test"):
        async with browser(slow, address="198.51.100.1") as attacker:
            statuses = [(await sign_in(attacker, email, "wrong")).status_code for _ in range(5)]
            assert statuses == [422, 422, 422, 429, 429]
            held = await sign_in(attacker, email.upper(), PASSWORD)
            assert held.status_code == 429
            assert 0 < int(held.headers["retry-after"]) <= 60
    async with browser(slow, address="203.0.113.7") as owner:
        assert (await sign_in(owner)).status_code == 303


async def test_attempts_at_the_same_moment_see_each_other(world: World, authenticator: Authenticator) -> None:
    slow = world.sign_in(authenticator, Throttles(Throttle(3, 60), Throttle(30, 2)))
    await world.organization("acme.test")
    async with browser(slow) as attacker:
        token = form_token(await attacker.get("/sign-in"))
        data = {"form_token": token, "email": ADA, "password": "wrong"}
        answers = await asyncio.gather(*(attacker.post("/sign-in", data=data) for _ in range(12)))
    assert sorted(a.status_code for a in answers) == [422] * 3 + [429] * 9


async def test_pages_keep_scripts_frames_and_caches_out(client: httpx.AsyncClient) -> None:
    await sign_in(client)
    for path in ("/account", "/sign-in?next=/account"):
        headers = (await client.get(path)).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
    assert "<script" not in (await client.get("/account")).text
    linked = re.search(r'href="(/sign-in\.css\?v=[0-9a-f]{12})"', (await client.get("/account")).text)
    assert linked
    css = await client.get(linked[1])
    assert (css.status_code, css.headers["content-type"]) == (200, "text/css; charset=utf-8")


async def test_names_are_text_not_markup(world: World, client: httpx.AsyncClient) -> None:
    await world.admin.execute("UPDATE organizations SET name = '<b>Acme</b>'")
    await world.admin.execute("UPDATE users SET name = '<script>1</script>'")
    page = await sign_in(client, '"><script>2</script>', "wrong")
    assert "<script>" not in page.text
    assert "&lt;b&gt;Acme" in page.text
    await sign_in(client)
    assert "<script>" not in (await client.get("/account")).text


async def test_an_unknown_host_has_no_sign_in(app: Starlette) -> None:
    async with browser(app, "http://unknown.test") as client:
        response = await client.get("/sign-in")
        assert response.status_code == 404
        assert "UNKNOWN_HOST" in response.text


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"", "application/x-www-form-urlencoded", 403),
        (b"form_token=%ff", "application/x-www-form-urlencoded", 400),
        (b"\xff\xfe", "application/x-www-form-urlencoded", 400),
        (b"email=%00", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"a=b" for _ in range(100)), "application/x-www-form-urlencoded", 400),
        (b"a=" + b"x" * 30_000, "application/x-www-form-urlencoded", 413),
        (b"{}", "application/json", 400),
        (b"x", "multipart/form-data; boundary=x", 400),
        (b"x", "", 400),
        (b"a=%ED%A0%80", "application/x-www-form-urlencoded", 400),
    ],
)
async def test_what_is_no_form_is_refused(
    client: httpx.AsyncClient, content: bytes, content_type: str, status: int
) -> None:
    for path in ("/sign-in", "/sign-out", "/account/keys", "/account/keys/revoke", "/account/sessions/revoke"):
        response = await client.post(path, content=content, headers={"content-type": content_type})
        expected = status if path == "/sign-in" or status != 403 else 303
        assert response.status_code == expected, path


async def test_odd_headers_are_kept_as_text(world: World, client: httpx.AsyncClient) -> None:
    token = form_token(await client.get("/sign-in"))
    headers = {"user-agent": "x\x00\x1b<b>" + "y" * 5000, "content-type": "application/x-www-form-urlencoded"}
    body = urlencode({"form_token": token, "email": ADA, "password": PASSWORD})
    assert (await client.post("/sign-in", content=body, headers=headers)).status_code == 303
    assert (await client.get("/account")).status_code == 200
    kept = await world.admin.fetchval("SELECT user_agent FROM sessions")
    assert kept.startswith("x<b>yyy")
    assert len(kept) == 300


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
