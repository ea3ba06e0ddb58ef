"""A demo of its own whose uses of authority and requests are forgotten between tests, and shorthands for its people."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest_asyncio

from crm_graph.auth import api_keys
from crm_graph.db.embedded import EmbeddedServer
from crm_graph.db.session import Database
from tests.conftest import clone
from tests.fixtures.api import Answer, Api, running
from tests.fixtures.demo import Demo

_GRANT = """mutation ($i: GrantCompensationInput!) { grantCompensation(input: $i) {
  compensation { id kind amount { amount currency } state granted grantedBy { name }
    approvalRequest { id state askedOf { name } authorityOf { name } amount { amount currency } } }
  userErrors { code message field } } }"""
_LEFT = """query ($a: AuthorityAction!, $c: String!) { remainingAuthority(action: $a, currency: $c) {
  action currency now each periods { period limit left until } } }"""
_GONE = ("compensations", "authority_uses", "approval_requests", "authority_delegations", "timers")
TRACES = (*_GONE[:4], "audit_entries", "outbox_events")


class World:
    """The application on the demo, its database, and the people of the main organisation by name of a persona."""

    def __init__(self, api: Api, connection: Any, database: Database) -> None:
        self.api, self.connection, self.database = api, connection, database
        self.organization: UUID
        self.customer: Any = None

    async def open(self) -> None:
        self.organization = await self.connection.fetchval("SELECT id FROM organizations WHERE external_id = 'main'")
        for key, title, role in (
            ("lead", "Service Lead", "service_agent"),
            ("colleague", "Service Agent", "service_agent"),
            ("mate", "Team Lead Sales", "sales_rep"),
        ):
            user = await self.connection.fetchrow(
                "SELECT id, name FROM users WHERE organization_id = $1 AND job_title = $2 AND $3 = ANY(roles)"
                " ORDER BY id LIMIT 1",
                self.organization,
                title,
                role,
            )
            await self.sign_in(key, user["id"], user["name"])
        self.customer = await self.connection.fetchrow(
            "SELECT * FROM customers WHERE organization_id = $1 AND kind = 'PERSON' AND currency = 'EUR'"
            " AND parent_id IS NULL AND stage = 'LOYAL' ORDER BY id LIMIT 1",
            self.organization,
        )

    async def sign_in(self, key: str, user: UUID, name: str) -> None:
        async with self.database.transaction(self.organization, user, "test") as tx:
            token = await api_keys.create(tx, self.organization, user, name="test", days=1)
        self.api.tokens[key] = token  # type: ignore[index]
        self.api.people[key] = {"name": name}  # type: ignore[index]

    def name(self, persona: str) -> str:
        return self.api.people[persona]["name"]

    async def user(self, persona: str) -> UUID:
        return await self.connection.fetchval(
            "SELECT id FROM users WHERE organization_id = $1 AND name = $2", self.organization, self.name(persona)
        )

    @property
    def customer_id(self) -> str:
        return f"cus_{self.customer['id'].hex}"

    async def ask(self, persona: str, text: str, **variables: object) -> Any:
        answer: Answer = await self.api.as_(persona)(text, variables)
        return answer.json["data"]

    async def grant(self, persona: str = "service_agent", amount: object = "20.00", /, **given: object) -> Any:
        money = {"amount": amount, "currency": given.pop("currency", "EUR")}
        values = {"customerId": self.customer_id, "kind": "FEE_WAIVER", "amount": money, "reason": "Charged late."}
        return (await self.ask(persona, _GRANT, i={**values, **given}))["grantCompensation"]

    async def refused(self, persona: str, amount: object = "20.00", /, **given: object) -> list[str]:
        """The codes of a refusal, which has left nothing."""
        before = await self.traces()
        found = await self.grant(persona, amount, **given)
        assert found["compensation"] is None
        assert await self.traces() == before
        return [error["code"] for error in found["userErrors"]]

    async def decide(self, persona: str, verb: str, request: str, /, **given: object) -> list[str]:
        name = f"{verb[0].upper()}{verb[1:]}Input"
        text = (
            f"mutation ($i: {name}!) {{ {verb}(input: $i) {{ approvalRequest {{ id state }} userErrors {{ code }} }} }}"
        )
        found = (await self.ask(persona, text, i={"id": request, **given}))[verb]
        return [error["code"] for error in found["userErrors"]]

    async def left(self, persona: str = "service_agent", action: str = "FEE_WAIVER", currency: str = "EUR") -> Any:
        return (await self.ask(persona, _LEFT, a=action, c=currency))["remainingAuthority"]

    async def traces(self) -> list[int]:
        return [await self.connection.fetchval(f"SELECT count(*) FROM {table}") for table in TRACES]

    async def row(self, table: str, identifier: str) -> Any:
        uuid = identifier.partition("_")[2]
        return await self.connection.fetchrow(f"SELECT * FROM {table} WHERE id = $1::text::uuid", uuid)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
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
    await shared.connection.execute(
        "UPDATE opportunities SET approval_request_id = NULL WHERE approval_request_id IS NOT NULL"
    )
    await shared.connection.execute("UPDATE customers SET limit_request_id = NULL WHERE limit_request_id IS NOT NULL")
    for table in _GONE:
        await shared.connection.execute(f"DELETE FROM {table}")
    await shared.connection.execute("UPDATE users SET own_customer_id = NULL WHERE own_customer_id IS NOT NULL")
    return shared
