"""Lines and what they come to, over HTTP; two editors; what the order says of it all."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_graph import kinds
from tests.resolvers.proposals.conftest import World, row_id

pytestmark = pytest.mark.asyncio(loop_scope="session")


def eur(amount: Decimal | str) -> dict[str, str]:
    return {"amount": str(amount), "currency": "EUR"}


def expected(lines: list[dict[str, Any]], off: Decimal) -> tuple[Decimal, Decimal]:
    """What lines come to before and after the discount on the whole, worked out by hand."""
    totals = [kinds.rounded(line["quantity"] * line["price"] * (100 - line["off"]) / 100, "EUR") for line in lines]
    subtotal = sum(totals, Decimal(0))
    return subtotal, subtotal - kinds.rounded(subtotal * off / 100, "EUR")


LINES = st.lists(
    st.fixed_dictionaries(
        {
            "quantity": st.decimals(Decimal("0.001"), 10_000, places=3),
            "price": st.decimals(0, 1_000_000, places=2),
            "off": st.decimals(0, 100, places=2),
        }
    ),
    min_size=1,
    max_size=6,
)


async def test_totals_are_the_sum_of_rounded_lines_and_the_order_agrees(world: World) -> None:
    """Some generated proposals, from the draft to the order: not a cent differs."""
    cases: list[tuple[list[dict[str, Any]], Decimal]] = []

    @settings(max_examples=12, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(LINES, st.decimals(0, 100, places=2))
    def collect(lines: list[dict[str, Any]], off: Decimal) -> None:
        cases.append((lines, off))

    collect()
    await world.allow_all()
    for lines, off in cases:
        given_lines = [
            {
                "productId": world.products[n % len(world.products)],
                "quantity": str(line["quantity"]),
                "unitPrice": eur(line["price"]),
                "discountPercent": str(line["off"]),
            }
            for n, line in enumerate(lines)
        ]
        proposal = await world.sent(*given_lines, discountPercent=str(off))
        subtotal, total = expected(lines, off)
        shown = [Decimal(line["total"]["amount"]) for line in proposal["lines"]["nodes"]]
        assert Decimal(proposal["subtotal"]["amount"]) == sum(shown) == subtotal
        assert Decimal(proposal["total"]["amount"]) == total
        accepted = await world.done("acceptProposal", {"id": proposal["id"]}, by="customer")
        [order] = accepted["orders"]["nodes"]
        assert Decimal(order["total"]["amount"]) == total
        found = await world.connection.fetch(
            "SELECT round(quantity * unit_price, 2) AS total, quantity FROM order_lines WHERE order_id = $1 ORDER BY position",
            row_id(order["id"]),
        )
        assert sum(line["total"] for line in found) == total
        assert [line["quantity"] for line in found] == [line["quantity"] for line in lines]
        assert all(line["total"] <= before for line, before in zip(found, shown, strict=True))


async def test_prices_come_from_the_price_lists(world: World) -> None:
    shown = "lines(first: 5) { nodes { listPrice { amount } unitPrice { amount } unitCost { amount } position } }"
    draft = await world.draft(
        {"productId": world.products[0]}, {"productId": world.products[1], "unitPrice": eur("1.00")}
    )
    found = (await world.seen(draft["id"], by="sales_manager", shown=shown))["lines"]["nodes"]
    first, second = sorted(found, key=lambda line: line["position"])
    assert (first["position"], second["position"]) == (1, 2)
    assert Decimal(first["listPrice"]["amount"]) == Decimal(first["unitPrice"]["amount"])
    assert Decimal(first["listPrice"]["amount"]) == await world.price(world.products[0])
    assert Decimal(first["unitCost"]["amount"]) == world.costs[0]
    assert second["unitPrice"]["amount"] == "1.00"
    assert Decimal(second["listPrice"]["amount"]) == await world.price(world.products[1])


async def test_amounts_of_another_currency_are_not_mixed_in(world: World) -> None:
    draft = await world.draft()
    one = {"id": draft["id"], "productId": world.products[0]}
    price = {"amount": "1.00", "currency": "CHF"}
    await world.refused("addProposalLine", {**one, "unitPrice": price}, "VALUE_INVALID")
    for wrong in (
        {"quantity": "0"},
        {"position": 0},
        {"discountPercent": "101"},
        {"unitPrice": eur("-1.00")},
        {"unitPrice": eur("1.001")},
    ):
        await world.refused("addProposalLine", {**one, **wrong}, "VALUE_INVALID")
    world.made += 1
    given = {"number": f"T-{world.made}", "title": "Test", "customerId": world.customer, "currency": "JPY"}
    yen = await world.done("createProposal", given)
    await world.refused("addProposalLine", {**one, "id": yen["id"]}, "PRICE_UNKNOWN")
    half = {"amount": "333", "currency": "JPY"}
    line = {**one, "id": yen["id"], "unitPrice": half, "quantity": "1.5", "discountPercent": "50"}
    assert (await world.done("addProposalLine", line))["subtotal"] == {"amount": "250", "currency": "JPY"}


async def test_lines_are_of_their_proposal(world: World) -> None:
    draft, other = await world.draft(), await world.draft()
    line = other["lines"]["nodes"][0]["id"]
    for verb, more in (("changeProposalLine", {"quantity": "2"}), ("removeProposalLine", {})):
        await world.refused(verb, {"id": draft["id"], "lineId": line, **more}, "REFERENCE_NOT_FOUND")
    assert (await world.done("removeProposalLine", {"id": other["id"], "lineId": line}))["lines"]["nodes"] == []
    await world.refused("submitProposal", {"id": other["id"]}, "PROPOSAL_EMPTY")


async def test_of_two_editors_one_is_told(world: World) -> None:
    """Whatever they edit, the proposal's own fields or its lines: who comes second has read another version."""
    draft = await world.draft({"productId": world.products[0]}, {"productId": world.products[1]})
    lines = [line["id"] for line in draft["lines"]["nodes"]]
    for number, (first, second) in enumerate(((0, 1), (0, 0), (2, 3), (3, 1), (1, 4))):
        edits: list[tuple[str, dict[str, object]]] = [
            ("changeProposalLine", {"lineId": lines[0], "quantity": "5"}),
            ("changeProposalLine", {"lineId": lines[1], "quantity": "6"}),
            ("addProposalLine", {"productId": world.products[2]}),
            ("updateProposal", {"title": f"Other {number}"}),
            ("submitProposal", {}),
        ]
        etag = (await world.seen(draft["id"], by="sales_manager"))["etag"]
        one = {"id": draft["id"], "ifMatch": etag}
        pair = [(verb, {**one, **more}) for verb, more in (edits[first], edits[second])]
        found = await asyncio.gather(*(world.do(verb, given) for verb, given in pair))
        assert sorted(codes for _, codes in found) == [[], ["ETAG_MISMATCH"]], (first, second)


