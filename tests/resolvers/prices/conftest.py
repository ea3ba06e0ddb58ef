"""A shop of their own, over HTTP, in which each test uses products that no other does."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest_asyncio

from crm_graph.db.embedded import EmbeddedServer
from tests.conftest import clone
from tests.fixtures.api import Answer, Api, running
from tests.fixtures.demo import Demo

UNKNOWN = "0" * 32
"""An id of nothing, without its prefix."""

PRICE = """query ($productId: ID!, $customerId: ID, $channel: Channel, $quantity: Decimal, $at: DateTime, $currency: String,
  $partnerId: ID) {
  price(productId: $productId, customerId: $customerId, channel: $channel, quantity: $quantity, at: $at,
        currency: $currency, partnerId: $partnerId) {
    unitPrice total currency quantity listPrice scope priceListId priceListName entryId minQuantity
    candidates { priceListId name scope unitPrice minQuantity reason }
  }
}"""


@dataclass
class Shop:
    """The demo, and what tests add to it."""

    api: Api
    connection: Any
    made: list[str] = field(default_factory=list)

    async def create(self, entity: str, persona: str = "administrator", **values: object) -> str:
        """A new record's id."""
        found, errors = await self.try_to(f"create{entity}", entity, persona, **values)
        assert errors == [], (entity, values, errors)
        assert found is not None
        return found

    async def try_to(
        self, verb: str, entity: str, persona: str = "administrator", **values: object
    ) -> tuple[str | None, list[tuple[str, list[str] | None]]]:
        """The id of a mutation's record, and the codes and fields of its errors."""
        name, one = verb[0].upper() + verb[1:], entity[0].lower() + entity[1:]
        text = f"mutation ($i: {name}Input!) {{ {verb}(input: $i) {{ {one} {{ id }} userErrors {{ code field }} }} }}"
        payload = (await self.api.as_(persona)(text, {"i": values})).data[verb]
        record = payload[one]
        return record and record["id"], [(e["code"], e["field"]) for e in payload["userErrors"]]

    async def product(self, amount: str | None = "100.00", currency: str = "EUR", **values: object) -> str:
        price = {"listPrice": {"amount": amount, "currency": currency}} if amount is not None else {}
        number = len(self.made)
        self.made.append(await self.create("Product", name=f"Thing {number}", sku=f"THING-{number}", **price, **values))
        return self.made[-1]

    async def customer(self, **values: object) -> str:
        return await self.create("Customer", **{"name": "Somebody", "kind": "ORGANIZATION", **values})

    async def price_list(self, product: str, amount: str, currency: str = "EUR", least: str = "0", **of: object) -> str:
        """A list with one price of one product."""
        found = await self.create("PriceList", **{"name": "List", "currency": currency, **of})
        await self.entry(found, product, amount, currency, least)
        return found

    async def entry(self, found: str, product: str, amount: str, currency: str = "EUR", least: str = "0") -> str:
        price = {"amount": amount, "currency": currency}
        return await self.create(
            "PriceListEntry", priceListId=found, productId=product, unitPrice=price, minQuantity=least
        )

    async def ask(self, persona: str, product: str, **values: object) -> Answer:
        return await self.api.as_(persona)(PRICE, {"productId": product, **values})

    async def price(self, product: str, persona: str = "administrator", **values: object) -> Any:
        return (await self.ask(persona, product, **values)).data["price"]

    async def one(self, sql: str, *values: object) -> Any:
        return await self.connection.fetchval(sql, *values)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def shop(embedded_server: EmbeddedServer, small_demo_template: Demo) -> AsyncIterator[Shop]:
    with clone(embedded_server, small_demo_template.template) as url:
        connection = await asyncpg.connect(url)
        await connection.execute("DELETE FROM price_lists")  # the demo's own would decide
        async with running(url, small_demo_template.data_dir, small_demo_template.personas) as api:
            yield Shop(api, connection)
        await connection.close()
