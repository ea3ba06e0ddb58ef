"""The small demo with times at the ends of years and weeks, and what each persona is listed there."""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from crm_graph.db.embedded import EmbeddedServer
from tests.conftest import blocking, clone
from tests.fixtures.api import Api, running
from tests.fixtures.demo import Demo

PERSONAS = ("administrator", "sales_manager", "sales_rep", "service_agent", "partner_rep", "customer")
SELECTED: Mapping[str, Mapping[str, str]] = {
    "customer": {
        "kind": "",
        "segment": "",
        "stage": "",
        "country": "",
        "city": "",
        "currency": "",
        "employees": "",
        "createdAt": "",
        "updatedAt": "",
        "bornOn": "",
        "foundedIn": "",
        "email": "",
        "owner": "{ id }",
        "team": "{ id }",
        "parent": "{ id }",
        "annualRevenue": "{ amount currency }",
        "creditLimit": "{ amount currency }",
        "lifetimeValue": "{ amount currency }",
    },
    "opportunity": {
        "status": "",
        "currency": "",
        "probability": "",
        "closeOn": "",
        "createdAt": "",
        "customer": "{ id }",
        "owner": "{ id }",
        "stage": "{ id }",
        "amount": "{ amount currency }",
        "weightedAmount": "{ amount currency }",
    },
    "order": {
        "channel": "",
        "status": "",
        "currency": "",
        "placedAt": "",
        "customer": "{ id }",
        "partner": "{ id }",
        "total": "{ amount currency }",
    },
}
"""Fields of three entities, with what is selected below them."""
LISTS = {"customer": "customers", "opportunity": "opportunities", "order": "orders"}
_TURNS = (
    "2024-12-31T23:59:59.999999Z",
    "2025-01-01T00:00:00Z",
    "2024-12-29T12:00:00Z",
    "2024-12-30T00:00:00Z",
    "2021-01-03T23:59:59Z",
    "2020-12-31T23:30:00Z",
    "2020-02-29T00:00:00Z",
    "1999-12-31T23:59:59Z",
)
"""In UTC the ends of years and quarters; 30 December 2024 begins the first week of 2025."""


@dataclass
class World:
    """The running application, and the listings of personas: rows, and the fields that they see on none."""

    api: Api
    listed: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)
    hidden: dict[tuple[str, str], set[str]] = field(default_factory=dict)

    async def rows(self, persona: str, entity: str) -> list[dict[str, Any]]:
        """All that a persona is listed of an entity."""
        if (persona, entity) not in self.listed:
            fields = " ".join(f"{name} {below}" for name, below in SELECTED[entity].items())
            query = (
                f"query ($after: String) {{ {LISTS[entity]}(first: 200, after: $after)"
                f" {{ nodes {{ id {fields} }} pageInfo {{ hasNextPage endCursor }} }} }}"
            )
            found: list[dict[str, Any]] = []
            after = None
            while True:
                answer = (await self.api.as_(persona)(query, {"after": after})).json
                hidden = {e["extensions"]["coordinate"].partition(".")[2] for e in answer.get("errors", [])}
                page = answer["data"][LISTS[entity]]
                if page is None:
                    hidden = set(SELECTED[entity])
                    break
                found += page["nodes"]
                after = page["pageInfo"]["endCursor"]
                if not page["pageInfo"]["hasNextPage"]:
                    break
            self.listed[persona, entity], self.hidden[persona, entity] = found, hidden
        return self.listed[persona, entity]

    async def shown(self, persona: str, entity: str) -> list[str]:
        """The fields that a persona sees on some row."""
        await self.rows(persona, entity)
        return [name for name in SELECTED[entity] if name not in self.hidden[persona, entity]]


async def turn(url: str) -> None:
    connection = await asyncpg.connect(url)
    for table, column in (("customers", "created_at"), ("orders", "placed_at"), ("opportunities", "close_on")):
        await connection.execute(
            f"UPDATE {table} t SET {column} = ($1::text[])[1 + n % {len(_TURNS)}]::timestamptz FROM"
            f" (SELECT id AS i, row_number() OVER (ORDER BY id) AS n FROM {table}) x WHERE i = t.id AND n % 3 = 0",
            list(_TURNS),
        )
    await connection.execute("UPDATE customers SET segment = NULL WHERE mod(hashtext(id::text), 7) = 0")
    await connection.close()


@pytest.fixture(scope="session")
def turned_url(embedded_server: EmbeddedServer, small_demo_template: Demo) -> Iterator[str]:
    with clone(embedded_server, small_demo_template.template) as url:
        blocking(turn(url))
        yield url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def listings(turned_url: str, small_demo_template: Demo) -> AsyncIterator[World]:
    async with running(turned_url, small_demo_template.data_dir, small_demo_template.personas) as started:
        yield World(started)
