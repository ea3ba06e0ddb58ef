"""The pages that ask for feedback, on a phone, with and without scripts."""

import re
from typing import Any

import httpx
import pytest

from tests.fixtures.live import Server
from tests.fixtures.phone import Visitor

pytestmark = pytest.mark.full


def do(server: Server, by: str, verb: str, shows: str, **given: Any) -> Any:
    """What a mutation shows that is not refused."""
    title = verb[0].upper() + verb[1:]
    query = f"mutation ($i: {title}Input!) {{ {verb}(input: $i) {{ shown: {shows} userErrors {{ code message }} }} }}"
    payload = server.ask(by, query, {"i": given})["data"][verb]
    assert payload["userErrors"] == [], payload
    return payload["shown"]


def link(server: Server) -> str:
    """Where the newest mail leads."""
    found: list[str] = re.findall(r"http://localhost:\d+(/f/\w{43})", httpx.get(f"{server.url}/dev/mail").text)
    return found[0]


def resolved(server: Server, subject: str) -> tuple[str, str]:
    """A ticket of the customer that is put to them as resolved, and the link in their mail."""
    ticket = do(server, "customer", "openTicket", "ticket { id }", subject=subject, body="Seit heute früh.")["id"]
    do(server, "service_agent", "resolveTicket", "ticket { id }", id=ticket, body="Es ist behoben.")
    return ticket, link(server)


def test_a_customer_answers_on_a_phone(live_server: Server, mobile: Visitor, plain: Visitor) -> None:
    customer = live_server.ask("customer", "{ viewer { customerId } }")["data"]["viewer"]["customerId"]
    given = {"id": customer, "email": "joerdis@home.example", "locale": "de-DE"}
    do(live_server, "administrator", "updateCustomer", "customer { id }", **given)

    ticket, path = resolved(live_server, "Der Wechselrichter zeigt Fehler 312 und speist seit heute früh nicht ein")
    mobile.go(path)
    mobile.shot("feedback")
    assert mobile.page.is_visible("text=Ist es gelöst?")
    mobile.page.click("label:has([value='4'])")
    mobile.page.fill("#comment", "Schnell und freundlich.")
    mobile.shot("feedback-filled")
    mobile.click("button:text-is('Ja, es ist gelöst')")
    assert mobile.page.is_visible("text=Vielen Dank")
    mobile.shot("feedback-thanks")
    query = "query ($id: ID!) { ticket(id: $id) { status ratings { nodes { score comment } } } }"
    shown = live_server.ask("service_agent", query, {"id": ticket})["data"]["ticket"]
    assert shown == {"status": "CLOSED", "ratings": {"nodes": [{"score": 4, "comment": "Schnell und freundlich."}]}}

    ticket, path = resolved(live_server, "Rechnung")
    plain.go(path)
    plain.shot("feedback-plain")
    plain.page.fill("#comment", "Es fehlt noch eine Seite.")
    plain.click("button:text-is('Nein, es ist nicht gelöst')")
    assert plain.page.is_visible("text=kümmern uns wieder darum")
    assert live_server.ask("service_agent", query, {"id": ticket})["data"]["ticket"]["status"] == "OPEN"

    do(live_server, "customer", "giveConsent", "consent { id }", customerId=customer, purpose="SURVEYS",
       channel="EMAIL", evidence="Portal")  # fmt: skip
    if not live_server.ask("service_agent", "query ($c: ID!) { relationshipRatings(filter: {customer: {id: {eq: $c}}}) { totalCount } }", {"c": customer})["data"]["relationshipRatings"]["totalCount"]:  # fmt: skip
        do(live_server, "service_agent", "surveyRelationship", "relationshipRating { id }", customerId=customer)
        mobile.go(link(live_server))
        mobile.shot("survey")
        mobile.page.focus("[value='0']")
        for _ in range(9):
            mobile.page.keyboard.press("ArrowRight")
        mobile.shot("survey-filled")
        mobile.click("button:text-is('Absenden')")
        assert mobile.page.is_visible("text=Vielen Dank")
