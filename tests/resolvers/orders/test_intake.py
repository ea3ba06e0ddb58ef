"""Orders from a shop, over HTTP: made once, whatever is repeated, at once, or in the wrong order."""

import asyncio
from decimal import ROUND_HALF_UP, Decimal
from itertools import permutations
from random import Random
from typing import Any
from unittest.mock import ANY

import pytest

from crm_graph.auth import api_keys
from crm_graph.db.session import Database
from tests.resolvers.orders.conftest import delivery, money, row, states, traces, verb
from tests.sums.conftest import Shop

pytestmark = pytest.mark.asyncio(loop_scope="session")


def lines(shop: Shop, *prices: str, **more: Any) -> list[dict[str, Any]]:
    return [{"productId": shop.products[0], "unitPrice": money(price), **more} for price in prices]


async def test_a_delivery_with_all_there_is(shop: Shop) -> None:
    sku, key = await shop.connection.fetchrow(
        "SELECT (SELECT sku FROM products WHERE id = $1), $2::text", row(shop.products[1]), "cust-1"
    )
    await shop.connection.execute(
        "UPDATE customers SET source = 'shop', external_id = $2 WHERE id = $1", row(shop.customer), key
    )
    given = {
        "customerId": None,
        "customer": {"source": "shop", "externalId": key},
        "channel": "MOBILE",
        "updatedAt": "2026-06-01T08:00:05Z",
        "lines": [
            {"sku": sku, "quantity": "3", "unitPrice": money("10.01"), "taxRate": "19"},
            {
                "productId": shop.products[0],
                "quantity": "0.5",
                "unitPrice": money("0.99"),
                "taxRate": "7",
                "taxIncluded": True,
            },
            {"kind": "SHIPPING", "title": "Parcel", "unitPrice": money("4.90"), "taxRate": "19", "tax": money("0.93")},
            {"kind": "DISCOUNT", "title": "Summer", "unitPrice": money("-5.00"), "taxRate": "19"},
        ],
    }
    del given["customerId"]
    first = await delivery(shop, "all", **given)
    assert (first["effect"], first["userErrors"]) == ("CREATED", [])
    order = first["order"]
    shown = [
        (one["kind"], one["net"]["amount"], one["tax"]["amount"], one["total"]["amount"])
        for one in order["lines"]["nodes"]
    ]
    assert shown == [
        ("PRODUCT", "30.03", "5.71", "35.74"),
        ("PRODUCT", "0.47", "0.03", "0.50"),
        ("SHIPPING", "4.90", "0.93", "5.83"),
        ("DISCOUNT", "-5.00", "-0.95", "-5.95"),
    ]
    assert [order[name]["amount"] for name in ("net", "tax", "total")] == ["30.40", "5.72", "36.12"]
    assert await states(shop, order["id"]) == ["order.placed", "order.updated"]
    before = await traces(shop)
    again = await delivery(shop, "all", **given)
    assert (again["effect"], again["order"]) == ("UNCHANGED", order)
    older = await delivery(shop, "all", **{**given, "updatedAt": "2026-06-01T08:00:04Z", "channel": "WEB", "lines": []})
    assert (older["effect"], older["order"], older["userErrors"]) == ("STALE", order, [])
    assert await traces(shop) == before
    newer = await delivery(
        shop, "all", updatedAt="2026-06-01T09:00:00Z", status="PAID", lines=[*given["lines"][:1], *given["lines"][2:3]]
    )
    assert (newer["effect"], newer["order"]["total"]["amount"]) == ("UPDATED", "41.57")
    assert (newer["order"]["status"], newer["order"]["paid"]["amount"]) == ("PAID", "41.57")
    assert [one["id"] for one in newer["order"]["lines"]["nodes"]] == [one["id"] for one in order["lines"]["nodes"][:2]]


