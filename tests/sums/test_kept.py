"""Totals that the database keeps, over HTTP: whatever becomes of the lines, and whoever writes them at once."""

import asyncio
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.sums.conftest import Shop

pytestmark = pytest.mark.asyncio(loop_scope="session")


def row(identifier: str) -> UUID:
    return UUID(identifier[4:])


async def stored(shop: Shop, order: str) -> dict[str, Any]:
    found = await shop.connection.fetchrow("SELECT * FROM orders WHERE id = $1", row(order))
    assert found is not None
    return dict(found)


async def test_a_total_follows_its_lines(shop: Shop) -> None:
    order = await shop.order()
    assert await shop.total(order) is None
    first = (await shop.line(order, "10.01", "3"))["orderLine"]["id"]
    assert await shop.total(order) == "30.03"
    await shop.line(order, "0.335", "0.5")  # refused: EUR has two decimals
    second = (await shop.line(order, "0.33", "0.5"))["orderLine"]["id"]
    assert await shop.total(order) == "30.20", "each line is rounded, half a cent up"
    await shop.do("updateOrderLine", "orderLine { id }", id=second, quantity="2")
    assert await shop.total(order) == "30.69"
    await shop.line(order, None)
    assert await shop.total(order) == "30.69", "a line without a price adds nothing"
    await shop.do("deleteOrderLine", "deletedId", id=first)
    assert await shop.total(order) == "0.66"
    await shop.do("updateOrderLine", "orderLine { id }", id=second, unitPrice=None)
    assert await shop.total(order) is None, "no line has an amount any more"


async def test_what_is_kept_is_written_like_any_change(shop: Shop) -> None:
    """Version and tag of the order move with its total, and its history has it; the line's own audit entry says why."""
    order = await shop.order()
    before = await stored(shop, order)
    line = (await shop.line(order, "5.00"))["orderLine"]["id"]
    after = await stored(shop, order)
    assert (after["version"], after["total"]) == (before["version"] + 1, Decimal("5.00"))
    assert after["updated_at"] > before["updated_at"]
    await shop.do("updateOrderLine", "orderLine { id }", id=line, position=7)
    assert (await stored(shop, order))["version"] == after["version"], "the total is the same"
    kept = await shop.connection.fetch(
        "SELECT total, history_actor_id IS NOT NULL AS told FROM orders_history WHERE id = $1 ORDER BY history_from",
        row(order),
    )
    assert [(one["total"], one["told"]) for one in kept] == [(None, True), (Decimal("5.00"), True)]
    stale = await shop.do("updateOrder", "order { id }", id=order, channel="PHONE", ifMatch="0" * 32)
    assert [e["code"] for e in stale["userErrors"]] == ["ETAG_MISMATCH"]


async def test_nobody_writes_a_total(shop: Shop) -> None:
    order = await shop.order()
    text = "mutation ($i: UpdateOrderInput!) { updateOrder(input: $i) { order { id } } }"
    given = {"id": order, "total": {"amount": "1.00", "currency": "EUR"}}
    answer = await shop.api.as_("administrator")(text, {"i": given})
    assert answer.codes == ["VARIABLE_INVALID"]
    assert (await stored(shop, order))["total"] is None


async def test_a_total_that_came_without_lines_stays_until_there_are_some(shop: Shop) -> None:
    """As SQL, which an import is: the sum is no longer overwritten once lines say it."""
    order = await shop.order()
    write = "UPDATE orders SET total = $2 WHERE id = $1"
    await shop.connection.execute(write, row(order), Decimal("99.00"))
    assert await shop.total(order) == "99.00"
    await shop.line(order, None)
    assert await shop.total(order) == "99.00", "a line without an amount says nothing"
    await shop.line(order, "12.00")
    assert await shop.total(order) == "12.00"
    await shop.connection.execute(write, row(order), Decimal("99.00"))
    assert await shop.total(order) == "12.00"


async def test_currencies_are_never_mixed(shop: Shop) -> None:
    order = await shop.order("JPY")
    await shop.line(order, "1001", "1.5", "JPY")
    assert await shop.total(order) == "1502", "yen have no decimals"
    bare = await shop.line(order, None)
    assert not bare["userErrors"], "a line without an amount is in its order's currency"
    before, events = await stored(shop, order), await shop.connection.fetchval("SELECT count(*) FROM outbox_events")
    refused = await shop.line(order, "5.00")
    assert [(e["code"], e["field"]) for e in refused["userErrors"]] == [("CURRENCY_MISMATCH", ["currency"])]
    assert await stored(shop, order) == before
    assert await shop.connection.fetchval("SELECT count(*) FROM outbox_events") == events
    lines = await shop.connection.fetchval("SELECT count(*) FROM order_lines WHERE order_id = $1", row(order))
    assert lines == 2
    with pytest.raises(Exception, match="in the currency"):
        await shop.connection.execute("UPDATE orders SET currency = 'EUR' WHERE id = $1", row(order))


async def test_a_line_that_moves_takes_its_amount_along(shop: Shop) -> None:
    one, other = await shop.order(), await shop.order()
    line = (await shop.line(one, "7.00"))["orderLine"]["id"]
    await shop.line(one, "1.00")
    await shop.connection.execute("UPDATE order_lines SET order_id = $2 WHERE id = $1", row(line), row(other))
    assert (await shop.total(one), await shop.total(other)) == ("1.00", "7.00")
    await shop.do("deleteOrder", "deletedId", id=other)
    assert await shop.connection.fetchval("SELECT count(*) FROM order_lines WHERE id = $1", row(line)) == 0


async def test_many_at_once_come_to_the_right_sum(shop: Shop) -> None:
    """Lines made, changed and deleted while the order itself is written: no deadlock, no update lost."""
    order = await shop.order()
    made = await asyncio.gather(*(shop.line(order, f"{n}.01") for n in range(1, 13)))
    lines = [one["orderLine"]["id"] for one in made]
    assert await shop.total(order) == "78.12"
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    before = await shop.connection.fetchval(deadlocks)
    answers = await asyncio.gather(
        *(shop.do("updateOrderLine", "orderLine { id }", id=line, quantity="2") for line in lines[:6]),
        *(shop.do("deleteOrderLine", "deletedId", id=line) for line in lines[6:9]),
        *(shop.line(order, "0.50") for _ in range(3)),
        *(shop.do("updateOrder", "order { id }", id=order, channel=one) for one in ("PHONE", "BRANCH", "MOBILE")),
    )
    assert [one["userErrors"] for one in answers] == [[]] * len(answers)
    expected = 2 * sum(Decimal(f"{n}.01") for n in range(1, 7)) + sum(Decimal(f"{n}.01") for n in (10, 11, 12))
    assert Decimal(await shop.total(order) or 0) == expected + Decimal("1.50")
    await shop.connection.execute("SELECT pg_stat_clear_snapshot()")
    assert await shop.connection.fetchval(deadlocks) == before
