"""The example portal, built by Vite, in a real browser: sign-in, consent, what it shows, sign-out; on a phone and a desk."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.conftest import ROOT
from tests.fixtures.live import Server
from tests.fixtures.phone import PHONE, SHOTS

if TYPE_CHECKING:
    from playwright import sync_api as playwright

pytestmark = pytest.mark.full

PORTAL = ROOT / "examples" / "partner-portal"
REGISTER = """mutation ($i: RegisterAppInput!) { registerApp(input: $i) { app { id } userErrors { code message } } }"""
APPROVE = "mutation ($i: ApproveAppInput!) { approveApp(input: $i) { userErrors { code message } } }"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def portal(live_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the page, built for this server and as an app that works."""
    folder = tmp_path_factory.mktemp("portal")
    site = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    address = f"http://127.0.0.1:{site.server_port}/"
    wanted = {
        "name": "Example portal",
        "purpose": "to show you what we do together",
        "proof": "PUBLIC",
        "grantTypes": ["AUTHORIZATION_CODE"],
        "redirectUris": [address],
        "postLogoutRedirectUris": [address],
        "scopes": scopes(),
    }
    made = live_server.ask("administrator", REGISTER, {"i": wanted})["data"]["registerApp"]
    assert made["userErrors"] == []
    approved = live_server.ask("administrator", APPROVE, {"i": {"id": made["app"]["id"]}})["data"]["approveApp"]
    assert approved["userErrors"] == []
    asked = {**os.environ, "VITE_ISSUER": live_server.url, "VITE_CLIENT_ID": made["app"]["id"]}
    build = ["npm", "run", "build", "--", "--outDir", str(folder), "--emptyOutDir", "--logLevel", "warn"]
    subprocess.run(build, cwd=PORTAL, env=asked, check=True, timeout=60)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    origin = {"origin": address.rstrip("/"), "access-control-request-method": "POST"}
    until = time.monotonic() + 6  # an app that works is heard of within five seconds
    while httpx.options(f"{live_server.url}/graphql", headers=origin).status_code != 204:
        assert time.monotonic() < until
        time.sleep(0.1)
    yield address
    site.shutdown()
    site.server_close()


def scopes() -> list[str]:
    """What the portal asks for, as its README reads it."""
    readme = (PORTAL / "README.md").read_text(encoding="utf-8")
    [command] = [line for line in readme.splitlines() if "--scope" in line]
    shell = command.strip().removeprefix("--scope ")
    out = subprocess.run(["bash", "-c", f"echo {shell}"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return out.split()


def shot(page: "playwright.Page", name: str) -> None:
    """Nothing is wider than the screen; and a picture where somebody wants to look."""
    width = page.viewport_size
    assert width is not None
    assert page.evaluate("document.documentElement.scrollWidth") == width["width"], name
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


def signed_in(page: "playwright.Page", server: Server, portal: str, persona: str) -> None:
    who = server.personas[persona]
    page.goto(portal)
    page.click("button:text-is('Sign in')")
    page.fill("#email", who["email"])
    page.fill("#password", who["password"])
    page.click("button:text-is('Sign in')")
    page.wait_for_selector("text=asks for access")
    page.click("button:text-is('Allow')")


@pytest.mark.parametrize(
    ("persona", "size"), [("partner_rep", PHONE), ("partner_admin", {"width": 1280, "height": 900})]
)
def test_a_partner_signs_in_sees_what_is_theirs_and_signs_out(
    live_server: Server, chromium: "playwright.Browser", portal: str, persona: str, size: Any
) -> None:
    context = chromium.new_context(viewport=size)
    context.set_default_timeout(15_000)
    page, problems, sent = context.new_page(), [], []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: sent.append(request) if request.url.endswith("/graphql") else None)
    signed_in(page, live_server, portal, persona)
    page.wait_for_selector("main[data-state=shown]")
    shot(page, f"portal-{size['width']}")
    assert page.url == portal
    assert len([one for one in sent if one.method == "POST"]) == 1
    assert page.locator(".notice").count() == 0
    text = page.inner_text("main")
    for part in ("Rhône Solaire", "Alpenglas Moser GmbH", "shared at", "Moulins du Léman SA", "Framework agreement"):
        assert part in text
    assert "speaks for us" in text
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]

    page.click("#sign-out")
    page.wait_for_url(portal)
    page.wait_for_selector("main[data-state=welcome]")
    token = sent[-1].headers["authorization"]
    asked = {"json": {"query": "{ viewer { kind } }"}, "headers": {"authorization": token}}
    assert httpx.post(f"{live_server.url}/graphql", **asked).status_code == 401
    assert problems == []
    context.close()


def test_what_goes_wrong_is_said_and_can_be_tried_again(
    live_server: Server, chromium: "playwright.Browser", portal: str
) -> None:
    context = chromium.new_context(viewport=PHONE)
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.route("**/graphql", lambda route: route.abort())
    signed_in(page, live_server, portal, "partner_rep")
    page.wait_for_selector("main[data-state=failed]")
    shot(page, "portal-failed")
    page.unroute("**/graphql")
    page.click("button:text-is('Try again')")
    page.wait_for_selector("main[data-state=shown]")
    page.reload()
    page.wait_for_selector("main[data-state=welcome]")  # tokens were in memory only
    context.close()
