"""What is counted, against the same counts in Python, and what callers get of it."""

from collections import defaultdict
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from crm_graph.auth.actor import Actor, ActorKind
from crm_graph.auth.grants import Grant
from crm_graph.auth.levels import CONFIDENTIAL
from crm_graph.auth.policy import resolved
from crm_graph.auth.rows import Rule
from crm_graph.db.ids import decode
from crm_graph.db.session import Database
from crm_graph.plan.signatures import Ask, Id
from crm_graph.resolvers.suggestions.query import customer_suggestions
from tests.resolvers.suggestions.conftest import Market

pytestmark = pytest.mark.asyncio(loop_scope="session")

PRODUCTS = """query ($c: ID!, $p: ID) { productSuggestions(customerId: $c, excludeProposalId: $p, first: 100) {
  productId productName basis becauseId bought outOf share lift reason } }"""
CUSTOMERS = (
    "query ($p: ID!) { customerSuggestions(productId: $p, first: 100) { customerId customerName basis reason } }"
)
_BOUGHT = """SELECT o.customer_id, o.id, l.product_id, c.segment FROM orders o JOIN order_lines l ON l.order_id = o.id
 JOIN customers c ON c.id = o.customer_id
 WHERE o.organization_id = $1 AND o.status NOT IN ('CANCELLED', 'RETURNED')"""

_OTHERS = "SELECT max(counted_at) FROM product_associations WHERE organization_id <> $1"


async def _counted(market: Market) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """Associations and segments once more, from the raw orders."""
    baskets, buyers = defaultdict[Any, set[Any]](set), defaultdict[Any, set[Any]](set)
    segments, members, who = defaultdict[Any, set[Any]](set), defaultdict[Any, set[Any]](set), {}
    for row in await market.connection.fetch(_BOUGHT, market.organization):
        baskets[row["id"]].add(row["product_id"])
        buyers[row["product_id"]].add(row["customer_id"])
        who[row["id"]] = row["customer_id"]
        if row["segment"]:
            segments[row["segment"], row["product_id"]].add(row["customer_id"])
            members[row["segment"]].add(row["customer_id"])
    pairs = defaultdict[Any, set[Any]](set)
    for order, products in baskets.items():
        for pair in permutations(products, 2):
            pairs[pair].add(who[order])
    everybody = len(set(who.values()))
    found = {
        (one, other): (len(both), len(buyers[one]), len(buyers[other]), everybody)
        for (one, other), both in pairs.items()
        if len(both) >= 5
    }
    return found, {key: (len(some), len(members[key[0]])) for key, some in segments.items() if len(some) >= 5}


async def test_all_that_is_counted_is_what_a_recount_gives(market: Market) -> None:
    others = await market.connection.fetchval(_OTHERS, market.organization)
    await market.count_daily()
    expected, of_segments = await _counted(market)
    rows = await market.connection.fetch(
        "SELECT * FROM product_associations WHERE organization_id = $1", market.organization
    )
    names = ("together", "buyers", "other_buyers", "customers")
    assert {(r["product_id"], r["other_id"]): tuple(r[n] for n in names) for r in rows} == expected
    assert len(expected) > 50
    for row in rows:
        both, one, other, everybody = (Decimal(row[name]) for name in names)
        assert abs(row["support"] - both / everybody) < Decimal("1e-9")
        assert abs(row["confidence"] - both / one) < Decimal("1e-9")
        assert abs(row["lift"] - (both / one) / (other / everybody)) < Decimal("1e-9")
    rows = await market.connection.fetch(
        "SELECT * FROM segment_purchases WHERE organization_id = $1", market.organization
    )
    assert {(r["segment"], r["product_id"]): (r["buyers"], r["customers"]) for r in rows} == of_segments
    assert await market.connection.fetchval(_OTHERS, market.organization) == others, "they are counted by their own job"


