"""The worker: does each chore when it is due, for as long as it runs. Any number of workers may run at once.

A chore is done under an advisory lock of the database, so one worker does it at a time; another finds the lock taken
and comes back when the chore is due again. All chores are safe to repeat: nothing is lost when a worker dies.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

import asyncpg

from crm_graph.db.connection import CONNECT_SECONDS
from crm_graph.jobs.chores import CHORES, Chore

logger = logging.getLogger("crm_graph.jobs")

PAUSE_SECONDS: Final = 5.0
"""How long it waits before it tries a database again that did not answer."""

_LOCK: Final = "SELECT pg_try_advisory_xact_lock(hashtext('crm_graph.jobs'), hashtext($1))"
_ERRORS: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


async def run_once(url: str, chores: Sequence[Chore] = CHORES) -> dict[str, int]:
    """Do every chore now; gives how many rows each removed. Raises what asyncpg raises."""
    connection = await _connect(url)
    try:
        return {chore.name: await _do(connection, chore) for chore in chores}
    finally:
        await connection.close()


async def run(url: str, stop: asyncio.Event, chores: Sequence[Chore] = CHORES) -> None:
    """Do chores as they fall due until `stop` is set; a batch that has begun is finished first.

    A database that does not answer is tried again every few seconds.
    """
    loop = asyncio.get_running_loop()
    due = {chore.name: loop.time() for chore in chores}
    while not stop.is_set():
        try:
            connection = await _connect(url)
            try:
                for chore in chores:
                    if due[chore.name] <= loop.time():
                        await _do(connection, chore, stop)
                        due[chore.name] = loop.time() + chore.every.total_seconds()
            finally:
                await connection.close(timeout=CONNECT_SECONDS)
            pause = max(0.0, min(due.values()) - loop.time())
        except _ERRORS as error:
            logger.warning("the database does not answer (%s); trying again", type(error).__name__)
            pause = PAUSE_SECONDS
        await _sleep(stop, pause)


async def _do(connection: "asyncpg.Connection[asyncpg.Record]", chore: Chore, stop: asyncio.Event | None = None) -> int:
    """Remove batch after batch until nothing is left, another worker is at it, or `stop` is set."""
    removed = 0
    while stop is None or not stop.is_set():
        async with connection.transaction():
            if not await connection.fetchval(_LOCK, chore.name):
                logger.debug("%s: another worker is at it", chore.name)
                break
            # asyncpg answers with the command tag, `DELETE 17`
            batch = int((await connection.execute(chore.statement())).split()[-1])
        removed += batch
        if batch == 0:
            break
    if removed:
        logger.info("%s: removed %d", chore.name, removed)
    return removed


async def _connect(url: str) -> "asyncpg.Connection[asyncpg.Record]":
    # A chore gives way: it waits for no lock and holds none for long.
    settings = {"application_name": "crm-graph worker", "lock_timeout": "1s", "statement_timeout": "60s"}
    return await asyncpg.connect(url, timeout=CONNECT_SECONDS, server_settings=settings)


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass
