"""Pages of apps may ask `/graphql` with their token; pages of others, and cookies, may not."""

import asyncio

from tests.auth.oauth.conftest import CALLBACK, ISSUER, Site

PORTAL, LOCAL = "https://portal.test", "http://127.0.0.1:9999"
ASKED = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}
QUERY = {"query": "{ viewer { kind } }"}


async def flies(site: Site, origin: str, base: str = ISSUER) -> bool:
    """Whether a browser would send the request that this preflight asks for."""
    async with site.client(base) as client:
        answer = await client.options("/graphql", headers={**ASKED, "origin": origin})
    assert "access-control-allow-credentials" not in answer.headers
    if answer.headers.get("access-control-allow-origin") is None:
        assert answer.status_code == 405
        assert not any(name.startswith("access-control") for name in answer.headers)
        return False
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == origin
    allowed = {*answer.headers["access-control-allow-headers"].split(", ")}
    assert {"authorization", "content-type", "x-acting-for", "x-view-as"} <= allowed
    assert "x-requested-with" not in answer.headers["access-control-allow-headers"]
    assert answer.headers["access-control-allow-methods"] == "GET, POST"
    assert "origin" in answer.headers["vary"]
    return True


async def test_origins_of_apps_that_work_may_and_others_may_not(site: Site) -> None:
    assert not await flies(site, PORTAL), "nobody has registered it yet"
    portal = await site.register(redirect_uris=(CALLBACK, "https://Other.test:443/cb?x=1", "org.example.app:/cb"))
    await site.register("Waiting", redirect_uris=("https://waiting.test/cb",), status="PENDING")
    await site.public()
    site.app.endpoint._authenticator._forget("")  # an app that is made is heard of within five seconds
    for origin in (PORTAL, "https://other.test", LOCAL):
        assert await flies(site, origin), origin
    for origin in (
        "https://waiting.test",
        "http://portal.test",
        "https://portal.test:8443",
        "https://portal.test.evil.test",
        "https://evil.test",
        "https://PORTAL.test",
        "http://127.0.0.1:9998",
        "org.example.app:",
        "null",
        "",
        "*",
        "https://portal.test/",
        "https://portal.test,https://evil.test",
    ):
        assert not await flies(site, origin), origin
    await site.world.organization("other-org.test")
    assert not await flies(site, PORTAL, "https://other-org.test"), "another organisation's app"
    assert not await flies(site, PORTAL, "https://unknown.test")
    await site.world.admin.execute(
        "UPDATE oauth_clients SET status = 'SUSPENDED' WHERE id = $1::uuid", portal.client_id.removeprefix("cli_")
    )
    for _ in range(200):
        if not await flies(site, PORTAL):
            break
        await asyncio.sleep(0.01)
    assert not await flies(site, PORTAL), "suspended"


async def test_a_page_reads_answers_and_refusals_to_its_own_token(site: Site) -> None:
    portal = await site.register()
    site.app.endpoint._authenticator._forget("")
    token = (await site.tokens(portal))["access_token"]
    async with site.client() as page:
        for given, status in (({"authorization": f"Bearer {token}"}, 200), ({"authorization": "Bearer gone"}, 401)):
            answer = await page.post("/graphql", json=QUERY, headers={"origin": PORTAL, **given})
            assert answer.status_code == status
            assert answer.headers["access-control-allow-origin"] == PORTAL
            assert answer.headers["vary"] == "accept, origin"
            assert "www-authenticate" in answer.headers["access-control-expose-headers"]
            assert "access-control-allow-credentials" not in answer.headers
        for origin in ("https://evil.test", "null"):
            answer = await page.post(
                "/graphql", json=QUERY, headers={"origin": origin, "authorization": f"Bearer {token}"}
            )
            assert answer.status_code == 200, "a program may send what it likes: no browser lets a page read it"
            assert not any(name.startswith("access-control") for name in answer.headers)
        asked = await page.post("/graphql", json=QUERY, headers={"authorization": f"Bearer {token}"})
        assert asked.headers["vary"] == "accept"


async def test_a_cookie_counts_for_no_other_origin(site: Site) -> None:
    await site.register()
    site.app.endpoint._authenticator._forget("")
    assert (await site.browser.post("/graphql", json=QUERY, headers={"origin": ISSUER})).status_code == 200
    for given in ({"origin": PORTAL}, {"origin": PORTAL, "sec-fetch-site": "cross-site"}, {"origin": PORTAL, "x-requested-with": "x"}):  # fmt: skip
        answer = await site.browser.post("/graphql", json=QUERY, headers=given)
        assert answer.status_code == 401
        assert "data" not in answer.json()