async def test_the_reason_names_counts_of_five_at_least(market: Market) -> None:
    one, other, rare, apart = [await market.product() for _ in range(4)]
    customers = [await market.customer() for _ in range(12)]
    for place, customer in enumerate(customers[:10]):
        if place < 6:
            await market.buys(customer, one, other)
        else:
            await market.buys(customer, one, *([rare] if place < 10 else []))
    await market.buys(customers[9], other)  # in another order: not together
    await market.buys(customers[8], one, other, status="CANCELLED")
    await market.buys(customers[10], one)
    await market.count_daily()
    found = (await market.ask("administrator", PRODUCTS, c=customers[10])).data["productSuggestions"]
    by_product = {row["productId"]: row for row in found}
    name = (await market.row("products", one))["name"]
    assert by_product[other]["reason"] == f"bought with {name} by 6 of 11 customers"
    assert (by_product[other]["becauseId"], by_product[other]["share"]) == (one, "0.5455")
    assert rare not in by_product, "four are as good as none"
    assert {apart, one}.isdisjoint(by_product), "what they have is not suggested"
    proposal = await market.made_of(
        "createProposal", "Proposal", number="P-SUGGESTED", title="Offer", customerId=customers[10]
    )
    price = {"amount": "1", "currency": "EUR"}
    await market.made_of("addProposalLine", "Proposal", id=proposal, productId=other, unitPrice=price)
    left = (await market.ask("administrator", PRODUCTS, c=customers[10], p=proposal)).data["productSuggestions"]
    assert [row["productId"] for row in left] == [row["productId"] for row in found if row["productId"] != other]
    buyers = (await market.ask("administrator", CUSTOMERS, p=other)).data["customerSuggestions"]
    bought = {customers[n] for n in (0, 1, 2, 3, 4, 5, 9)}
    together = {row["customerId"] for row in buyers if row["basis"] == "BOUGHT_TOGETHER"}
    assert {customers[n] for n in (6, 7, 8, 10)} <= together
    assert not bought & together


async def test_suggestions_go_through_the_callers_lens(market: Market) -> None:
    """Customers and purchases that are not seen neither show nor move what shows."""
    owner = decode((await market.user("sales_rep"))["userId"])[1]
    one, other = await market.product(), await market.product()
    for _ in range(6):
        await market.buys(await market.customer(), one, other)
    mine, hidden = await market.customer(ownerId=f"usr_{owner.hex}"), await market.customer()
    await market.buys(mine, one)
    await market.buys(hidden, one)
    await market.count_daily()
    parts = {name: (Grant(Rule.PARENT, CONFIDENTIAL),) for name in ("Order", "OrderLine", "SaleSuggestion")}
    grants = {"Customer": (Grant(Rule.OWN, CONFIDENTIAL),), "Product": (Grant(Rule.EVERYONE, CONFIDENTIAL),), **parts}
    actor = Actor(market.organization, ActorKind.STAFF, resolved({"r": grants}, frozenset({"r"})), user_id=owner)
    database = Database(market.api.url, 1)

    async def asked() -> list[Any]:
        async with database.transaction(market.organization, owner, "test") as tx:
            return await customer_suggestions(Ask(tx, actor), Id(other), 100)

    before = await asked()
    assert mine in {row.customer_id for row in before}
    owned = await market.connection.fetch("SELECT id FROM customers WHERE owner_id = $1", owner)
    assert {decode(row.customer_id)[1] for row in before} <= {row["id"] for row in owned}
    await market.buys(hidden, other, one)
    assert await asked() == before
    await database.dispose()


async def test_who_works_in_no_sales_gets_none(market: Market) -> None:
    product = await market.product()
    customer = (await market.user("customer"))["customerId"]
    for persona in ("partner_rep", "partner_admin", "customer", "storefront", "service_agent"):
        for text, values in ((PRODUCTS, {"c": customer}), (CUSTOMERS, {"p": product})):
            answer = await market.ask(persona, text, **values)
            assert list(answer.json["data"].values()) == [None]
            assert answer.codes == ["FIELD_ACCESS_DENIED"], (persona, text)
    for text, values in ((PRODUCTS, {"c": product}), (CUSTOMERS, {"p": customer})):
        assert (await market.ask("administrator", text, **values)).codes == ["NOT_FOUND"]
    assert (await market.ask("other_org_administrator", PRODUCTS, c=customer)).codes == ["NOT_FOUND"]
