"""Introspection: an app's own tokens, and nothing about any other."""

from typing import Any

from tests.auth.oauth.conftest import ISSUER, App, Site


async def introspected(site: Site, app: App, token: str, **form: str) -> Any:
    async with site.client() as client:
        return await client.post("/oauth/introspect", data={"token": token, **form}, auth=app.auth)


async def test_an_app_sees_what_its_tokens_are_until_they_end(site: Site) -> None:
    app = await site.register()
    tokens = await site.tokens(app)
    access = (await introspected(site, app, tokens["access_token"])).json()
    assert access["active"] is True
    assert (access["client_id"], access["iss"], access["aud"]) == (app.client_id, ISSUER, ISSUER)
    assert access["scope"] == tokens["scope"]
    assert access["sub"] == f"usr_{site.ada.hex}"
    assert access["exp"] - access["iat"] == 600
    refresh = (await introspected(site, app, tokens["refresh_token"], token_type_hint="refresh_token")).json()
    assert (refresh["active"], refresh["sub"]) == (True, access["sub"])
    assert "token_type" not in refresh
    await site.refreshed(app, tokens["refresh_token"])
    assert (await introspected(site, app, tokens["refresh_token"])).json() == {"active": False}
    await site.world.admin.execute("UPDATE oauth_families SET revoked_at = now()")
    assert (await introspected(site, app, tokens["access_token"])).json() == {"active": False}


async def test_of_other_tokens_nothing_is_said(site: Site) -> None:
    app, other = await site.register(), await site.register("Other")
    tokens = await site.tokens(app)
    for token in (tokens["access_token"], tokens["refresh_token"], tokens["id_token"], "nonsense", "eyJ.eyJ.eyJ"):
        answer = await introspected(site, other, token)
        assert (answer.status_code, answer.json()) == (200, {"active": False})


async def test_it_needs_proof_and_a_token(site: Site) -> None:
    app, public = await site.register(), await site.public()
    token = (await site.tokens(app))["access_token"]
    for asking in (App(app.client_id, "wrong", ""), App("cli_" + "0" * 32, "x", "")):
        assert (await introspected(site, asking, token)).status_code == 401
    async with site.client() as client:
        answer = await client.post("/oauth/introspect", data={"token": token, "client_id": public.client_id})
        assert answer.status_code == 401
        assert (await client.post("/oauth/introspect", auth=app.auth, data={"x": "y"})).status_code == 400
        assert (await client.get("/oauth/introspect")).status_code == 405


async def test_a_suspended_person_s_tokens_are_not_active(site: Site) -> None:
    app = await site.register()
    tokens = await site.tokens(app)
    await site.world.admin.execute("UPDATE users SET status = 'SUSPENDED'")
    for name in ("access_token", "refresh_token"):
        assert (await introspected(site, app, tokens[name])).json() == {"active": False}
