"""Revocation: an app gives its tokens back."""

from typing import Any

import pytest

from tests.auth.oauth.conftest import ISSUER, App, Site


async def revoked(site: Site, app: App, token: str, **form: str) -> Any:
    async with site.client() as client:
        given = {"token": token, **form, **({} if app.secret else {"client_id": app.client_id})}
        return await client.post("/oauth/revoke", data=given, **({"auth": app.auth} if app.secret else {}))


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
async def test_either_token_ends_both(site: Site, which: str) -> None:
    for app in (await site.register(), await site.public()):
        tokens = await site.tokens(app)
        answer = await revoked(site, app, tokens[which])
        assert (answer.status_code, answer.json()) == (200, {})
        assert await site.ends(tokens["access_token"])
        assert (await site.refreshed(app, tokens["refresh_token"])).json()["error"] == "invalid_grant"
        assert (await revoked(site, app, tokens[which])).status_code == 200


async def test_authlibs_client_revokes(site: Site) -> None:
    app = await site.register()
    tokens = await site.tokens(app)
    async with site.authlib(app) as client:
        await client.revoke_token(f"{ISSUER}/oauth/revoke", tokens["refresh_token"])
    assert await site.ends(tokens["access_token"])


async def test_what_is_no_token_is_as_one_that_was_revoked(site: Site) -> None:
    app = await site.register()
    for text in ("nonsense", "eyJ.eyJ.eyJ", "crm_key_" + "x" * 52):
        assert (await revoked(site, app, text)).status_code == 200
    assert (await revoked(site, app, "x", token_type_hint="id_token")).json()["error"] == "unsupported_token_type"


async def test_another_apps_token_lives_on(site: Site) -> None:
    app, other = await site.register(), await site.public()
    tokens = await site.tokens(app)
    for asking in (other, App(other.client_id, "guessed", ""), App(app.client_id, "wrong", "")):
        for which in ("access_token", "refresh_token"):
            assert (await revoked(site, asking, tokens[which])).status_code in (400, 401)
    assert await site.works(tokens["access_token"])
    assert (await site.refreshed(app, tokens["refresh_token"])).status_code == 200


async def test_one_family_ends_and_the_persons_others_do_not(site: Site) -> None:
    app = await site.register()
    one, two = await site.tokens(app), await site.tokens(app)
    await revoked(site, app, one["refresh_token"])
    assert await site.ends(one["access_token"])
    assert await site.works(two["access_token"])
