"""A demo whose customer changes what is about themselves."""

import re
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest_asyncio

from crm_graph.auth import api_keys
from crm_graph.db.embedded import EmbeddedServer
from crm_graph.db.session import Database
from tests.conftest import clone
from tests.fixtures.api import Api, running
from tests.fixtures.demo import Demo

TABLES = ("customers", "addresses", "change_requests", "change_codes", "outgoing_mails", "audit_entries")
MORE = ("outbox_events", "idempotency_keys", "customers_history")
UPDATE = """mutation ($i: UpdateCustomerInput!) { updateCustomer(input: $i) {
  customer { id name email phone city etag } pendingChanges { id entity field before after state waitsFor }
  userErrors { code field } } }"""
ADDRESS = """mutation ($i: UpdateAddressInput!) { updateAddress(input: $i) {
  address { street } pendingChanges { id } userErrors { code field } } }"""


class World:
    """A demo of its own and its customer persona; everything pending is forgotten between tests."""

    def __init__(self, api: Api, connection: Any, database: Database) -> None:
        self.api, self.connection, self.database = api, connection, database
        self.user: Any = None
        self.tokens: dict[str, str] = {}

    async def open(self) -> None:
        self.user = await self.connection.fetchrow(
            "SELECT u.organization_id AS o, u.id, u.customer_id FROM users u JOIN organizations g ON g.id = u.organization_id"
            " WHERE g.external_id = 'main' AND u.customer_id IS NOT NULL"
        )

    @property
    def me(self) -> str:
        return f"cus_{self.user['customer_id'].hex}"

    async def customer(self) -> dict[str, Any]:
        return dict(await self.connection.fetchrow("SELECT * FROM customers WHERE id = $1", self.user["customer_id"]))

    async def address(self) -> Any:
        return await self.connection.fetchrow(
            "SELECT * FROM addresses WHERE customer_id = $1 ORDER BY id LIMIT 1", self.user["customer_id"]
        )

    async def traces(self) -> list[Any]:
        counts = [await self.connection.fetchval(f"SELECT count(*) FROM {t}") for t in (*TABLES, *MORE)]
        return [*counts, await self.customer(), dict(await self.address())]

    async def mails(self) -> list[Any]:
        return await self.connection.fetch("SELECT recipient, body FROM outgoing_mails ORDER BY created_at, id")

    async def code(self) -> str:
        return re.findall(r"[2-9A-Z]{4}-[2-9A-Z]{4}-[2-9A-Z]{4}", (await self.mails())[-1]["body"])[0]

    async def ask(self, persona: str, text: str, verb: str, /, **given: object) -> dict[str, Any]:
        # a field of the payload that the caller never sees is an error of its own, and no matter here
        return (await self.api.as_(persona)(text, {"i": given})).json["data"][verb]

    async def update(self, persona: str = "customer", /, **given: object) -> dict[str, Any]:
        return await self.ask(persona, UPDATE, "updateCustomer", **{"id": self.me, **given})

    async def decide(self, persona: str, verb: str, change: str, /, **given: object) -> list[str]:
        title = verb[0].upper() + verb[1:]
        text = (
            f"mutation ($i: {title}Input!) {{ {verb}(input: $i) {{ changeRequest {{ id }} userErrors {{ code }} }} }}"
        )
        return [e["code"] for e in (await self.ask(persona, text, verb, id=change, **given))["userErrors"]]

    async def state(self, change: str) -> str:
        return await self.connection.fetchval(
            "SELECT state FROM change_requests WHERE id = $1::text::uuid", change.removeprefix("chr_")
        )

    async def scoped(self, *scopes: str) -> str:
        """A persona that is the customer with a key of these scopes."""
        name = " ".join(scopes)
        async with self.database.transaction(self.user["o"], self.user["id"], "test") as tx:
            token = await api_keys.create(tx, self.user["o"], self.user["id"], name=name, days=1, scopes=scopes)
        self.api.tokens[name] = token  # type: ignore[index]
        return name


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def shared(embedded_server: EmbeddedServer, small_demo_template: Demo) -> AsyncIterator[World]:
    with clone(embedded_server, small_demo_template.template) as url:
        connection, database = await asyncpg.connect(url), Database(url, 1)
        async with running(url, small_demo_template.data_dir, small_demo_template.personas) as api:
            found = World(api, connection, database)
            await found.open()
            yield found
        await database.dispose()
        await connection.close()


@pytest_asyncio.fixture(loop_scope="session")
async def world(shared: World) -> World:
    await shared.connection.execute("DELETE FROM change_requests")
    await shared.connection.execute("DELETE FROM outgoing_mails")
    await shared.connection.execute(
        "UPDATE customers SET email = 'old@example.com' WHERE id = $1", shared.user["customer_id"]
    )
    return shared
