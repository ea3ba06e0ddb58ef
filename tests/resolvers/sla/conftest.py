"""A demo of their own, in which the tests promise things, and time passes as they say."""

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import pytest_asyncio

from crm_graph.auth.system import system_actor
from crm_graph.db.embedded import EmbeddedServer
from crm_graph.db.ids import decode, uuid7
from crm_graph.db.session import Database
from crm_graph.jobs import due
from crm_graph.resolvers.sla.reckoning import reckon
from tests.conftest import clone
from tests.fixtures.api import Answer, Api, running
from tests.fixtures.demo import Demo

MINUTE = dt.timedelta(minutes=1)
_OPEN = """
INSERT INTO tickets (organization_id, id, version, created_at, updated_at, number, subject, customer_id, channel, status,
                     type, to_management, impact, urgency, customer_value, raised_by, priority, tags, skills, assignee_id,
                     team_id, queue_id, opened_at, last_customer_message_at, reopen_count, sla_matched_by, sla_status,
                     sla_stays, sla_marks)
VALUES ($1, $2, 1, now(), now(), $2::uuid::text, 'Help', $3, $4, 'NEW', 'QUESTION', FALSE, 'MEDIUM', 'MEDIUM', 'STANDARD', 0,
        $5, '{}', '{}', $6, $7, $8, $9, $9, 0, '{}', 'NONE', '{}', '{}')"""


@dataclass
class Desk:
    """The small demo without its policies; calendars and policies are made by the API, tickets as an import has them."""

    api: Api
    connection: Any
    database: Database
    organization: UUID
    made: list[tuple[str, str]] = field(default_factory=list)

    async def do(self, verb: str, entity: str, persona: str = "administrator", **values: object) -> tuple[Any, Any]:
        """The id of a mutation's record; codes and fields of its errors."""
        name, one = verb[0].upper() + verb[1:], entity[0].lower() + entity[1:]
        text = f"mutation ($i: {name}Input!) {{ {verb}(input: $i) {{ {one} {{ id }} userErrors {{ code field }} }} }}"
        answer = (await self.api.as_(persona)(text, {"i": values})).json
        if not answer.get("data"):
            return None, [answer["errors"][0]["extensions"]["code"]]
        payload = answer["data"][verb]
        return payload[one] and payload[one]["id"], [(e["code"], *(e["field"] or [])) for e in payload["userErrors"]]

    async def policy(self, **values: object) -> str:
        return await self.make("SlaPolicy", **{"name": "Promise", "clock": "ELAPSED", **values})

    async def promise(self, **values: object) -> str:
        """A policy for the customer whose tickets the tests open, and for nobody else's."""
        return await self.policy(customerId=f"cus_{(await self.customer()).hex}", **values)

    async def make(self, entity: str, **values: object) -> str:
        found, errors = await self.do(f"create{entity}", entity, **values)
        assert found is not None, errors
        self.made.append((entity, found))
        return found

    async def change(self, entity: str, node: str, **values: object) -> None:
        assert await self.do(f"update{entity}", entity, id=node, **values) == (node, [])

    async def forget(self) -> None:
        """Delete what was promised, and the tickets."""
        await self.connection.execute(
            "DELETE FROM tickets WHERE organization_id = $1 AND subject = 'Help'", self.organization
        )
        await self.connection.execute("UPDATE tickets SET sla_policy_id = NULL")
        await self.connection.execute("UPDATE teams SET calendar_id = NULL")
        for table in ("sla_policies", "holidays", "business_calendars", "timers", "outgoing_mails"):
            await self.connection.execute(f"DELETE FROM {table} WHERE organization_id = $1", self.organization)
        self.made.clear()

    async def open(self, minutes_ago: float = 0, **given: Any) -> UUID:
        """A ticket, opened some minutes ago; nobody has told of it yet."""
        row, opened = uuid7(), dt.datetime.now(dt.UTC) - MINUTE * minutes_ago
        facts = {"channel": "WEB", "priority": "NORMAL", **given}
        await self.connection.execute(
            _OPEN,
            self.organization,
            row,
            facts.get("customer") or await self.customer(),
            facts["channel"],
            facts["priority"],
            facts.get("assignee"),
            facts.get("team"),
            facts.get("queue"),
            opened,
        )
        return row

    async def customer(self, where: str = "TRUE") -> UUID:
        return await self.connection.fetchval(
            "SELECT id FROM customers c WHERE organization_id = $1 AND segment = 'CONSUMER' AND NOT EXISTS"
            f" (SELECT FROM key_accounts k WHERE k.customer_id = c.id) AND {where} ORDER BY id LIMIT 1",
            self.organization,
        )

    async def reckon(self, *tickets: UUID) -> None:
        async with self.database.transaction(self.organization, None, "test") as tx:
            await reckon(tx, await system_actor(await tx.raw(), self.organization, "test"), tickets)

    async def work(self) -> None:
        """What a worker does of what is due, until nothing is."""
        while await due.do_once(self.database):
            pass

    async def row(self, ticket: UUID) -> dict[str, Any]:
        return dict(await self.connection.fetchrow("SELECT * FROM tickets WHERE id = $1", ticket))

    async def set(self, ticket: UUID, **values: object) -> None:
        names = ", ".join(f"{name} = ${n}" for n, name in enumerate(values, 2))
        await self.connection.execute(f"UPDATE tickets SET {names} WHERE id = $1", ticket, *values.values())

    async def timer(self, ticket: UUID) -> dt.datetime | None:
        return await self.connection.fetchval(
            "SELECT due_at FROM timers WHERE kind = 'sla.ticket' AND row_id = $1", ticket
        )

    async def events(self, ticket: UUID) -> list[str]:
        rows = await self.connection.fetch("SELECT type FROM outbox_events WHERE row_id = $1 ORDER BY sequence", ticket)
        return [row["type"] for row in rows]

    async def mails(self) -> Sequence[Any]:
        return await self.connection.fetch("SELECT recipient, subject, body FROM outgoing_mails ORDER BY recipient")

    async def ask(self, persona: str, query: str, **variables: object) -> Answer:
        return await self.api.as_(persona)(query, variables)


def row_of(node: str) -> UUID:
    return decode(node)[1]


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def whole_desk(embedded_server: EmbeddedServer, small_demo_template: Demo) -> AsyncIterator[Desk]:
    with clone(embedded_server, small_demo_template.template) as url:
        connection = await asyncpg.connect(url)
        organization = await connection.fetchval("SELECT id FROM organizations WHERE external_id = 'main'")
        database = Database(url, 4)
        async with running(url, small_demo_template.data_dir, small_demo_template.personas) as api:
            yield Desk(api, connection, database, organization)
        await database.dispose()
        await connection.close()


@pytest_asyncio.fixture(loop_scope="session")
async def desk(whole_desk: Desk) -> AsyncIterator[Desk]:
    await whole_desk.forget()
    yield whole_desk
