"""A demo of their own, in which partners register deals and look after what they are given."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import pytest_asyncio

from crm_graph.db.embedded import EmbeddedServer
from crm_graph.db.ids import decode
from crm_graph.db.session import Database
from crm_graph.jobs import due
from tests.conftest import clone
from tests.fixtures.api import Answer, Api, running
from tests.fixtures.demo import Demo

ONE, OTHER = "partner_rep", "other_partner_rep"


def deal(name: str, **more: object) -> dict[str, object]:
    """What a partner registers."""
    return {"customerName": name, "amount": {"amount": "12000", "currency": "EUR"}, "closeOn": "2027-03-01", **more}


@dataclass
class Trade:
    """The small demo and its worker."""

    api: Api
    connection: Any
    organization: UUID
    database: Database
    url: str

    async def ask(self, persona: str, query: str, **variables: object) -> Answer:
        return await self.api.as_(persona)(query, variables)

    async def send(self, persona: str, verb: str, shown: str, **given: object) -> tuple[Any, list[str]]:
        """What a mutation shows, and the codes of what it refuses."""
        name = verb[0].upper() + verb[1:]
        text = f"mutation ($i: {name}Input!) {{ {verb}(input: $i) {{ shown: {shown} userErrors {{ code }} }} }}"
        answer = await self.ask(persona, text, i=given)
        assert "data" in answer.json, (given, answer.body)
        payload = answer.json["data"][verb]
        return payload["shown"], [error["code"] for error in payload["userErrors"]]

    async def made(self, persona: str, verb: str, shown: str, **given: object) -> str:
        found, errors = await self.send(persona, verb, shown, **given)
        assert errors == []
        node: str = found["id"]
        return node

    async def row(self, table: str, node: str) -> Any:
        return await self.connection.fetchrow(f"SELECT * FROM {table} WHERE id = $1", decode(node)[1])

    async def partner_row(self, persona: str) -> UUID:
        """The partner that a persona works for."""
        email = self.api.people[persona]["email"]
        sql = "SELECT partner_id FROM users WHERE organization_id = $1 AND email = $2"
        found: UUID = await self.connection.fetchval(sql, self.organization, email)
        return found

    async def partner(self, persona: str) -> str:
        """The id of the partner that a persona works for."""
        return f"par_{(await self.partner_row(persona)).hex}"

    async def work(self) -> None:
        """The worker does what is due."""
        await due.do_once(self.database)

    async def days_pass(self, kind: str) -> None:
        """What waits for a moment is due now."""
        await self.connection.execute("UPDATE timers SET due_at = now() WHERE kind = $1", kind)
        await self.work()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def trade(embedded_server: EmbeddedServer, small_demo_template: Demo) -> AsyncIterator[Trade]:
    with clone(embedded_server, small_demo_template.template) as url:
        connection, database = await asyncpg.connect(url), Database(url, 2)
        organization = await connection.fetchval("SELECT id FROM organizations WHERE external_id = 'main'")
        async with running(url, small_demo_template.data_dir, small_demo_template.personas) as api:
            yield Trade(api, connection, organization, database, url)
        await database.dispose()
        await connection.close()
