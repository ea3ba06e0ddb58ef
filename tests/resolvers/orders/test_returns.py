"""Returns and credits, over HTTP: no more comes back than was ordered, no more is given back than was paid."""

import asyncio
from typing import Any

import pytest

from tests.resolvers.orders.conftest import delivery, money, row, states, traces, verb
from tests.sums.conftest import Shop

pytestmark = pytest.mark.asyncio(loop_scope="session")

RETURN = "return { id status amount { amount } }"
LEFT = (
    "order { id status kept { amount } credited { amount }"
    " returns(first: 20) { nodes { id status amount { amount } lines(first: 5) { nodes { quantity } } } } }"
)


async def delivered(shop: Shop, key: str, *quantities: str, paid: bool = True) -> tuple[str, list[str]]:
    lines = [{"productId": shop.products[0], "quantity": one, "unitPrice": money("10.00")} for one in quantities]
    steps = {"status": "PAID"} if paid else {}
    order = (await delivery(shop, key, lines=lines, **steps))["order"]
    await verb(shop, "shipOrder", id=order["id"])
    await verb(shop, "deliverOrder", id=order["id"])
    return order["id"], [one["id"] for one in order["lines"]["nodes"]]


async def asked(shop: Shop, order: str, **quantities: str) -> tuple[Any, list[str]]:
    lines = [{"orderLineId": line, "quantity": quantity} for line, quantity in quantities.items()]
    return await verb(shop, "requestReturn", LEFT, id=order, lines=lines, reason="Too small")


async def test_a_return_from_the_request_to_the_credit(shop: Shop) -> None:
    order, (one, other) = await delivered(shop, "return", "3", "1")
    payload, codes = await asked(shop, order, **{one: "2", other: "1"})
    (found,) = payload["order"]["returns"]["nodes"]
    assert (codes, found["status"], found["amount"]["amount"]) == ([], "REQUESTED", "30.00")
    before = await traces(shop)
    for name in ("receiveReturn", "creditReturn"):
        assert (await verb(shop, name, RETURN, id=found["id"]))[1] == ["STATE_REFUSED"]
    assert await traces(shop) == before
    for name, status in (("approveReturn", "APPROVED"), ("receiveReturn", "RECEIVED")):
        moved, codes = await verb(shop, name, RETURN, id=found["id"])
        assert (moved["return"]["status"], codes) == (status, [])
    before = await traces(shop)
    assert (await verb(shop, "creditReturn", RETURN, id=found["id"], amount=money("30.01")))[1] == ["VALUE_INVALID"]
    assert await traces(shop) == before
    credited, _ = await verb(shop, "creditReturn", RETURN, id=found["id"])
    assert credited["return"]["status"] == "CREDITED"
    rest, _ = await asked(shop, order, **{one: "1"})
    last = next(r for r in rest["order"]["returns"]["nodes"] if r["id"] != found["id"])
    assert (rest["order"]["status"], rest["order"]["kept"]["amount"], rest["order"]["credited"]["amount"]) == (
        "DELIVERED",
        "10.00",
        "30.00",
    )
    await verb(shop, "approveReturn", RETURN, id=last["id"])
    await verb(shop, "receiveReturn", RETURN, id=last["id"])
    status = await shop.connection.fetchval("SELECT status FROM orders WHERE id = $1", row(order))
    assert status == "RETURNED"
    assert [e for e in await states(shop, order) if e in ("order.returned", "order.credited")] == [
        "order.returned",
        "order.credited",
        "order.returned",
    ]


async def test_no_more_comes_back_than_was_ordered(shop: Shop) -> None:
    order, (one, _) = await delivered(shop, "limits", "3", "1")
    _, (theirs,) = await delivered(shop, "stranger", "1")
    cut, (lengths,) = await delivered(shop, "cut", "2.5")
    assert [(await asked(shop, cut, **{lengths: part}))[1] for part in ("0.25", "0.5")] == [["VALUE_INVALID"], []]
    for quantity, line, code in (
        ("4", one, "RETURN_EXCEEDS_ORDER"),
        ("0", one, "RETURN_EXCEEDS_ORDER"),
        ("0.000001", one, "VALUE_INVALID"),
        ("1", theirs, "VALUE_INVALID"),
    ):
        before = await traces(shop)
        assert (await asked(shop, order, **{line: quantity}))[1] == [code]
        assert await traces(shop) == before
    answers = await asyncio.gather(*(asked(shop, order, **{one: "1"}) for _ in range(6)))
    assert sorted(codes for _, codes in answers) == [[], [], [], *[["RETURN_EXCEEDS_ORDER"]] * 3]
    returned = await verb(shop, "updateOrder", LEFT, id=order, channel="PHONE")
    first = returned[0]["order"]["returns"]["nodes"][0]["id"]
    assert (await verb(shop, "rejectReturn", RETURN, id=first, reason="Worn"))[1] == []
    assert (await asked(shop, order, **{one: "1"}))[1] == [], "what was rejected can be asked for again"
    placed = (await delivery(shop, "not-shipped", lines=[{"productId": shop.products[0], "unitPrice": money("1.00")}]))[
        "order"
    ]
    assert (await asked(shop, placed["id"], **{placed["lines"]["nodes"][0]["id"]: "1"}))[1] == ["STATE_REFUSED"]


