"""What the sign-in pages refuse, and what they keep out."""

import asyncio
import re
from urllib.parse import urlencode

import httpx
import pytest
from starlette.applications import Starlette

from crm_graph.auth.authentication import Authenticator
from tests.auth.conftest import ADA, PASSWORD, World, browser, form_token, sign_in


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
    slow = world.sign_in(authenticator, world.throttles((3, 60), (30, 2)))
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
    slow = world.sign_in(authenticator, world.throttles((3, 60), (30, 2)))
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
