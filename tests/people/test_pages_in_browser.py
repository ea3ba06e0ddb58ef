"""How people come in, and how apps are let in, in a real browser at the width of a mobile."""

import html
import re
from typing import Any

import httpx
import pytest

from tests.fixtures.live import Server
from tests.fixtures.phone import Visitor

pytestmark = pytest.mark.full

PASSWORD = "a long enough password"


def mailed(server: Server, recipient: str, what: str) -> str:
    """What the newest mail to somebody says, as the demo shows it."""
    shown = httpx.get(f"{server.url}/dev/mail").text
    for article in shown.split("<article>")[1:]:
        found = re.search(what, html.unescape(article))
        if f"To {recipient}," in article and found:
            return found[1]
    raise AssertionError(f"no mail to {recipient} has {what}")


def code_to(server: Server, recipient: str) -> str:
    return mailed(server, recipient, r"(?m)^    (\d{4} \d{4})$")


def asked(server: Server, persona: str, query: str, **variables: Any) -> Any:
    answer = server.ask(persona, query, variables)
    assert "errors" not in answer, answer
    return answer["data"]


def forgiven(visitor: Visitor, *statuses: int) -> None:
    """The browser notes on its console what was refused, as it was meant to be."""
    expected = tuple(f"status of {status}" for status in statuses)
    visitor.problems = [one for one in visitor.problems if not any(text in one for text in expected)]


INVITE = """mutation ($email: String!) { inviteUser(input: {email: $email, roles: ["partner_rep"], name: "Zoé Petit"}) {
  invitation { id } userErrors { code message } } }"""


@pytest.mark.parametrize("visitor", ["mobile", "plain"])
def test_an_invitation_is_accepted(visitor: str, request: pytest.FixtureRequest, live_server: Server) -> None:
    browser: Visitor = request.getfixturevalue(visitor)
    email = f"zoe.{visitor}@nordwind.example"
    assert asked(live_server, "partner_admin", INVITE, email=email)["inviteUser"]["userErrors"] == []
    link = mailed(live_server, email, r"https?://[^/\s]+(/invitation\?token=\S+)")
    browser.go(link)
    assert browser.page.input_value("#name") == "Zoé Petit"
    assert browser.page.is_visible(f"text={email}")
    browser.shot(f"{visitor}-invitation")
    browser.page.fill("#name", " ")
    browser.page.fill("#password", PASSWORD)
    browser.click("button:text-is('Come in')")
    assert browser.page.is_visible("text=Say your name")
    browser.shot(f"{visitor}-invitation-wrong")
    browser.page.fill("#name", "Zoé")
    browser.page.fill("#password", PASSWORD)
    browser.click("button:text-is('Come in')")
    assert browser.path == "/account"
    browser.shot(f"{visitor}-invitation-account")
    browser.go(link)
    assert browser.page.is_visible("text=This link does not work")
    browser.shot(f"{visitor}-invitation-over")
    forgiven(browser, 422, 410)


PEOPLE = """{ customers(first: 200, filter: {kind: {eq: PERSON}, email: {isNull: false}}) {
  nodes { id name email users(first: 1) { totalCount } } } }"""
WHO = """query ($email: EmailAddress!) { users(first: 1, filter: {email: {eq: $email}}) {
  nodes { id roles customer { id } } } }"""


def test_a_shopper_signs_up_and_is_the_customer_they_were(mobile: Visitor, live_server: Server) -> None:
    email = "cleo@shopper.example"
    mobile.go("/sign-in")
    mobile.shot("people-sign-in")
    mobile.click("a[href^='/sign-up']")
    mobile.page.fill("#name", "Cleo Sommer")
    mobile.page.fill("#email", email)
    mobile.shot("sign-up")
    mobile.click("button:text-is('Go on')")
    assert mobile.path == "/sign-in/code/enter"
    mobile.page.fill("#code", "0000 0000")
    mobile.shot("enter-code")
    mobile.click("button:text-is('Go on')")
    assert mobile.page.is_visible("text=This is not the code")
    mobile.shot("enter-code-wrong")
    mobile.page.fill("#code", code_to(live_server, email))
    mobile.click("button:text-is('Go on')")
    assert mobile.path == "/account"
    mobile.shot("customer-account")

    known = asked(live_server, "administrator", PEOPLE)["customers"]["nodes"]
    addresses = [one["email"] for one in known]
    before = next(one for one in known if not one["users"]["totalCount"] and addresses.count(one["email"]) == 1)
    mobile.click("a:has-text('Were you a customer before?')")
    mobile.page.fill("#email", before["email"])
    mobile.shot("customer-link")
    mobile.click("button:text-is('Mail a code there')")
    mobile.shot("customer-link-code")
    mobile.page.fill("#code", code_to(live_server, before["email"]))
    mobile.click("button:text-is('Go on')")
    assert mobile.path == "/account"
    [user] = asked(live_server, "administrator", WHO, email=email)["users"]["nodes"]
    assert (user["roles"], user["customer"]["id"]) == (["customer"], before["id"])

    mobile.sign_out()
    mobile.click("a[href^='/sign-in/code']")
    mobile.page.fill("#email", email)
    mobile.shot("code")
    mobile.click("button:text-is('Mail me a code')")
    mobile.page.fill("#code", code_to(live_server, email))
    mobile.click("button:text-is('Go on')")
    assert mobile.path == "/account"
    forgiven(mobile, 422)


