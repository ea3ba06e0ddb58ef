"""Signing in with an app and with passkeys in a real browser (Debian's Chromium), at the width of a phone."""

import re
import time

import httpx
import pyotp
import pytest

from tests.fixtures.live import Server
from tests.fixtures.phone import Visitor

pytestmark = pytest.mark.full


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
