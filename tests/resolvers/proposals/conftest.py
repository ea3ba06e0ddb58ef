"""A demo of this folder's own, and proposals written over HTTP."""

from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest_asyncio

from crm_graph.db.embedded import EmbeddedServer
from tests.conftest import clone
from tests.fixtures.api import Api, running
from tests.fixtures.demo import Demo

SHOWN = """id number status etag revision current open
 subtotal { amount currency } discount { amount } total { amount } cost { amount } margin { amount }
 lines(first: 200, orderBy: [{position: ASC}]) { nodes { id quantity total { amount } unitPrice { amount } discountPercent } }
 orders(first: 5) { nodes { id number total { amount } } }"""


class World:
    """The application, a connection beside it, and ids of what proposals are about."""

    def __init__(self, api: Api, connection: Any) -> None:
        self.api, self.connection, self.made = api, connection, 0

    async def load(self) -> None:
        """Look up the customer persona, and products in euros."""
        self.organization = await self.value("SELECT id FROM organizations WHERE external_id = 'main'")
        name = self.api.people["customer"]["name"]
        self.customer = (
            "cus_"
            + (
                await self.value(
                    "SELECT customer_id FROM users WHERE name = $1 AND organization_id = $2", name, self.organization
                )
            ).hex
        )
        found = await self.connection.fetch(
            "SELECT id, unit_cost FROM products WHERE organization_id = $1 AND currency = 'EUR' AND active"
            " AND list_price IS NOT NULL ORDER BY list_price, id",
            self.organization,
        )
        self.products = [f"prd_{row['id'].hex}" for row in found]
        self.costs = [row["unit_cost"] for row in found]

    async def price(self, product: str, quantity: str = "1") -> Decimal:
        """What one costs the customer persona in euros, when they buy so many: as anybody may ask."""
        text = """query ($p: ID!, $c: ID!, $q: Decimal!) {
          price(productId: $p, customerId: $c, quantity: $q, currency: "EUR") { unitPrice } }"""
        variables = {"p": product, "c": self.customer, "q": quantity}
        return Decimal((await self.api.as_("sales_manager")(text, variables)).data["price"]["unitPrice"])

    async def allow_all(self) -> None:
        """Give the sales manager authority for any discount."""
        await self.connection.execute(
            "UPDATE authority_limits SET percent = 100 WHERE role = 'sales_manager' AND action = 'DISCOUNT'"
        )

    async def value(self, sql: str, *arguments: object) -> Any:
        return await self.connection.fetchval(sql, *arguments)

    async def events(self, proposal: str) -> list[str]:
        sql = "SELECT type FROM outbox_events WHERE row_id = $1 ORDER BY sequence"
        return [row["type"] for row in await self.connection.fetch(sql, row_id(proposal))]

    async def do(
        self, verb: str, given: Mapping[str, object], *, by: str = "sales_manager", shown: str = SHOWN
    ) -> tuple[Any, list[str]]:
        """The proposal as a mutation answers it, and the codes of its user errors."""
        name = verb[0].upper() + verb[1:]
        text = f"mutation ($i: {name}Input!) {{ {verb}(input: $i) {{ proposal {{ {shown} }} userErrors {{ code field message }} }} }}"
        payload = (await self.api.as_(by)(text, {"i": dict(given)})).json["data"][verb]
        return payload["proposal"], [e["code"] for e in payload["userErrors"]]

    async def done(self, verb: str, given: Mapping[str, object], **more: Any) -> Any:
        """The same, of one that is not refused."""
        proposal, codes = await self.do(verb, given, **more)
        assert codes == []
        return proposal

    async def refused(self, verb: str, given: Mapping[str, object], code: str, **more: Any) -> None:
        """It is refused with this code, and leaves nothing."""
        row = row_id(str(given["id"]))
        before, traces = await self.state(row), await self.traces()
        assert (await self.do(verb, given, **more))[1] == [code]
        assert (await self.state(row), await self.traces()) == (before, traces)

    async def state(self, row: UUID) -> Any:
        return [
            await self.connection.fetchrow("SELECT * FROM proposals WHERE id = $1", row)
        ] + await self.connection.fetch("SELECT * FROM proposal_lines WHERE proposal_id = $1 ORDER BY id", row)

    async def traces(self) -> list[int]:
        tables = (
            "audit_entries",
            "outbox_events",
            "proposals_history",
            "proposal_lines_history",
            "orders",
            "order_lines",
        )
        return [await self.value(f"SELECT count(*) FROM {table}") for table in tables]

    async def draft(self, *lines: Mapping[str, object], by: str = "sales_manager", **given: object) -> Any:
        """A draft for the customer persona, with lines: by default one of one product."""
        self.made += 1
        given = {"number": f"T-{self.made}", "title": "Test", "customerId": self.customer, "currency": "EUR", **given}
        proposal = await self.done("createProposal", given, by=by)
        for line in lines or ({"productId": self.products[0]},):
            proposal = await self.done("addProposalLine", {"id": proposal["id"], **line}, by=by)
        return proposal

    async def sent(self, *lines: Mapping[str, object], **given: object) -> Any:
        """A proposal in its customer's hands."""
        proposal = await self.draft(*lines, **given)
        await self.done("submitProposal", {"id": proposal["id"]})
        return await self.done("sendProposal", {"id": proposal["id"]})

    async def seen(self, proposal: str, *, by: str = "customer", shown: str = SHOWN) -> Any:
        """The proposal as somebody sees it; `None` where it does not exist for them."""
        answer = await self.api.as_(by)(f"query ($i: ID!) {{ proposal(id: $i) {{ {shown} }} }}", {"i": proposal})
        return answer.json["data"]["proposal"]


def row_id(identifier: str) -> UUID:
    return UUID(identifier.partition("_")[2])


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def world(embedded_server: EmbeddedServer, small_demo_template: Demo) -> AsyncIterator[World]:
    with clone(embedded_server, small_demo_template.template) as url:
        connection = await asyncpg.connect(url)
        async with running(url, small_demo_template.data_dir, small_demo_template.personas) as api:
            found = World(api, connection)
            await found.load()
            yield found
        await connection.close()