async def test_twenty_deliveries_at_once_give_one_order(shop: Shop) -> None:
    given = {"lines": lines(shop, "1.10", "2.20", "3.30"), "updatedAt": "2026-06-02T08:00:00Z"}
    answers = await asyncio.gather(*(delivery(shop, "rush", **given) for _ in range(20)))
    assert sorted(one["effect"] for one in answers) == ["CREATED"] + ["UNCHANGED"] * 19
    assert len({one["order"]["id"] for one in answers}) == 1
    found = await shop.connection.fetchrow(
        "SELECT count(DISTINCT o.id) AS orders, count(*) AS lines, max(o.total) AS total FROM orders o"
        " JOIN order_lines l ON l.order_id = o.id WHERE o.source = 'shop' AND o.external_id = 'rush'"
    )
    assert tuple(found) == (1, 3, Decimal("6.60"))


async def test_deliveries_in_any_order_come_to_the_newest(shop: Shop) -> None:
    news: list[dict[str, Any]] = [
        {"updatedAt": "2026-06-03T08:00:00Z", "lines": lines(shop, "5.00")},
        {"updatedAt": "2026-06-03T09:00:00Z", "lines": lines(shop, "5.00", "7.00"), "status": "PAID"},
        {
            "updatedAt": "2026-06-03T10:00:00Z",
            "lines": lines(shop, "5.00", "7.00"),
            "status": "SHIPPED",
            "channel": "PHONE",
        },
    ]
    for number, order in enumerate(permutations(news)):
        for one in (*order, news[0]):
            answer = await delivery(shop, f"any-{number}", **one)
            assert answer["userErrors"] == []
        last = answer["order"]
        assert (last["status"], last["total"]["amount"], len(last["lines"]["nodes"])) == ("SHIPPED", "12.00", 2)


async def test_what_an_order_without_lines_comes_to_is_as_given(shop: Shop) -> None:
    bare = await delivery(shop, "bare", total=money("20.00"))
    assert (bare["order"]["total"]["amount"], bare["order"]["lines"]["nodes"]) == ("20.00", [])
    lined = await delivery(shop, "bare", lines=lines(shop, "3.00"), total=money("99.00"))
    assert lined["order"]["total"]["amount"] == "3.00"
    yen = await delivery(
        shop, "yen", lines=[{**lines(shop, "1")[0], "unitPrice": money("1001", "JPY"), "quantity": "1.5"}]
    )
    assert yen["order"]["total"] == {"amount": "1502", "currency": "JPY"}


async def test_refusals_leave_nothing(shop: Shop) -> None:
    shipped = await delivery(shop, "gone", lines=lines(shop, "3.00"), status="SHIPPED")
    assert shipped["effect"] == "CREATED"
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("new", {"lines": [{"unitPrice": money("1.00")}]}, "VALUE_INVALID"),
        ("new", {"lines": [{"unitPrice": money("1.00"), "sku": "no such thing"}]}, "REFERENCE_NOT_FOUND"),
        (
            "new",
            {"lines": [*lines(shop, "1.00"), {**lines(shop, "1")[0], "unitPrice": money("1.00", "USD")}]},
            "CURRENCY_MISMATCH",
        ),
        ("new", {"lines": lines(shop, "1.00", quantity="0")}, "VALUE_INVALID"),
        ("new", {"lines": lines(shop, "1.00"), "paid": money("1", "JPY")}, "CURRENCY_MISMATCH"),
        ("new", {"customerId": shop.products[0]}, "REFERENCE_NOT_FOUND"),
        ("new", {"customer": {"source": "shop", "externalId": "nobody"}}, "REFERENCE_NOT_FOUND"),
        ("gone", {"status": "PAID"}, "STATE_REFUSED"),
        ("gone", {"lines": lines(shop, "3.00", "4.00")}, "STATE_REFUSED"),
        ("gone", {"number": "another", "ifMatch": "0" * 32}, "ETAG_MISMATCH"),
        ("gone", {"currency": "USD"}, "VALUE_INVALID"),
    ]
    before = await traces(shop)
    for key, given, code in cases:
        answer = await delivery(shop, key, **given)
        assert (answer["effect"], {e["code"] for e in answer["userErrors"]}) == ("REFUSED", {code}), given
        assert await traces(shop) == before, given
    # the same lines may come again
    assert (await delivery(shop, "gone", lines=lines(shop, "3.00"), status="DELIVERED"))["effect"] == "UPDATED"