async def test_who_may_not_write_the_proposal_writes_no_line(world: World) -> None:
    proposal = await world.sent()
    one = {"id": proposal["id"]}
    for verb, more in (
        ("addProposalLine", {"productId": world.products[0]}),
        ("submitProposal", {}),
        ("reviseProposal", {}),
    ):
        await world.refused(verb, {**one, **more}, "WRITE_ACCESS_DENIED", by="customer")
        await world.refused(verb, {**one, **more}, "NOT_FOUND", by="partner_rep")
        await world.refused(verb, {**one, **more}, "NOT_FOUND", by="service_agent")


async def test_a_rep_learns_no_cost_by_writing_proposals(world: World) -> None:
    """A proposal of one line would ask what its product costs: neither cost nor margin shows, nor orders, nor sums."""
    rep = "sales_rep"
    owned = await world.value(
        "SELECT id FROM customers WHERE owner_id = (SELECT id FROM users WHERE name = $1) LIMIT 1",
        world.api.people[rep]["name"],
    )
    number = {"number": "REP-1", "title": "Mine", "customerId": f"cus_{owned.hex}", "currency": "EUR"}
    mine = (await world.done("createProposal", number, by=rep, shown="id"))["id"]
    shown = "id total { amount } lines { nodes { unitPrice { amount } } }"
    offered = await world.done("addProposalLine", {"id": mine, "productId": world.products[0]}, by=rep, shown=shown)
    assert offered["total"] is not None
    kept = await world.value("SELECT cost FROM proposals WHERE id = $1", row_id(mine))
    assert kept == world.costs[0], "it is known to us"
    ask = world.api.as_(rep)
    for field in (
        "cost { amount }",
        "margin { amount }",
        "lines { nodes { unitCost { amount } } }",
        "lines { nodes { cost { amount } } }",
    ):
        answer = await ask(f"query ($i: ID!) {{ proposal(id: $i) {{ {field} }} }}", {"i": mine})
        assert answer.codes == ["FIELD_ACCESS_DENIED"], field
        assert str(kept).encode() not in answer.body
    for predicate in ("orderBy: [{margin: ASC}]", 'filter: {margin: {gt: "1"}}'):
        assert (await ask(f"{{ proposals({predicate}) {{ totalCount }} }}")).codes == ["PREDICATE_ACCESS_DENIED"]
    sums = await ask("{ proposalAggregate { groups { sum { margin { amount } } } } }")
    assert sums.codes == ["FIELD_ACCESS_DENIED"]
    compared = await ask(
        f'{{ compareProposals(a: "{mine}", b: "{mine}") {{ __typename }} auditEntries(node: "{mine}") {{ changes {{ field before after }} }} }}'
    )
    assert str(kept).encode() not in compared.body, compared.body
    assert (await world.seen(mine, by="sales_manager", shown="cost { amount }"))["cost"]["amount"] == str(kept)
