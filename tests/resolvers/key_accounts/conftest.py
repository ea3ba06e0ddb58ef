"""A demo of their own, in which the tests look after key accounts."""

import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import pytest_asyncio

from crm_graph.auth.actor import Actor
from crm_graph.auth.system import system_actor
from crm_graph.db.embedded import EmbeddedServer
from crm_graph.db.ids import decode
from crm_graph.db.session import Database, Transaction
from tests.conftest import clone
from tests.fixtures.api import Answer, Api, running
from tests.fixtures.demo import Demo


@dataclass
class Office:
    """The small demo; what the tests need of it is made by the API."""

    api: Api
    connection: Any
    organization: UUID
    url: str
    made: list[str] = field(default_factory=list)

    async def do(
        self, verb: str, entity: str, persona: str = "administrator", **values: object
    ) -> tuple[str | None, list[str]]:
        """The id of a mutation's record, and the codes of its errors."""
        name, one = verb[0].upper() + verb[1:], entity[0].lower() + entity[1:]
        text = f"mutation ($i: {name}Input!) {{ {verb}(input: $i) {{ {one} {{ id }} userErrors {{ code }} }} }}"
        payload = (await self.api.as_(persona)(text, {"i": values})).json["data"][verb]
        return payload[one] and payload[one]["id"], [e["code"] for e in payload["userErrors"]]

    async def made_of(self, verb: str, entity: str, persona: str = "administrator", **values: object) -> str:
        found, errors = await self.do(verb, entity, persona, **values)
        assert found is not None, errors
        return found

    async def ask(self, persona: str, query: str, **variables: object) -> Answer:
        return await self.api.as_(persona)(query, variables)

    async def user(self, persona: str) -> str:
        found: str = (await self.ask(persona, "{ viewer { userId } }")).data["viewer"]["userId"]
        return found

    async def account(self, manager: str | None = None, **values: object) -> tuple[str, str]:
        """A customer who is a key account: both ids."""
        self.made.append(f"Account {len(self.made)}")
        customer = await self.made_of("createCustomer", "Customer", name=self.made[-1], kind="ORGANIZATION")
        if manager is not None:
            values["managerId"] = await self.user(manager)
        return customer, await self.made_of("createKeyAccount", "KeyAccount", customerId=customer, **values)

    async def plan(self, account: str, first: dt.date, last: dt.date) -> str:
        given = {"keyAccountId": account, "title": "Plan", "startsOn": str(first), "endsOn": str(last)}
        return await self.made_of("createKeyAccountPlan", "KeyAccountPlan", **given)

    async def order(self, customer: str, net: str, placed: dt.datetime | None = None) -> str:
        self.made.append(f"KA-{len(self.made)}")
        moment = (placed or dt.datetime.now(dt.UTC)).isoformat()
        order = await self.made_of("createOrder", "Order", number=self.made[-1], customerId=customer, placedAt=moment)
        price = {"amount": net, "currency": "EUR"}
        await self.made_of("createOrderLine", "OrderLine", orderId=order, kind="FEE", unitPrice=price)
        return order

    async def falls_due(
        self, do: Callable[[Transaction, Actor, UUID], Awaitable[None]], node: str | None = None
    ) -> None:
        """What a timer does about a row, or about the organisation, now."""
        row = decode(node)[1] if node else self.organization
        database = Database(self.url, 1)
        async with database.transaction(self.organization, None, "timer") as tx:
            await do(tx, await system_actor(await tx.raw(), self.organization, "timer"), row)
        await database.dispose()

    async def row(self, table: str, node: str) -> dict[str, Any]:
        return dict(await self.connection.fetchrow(f"SELECT * FROM {table} WHERE id = $1", decode(node)[1]))

    async def events(self, node: str) -> list[str]:
        rows = await self.connection.fetch(
            "SELECT type FROM outbox_events WHERE row_id = $1 ORDER BY sequence", decode(node)[1]
        )
        return [row["type"] for row in rows]

    async def traces(self) -> list[int]:
        """How much there is of what every write leaves."""
        tables = ("audit_entries", "outbox_events", "key_accounts_history", "timers")
        return [await self.connection.fetchval(f"SELECT count(*) FROM {table}") for table in tables]


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def office(embedded_server: EmbeddedServer, small_demo_template: Demo) -> AsyncIterator[Office]:
    with clone(embedded_server, small_demo_template.template) as url:
        connection = await asyncpg.connect(url)
        organization = await connection.fetchval("SELECT id FROM organizations WHERE external_id = 'main'")
        async with running(url, small_demo_template.data_dir, small_demo_template.personas) as api:
            yield Office(api, connection, organization, url)
        await connection.close()
