"""The worker: does each chore when it is due, for as long as it runs. Any number of workers may run at once.

A chore is done under an advisory lock of the database, so one worker does it at a time; another finds the lock taken
and comes back when the chore is due again. All chores are safe to repeat: nothing is lost when a worker dies. Which
organisations have something to do is read across them; the work itself binds one at a time, like any write.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from crm_graph.db.connection import CONNECT_SECONDS, connect
from crm_graph.db.roles import ORGANIZATION, Role
from crm_graph.errors import ServiceUnavailable
from crm_graph.jobs.chores import BATCH, CHORES, Chore
from crm_graph.jobs.waiting import pause

logger = logging.getLogger("crm_graph.jobs")

PAUSE_SECONDS: Final = 5.0
"""How long it waits before it tries a database again that did not answer."""

_LOCK: Final = "SELECT pg_try_advisory_xact_lock(hashtext('crm_graph.jobs'), hashtext($1))"
_ERRORS: Final = (ServiceUnavailable, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


@dataclass(frozen=True, slots=True)
class _Connections:
    """`finder` sees which organisations have something to do, `worker` works on the one that is bound."""

    finder: "asyncpg.Connection[asyncpg.Record]"
    worker: "asyncpg.Connection[asyncpg.Record]"

    async def close(self, seconds: float | None = None) -> None:
        try:
            await self.finder.close(timeout=seconds)
        finally:
            await self.worker.close(timeout=seconds)


async def run_once(url: str, chores: Sequence[Chore] = CHORES) -> dict[str, int]:
    """Do every chore now; gives how many rows it was for each. Raises what asyncpg raises, ServiceUnavailable."""
    connections = await _connect(url)
    try:
        return {chore.table: await _do(connections, chore) for chore in chores}
    finally:
        await connections.close()


async def run(url: str, stop: asyncio.Event, chores: Sequence[Chore] = CHORES) -> None:
    """Do chores as they fall due until `stop` is set; a batch that has begun is finished first.

    A database that does not answer is tried again every few seconds.
    """
    loop = asyncio.get_running_loop()
    due = {chore.table: loop.time() for chore in chores}
    while not stop.is_set():
        try:
            connections = await _connect(url)
            try:
                for chore in chores:
                    if due[chore.table] <= loop.time():
                        await _do(connections, chore, stop)
                        due[chore.table] = loop.time() + chore.every.total_seconds()
            finally:
                await connections.close(CONNECT_SECONDS)
            seconds = max(0.0, min(due.values()) - loop.time())
        except _ERRORS as error:
            logger.warning("the database does not answer (%s); trying again", type(error).__name__)
            seconds = PAUSE_SECONDS
        await pause(stop, seconds)


async def _do(connections: _Connections, chore: Chore, stop: asyncio.Event | None = None) -> int:
    """Do a chore for each organisation that needs it, until another worker is at it or `stop` is set."""
    done = 0
    for row in await connections.finder.fetch(chore.organizations()):
        here = await _do_here(connections.worker, chore, row["organization_id"], stop)
        if here is None:
            logger.debug("%s: another worker is at it", chore.table)
            break
        done += here
    if done:
        logger.info("%s: %s %d", chore.table, chore.done, done)
    return done


async def _do_here(
    connection: "asyncpg.Connection[asyncpg.Record]", chore: Chore, organization: UUID, stop: asyncio.Event | None
) -> int | None:
    """Do batch after batch of one organisation; `None` where another worker has begun."""
    done, batch = 0, BATCH
    while batch == BATCH and not (stop is not None and stop.is_set()):
        async with connection.transaction():
            if not await connection.fetchval(_LOCK, chore.table):
                return done or None
            await connection.execute(f"SELECT set_config('{ORGANIZATION}', $1, true)", str(organization))
            # asyncpg answers with the command tag, `DELETE 17` or `UPDATE 17`
            batch = int((await connection.execute(chore.statement())).split()[-1])
        done += batch
    return done


async def _connect(url: str) -> _Connections:
    # A chore gives way: it waits for no lock and holds none for long.
    settings = {"application_name": "crm-graph worker", "lock_timeout": "1s", "statement_timeout": "60s"}
    finder = await connect(url, Role.READER, **settings)
    try:
        return _Connections(finder, await connect(url, Role.RUNTIME, **settings))
    except BaseException:
        finder.terminate()
        raise
