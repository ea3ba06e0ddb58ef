"""A demo of this folder's own, and a mailbox in it."""

from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from crm_graph.auth.sealing import Sealer
from crm_graph.db.embedded import EmbeddedServer
from crm_graph.db.session import Database
from crm_graph.jobs import mailboxes
from crm_graph.settings import Settings
from tests.conftest import clone
from tests.fixtures.api import running
from tests.fixtures.demo import Demo
from tests.resolvers.tickets.post import BOX, KEY, SERVER, Post
from tests.resolvers.tickets.world import World


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def world(embedded_server: EmbeddedServer, small_demo_template: Demo) -> AsyncIterator[World]:
    with clone(embedded_server, small_demo_template.template) as url:
        connection = await asyncpg.connect(url)
        async with running(url, small_demo_template.data_dir, small_demo_template.personas) as api:
            found = World(api, connection, url)
            await found.load()
            yield found
        await connection.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def post(world: World, small_demo_template: Demo) -> AsyncIterator[Post]:
    sealer = Sealer(Settings(data_dir=small_demo_template.data_dir).sealing_key_texts())
    database = Database(world.url, 2)
    async with database.transaction(world.organization, None, "test") as tx:
        row = await mailboxes.add(await tx.raw(), sealer, world.organization, BOX, KEY, trusted_server=SERVER)
    await world.connection.execute("DELETE FROM ticket_mails")  # of automatic ones an address gets few in an hour
    await world.connection.execute("DELETE FROM outgoing_mails")
    yield Post(world, f"mbx_{row.hex}", sealer, database)
    await world.connection.execute("DELETE FROM mailboxes")
    await database.dispose()
