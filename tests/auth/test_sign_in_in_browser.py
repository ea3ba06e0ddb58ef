"""Signing in with an app and with passkeys in a real browser (Debian's Chromium), at the width of a phone."""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pyotp
import pytest

from tests.fixtures.live import Server

if TYPE_CHECKING:
    from playwright import sync_api as playwright

pytestmark = pytest.mark.full

CHROMIUM = "/usr/bin/chromium"
PHONE = {"width": 375, "height": 760}
SHOTS = os.environ.get("CRM_GRAPH_TEST_SHOTS")
"""A folder for pictures of the pages, to be looked at."""


@pytest.fixture(scope="module")
def chromium() -> Iterator["playwright.Browser"]:
    assert Path(CHROMIUM).exists(), "apt-get install chromium"
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield opened
        opened.close()


class Visitor:
    """A phone with an authenticator of its own; `scripts=False` is one that runs none."""

    def __init__(
        self, browser: "playwright.Browser", server: Server, *, scripts: bool = True, scheme: str = "light"
    ) -> None:
        self.scripts = scripts
        # passkeys are for names
        self.url = server.url.replace("127.0.0.1", "localhost")
        self.context = browser.new_context(
            viewport=PHONE, java_script_enabled=scripts, color_scheme=scheme, device_scale_factor=2
        )
        self.context.set_default_timeout(15_000)
        self.page = self.context.new_page()
        self.problems: list[str] = []
        self.page.on("console", lambda message: self.problems.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        if scripts:
            devtools = self.context.new_cdp_session(self.page)
            devtools.send("WebAuthn.enable")
            options = {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
            devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})

    def go(self, path: str) -> None:
        self.page.goto(f"{self.url}{path}")

    def sign_in(self, email: str, password: str) -> None:
        self.go("/sign-in")
        self.page.fill("#email", email)
        self.page.fill("#password", password)
        self.click("button:text-is('Sign in')")

    def click(self, selector: str) -> None:
        with self.page.expect_navigation():
            self.page.click(selector)

    def sign_out(self) -> None:
        self.go("/account")
        self.click("button:text-is('Sign out')")
        assert self.path == "/sign-in"

    @property
    def path(self) -> str:
        return urlsplit(self.page.url).path

    def shot(self, name: str) -> None:
        """Nothing is wider than the screen (asked where scripts run); and a picture where somebody wants to look."""
        if self.scripts:
            assert self.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        if SHOTS:
            self.page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


@pytest.fixture
def phone(chromium: "playwright.Browser", live_server: Server) -> Iterator[Visitor]:
    visitor = Visitor(chromium, live_server)
    yield visitor
    visitor.context.close()
    assert visitor.problems == []


@pytest.fixture
def plain(chromium: "playwright.Browser", live_server: Server) -> Iterator[Visitor]:
    """A browser without scripts, in the dark."""
    visitor = Visitor(chromium, live_server, scripts=False, scheme="dark")
    yield visitor
    visitor.context.close()


def test_a_passkey_is_added_and_signs_in(phone: Visitor, live_server: Server) -> None:
    ada = live_server.personas["sales_manager"]
    phone.sign_in(ada["email"], ada["password"])
    assert phone.path == "/account"
    phone.shot("account")
    phone.click("a:has-text('passkeys')")
    phone.page.fill("#name", "This phone")
    phone.shot("passkeys-none")
    phone.click("button:text-is('Make a passkey')")
    assert phone.page.is_visible("text=This phone")
    phone.shot("passkeys-one")
    phone.page.click("button:text-is('Make a passkey')")
    phone.page.wait_for_selector("text=This device has a passkey")
    phone.shot("passkeys-twice")
    phone.sign_out()
    phone.shot("sign-in")
    phone.click("button:text-is('Sign in with a passkey')")
    assert phone.path == "/account"
    phone.go("/account/confirm?next=/account/password")
    phone.shot("confirm")
    phone.click("button:text-is('Use a passkey')")
    assert phone.path == "/account/password"
    phone.shot("password")
    phone.go("/account/passkeys")
    phone.page.click("summary")
    phone.shot("passkeys-rename")
    phone.click("button:text-is('Remove')")
    phone.sign_out()
    phone.click("button:text-is('Sign in with a passkey')")
    assert phone.page.is_visible("text=was not accepted")
    phone.shot("sign-in-refused")
    phone.problems = [problem for problem in phone.problems if "status of 422" not in problem]


