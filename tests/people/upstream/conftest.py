"""One world with an OpenID provider by which people sign in; each test finds it as it was."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest_asyncio

from crm_graph.db.embedded import EmbeddedServer
from tests.access.policy_world import PolicyWorld
from tests.conftest import clone
from tests.fixtures.api import running
from tests.fixtures.demo import Demo
from tests.people.conftest import People
from tests.people.openid_provider import (
    CLIENT,
    SECRET,
    OpenIdProvider,
    openid_provider,
)

SHOWN = "identityProvider { id name hasClientSecret roles decidedBy }"


class World(People):
    """The demo, and an OpenID provider by which people sign in."""

    provider: OpenIdProvider
    id = ""

    async def create(self, **given: object) -> dict[str, Any]:
        asked = {
            "name": "corp", "label": "Corp", "issuer": self.provider.issuer, "clientId": CLIENT, "clientSecret": SECRET,
            **given,
        }  # fmt: skip
        return await self.act("administrator", "createIdentityProvider", SHOWN, **asked)

    async def update(self, persona: str = "administrator", **given: object) -> list[str]:
        return await self.codes(persona, "updateIdentityProvider", id=self.id, **given)

    async def come(self, client: httpx.AsyncClient, path: str = "/sign-in/with/corp") -> httpx.Response:
        """To the provider and back, as a browser goes."""
        begun = await client.get(path)
        if begun.status_code != 303:
            return begun
        async with httpx.AsyncClient(timeout=60) as outside:
            back = await outside.get(begun.headers["location"])
        return await client.get(back.headers["location"])

    async def sign_in(self, **person: object) -> httpx.Response:
        self.provider.person = {"email_verified": True, **person}
        async with self.browser() as client:
            done = await self.come(client)
            if done.status_code == 303:
                assert (await client.get("/account")).status_code == 200
            return done

    async def refused(self, code: str, **person: object) -> None:
        """The sign-in must leave nothing."""
        before = await self.traces()
        done = await self.sign_in(**person)
        assert (done.status_code >= 400, code in done.text) == (True, True), done.text
        assert "crm_session" not in str(done.headers)
        assert await self.traces() == before

    async def user_of(self, email: str) -> Any:
        return await self.admin.fetchrow(
            "SELECT * FROM users WHERE organization_id = $1 AND email = $2", self.organization, email
        )


@asynccontextmanager
async def _world(url: str, demo: Demo) -> AsyncIterator[World]:
    import asyncpg

    admin = await asyncpg.connect(url)
    organization = await admin.fetchval("SELECT id FROM organizations WHERE external_id = 'main'")
    try:
        async with (
            openid_provider() as provider,
            running(url, demo.data_dir, demo.personas, private_providers=True) as api,
        ):
            world = World(PolicyWorld(api, api, admin, organization))
            world.provider = provider
            yield world
    finally:
        await admin.close()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def _shared(embedded_server: EmbeddedServer, small_demo_template: Demo) -> AsyncIterator[World]:
    with clone(embedded_server, small_demo_template.template) as url:
        async with _world(url, small_demo_template) as made:
            created = await made.create()
            assert created["userErrors"] == []
            made.id = created["identityProvider"]["id"]
            yield made


@pytest_asyncio.fixture(loop_scope="session")
async def world(_shared: World) -> AsyncIterator[World]:
    yield _shared
    _shared.provider.reset()
    _shared.provider.keys = _shared.provider.keys[:1]
    await _shared.admin.execute(
        "UPDATE identity_providers SET enabled = true, creates_users = false, links_passwords = false, domains = '{}',"
        " roles = '{}', groups_claim = NULL, group_roles = '{}'"
    )


def discovery(world: World) -> Any:
    """The discovery of the running application, to make it forget."""
    [route] = [r for r in world.api.app.routes if getattr(r, "path", "") == "/sign-in/with/{name}"]
    return route.endpoint.__wrapped__.__self__._discovery