async def test_apps_reach_as_far_as_their_scopes(shop: Shop) -> None:
    owner = await shop.connection.fetchrow(
        "SELECT u.organization_id, u.id FROM users u JOIN organizations g ON g.id = u.organization_id"
        " WHERE g.external_id = 'main' AND 'administrator' = ANY(u.roles) ORDER BY u.id LIMIT 1"
    )
    database, tokens = Database(shop.url, 1), dict(shop.api.tokens)
    whole = ["orders:write:internal", "order_lines:write:internal", "products:read", "customers:read:internal"]
    for name, scopes in {
        "app": whole,
        "without lines": whole[:1] + whole[2:],
        "reader": ["orders:read:internal"],
    }.items():
        async with database.transaction(owner["organization_id"], owner["id"], "test") as tx:
            tokens[name] = await api_keys.create(
                tx, owner["organization_id"], owner["id"], name=name, days=1, scopes=scopes
            )
    await database.dispose()
    shop.api.tokens = tokens
    before = await traces(shop)
    for name, code in (("without lines", "WRITE_ACCESS_DENIED"), ("reader", "WRITE_ACCESS_DENIED")):
        new = {"number": "A-1", "customerId": shop.customer, "placedAt": "2026-06-01T08:00:00Z"}
        given = {"source": "shop", "externalId": "app", "lines": lines(shop, "1.00"), **new}
        assert await verb(shop, "upsertOrder", "effect", name, **given) == (
            {"effect": "REFUSED", "userErrors": [ANY]},
            [code],
        )
    assert await traces(shop) == before
    assert (await delivery(shop, "app", "app", lines=lines(shop, "1.00")))["effect"] == "CREATED"
    for persona in ("sales_rep", "customer"):
        answer, codes = await verb(
            shop, "upsertOrder", "effect", persona, source="shop", externalId="app", channel="PHONE"
        )
        assert (answer["effect"], codes) == ("REFUSED", ["WRITE_ACCESS_DENIED"])


async def test_sums_are_those_of_rounded_lines(shop: Shop) -> None:
    """Forty orders of any lines: what PostgreSQL keeps is what Python's decimals come to."""
    random = Random("orders")
    cent = Decimal("0.01")
    for number in range(40):
        given, expected = [], {"net": Decimal(0), "tax": Decimal(0), "total": Decimal(0)}
        for _ in range(random.randint(1, 6)):
            price, quantity = Decimal(random.randint(-9999, 99999)) / 100, Decimal(random.randint(1, 9999)) / 1000
            rate, included = Decimal(random.choice(("0", "7", "19", "7.7", "20", "8.1"))), random.random() < 0.5
            amount = (price * quantity).quantize(cent, ROUND_HALF_UP)
            if included:
                tax = amount - (amount * 100 / (100 + rate)).quantize(cent, ROUND_HALF_UP)
            else:
                tax = (amount * rate / 100).quantize(cent, ROUND_HALF_UP)
            net = amount - tax if included else amount
            expected = {
                "net": expected["net"] + net,
                "tax": expected["tax"] + tax,
                "total": expected["total"] + net + tax,
            }
            more = {"quantity": str(quantity), "taxRate": str(rate), "taxIncluded": included}
            given += lines(shop, str(price), **more)
        order = (await delivery(shop, f"any-lines-{number}", lines=given))["order"]
        assert {name: Decimal(order[name]["amount"]) for name in expected} == expected
