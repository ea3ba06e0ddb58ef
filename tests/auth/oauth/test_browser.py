"""Sign-in, consent and sign-out in a real browser (Debian's Chromium), without scripts, on a phone."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from tests.auth.oauth.conftest import pkce
from tests.fixtures.live import Server

if TYPE_CHECKING:
    from playwright import sync_api as playwright

pytestmark = pytest.mark.full

CHROMIUM = "/usr/bin/chromium"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
CALLBACK = "http://127.0.0.1:9999/cb"


@pytest.fixture(scope="module")
def browser() -> Iterator["playwright.Browser"]:
    assert Path(CHROMIUM).exists(), "apt-get install chromium"
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: "playwright.Browser") -> Iterator["playwright.Page"]:
    context = browser.new_context(viewport={"width": 375, "height": 760}, java_script_enabled=False)
    context.set_default_timeout(15_000)
    opened = context.new_page()
    opened.route(f"{CALLBACK}**", lambda route: route.fulfill(body="back at the app"))
    yield opened
    context.close()


def app(live_server: Server, sort: str) -> dict[str, str]:
    found: dict[str, dict[str, str]] = json.loads((live_server.data_dir / "clients.json").read_text(encoding="utf-8"))
    return found[sort]


def asking(given: dict[str, str], challenge: str, **more: str) -> str:
    return urlencode(
        {
            "response_type": "code",
            "client_id": given["client_id"],
            "redirect_uri": given["redirect_uri"],
            "scope": given["scope"],
            "state": "s",
            "nonce": "n",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **more,
        }
    )


def sign_in(page: "playwright.Page", live_server: Server) -> None:
    persona = live_server.personas["partner_rep"]
    page.fill("#email", persona["email"])
    page.fill("#password", persona["password"])
    page.click("form button[type=submit]")


def fits(page: "playwright.Page", live_server: Server, name: str) -> None:
    """Nothing sticks out on a phone: the page is no wider than the screen."""
    box = page.locator("main").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 375
    page.screenshot(path=str(live_server.data_dir / f"{name}.png"), full_page=True)


def arrived(page: "playwright.Page") -> dict[str, Any]:
    page.wait_for_url(f"{CALLBACK}**")
    return parse_qs(urlsplit(page.url).query)


def test_a_person_signs_in_agrees_and_comes_back_to_the_app(live_server: Server, page: "playwright.Page") -> None:
    given, (verifier, challenge) = app(live_server, "confidential"), pkce()
    page.goto(f"{live_server.url}/oauth/authorize?{asking(given, challenge)}")
    fits(page, live_server, "sign-in")
    sign_in(page, live_server)
    page.wait_for_selector("text=asks for access")
    fits(page, live_server, "consent")
    page.click("text=Allow >> nth=0")
    code = arrived(page)["code"][0]
    answer = httpx.post(
        f"{live_server.url}/oauth/token",
        data={"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": verifier},
        auth=(given["client_id"], given["client_secret"]),
    )
    tokens = answer.json()
    assert answer.status_code == 200, tokens

    # agreed already: from the sign-in form the browser goes straight back to the app
    page.goto(f"{live_server.url}/oauth/authorize?{asking(given, challenge, prompt='login')}")
    sign_in(page, live_server)
    assert "code" in arrived(page)

    page.goto(
        f"{live_server.url}/oauth/logout?{urlencode({'id_token_hint': tokens['id_token'], 'post_logout_redirect_uri': CALLBACK, 'state': 'x'})}"
    )
    page.wait_for_selector("text=Sign out?")
    fits(page, live_server, "sign-out")
    page.click("text=Sign out >> nth=-1")
    assert arrived(page)["state"] == ["x"]
    page.goto(f"{live_server.url}/account")
    page.wait_for_selector("#password")


def test_who_does_not_agree_goes_back_with_an_error(live_server: Server, page: "playwright.Page") -> None:
    given, (_, challenge) = app(live_server, "public"), pkce()
    page.goto(f"{live_server.url}/oauth/authorize?{asking(given, challenge)}")
    sign_in(page, live_server)
    page.wait_for_selector("text=asks for access")
    page.click("text=Do not allow >> nth=0")
    assert arrived(page)["error"] == ["access_denied"]


def test_a_person_connects_a_device(live_server: Server, page: "playwright.Page") -> None:
    given = app(live_server, "public")
    asked = {"client_id": given["client_id"], "scope": given["scope"]}
    codes = httpx.post(f"{live_server.url}/oauth/device_authorization", data=asked).json()
    page.goto(codes["verification_uri_complete"])
    sign_in(page, live_server)
    page.wait_for_selector("#user_code")
    assert page.input_value("#user_code") == codes["user_code"]
    fits(page, live_server, "device")
    page.click("text=Go on >> nth=0")
    page.wait_for_selector("text=asks for access")
    fits(page, live_server, "device-consent")
    page.click('button:text-is("Allow")')
    page.wait_for_selector("text=is connected")
    fits(page, live_server, "device-done")
    poll = {"grant_type": DEVICE, "device_code": codes["device_code"], "client_id": given["client_id"]}
    answer = httpx.post(f"{live_server.url}/oauth/token", data=poll)
    assert answer.status_code == 200, answer.text