def test_a_customer_signs_in_by_a_code_without_scripts(plain: Visitor, live_server: Server) -> None:
    email = "lea@shopper.example"
    plain.go("/sign-up")
    plain.page.fill("#name", "Lea Winter")
    plain.page.fill("#email", email)
    plain.click("button:text-is('Go on')")
    plain.page.fill("#code", code_to(live_server, email))
    plain.click("button:text-is('Go on')")
    assert plain.path == "/account"
    plain.sign_out()
    plain.go("/sign-in/code?next=/account/customer")
    plain.page.fill("#email", email)
    plain.shot("plain-code")
    plain.click("button:text-is('Mail me a code')")
    plain.page.fill("#code", code_to(live_server, email))
    plain.shot("plain-enter-code")
    plain.click("button:text-is('Go on')")
    assert plain.path == "/account/customer"
    plain.shot("plain-customer-link")


REGISTER = """mutation ($input: RegisterAppInput!) { registerApp(input: $input) {
  app { id status } userErrors { code message field } } }"""
PORTAL = {
    "name": "Partner portal",
    "purpose": "to work on opportunities with you",
    "scopes": ["openid", "offline_access", "customers:read", "opportunities:write"],
    "grantTypes": ["AUTHORIZATION_CODE", "REFRESH_TOKEN"],
    "redirectUris": ["https://a-portal-with-a-rather-long-name.partners.nordwind.example/signed-in"],
}
SYNC = {
    "name": "Order sync",
    "scopes": ["orders:write:internal", "products:read"],
    "grantTypes": ["CLIENT_CREDENTIALS"],
}
STATUS = "{ apps(first: 50) { id status reviewNote } }"


def test_an_administrator_decides_about_apps(mobile: Visitor, plain: Visitor, live_server: Server) -> None:
    ids = []
    for wanted in (PORTAL, SYNC, {**PORTAL, "name": "Not again", "purpose": ""}):
        made = asked(live_server, "administrator", REGISTER, input=wanted)["registerApp"]
        assert made["userErrors"] == []
        ids.append(made["app"]["id"])
    boss = live_server.personas["administrator"]
    mobile.sign_in(boss["email"], boss["password"])
    mobile.click("a:has-text('Apps that wait')")
    assert mobile.path == "/access/apps"
    mobile.shot("apps-waiting")

    plain.sign_in(boss["email"], boss["password"])
    plain.go("/access/apps")
    portal, sync, third = (plain.page.locator(f"section[aria-labelledby='{id_}']") for id_ in ids)
    assert portal.locator("text=See, add and change opportunities").is_visible()
    with plain.page.expect_navigation():
        third.locator("button:text-is('Refuse')").click()
    assert plain.page.is_visible("text=Say why it is refused")
    plain.shot("plain-apps-why")
    third.locator("input[name=note]").fill("There is one already.")
    with plain.page.expect_navigation():
        third.locator("button:text-is('Refuse')").click()
    sync.locator("label:has-text('Service agent') input").check()
    with plain.page.expect_navigation():
        sync.locator("button:text-is('Approve')").click()
    with plain.page.expect_navigation():
        portal.locator("button:text-is('Approve')").click()
    plain.shot("plain-apps-done")
    found = {
        one["id"]: (one["status"], one["reviewNote"]) for one in asked(live_server, "administrator", STATUS)["apps"]
    }
    assert [found[id_] for id_ in ids] == [
        ("ACTIVE", None),
        ("ACTIVE", None),
        ("REJECTED", "There is one already."),
    ]
    mobile.go("/access/apps")
    mobile.shot("apps-done")
