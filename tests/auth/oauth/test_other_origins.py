"""What scripts of other origins may ask, and where those who have no token are told to get one."""

import pytest

from tests.auth.oauth.conftest import ISSUER, Site

ORIGIN = {"origin": "https://app.example"}
METADATA = f'Bearer resource_metadata="{ISSUER}/.well-known/oauth-protected-resource"'


@pytest.mark.parametrize(
    ("path", "method"), [("/oauth/token", "POST"), ("/oauth/revoke", "POST"), ("/oauth/userinfo", "GET")]
)
async def test_apps_in_browsers_may_ask_without_credentials(site: Site, path: str, method: str) -> None:
    asked = {"access-control-request-method": method, "access-control-request-headers": "authorization,content-type"}
    async with site.client() as client:
        flight = await client.options(path, headers={**ORIGIN, **asked})
        assert (flight.status_code, flight.headers["access-control-allow-origin"]) == (200, "*")
        assert method in flight.headers["access-control-allow-methods"]
        assert "authorization" in flight.headers["access-control-allow-headers"].lower()
        answer = await client.request(method, path, headers=ORIGIN)
    assert answer.status_code in (400, 401)
    assert answer.headers["access-control-allow-origin"] == "*", "errors can be read too"
    for one in (flight, answer):
        assert "access-control-allow-credentials" not in one.headers


@pytest.mark.parametrize(
    "path", ["/oauth/authorize", "/oauth/consent", "/oauth/introspect", "/device", "/account", "/sign-in"]
)
async def test_no_other_page_reads_what_is_for_people_or_servers(site: Site, path: str) -> None:
    for method in ("OPTIONS", "GET", "POST"):
        answer = await site.browser.request(method, path, headers={**ORIGIN, "access-control-request-method": "POST"})
        assert not any(name.startswith("access-control") for name in answer.headers)


async def test_a_browsers_session_is_worth_nothing_at_the_open_endpoints(site: Site) -> None:
    answer = await site.browser.get("/oauth/userinfo", headers=ORIGIN)
    assert answer.status_code == 401
    assert "Ada" not in answer.text


async def test_who_has_no_good_token_is_told_where_to_get_one(site: Site) -> None:
    wrong = {"authorization": "Bearer nonsense"}
    async with site.client() as client:
        for answer in (
            await client.post("/graphql", json={"query": "{ __typename }"}, headers=wrong),
            await client.get("/schema.graphql", headers=wrong),
        ):
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, METADATA)
        assert "www-authenticate" not in (await client.post("/graphql", json={"query": "{ __typename }"})).headers
        found = (await client.get(f"{ISSUER}/.well-known/oauth-protected-resource")).json()
    assert found["resource"] == ISSUER


@pytest.mark.parametrize("host", ['acme.test"', "acme.test\\", "a,b", "acme.test/x"])
async def test_a_host_that_is_none_is_not_repeated(site: Site, host: str) -> None:
    async with site.client() as client:
        given = {"authorization": "Bearer nonsense", "host": host}
        answer = await client.post("/graphql", json={"query": "{ __typename }"}, headers=given)
    assert answer.headers.get("www-authenticate", "Bearer") == "Bearer"
