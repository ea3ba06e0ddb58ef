"""A demo whose people a test may change, seen by two processes, and browsers for its pages."""

import itertools
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest_asyncio

from crm_graph.db.embedded import EmbeddedServer
from crm_graph.db.ids import decode
from tests.access.policy_world import PolicyWorld, policy_world
from tests.conftest import clone
from tests.fixtures.demo import Demo

TRACES = ("users", "customers", "sessions", "credentials", "invitations", "sign_in_codes", "identity_providers")
MORE = ("upstream_identities", "outgoing_mails", "audit_entries", "outbox_events")


_numbers = itertools.count(1)


class People:
    """The demo's two processes, what its tables hold, and browsers."""

    def __init__(self, world: PolicyWorld) -> None:
        self.world, self.api, self.admin, self.organization = world, world.api, world.admin, world.organization

    async def traces(self) -> dict[str, Any]:
        """All that a refusal must leave as it is."""
        found: dict[str, Any] = {t: await self.admin.fetchval(f"SELECT count(*) FROM {t}") for t in (*TRACES, *MORE)}
        found["people"] = await self.admin.fetch(
            "SELECT id, roles, status, email, partner_id, customer_id FROM users ORDER BY id"
        )
        return found

    async def user(self, persona: str) -> Any:
        email = self.api.people[persona]["email"]
        return await self.admin.fetchrow(
            "SELECT * FROM users WHERE organization_id = $1 AND email = $2", self.organization, email
        )

    async def id_of(self, persona: str) -> str:
        return f"usr_{(await self.user(persona))['id'].hex}"

    async def mails(self, recipient: str) -> list[str]:
        rows = await self.admin.fetch(
            "SELECT subject, body FROM outgoing_mails WHERE recipient = $1 ORDER BY created_at, id", recipient
        )
        return [f"{row['subject']}\n{row['body']}" for row in rows]

    async def act(self, persona: str, verb: str, shows: str, /, **given: object) -> dict[str, Any]:
        """What a mutation answers. A refusal must have left nothing."""
        title, before = verb[0].upper() + verb[1:], await self.traces()
        query = (
            f"mutation ($i: {title}Input!) {{ {verb}(input: $i) {{ {shows} userErrors {{ code field message }} }} }}"
        )
        answer = await self.api.as_(persona)(query, {"i": given})
        found: dict[str, Any] = answer.json["data"][verb]
        if found["userErrors"]:
            assert await self.traces() == before
        return found

    async def codes(self, persona: str, verb: str, /, **given: object) -> list[str]:
        return [e["code"] for e in (await self.act(persona, verb, "", **given))["userErrors"]]

    async def invite(self, persona: str, /, **given: object) -> dict[str, Any]:
        shows = "invitation { id email roles state partnerId }"
        return await self.act(persona, "inviteUser", shows, **given)

    async def link(self, recipient: str) -> str:
        """The path in the last mail to somebody."""
        found = re.findall(r"https?://[^/\s]+(/\S+)", (await self.mails(recipient))[-1])
        return found[-1]

    @asynccontextmanager
    async def browser(self, address: str = "") -> AsyncIterator[httpx.AsyncClient]:
        """A browser of its own, from an address of its own unless one is given."""
        address = address or f"198.51.{next(_numbers)}.7"
        transport = httpx.ASGITransport(app=self.api.app, client=(address, 5000))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield client

    async def row(self, id_: str) -> Any:
        return await self.admin.fetchrow("SELECT * FROM users WHERE id = $1", decode(id_)[1])


def form_token(response: httpx.Response) -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', response.text)
    assert found, response.text
    return found[1]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def people(embedded_server: EmbeddedServer, small_demo_template: Demo) -> AsyncIterator[People]:
    """A demo of the module's own."""
    with clone(embedded_server, small_demo_template.template) as url:
        async with policy_world(url, small_demo_template) as world:
            yield People(world)
