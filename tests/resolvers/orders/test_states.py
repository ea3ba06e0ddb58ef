"""Orders from state to state, over HTTP: legal moves only, payments, and lines that stay once they were shipped."""

import asyncio

import pytest

from tests.resolvers.orders.conftest import delivery, money, states, traces, verb
from tests.sums.conftest import Shop

pytestmark = pytest.mark.asyncio(loop_scope="session")

MOVES = {
    "PLACED": {"payOrder": "PAID", "shipOrder": "SHIPPED", "cancelOrder": "CANCELLED"},
    "PAID": {"shipOrder": "SHIPPED", "cancelOrder": "CANCELLED"},
    "SHIPPED": {"deliverOrder": "DELIVERED"},
    "DELIVERED": {},
    "CANCELLED": {},
}
TO = {
    "PLACED": (),
    "PAID": ("payOrder",),
    "SHIPPED": ("shipOrder",),
    "DELIVERED": ("shipOrder", "deliverOrder"),
    "CANCELLED": ("cancelOrder",),
}


async def placed(shop: Shop, key: str) -> str:
    lines = [{"productId": shop.products[0], "quantity": "2", "unitPrice": money("5.00")}]
    return str((await delivery(shop, key, lines=lines))["order"]["id"])


async def test_only_legal_moves(shop: Shop) -> None:
    for at, verbs in MOVES.items():
        for name in ("shipOrder", "deliverOrder", "cancelOrder"):
            order = await placed(shop, f"{at}-{name}")
            for step in TO[at]:
                assert (await verb(shop, step, id=order))[1] == []
            before = await traces(shop)
            found, codes = await verb(shop, name, id=order)
            if name in verbs:
                assert (found["order"]["status"], codes) == (verbs[name], [])
                assert (await states(shop, order))[-1] == f"order.{verbs[name].lower()}"
            else:
                assert (found["order"], codes, await traces(shop)) == (None, ["STATE_REFUSED"], before), (at, name)


async def test_payments(shop: Shop) -> None:
    order = await placed(shop, "paid")
    shown = "order { status paid { amount } kept { amount } paidAt }"
    some, _ = await verb(shop, "payOrder", shown, id=order, amount=money("4.00"))
    assert (some["order"]["status"], some["order"]["paid"]["amount"]) == ("PLACED", "4.00")
    before = await traces(shop)
    for given, code in (
        (money("6.01"), "VALUE_INVALID"),
        (money("0.00"), "VALUE_INVALID"),
        (money("1.00", "USD"), "CURRENCY_MISMATCH"),
    ):
        assert (await verb(shop, "payOrder", shown, id=order, amount=given))[1] == [code]
    assert await traces(shop) == before
    rest, _ = await verb(shop, "payOrder", shown, id=order)
    assert (rest["order"]["status"], rest["order"]["paid"]["amount"], rest["order"]["kept"]["amount"]) == (
        "PAID",
        "10.00",
        "10.00",
    )
    assert await states(shop, order) == ["order.placed", "order.paid", "order.paid"]
    account = await placed(shop, "account")
    await verb(shop, "shipOrder", id=account)
    late, codes = await verb(shop, "payOrder", shown, id=account)
    assert (late["order"]["status"], late["order"]["paid"]["amount"], codes) == ("SHIPPED", "10.00", [])
    both = await placed(shop, "both")
    paid = await asyncio.gather(*(verb(shop, "payOrder", shown, id=both) for _ in range(4)))
    assert sorted(codes for _, codes in paid) == [[], ["VALUE_INVALID"], ["VALUE_INVALID"], ["VALUE_INVALID"]]


async def test_lines_stay_once_they_were_shipped(shop: Shop) -> None:
    order = await placed(shop, "fixed")
    (line,) = (
        await verb(shop, "updateOrder", "order { lines(first: 5) { nodes { id } } }", id=order, channel="PHONE")
    )[0]["order"]["lines"]["nodes"]
    new = {"orderId": order, "productId": shop.products[1], "unitPrice": money("1.00")}
    made, codes = await verb(shop, "createOrderLine", "orderLine { id }", **new)
    assert codes == []
    assert (await verb(shop, "deleteOrderLine", "deletedId", id=made["orderLine"]["id"]))[1] == []
    assert (await verb(shop, "upsertOrderLine", "orderLine { id }", source="x", externalId="1", **new))[1] == []
    await verb(shop, "shipOrder", id=order)
    before = await traces(shop)
    for name, shown, given in (
        ("createOrderLine", "orderLine { id }", new),
        ("upsertOrderLine", "orderLine { id }", {"source": "x", "externalId": "2", **new}),
        ("upsertOrderLine", "orderLine { id }", {"source": "x", "externalId": "1", "quantity": "3", **new}),
        ("updateOrderLine", "orderLine { id }", {"id": line["id"], "quantity": "3"}),
        ("deleteOrderLine", "deletedId", {"id": line["id"]}),
    ):
        assert (await verb(shop, name, shown, **given))[1] == ["STATE_REFUSED"], name
        assert await traces(shop) == before, name
    # who may not write lines is told that, and not how the order stands
    denied, codes = await verb(
        shop, "updateOrderLine", "orderLine { id }", "service_agent", id=line["id"], quantity="3"
    )
    assert (denied["orderLine"], codes) == (None, ["WRITE_ACCESS_DENIED"])


async def test_a_line_and_its_shipping_at_once(shop: Shop) -> None:
    """Either the line comes first, and is shipped, or it is refused: the total is that of the lines shipped."""
    for number in range(5):
        order = await placed(shop, f"race-{number}")
        new = {"orderId": order, "productId": shop.products[1], "unitPrice": money("1.00")}
        answers = await asyncio.gather(
            verb(shop, "shipOrder", id=order),
            *(verb(shop, "createOrderLine", "orderLine { id }", **new) for _ in range(3)),
        )
        assert answers[0][1] == []
        assert {code for _, codes in answers[1:] for code in codes} <= {"STATE_REFUSED"}
        made = sum(1 for _, codes in answers[1:] if not codes)
        assert await shop.total(order) == f"{10 + made}.00"


async def test_a_status_is_not_written(shop: Shop) -> None:
    text = "mutation ($i: UpdateOrderInput!) { updateOrder(input: $i) { order { id } } }"
    order = await placed(shop, "status")
    answer = await shop.api.as_("administrator")(text, {"i": {"id": order, "status": "SHIPPED"}})
    assert answer.codes == ["VARIABLE_INVALID"]
