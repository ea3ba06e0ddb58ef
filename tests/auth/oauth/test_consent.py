"""The consent page: what it says, whom it asks again, and that nobody answers it for the person."""

import re
from typing import Any

import httpx

from tests.auth.conftest import form_token, sign_in
from tests.auth.oauth.conftest import ASKED, CALLBACK, LOCAL, Site, arrived, link, pkce

CHALLENGE = pkce()[1]


async def test_consent_says_in_plain_words_what_for_which_data_and_at_which_level(site: Site) -> None:
    app = await site.register()
    shown = await site.authorize(app.asking(code_challenge=CHALLENGE, scope=ASKED + " orders:write"))
    text = re.sub(r"<[^>]+>|\s+", " ", shown.text)
    text = re.sub(r"\s+", " ", text)
    for words in (
        "Portal asks for access",
        "in your name: Ada",
        "What it is for: to show your orders",
        "See your name",
        "See your e-mail address",
        "Stay connected after you have signed out",
        "See customers: what partners may see",
        "See users: internal details",
        "See, add and change orders: what partners may see",
        "You go on to portal.test",
    ):
        assert words in text, words
    assert "<script" not in shown.text
    assert "form-action 'self' https://portal.test;" in shown.headers["content-security-policy"]
    assert shown.headers["cache-control"] == "no-store"
    assert shown.headers["x-frame-options"] == "DENY"


async def test_names_of_apps_are_text_and_nothing_else(site: Site) -> None:
    app = await site.register("<script>alert(1)</script>", purpose="<b>bold</b>")
    shown = await site.authorize(app.asking(code_challenge=CHALLENGE, state='"><script>alert(2)</script>'))
    assert "<script" not in shown.text
    assert "<b>" not in shown.text


async def test_what_was_agreed_is_not_asked_again_but_more_is(site: Site) -> None:
    app = await site.register()
    asked = app.asking(code_challenge=CHALLENGE, scope="openid customers:read:internal")
    assert "code" in arrived(await site.agreed(await site.authorize(asked)))
    assert "code" in arrived(await site.authorize(asked))
    assert "code" in arrived(await site.authorize({**asked, "scope": "customers:read"}))
    assert (await site.authorize({**asked, "scope": "openid users:read"})).status_code == 200
    assert (await site.authorize({**asked, "prompt": "consent"})).status_code == 200


async def test_an_app_that_anybody_can_pretend_to_be_always_asks(site: Site) -> None:
    local, proved = await site.public(LOCAL), await site.public(CALLBACK)
    for app, again in ((local, 200), (proved, 303)):
        await site.code(app)
        assert (await site.authorize(app.asking(code_challenge=CHALLENGE))).status_code == again


async def consent(site: Site, **change: Any) -> httpx.Response:
    app = await site.register()
    shown = await site.authorize(app.asking(code_challenge=CHALLENGE))
    found = re.search(r'name="request" value="([^"]*)"', shown.text)
    assert found
    headers = change.pop("headers", {})
    form = {"form_token": form_token(shown), "request": found[1].replace("&amp;", "&"), "decision": "allow", **change}
    return await site.browser.post("/oauth/consent", data=form, headers=headers)


async def test_consent_cannot_be_forged(site: Site) -> None:
    account = form_token(await site.browser.get("/account"))
    for change in (
        {"form_token": ""},
        {"form_token": "0" * 64},
        {"form_token": account},
        {"request": link((await site.register()).asking(code_challenge=CHALLENGE)).partition("?")[2]},
        {"headers": {"sec-fetch-site": "cross-site"}},
    ):
        answer = await consent(site, **change)
        assert (answer.status_code, "FORM_FORGED" in answer.text) == (403, True), change
    assert await site.world.admin.fetchval("SELECT count(*) FROM oauth_consents") == 0
    assert await site.world.admin.fetchval("SELECT count(*) FROM oauth_codes") == 0
    assert (await consent(site)).status_code == 303


async def test_consent_of_another_browser_does_not_count(site: Site) -> None:
    app = await site.register()
    await site.world.user(site.organization, name="Eve", email="eve@acme.test", password="eve has a password")
    shown = await site.authorize(app.asking(code_challenge=CHALLENGE))
    found = re.search(r'name="request" value="([^"]*)"', shown.text)
    assert found
    form = {"form_token": form_token(shown), "request": found[1].replace("&amp;", "&"), "decision": "allow"}
    async with site.client() as eve:
        await sign_in(eve, "eve@acme.test", "eve has a password")
        assert (await eve.post("/oauth/consent", data=form)).status_code == 403
    async with site.client() as stranger:
        assert (await stranger.post("/oauth/consent", data=form)).headers["location"].startswith("/oauth/authorize?")


async def test_an_answer_that_is_not_allow_is_a_refusal(site: Site) -> None:
    assert arrived(await consent(site, decision="ALLOW"))["error"] == "access_denied"
    assert arrived(await consent(site, decision=""))["error"] == "access_denied"
