"""Two processes' worth of application on one database that the tests of a module may change."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from tests.conftest import clone
from tests.fixtures.api import Answer, Api, running
from tests.fixtures.demo import Demo

CREATE = """mutation ($input: CreateCustomFieldInput!) {
  createCustomField(input: $input) { userErrors { code message field } customField { id etag name slot archivedAt } }
}"""


@dataclass
class Workers:
    """`first` and `second` are applications of their own on the same database."""

    url: str
    first: Api
    second: Api

    async def ask(self, persona: str, query: str, variables: dict[str, Any] | None = None) -> Answer:
        """Ask the first."""
        return await self.first.as_(persona)(query, variables)

    async def data(self, persona: str, query: str, variables: dict[str, Any] | None = None) -> Any:
        return (await self.ask(persona, query, variables)).data

    async def create(self, name: str, kind: str = "STRING", *, by: str = "administrator", **more: Any) -> Any:
        """Add a field to customers and give the payload."""
        given = {"entity": "CUSTOMER", "name": name, "kind": kind, "description": f"About {name}.", **more}
        return (await self.data(by, CREATE, {"input": given}))["createCustomField"]

    async def made(self, name: str, kind: str = "STRING", **more: Any) -> dict[str, Any]:
        """Add a field that is not refused."""
        payload = await self.create(name, kind, **more)
        assert payload["userErrors"] == []
        await self.settled()
        return payload["customField"]

    async def do(self, verb: str, field: dict[str, Any], by: str = "administrator", **more: Any) -> Any:
        """Update, archive or restore a field and give the payload."""
        title = f"{verb[0].upper()}{verb[1:]}"
        text = (
            f"mutation ($input: {title}CustomFieldInput!) {{ {verb}CustomField(input: $input)"
            " { userErrors { code field } customField { id name archivedAt readLevel description } } }"
        )
        payload = (await self.data(by, text, {"input": {"id": field["id"], **more}}))[f"{verb}CustomField"]
        await self.settled()
        return payload

    async def settled(self) -> None:
        """Wait until both processes have heard what was announced so far: notices come in the order of commits."""
        listening = [api.app.endpoint._authenticator for api in (self.first, self.second)]
        before = [one._forgotten for one in listening]
        await self.fetch("SELECT pg_notify('crm_callers', '')")
        async with asyncio.timeout(20):
            while any(one._forgotten == count for one, count in zip(listening, before, strict=True)):
                await asyncio.sleep(0.005)

    async def pages(self, persona: str, fields: str, size: int = 200, arguments: str = "") -> list[dict[str, Any]]:
        """All customers, page by page, with these fields."""
        found, after = [], None
        while True:
            text = (
                f"query ($after: String) {{ customers(first: {size}, after: $after {arguments})"
                f" {{ nodes {{ {fields} }} pageInfo {{ hasNextPage endCursor }} }} }}"
            )
            page = (await self.data(persona, text, {"after": after}))["customers"]
            found += page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                return found
            after = page["pageInfo"]["endCursor"]

    async def fetch(self, sql: str, *values: object) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.url)
        try:
            return await connection.fetch(sql, *values)
        finally:
            await connection.close()


def told(answer: Answer) -> list[tuple[str, Any]]:
    """What the errors of an answer say, and where."""
    return [(error["message"], error["extensions"]["code"], error.get("locations")) for error in answer.errors]


@pytest.fixture(scope="module")
def changed_url(embedded_server: Any, small_demo_template: Demo) -> Iterator[str]:
    with clone(embedded_server, small_demo_template.template) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def workers(changed_url: str, small_demo_template: Demo) -> AsyncIterator[Workers]:
    demo = small_demo_template
    async with (
        running(changed_url, demo.data_dir, demo.personas) as first,
        running(changed_url, demo.data_dir, demo.personas) as second,
    ):
        yield Workers(changed_url, first, second)