async def test_no_more_is_given_back_than_was_paid(shop: Shop) -> None:
    order, _ = await delivered(shop, "credits", "1")
    answers = await asyncio.gather(
        *(verb(shop, "creditOrder", LEFT, id=order, amount=money("4.00"), reason="Scratched") for _ in range(4))
    )
    assert sorted(codes for _, codes in answers) == [[], [], ["CREDIT_EXCEEDS_PAYMENT"], ["CREDIT_EXCEEDS_PAYMENT"]]
    rest, codes = await verb(shop, "creditOrder", LEFT, id=order)
    assert (rest["order"]["kept"]["amount"], rest["order"]["credited"]["amount"], codes) == ("0.00", "10.00", [])
    before = await traces(shop)
    unpaid, _ = await delivered(shop, "unpaid", "1", paid=False)
    after = await traces(shop)
    for one, given_back, code in (
        (order, money("0.01"), "CREDIT_EXCEEDS_PAYMENT"),
        (unpaid, money("1.00"), "CREDIT_EXCEEDS_PAYMENT"),
        (order, money("1", "JPY"), "CURRENCY_MISMATCH"),
    ):
        assert (await verb(shop, "creditOrder", LEFT, id=one, amount=given_back))[1] == [code]
        assert await traces(shop) == after
    assert before != after


async def test_customers_and_others_see_and_do_what_they_may(shop: Shop) -> None:
    """The customer reads returns and credits of their own orders and no others; a service agent works on them."""
    own = await shop.api.as_("customer")(
        "{ orders(first: 1) { nodes { id status total { amount } } } returns(first: 5) { totalCount } }"
    )
    order = own.data["orders"]["nodes"][0]["id"]
    assert own.data["returns"]["totalCount"] == await shop.connection.fetchval(
        "SELECT count(*) FROM returns r JOIN orders o ON o.id = r.order_id WHERE o.customer_id ="
        " (SELECT customer_id FROM orders WHERE id = $1)",
        row(order),
    )
    for name, more in (("shipOrder", {}), ("creditOrder", {})):
        assert (await verb(shop, name, "order { id }", "customer", id=order, **more))[1] == ["WRITE_ACCESS_DENIED"]
    foreign, (line,) = await delivered(shop, "foreign", "1")
    text = "query ($id: ID!) { order(id: $id) { id returns(first: 1) { totalCount } } }"
    assert (await shop.api.as_("customer")(text, {"id": foreign})).data["order"] is None
    lines = [{"orderLineId": line, "quantity": "1"}]
    made, codes = await verb(shop, "requestReturn", LEFT, "service_agent", id=foreign, lines=lines)
    assert codes == []
    found = made["order"]["returns"]["nodes"][0]["id"]
    assert (await verb(shop, "approveReturn", RETURN, "service_agent", id=found))[1] == []


async def test_customers_ask_for_returns_of_their_own_orders_and_of_whom_they_speak_for(shop: Shop) -> None:
    ask = shop.api.as_("customer")
    viewer = (await ask("{ viewer { customerId actsFor { id role mayChange } } }")).data["viewer"]
    acting = {one["role"]: one["id"] for one in viewer["actsFor"]}
    text = f"mutation ($i: RequestReturnInput!) {{ requestReturn(input: $i) {{ {LEFT} userErrors {{ code }} }} }}"

    async def order_of(customer: str, key: str) -> tuple[str, str]:
        lines = [{"productId": shop.products[0], "quantity": "2", "unitPrice": money("10.00")}]
        made = (await delivery(shop, key, customerId=customer, lines=lines))["order"]
        await verb(shop, "shipOrder", id=made["id"])
        return made["id"], made["lines"]["nodes"][0]["id"]

    async def wants(of: tuple[str, str], whom: str | None = None, quantity: str = "1") -> Any:
        given = {"id": of[0], "lines": [{"orderLineId": of[1], "quantity": quantity}], "reason": "Too small"}
        headers = {"x-acting-for": acting[whom]} if whom else {}
        return await ask(text, {"i": given}, headers=headers)

    mine = await order_of(viewer["customerId"], "mine")
    payload = (await wants(mine)).data["requestReturn"]
    (found,) = payload["order"]["returns"]["nodes"]
    assert (payload["userErrors"], found["status"], found["amount"]["amount"]) == ([], "REQUESTED", "10.00")
    assert (await states(shop, mine[0]))[-1] != "order.returned"
    theirs = await order_of(acting["PORTAL_ADMIN"], "theirs")
    looks = await order_of(acting["PORTAL_USER"], "looks")
    before = await traces(shop)
    assert (await wants(mine, quantity="2")).data["requestReturn"]["userErrors"] == [{"code": "RETURN_EXCEEDS_ORDER"}]
    assert (await wants(theirs)).data["requestReturn"]["userErrors"] == [{"code": "NOT_FOUND"}]
    assert (await wants(mine, "PORTAL_ADMIN")).data["requestReturn"]["userErrors"] == [{"code": "NOT_FOUND"}]
    assert (await wants(looks, "PORTAL_USER")).codes == ["ACTING_FOR_READS"]
    _, codes = await verb(shop, "approveReturn", RETURN, persona="customer", id=found["id"])
    assert codes == ["WRITE_ACCESS_DENIED"], "they ask; others decide"
    assert await traces(shop) == before
    assert (await wants(theirs, "PORTAL_ADMIN")).data["requestReturn"]["userErrors"] == []
