"""RP-initiated logout: at once with proof of the very session, else after asking, and never to a foreign address."""

import re
from typing import Any

from tests.auth.conftest import form_token, sign_in
from tests.auth.oauth.conftest import App, Site

BYE = "https://portal.test/bye"


async def left(site: Site, **given: str) -> Any:
    return await site.browser.get("/oauth/logout", params=given)


async def signed_in(site: Site) -> bool:
    return (await site.browser.get("/account")).status_code == 200


async def back_in(site: Site) -> None:
    """Whoever is signed in signs out, and Ada signs in."""
    account = await site.browser.get("/account")
    if account.status_code == 200:
        await site.browser.post("/sign-out", data={"form_token": form_token(account)})
    await sign_in(site.browser)
    assert await signed_in(site)


async def hint(site: Site, app: App) -> str:
    return str((await site.tokens(app))["id_token"])


async def test_an_app_signs_its_person_out_and_gets_them_back(site: Site) -> None:
    app = await site.register()
    tokens = await site.tokens(app, scope="openid customers:read")
    answer = await left(site, id_token_hint=tokens["id_token"], post_logout_redirect_uri=BYE, state="a b")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{BYE}?state=a+b")
    assert not await signed_in(site)
    assert await site.ends(tokens["access_token"])


async def test_without_proof_the_person_is_asked(site: Site) -> None:
    app = await site.register()
    for given in ({}, {"client_id": app.client_id, "post_logout_redirect_uri": BYE}, {"id_token_hint": "nonsense"}):
        shown = await left(site, **given)
        assert "Sign out?" in shown.text
        assert await signed_in(site)
    found = re.search(r'name="request" value="([^"]*)"', shown.text)
    assert found
    forged = await site.browser.post("/oauth/logout", data={"form_token": "0" * 64, "request": found[1]})
    assert forged.status_code == 403
    assert await signed_in(site)
    form = {"form_token": form_token(shown), "request": found[1].replace("&amp;", "&")}
    assert "You are signed out" in (await site.browser.post("/oauth/logout", data=form)).text
    assert not await signed_in(site)


async def test_proof_of_another_session_does_not_end_this_one(site: Site) -> None:
    app = await site.register()
    old = await hint(site, app)
    await back_in(site)
    shown = await left(site, id_token_hint=old, post_logout_redirect_uri=BYE)
    assert "Sign out?" in shown.text
    assert "form-action 'self' https://portal.test;" in shown.headers["content-security-policy"]
    assert await signed_in(site)


async def test_nobody_is_sent_where_the_app_has_not_registered(site: Site) -> None:
    app, other = await site.register(), await site.register("Other", post_logout_redirect_uris=("https://other.test/",))
    for change in (
        {"post_logout_redirect_uri": "https://evil.test/"},
        {"post_logout_redirect_uri": BYE + "/"},
        {"post_logout_redirect_uri": "https://other.test/"},
        {"post_logout_redirect_uri": BYE, "client_id": other.client_id},
    ):
        await back_in(site)
        answer = await left(site, id_token_hint=await hint(site, app), **change)
        assert (answer.status_code, "location" in answer.headers) == (200, False)
        assert "You are signed out" in answer.text


async def test_an_access_token_is_no_proof(site: Site) -> None:
    tokens = await site.tokens(await site.register())
    assert "Sign out?" in (await left(site, id_token_hint=tokens["access_token"])).text