def test_an_app_is_set_up_and_asked_for(phone: Visitor, live_server: Server) -> None:
    ada = live_server.personas["sales_rep"]
    phone.sign_in(ada["email"], ada["password"])
    phone.click("a:has-text('authenticator app')")
    phone.shot("app-off")
    phone.click("button:text-is('Set it up')")
    app = pyotp.TOTP(phone.page.inner_text(".secret").replace(" ", ""))
    assert phone.page.locator("svg.qr").bounding_box()["width"] > 150
    phone.shot("app-setup")
    phone.page.fill("#code", app.now())
    phone.click("button:text-is('Switch it on')")
    codes = phone.page.locator(".codes code").all_inner_texts()
    assert len(codes) == 10
    phone.shot("recovery-codes")
    phone.go("/account/second-step")
    phone.shot("app-on")
    phone.sign_out()
    phone.sign_in(ada["email"], ada["password"])
    assert phone.path == "/sign-in/second-step"
    phone.shot("second-step")
    phone.page.fill("#code", "000000")
    phone.click("button:text-is('Go on')")
    assert phone.page.is_visible("text=This code is not right")
    phone.shot("second-step-wrong")
    phone.page.click("summary")
    phone.shot("second-step-recovery")
    phone.page.fill("#recovery", codes[0])
    phone.click("button:text-is('Use the recovery code')")
    assert phone.path == "/account"
    phone.sign_out()
    phone.sign_in(ada["email"], ada["password"])
    phone.page.fill("#code", next_code(app))
    phone.click("button:text-is('Go on')")
    assert phone.path == "/account"
    phone.go("/account/second-step")
    phone.click("button:text-is('Switch it off')")
    phone.problems = [problem for problem in phone.problems if "status of 422" not in problem]


def next_code(app: pyotp.TOTP) -> str:
    """The one after the current code, which is taken already and which the server takes too: clocks differ."""
    return app.at(time.time() + 30)


def test_without_scripts_all_but_passkeys_works(plain: Visitor, live_server: Server) -> None:
    ada = live_server.personas["customer"]
    plain.go("/sign-in")
    assert not plain.page.is_visible("button:text-is('Sign in with a passkey')")
    plain.shot("plain-sign-in")
    plain.click("a:has-text('Forgotten')")
    plain.page.fill("#email", ada["email"])
    plain.click("button:text-is('Send me a link')")
    assert plain.page.is_visible("text=Look into your mail")
    plain.shot("plain-forgotten")
    plain.go(linked(plain.url))
    plain.shot("plain-reset")
    plain.page.fill("#password", "another horse battery")
    plain.click("button:text-is('Set the password')")
    plain.click("a:text-is('Sign in')")
    plain.sign_in(ada["email"], "another horse battery")
    assert plain.path == "/account"
    plain.shot("plain-account")
    plain.go("/account/passkeys")
    assert plain.page.is_visible("text=This needs a browser with passkeys")
    plain.go("/account/second-step")
    plain.click("button:text-is('Set it up')")
    plain.shot("plain-app")
    plain.page.fill("#code", pyotp.TOTP(plain.page.inner_text(".secret").replace(" ", "")).now())
    plain.click("button:text-is('Switch it on')")
    assert plain.page.locator(".codes code").count() == 10


def linked(url: str) -> str:
    """The path that the last mail links to, as the demo shows it."""
    for _ in range(100):
        found = re.search(r"http://localhost:\d+(/sign-in/reset\?token=\w+)", httpx.get(f"{url}/dev/mail").text)
        if found:
            return found[1]
    raise AssertionError("no mail")
