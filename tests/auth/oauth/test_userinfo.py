"""Userinfo: what an app may know of the person."""

from typing import Any

import pytest

from tests.auth.oauth.conftest import Site


async def asked(site: Site, token: str | None, method: str = "GET") -> Any:
    async with site.client() as client:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        return await client.request(method, "/oauth/userinfo", headers=headers)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_it_says_what_was_agreed_to(site: Site, method: str) -> None:
    app, subject = await site.register(), f"usr_{site.ada.hex}"
    for scope, expected in {
        "openid": {"sub": subject},
        "openid profile": {"sub": subject, "name": "Ada"},
        "openid email": {"sub": subject, "email": "ada@acme.test"},
    }.items():
        answer = await asked(site, (await site.tokens(app, scope=scope))["access_token"], method)
        assert (answer.status_code, answer.json()) == (200, expected)
        assert answer.headers["cache-control"] == "no-store"


async def test_without_openid_it_says_which_scope_is_missing(site: Site) -> None:
    token = (await site.tokens(await site.register(), scope="customers:read"))["access_token"]
    answer = await asked(site, token)
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


async def test_nobody_learns_nothing(site: Site) -> None:
    nothing = await asked(site, None)
    assert nothing.status_code == 401
    metadata = "https://acme.test/.well-known/oauth-protected-resource"
    assert nothing.headers["www-authenticate"] == f'Bearer realm="crm-graph", resource_metadata="{metadata}"'
    key = await site.world.key(site.organization, site.ada)
    for token in (key, "nonsense", "eyJ.eyJ.eyJ", (await site.tokens(await site.register()))["id_token"]):
        answer = await asked(site, token)
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
        assert "Ada" not in answer.text
    assert (await site.browser.get("/oauth/userinfo")).status_code == 401, "a session is no access token"
