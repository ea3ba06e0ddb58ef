"""One demo for all tests of what happens to sales."""

from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from crm_graph.db.embedded import EmbeddedServer
from tests.conftest import clone
from tests.fixtures.api import running
from tests.fixtures.demo import Demo
from tests.resolvers.world import World


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def world(embedded_server: EmbeddedServer, small_demo_template: Demo) -> AsyncIterator[World]:
    with clone(embedded_server, small_demo_template.template) as url:
        connection = await asyncpg.connect(url)
        async with running(url, small_demo_template.data_dir, small_demo_template.personas) as api:
            yield World(api, connection)
        await connection.close()
