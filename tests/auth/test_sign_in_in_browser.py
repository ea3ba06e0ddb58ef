"""Signing in with an app and with passkeys in a real browser (Debian's Chromium), at the width of a mobile."""

import re
import time

import httpx
import pyotp
import pytest

from tests.fixtures.live import Server
from tests.fixtures.phone import Visitor

pytestmark = pytest.mark.full


def test_a_passkey_is_added_and_signs_in(mobile: Visitor, live_server: Server) -> None:
    ada = live_server.personas["sales_manager"]
    mobile.sign_in(ada["email"], ada["password"])
    assert mobile.path == "/account"
    mobile.shot("account")
    mobile.click("a:has-text('passkeys')")
    mobile.page.fill("#name", "This phone")
    mobile.shot("passkeys-none")
    mobile.click("button:text-is('Make a passkey')")
    assert mobile.page.is_visible("text=This phone")
    mobile.shot("passkeys-one")
    mobile.page.click("button:text-is('Make a passkey')")
    mobile.page.wait_for_selector("text=This device has a passkey")
    mobile.shot("passkeys-twice")
    mobile.sign_out()
    mobile.shot("sign-in")
    mobile.click("button:text-is('Sign in with a passkey')")
    assert mobile.path == "/account"
    mobile.go("/account/confirm?next=/account/password")
    mobile.shot("confirm")
    mobile.click("button:text-is('Use a passkey')")
    assert mobile.path == "/account/password"
    mobile.shot("password")
    mobile.go("/account/passkeys")
    mobile.page.click("summary")
    mobile.shot("passkeys-rename")
    mobile.click("button:text-is('Remove')")
    mobile.sign_out()
    mobile.click("button:text-is('Sign in with a passkey')")
    assert mobile.page.is_visible("text=was not accepted")
    mobile.shot("sign-in-refused")
    mobile.problems = [problem for problem in mobile.problems if "status of 422" not in problem]


def test_an_app_is_set_up_and_asked_for(mobile: Visitor, live_server: Server) -> None:
    ada = live_server.personas["sales_rep"]
    mobile.sign_in(ada["email"], ada["password"])
    mobile.click("a:has-text('authenticator app')")
    mobile.shot("app-off")
    mobile.click("button:text-is('Set it up')")
    app = pyotp.TOTP(mobile.page.inner_text(".secret").replace(" ", ""))
    assert mobile.page.locator("svg.qr").bounding_box()["width"] > 150
    mobile.shot("app-setup")
    mobile.page.fill("#code", app.now())
    mobile.click("button:text-is('Switch it on')")
    codes = mobile.page.locator(".codes code").all_inner_texts()
    assert len(codes) == 10
    mobile.shot("recovery-codes")
    mobile.go("/account/second-step")
    mobile.shot("app-on")
    mobile.sign_out()
    mobile.sign_in(ada["email"], ada["password"])
    assert mobile.path == "/sign-in/second-step"
    mobile.shot("second-step")
    mobile.page.fill("#code", "000000")
    mobile.click("button:text-is('Go on')")
    assert mobile.page.is_visible("text=This code is not right")
    mobile.shot("second-step-wrong")
    mobile.page.click("summary")
    mobile.shot("second-step-recovery")
    mobile.page.fill("#recovery", codes[0])
    mobile.click("button:text-is('Use the recovery code')")
    assert mobile.path == "/account"
    mobile.sign_out()
    mobile.sign_in(ada["email"], ada["password"])
    mobile.page.fill("#code", next_code(app))
    mobile.click("button:text-is('Go on')")
    assert mobile.path == "/account"
    mobile.go("/account/second-step")
    mobile.click("button:text-is('Switch it off')")
    mobile.problems = [problem for problem in mobile.problems if "status of 422" not in problem]


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
