"""Authorization requests, and the attacks on them that RFC 9700 lists."""

import re
import time
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from tests.auth.conftest import form_token
from tests.auth.oauth.conftest import CALLBACK, ISSUER, Site, arrived, link, pkce

CHALLENGE = pkce()[1]


@pytest.mark.parametrize(
    "redirect_uri",
    [
        None,
        "https://portal.test/cb/",
        "https://portal.test/cb?x=1",
        "https://portal.test/cb#x",
        "https://portal.test/cb/../cb",
        "https://portal.test/CB",
        "https://portal.test:443/cb",
        "https://portal.test/cb%2f",
        "http://portal.test/cb",
        "https://portal.test.evil.test/cb",
        "https://portal.test@evil.test/cb",
        "https://evil.test/?https://portal.test/cb",
        "https://evil.test/cb",
        "//portal.test/cb",
        "javascript:alert(1)",
        'https://portal.test/cb"><script>',
        "https://portal.test\\@evil.test/cb",
        "https://portal.test/cb\r\nLocation: https://evil.test",
        "https://portal.tést/cb",
    ],
)
async def test_nobody_is_sent_where_the_app_has_not_registered(site: Site, redirect_uri: str | None) -> None:
    app = await site.register()
    for change in ({}, {"response_type": "token"}, {"scope": "nonsense"}, {"prompt": "none"}):
        answer = await site.authorize(app.asking(code_challenge=CHALLENGE, **{**change, "redirect_uri": redirect_uri}))
        assert answer.status_code == 400
        assert "location" not in answer.headers
        assert "evil.test" not in answer.text


async def test_an_unknown_and_a_suspended_app_get_the_same_page(site: Site) -> None:
    app = await site.register()
    asked = app.asking(code_challenge=CHALLENGE)
    pages = [
        await site.authorize({**asked, "client_id": other})
        for other in ("cli_" + "0" * 32, "nonsense", "usr_" + app.client_id[4:], 'a\\"b')
    ]
    await site.world.admin.execute("UPDATE oauth_clients SET status = 'SUSPENDED'")
    pages.append(await site.authorize(asked))
    assert {page.status_code for page in pages} == {400}
    assert len({page.text for page in pages}) == 1


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"response_type": 'code"\\'}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"scope": "openid tickets:read"}, "invalid_scope"),
        ({"scope": "customers:read:restricted"}, "invalid_scope"),
        ({"scope": "customers:read:"}, "invalid_scope"),
        ({"scope": '"\\'}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "ä" * 43}, None),
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"request_uri": "https://evil.test"}, "request_uri_not_supported"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "dance"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "²"}, None),
        ({"nonce": "x" * 501}, "invalid_request"),
        ({"prompt": "none"}, "consent_required"),
    ],
)
async def test_what_is_wrong_is_told_to_the_app_with_state_and_issuer(
    site: Site, change: dict[str, str | None], error: str | None
) -> None:
    app = await site.register()
    answer = await site.authorize(app.asking(**{"code_challenge": CHALLENGE, **change}))
    if error is None:  # no characters of OAuth's: not even the address is believed
        assert answer.status_code == 400
        return
    sent = arrived(answer)
    assert (sent["to"], sent["error"], sent["state"], sent["iss"]) == (CALLBACK, error, "a state", ISSUER)
    assert "code" not in sent
    assert await site.world.admin.fetchval("SELECT count(*) FROM oauth_codes") == 0


async def test_a_parameter_twice_is_refused(site: Site) -> None:
    app = await site.register()
    for name in ("client_id", "redirect_uri", "state", "scope", "nonce", "code_challenge"):
        query = f"{link(app.asking(code_challenge=CHALLENGE))}&{name}=other"
        assert (await site.browser.get(query)).status_code == 400


async def test_every_answer_says_who_gives_it_and_keeps_the_state(site: Site) -> None:
    app = await site.register()
    asked = app.asking(code_challenge=CHALLENGE, state="a&b=c#d e%")
    allowed = arrived(await site.agreed(await site.authorize(asked)))
    assert (allowed["state"], allowed["iss"]) == ("a&b=c#d e%", ISSUER)
    denied = arrived(await site.agreed(await site.authorize({**asked, "prompt": "consent"}), "deny"))
    assert (denied["error"], denied["state"], denied["iss"]) == ("access_denied", "a&b=c#d e%", ISSUER)


