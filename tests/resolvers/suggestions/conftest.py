"""A demo of their own, in which the tests buy, agree and release."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import pytest_asyncio

from crm_graph.auth.system import system_actor
from crm_graph.db.embedded import EmbeddedServer
from crm_graph.db.ids import decode
from crm_graph.db.session import Database
from crm_graph.resolvers.suggestions.daily import propose
from tests.conftest import clone
from tests.fixtures.api import Answer, Api, running
from tests.fixtures.demo import Demo


@dataclass
class Market:
    """The small demo; what the tests need of it is made by the API, but for many orders."""

    api: Api
    connection: Any
    organization: UUID
    made: list[str] = field(default_factory=list)

    async def do(
        self, verb: str, entity: str, persona: str = "administrator", **values: object
    ) -> tuple[str | None, list[str]]:
        """The id of a mutation's record, and the codes of its errors."""
        name, one = verb[0].upper() + verb[1:], entity[0].lower() + entity[1:]
        text = f"mutation ($i: {name}Input!) {{ {verb}(input: $i) {{ {one} {{ id }} userErrors {{ code }} }} }}"
        payload = (await self.api.as_(persona)(text, {"i": values})).json["data"][verb]  # who sees none is told so too
        return payload[one] and payload[one]["id"], [e["code"] for e in payload["userErrors"]]

    async def made_of(self, verb: str, entity: str, persona: str = "administrator", **values: object) -> str:
        found, errors = await self.do(verb, entity, persona, **values)
        assert found is not None, errors
        return found

    async def product(self, **values: object) -> str:
        self.made.append(f"SUG-{len(self.made)}")
        name = f"Thing {self.made[-1]}"
        return await self.made_of("createProduct", "Product", name=name, sku=self.made[-1], **values)

    async def customer(self, **values: object) -> str:
        return await self.made_of("createCustomer", "Customer", **{"name": "Somebody", "kind": "PERSON", **values})

    async def buys(self, customer: str, *products: str, status: str = "DELIVERED") -> None:
        """An order of these products."""
        order, row = await self.connection.fetchrow(
            "INSERT INTO orders (organization_id, id, version, created_at, updated_at, number, customer_id, channel, status,"
            " placed_at, currency) VALUES ($1, gen_random_uuid(), 1, now(), now(), gen_random_uuid()::text, $2, 'WEB', $3,"
            " now(), 'EUR') RETURNING id, organization_id",
            self.organization,
            decode(customer)[1],
            status,
        )
        for place, product in enumerate(products, 1):
            await self.connection.execute(
                "INSERT INTO order_lines (organization_id, id, version, created_at, updated_at, order_id, product_id,"
                " kind, tax_included, position, quantity, currency)"
                " VALUES ($1, gen_random_uuid(), 1, now(), now(), $2, $3, 'PRODUCT', FALSE, $4, 1, 'EUR')",
                row,
                order,
                decode(product)[1],
                place,
            )

    async def count_daily(self) -> None:
        """The daily job, now."""
        database = Database(self.api.url, 1)
        async with database.transaction(self.organization, None, "timer") as tx:
            await propose(tx, await system_actor(await tx.raw(), self.organization, "timer"), self.organization)
        await database.dispose()

    async def ask(self, persona: str, query: str, **variables: object) -> Answer:
        return await self.api.as_(persona)(query, variables)

    async def mails_to(self, address: str) -> Sequence[Any]:
        return await self.connection.fetch(
            "SELECT subject, body FROM outgoing_mails WHERE recipient = $1 ORDER BY id", address
        )

    async def user(self, persona: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.ask(persona, "{ viewer { userId customerId } }")).data["viewer"]
        return found

    async def row(self, table: str, node: str) -> dict[str, Any]:
        return dict(await self.connection.fetchrow(f"SELECT * FROM {table} WHERE id = $1", decode(node)[1]))

    async def events(self, node: str) -> list[str]:
        rows = await self.connection.fetch(
            "SELECT type FROM outbox_events WHERE row_id = $1 ORDER BY sequence", decode(node)[1]
        )
        return [row["type"] for row in rows]


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def market(embedded_server: EmbeddedServer, small_demo_template: Demo) -> AsyncIterator[Market]:
    with clone(embedded_server, small_demo_template.template) as url:
        connection = await asyncpg.connect(url)
        organization = await connection.fetchval("SELECT id FROM organizations WHERE external_id = 'main'")
        async with running(url, small_demo_template.data_dir, small_demo_template.personas) as api:
            yield Market(api, connection, organization)
        await connection.close()


def places(answer: Answer, root: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(answer.body)["data"][root]
    return found
