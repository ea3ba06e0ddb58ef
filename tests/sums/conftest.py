"""An organisation of a demo whose orders the tests of this room make and change, over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import asyncpg
import pytest_asyncio

from crm_graph.db.embedded import EmbeddedServer
from tests.conftest import clone
from tests.fixtures.api import Api, running
from tests.fixtures.demo import Demo


@dataclass
class Shop:
    """A demo of its own; everything is asked for as its administrator."""

    api: Api
    connection: "asyncpg.Connection[asyncpg.Record]"
    customer: str
    products: list[str]
    url: str
    made: int = field(default=0)

    async def do(self, verb: str, shown: str, **given: object) -> dict[str, Any]:
        """The payload of a mutation."""
        name = verb[0].upper() + verb[1:]
        text = f"mutation ($i: {name}Input!) {{ {verb}(input: $i) {{ {shown} userErrors {{ code message field }} }} }}"
        found: dict[str, Any] = (await self.api.as_("administrator")(text, {"i": given})).data[verb]
        return found

    async def order(self, currency: str = "EUR") -> str:
        self.made += 1
        found = await self.do(
            "createOrder",
            "order { id }",
            number=f"T-{self.made}",
            customerId=self.customer,
            placedAt="2026-05-04T10:00:00Z",
            currency=currency,
        )
        return str(found["order"]["id"])

    async def line(self, order: str, price: str | None, quantity: str = "1", currency: str = "EUR") -> dict[str, Any]:
        given: dict[str, object] = {"orderId": order, "productId": self.products[0], "quantity": quantity}
        if price is not None:
            given["unitPrice"] = {"amount": price, "currency": currency}
        return await self.do("createOrderLine", "orderLine { id }", **given)

    async def total(self, order: str) -> str | None:
        """What the API says an order comes to; held against a sum of the lines it shows, in Python."""
        text = (
            "query ($id: ID!) { order(id: $id) { currency total { amount currency }"
            " lines(first: 200) { nodes { currency quantity unitPrice { amount } total { amount currency } } } } }"
        )
        found = (await self.api.as_("administrator")(text, {"id": order})).data["order"]
        amounts = [line["total"] for line in found["lines"]["nodes"] if line["total"]]
        assert {line["currency"] for line in found["lines"]["nodes"]} <= {found["currency"]}
        if not found["total"]:
            assert amounts == []
            return None
        if amounts:
            assert Decimal(found["total"]["amount"]) == sum((Decimal(a["amount"]) for a in amounts), Decimal(0))
        return str(found["total"]["amount"])


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shop(embedded_server: EmbeddedServer, small_demo_template: Demo) -> AsyncIterator[Shop]:
    with clone(embedded_server, small_demo_template.template) as url:
        connection = await asyncpg.connect(url)
        async with running(url, small_demo_template.data_dir, small_demo_template.personas) as api:
            text = "{ customers(first: 1) { nodes { id } } products(first: 3) { nodes { id } } }"
            found = (await api.as_("administrator")(text)).data
            products = [one["id"] for one in found["products"]["nodes"]]
            yield Shop(api, connection, found["customers"]["nodes"][0]["id"], products, url)
        await connection.close()
        await asyncio.sleep(0)
