"""From a partner's opportunity to a customer's order, over HTTP with four callers, and the customer on a phone.

Each step is somebody's; at each the forecast moves, and nobody sees more than is theirs.
"""

import datetime as dt
import re
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.fixtures.live import Server
from tests.fixtures.phone import Visitor

pytestmark = pytest.mark.full

CLOSES = (dt.datetime.now(dt.UTC).date().replace(day=1) + dt.timedelta(days=150)).replace(day=15)
FORECAST = """query F($day: Date!) { forecast(start: $day, end: $day) {
  currency won commit bestCase pipeline weighted opportunities } }"""


class Story:
    def __init__(self, server: Server) -> None:
        self.server = server

    def ask(self, persona: str, query: str, **variables: Any) -> Any:
        answer = self.server.ask(persona, query, variables)
        assert "errors" not in answer, answer
        return answer["data"]

    def do(self, persona: str, verb: str, shows: str, **given: Any) -> Any:
        """What a mutation answers that is not refused."""
        found = self.tried(persona, verb, shows, **given)
        assert found["userErrors"] == [], found
        return found

    def tried(self, persona: str, verb: str, shows: str, **given: Any) -> Any:
        title = verb[0].upper() + verb[1:]
        query = (
            f"mutation ($i: {title}Input!) {{ {verb}(input: $i) {{ {shows} userErrors {{ code field message }} }} }}"
        )
        return self.ask(persona, query, i=given)[verb]

    def forecast(self) -> dict[str, Decimal]:
        """The sales manager's, in euros, of the day on which this sale is to close."""
        lines = self.ask("sales_manager", FORECAST, day=CLOSES.isoformat())["forecast"]
        line = next((one for one in lines if one["currency"] == "EUR"), {})
        return {name: Decimal(line.get(name, 0)) for name in ("won", "commit", "pipeline", "weighted")}


def moved(before: dict[str, Decimal], after: dict[str, Decimal]) -> dict[str, Decimal]:
    return {name: after[name] - before[name] for name in before if after[name] != before[name]}