async def test_who_is_not_signed_in_signs_in_first_and_comes_back(site: Site) -> None:
    app = await site.register()
    async with site.client() as stranger:
        answer = await site.authorize(app.asking(code_challenge=CHALLENGE), stranger)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in?next=%2Foauth%2Fauthorize%3F")
        shown = await stranger.get(answer.headers["location"])
        assert "form-action 'self' https://portal.test;" in shown.headers["content-security-policy"]
        following = re.search(r'name="next" value="([^"]+)"', shown.text)
        assert following
        form = {
            "form_token": form_token(shown),
            "next": following[1].replace("&amp;", "&"),
            "email": "ada@acme.test",
            "password": "correct horse battery",
        }
        entered = await stranger.post("/sign-in", data=form)
        assert entered.headers["location"].startswith("/oauth/authorize?")
        asked = await stranger.get(entered.headers["location"])
        assert "Portal asks for access" in asked.text


async def test_prompt_none_never_shows_a_page(site: Site) -> None:
    app = await site.register()
    asked = app.asking(code_challenge=CHALLENGE, prompt="none")
    async with site.client() as stranger:
        assert arrived(await site.authorize(asked, stranger))["error"] == "login_required"
    await site.code(app)
    assert "code" in arrived(await site.authorize(asked))
    await site.world.admin.execute("UPDATE sessions SET authenticated_at = authenticated_at - interval '1 hour'")
    assert arrived(await site.authorize({**asked, "max_age": "60"}))["error"] == "login_required"


@pytest.mark.parametrize(
    "change", [{"prompt": "login"}, {"max_age": "60"}, {"max_age": "0"}, {"prompt": "select_account"}]
)
async def test_an_app_can_have_the_person_sign_in_anew(site: Site, change: dict[str, str]) -> None:
    app = await site.register()
    await site.code(app)
    await site.world.admin.execute("UPDATE sessions SET authenticated_at = authenticated_at - interval '1 hour'")
    asked = app.asking(code_challenge=CHALLENGE, **change)
    answer = await site.authorize(asked)
    assert answer.headers["location"].startswith("/sign-in?next=")
    back = parse_qs(urlsplit(answer.headers["location"]).query)["next"][0]
    # going back without signing in, or with a mark of one's own, asks again
    assert (await site.browser.get(back)).headers["location"].startswith("/sign-in?next=")
    forged = re.sub(r"signed_in_since=\d+", "signed_in_since=1", back)
    assert (await site.browser.get(forged)).headers["location"].startswith("/sign-in?next=")
    shown = await site.browser.get(answer.headers["location"])
    assert shown.status_code == 200, "the form is shown though somebody is signed in"
    form = {
        "form_token": form_token(shown),
        "next": back,
        "email": "ada@acme.test",
        "password": "correct horse battery",
    }
    entered = await site.browser.post("/sign-in", data=form)
    assert entered.headers["location"] == back
    sent = arrived(await site.browser.get(back))
    assert "code" in sent
    began = await site.world.admin.fetchval("SELECT max(extract(epoch FROM auth_time)) FROM oauth_codes")
    assert time.time() - float(began) < 60


async def test_a_form_from_the_app_goes_on_by_get(site: Site) -> None:
    app = await site.register()
    answer = await site.browser.post("/oauth/authorize", data=app.asking(code_challenge=CHALLENGE))
    assert answer.status_code == 303
    assert "Portal asks" in (await site.browser.get(answer.headers["location"])).text


@pytest.mark.parametrize(
    "following",
    [
        "https://evil.test",
        "//evil.test",
        "/\\evil.test",
        "/%09/evil.test\n",
        "javascript:alert(1)",
        "/oauth/authorize\r\nX: y",
    ],
)
async def test_the_way_back_from_sign_in_is_no_open_redirector(site: Site, following: str) -> None:
    answer = await site.browser.get(f"/sign-in?next={quote(following)}")
    assert answer.headers["location"] in ("/account", "/%09/evil.test")


async def test_a_long_or_odd_request_is_refused_and_never_a_fault(site: Site) -> None:
    app = await site.register()
    asked = app.asking(code_challenge=CHALLENGE)
    for query in (
        "x=" + "y" * 9000,
        "&".join(f"a{n}=1" for n in range(80)),
        "%ff=%ff",
        "client_id=%00",
        "=",
        "&&&",
        "",
    ):
        assert (await site.browser.get(f"/oauth/authorize?{query}")).status_code == 400
    async with site.client() as stranger:
        assert (await stranger.get(link({**asked, "state": "s" * 6500}))).status_code == 400
        assert (await stranger.get(link({**asked, "state": "s" * 500}))).status_code == 303


async def test_plain_http_is_for_this_machine_alone(site: Site) -> None:
    async with site.client("http://acme.test") as client:
        for path in ("/.well-known/openid-configuration", "/oauth/authorize", "/oauth/jwks"):
            answer = await client.get(path)
            assert answer.status_code == 400
            assert "https" in answer.text
