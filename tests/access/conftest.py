"""The demo with a secret of its own in every text and amount that not everybody sees, and a nose for them."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import asyncpg
import pytest
import pytest_asyncio

from crm_graph.db.embedded import EmbeddedServer
from tests.access.own_fields import own_fields, plant_own
from tests.access.policy_world import PolicyWorld, policy_world
from tests.access.secrets import Secrets, World, callers, load_rows, plant
from tests.conftest import blocking, clone
from tests.fixtures.api import Api, running
from tests.fixtures.demo import Demo


@pytest.fixture(scope="session")
def planted_url(embedded_server: EmbeddedServer, small_demo_template: Demo) -> Iterator[str]:
    with clone(embedded_server, small_demo_template.template) as url:
        blocking(plant(url))
        yield url


@pytest.fixture(scope="session")
def world(planted_url: str, small_demo_template: Demo) -> World:
    """All rows, who the callers are, and where the secrets lie."""

    async def load() -> World:
        connection = await asyncpg.connect(planted_url)
        try:
            rows = await load_rows(connection)
            return World(rows, await callers(connection, small_demo_template.personas), Secrets(rows))
        finally:
            await connection.close()

    return blocking(load())


@pytest.fixture(scope="session")
def custom_url(embedded_server: EmbeddedServer, small_demo_template: Demo) -> Iterator[str]:
    with clone(embedded_server, small_demo_template.template) as url:
        blocking(plant(url))
        blocking(plant_own(url))
        yield url


@pytest.fixture(scope="session")
def custom_world(custom_url: str, small_demo_template: Demo) -> World:
    """As `world`, with fields of the organisation's own at every level, secrets in them."""

    async def load() -> World:
        connection = await asyncpg.connect(custom_url)
        try:
            rows = replace(await load_rows(connection), own=own_fields())
            return World(rows, await callers(connection, small_demo_template.personas), Secrets(rows))
        finally:
            await connection.close()

    return blocking(load())


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def custom_api(custom_url: str, small_demo_template: Demo) -> AsyncIterator[Api]:
    async with running(custom_url, small_demo_template.data_dir, small_demo_template.personas) as started:
        yield started


@pytest.fixture(scope="session")
def demo_world(demo_url: str, demo_template: Demo) -> World:
    """The whole demo, as it is."""

    async def load() -> World:
        connection = await asyncpg.connect(demo_url)
        try:
            rows = await load_rows(connection)
            return World(rows, await callers(connection, demo_template.personas), Secrets(rows))
        finally:
            await connection.close()

    return blocking(load())


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def planted_api(planted_url: str, small_demo_template: Demo) -> AsyncIterator[Api]:
    async with running(planted_url, small_demo_template.data_dir, small_demo_template.personas) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def _changing(embedded_server: EmbeddedServer, small_demo_template: Demo) -> AsyncIterator[PolicyWorld]:
    with clone(embedded_server, small_demo_template.template) as url:
        async with policy_world(url, small_demo_template) as made:
            yield made


@pytest_asyncio.fixture(loop_scope="session")
async def policies(_changing: PolicyWorld) -> AsyncIterator[PolicyWorld]:
    """Two processes on a demo whose access policy the test may change."""
    yield _changing
    await _changing.reset()