def test_a_sale_from_its_first_word_to_its_order(live_server: Server, mobile: Visitor) -> None:
    story = Story(live_server)
    amount = {"amount": "20000.00", "currency": "EUR"}
    customer = story.ask("customer", "{ viewer { customerId } }")["viewer"]["customerId"]
    rep = story.ask("sales_rep", "{ viewer { userId } }")["viewer"]["userId"]
    start = story.forecast()

    # The partner's rep registers what they have found.
    registered = story.do(
        "partner_rep", "registerOpportunity", "opportunity { id name amount { amount } hiddenFields }",
        name="Roof for the Petersens", amount=amount, closeOn=CLOSES.isoformat(),
    )["opportunity"]  # fmt: skip
    sale = registered["id"]
    assert registered["amount"] == {"amount": "20000.00"}
    assert {"margin", "probability", "owner"} <= set(registered["hiddenFields"])
    found = story.forecast()
    assert moved(start, found)["pipeline"] == 20000
    assert story.ask("sales_rep", "query ($i: ID!) { opportunity(id: $i) { id } }", i=sale)["opportunity"] is None

    # The manager gives it to a rep of ours, who works it.
    story.do("sales_manager", "updateOpportunity", "opportunity { id }", id=sale, ownerId=rep, customerId=customer)
    stages = story.ask(
        "sales_rep",
        "query ($i: ID!) { opportunity(id: $i) { stage { pipeline {"
        " stages(first: 20, orderBy: [{position: ASC}], filter: {outcome: {eq: OPEN}}) { nodes { id name } } } } } }",
        i=sale,
    )["opportunity"]["stage"]["pipeline"]["stages"]["nodes"]
    story.do("sales_rep", "moveOpportunityStage", "opportunity { id }", id=sale, stageId=stages[1]["id"])
    story.do("sales_rep", "updateOpportunity", "opportunity { id }", id=sale, forecastCategory="COMMIT")
    promised = story.forecast()
    assert moved(found, promised)["commit"] == 20000
    assert moved(found, promised)["pipeline"] == -20000

    # The rep proposes more discount than they may give; the manager may.
    product = story.ask(
        "storefront",
        'query { products(first: 1, orderBy: [{listPrice: DESC}], filter: {listPrice: {gt: "1000"}}) { nodes { id name } } }',
    )["products"]["nodes"][0]
    proposal = story.do(
        "sales_rep", "createProposal", "proposal { id }", number="STORY-1", title="A roof that pays", language="de",
        customerId=customer, opportunityId=sale, currency="EUR", discountPercent="20",
    )["proposal"]["id"]  # fmt: skip
    line = story.do(
        "sales_rep", "addProposalLine", "proposal { total { amount } hiddenFields lines { nodes { listPrice { amount } } } }",
        id=proposal, productId=product["id"], quantity="3",
    )["proposal"]  # fmt: skip
    assert {"cost", "margin"} <= set(line["hiddenFields"])
    asked = story.do(
        "sales_rep", "submitProposal", "proposal { status approvalRequest { id askedOf { name } } }", id=proposal
    )["proposal"]
    assert (asked["status"], asked["approvalRequest"]["askedOf"]["name"]) == (
        "IN_APPROVAL", live_server.personas["sales_manager"]["name"],
    )  # fmt: skip
    request = asked["approvalRequest"]["id"]
    assert story.tried("sales_rep", "approveRequest", "approvalRequest { id }", id=request)["userErrors"]
    unseen = "query ($i: ID!) { proposal(id: $i) { id } }"
    assert story.ask("customer", unseen, i=proposal)["proposal"] is None
    story.do("sales_manager", "approveRequest", "approvalRequest { state }", id=request)
    sent = story.do("sales_rep", "sendProposal", "proposal { status total { amount } }", id=proposal)["proposal"]
    assert sent["status"] == "SENT"
    assert story.ask("customer", unseen, i=proposal)["proposal"] is not None
    hidden = live_server.ask("partner_rep", unseen, {"i": proposal})
    assert (hidden.get("data") or {}).get("proposal") is None

    # The customer reads it on a phone, asks, and accepts.
    link = story.do("sales_rep", "createProposalLink", "url", id=proposal, recipient="joerdis@example.org")["url"]
    path = re.sub(r"^https?://[^/]+", "", link)
    assert path in httpx.get(f"{live_server.url}/dev/mail").text
    mobile.go(path)
    assert mobile.page.is_visible("text=Angebot")
    assert product["name"] in mobile.page.inner_text("table")
    mobile.shot("proposal")
    mobile.page.click("summary:text-is('Eine Frage stellen')")
    mobile.page.fill("#ask-name", "Jördis Petersen")
    mobile.page.fill("#question", "Wann wird geliefert?")
    mobile.click("button:text-is('Frage absenden')")
    assert mobile.page.is_visible("text=Wann wird geliefert?")
    assert story.ask("sales_rep", "query ($i: ID!) { proposal(id: $i) { status } }", i=proposal)["proposal"] == {
        "status": "VIEWED"
    }
    mobile.page.fill("#accept-name", "Jördis Petersen")
    mobile.page.check("[name=agree]")
    mobile.click("button:text-is('Annehmen und bestellen')")
    assert mobile.page.is_visible("text=Angenommen von Jördis Petersen")
    mobile.shot("proposal-accepted")

    # The shop has the order, priced as it was proposed and as the shop would.
    mine = story.ask(
        "customer",
        "query ($i: ID!) { proposal(id: $i) { status total { amount } orders { nodes { number status total { amount }"
        " lines { nodes { product { name } quantity total { amount } } } } } } }",
        i=proposal,
    )["proposal"]
    (order,) = mine["orders"]["nodes"]
    assert (mine["status"], order["status"]) == ("ACCEPTED", "PLACED")
    assert order["total"] == mine["total"] == sent["total"]
    assert [one["product"]["name"] for one in order["lines"]["nodes"]] == [product["name"]]
    price = story.ask(
        "customer",
        'query ($p: ID!) { price(productId: $p, channel: WEB, quantity: "3", currency: "EUR") { unitPrice } }',
        p=product["id"],
    )["price"]["unitPrice"]
    assert Decimal(line["lines"]["nodes"][0]["listPrice"]["amount"]) == Decimal(price)
    assert Decimal(order["total"]["amount"]) == (Decimal(price) * 3 * Decimal("0.8")).quantize(Decimal("0.01"))

    # The sale is won, and the partner sees that, but not what it earned.
    state = "query ($i: ID!) { opportunity(id: $i) { status amount { amount } margin { amount } } }"
    assert story.ask("sales_rep", state, i=sale)["opportunity"]["status"] == "WON"
    theirs = story.ask("partner_rep", "query ($i: ID!) { opportunity(id: $i) { status } }", i=sale)["opportunity"]
    assert theirs == {"status": "WON"}
    today = dt.datetime.now(dt.UTC).date().isoformat()
    won = story.ask("sales_manager", FORECAST, day=today)["forecast"]
    assert any(Decimal(one["won"]) >= 20000 for one in won if one["currency"] == "EUR")
    assert moved(promised, story.forecast())["commit"] == -20000
