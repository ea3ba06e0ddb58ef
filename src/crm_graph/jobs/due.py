"""Doing what is due: each timer is locked while it is done, so that of several workers one does it.

Which organisations have something due is read across them, once a second by an index: however many timers wait, that
costs the same. Each is done with its organisation bound.
"""

import asyncio
import logging
from collections import deque
from typing import Final
from uuid import UUID

import asyncpg

from crm_graph.auth.system import system_actor
from crm_graph.db.session import Database, Transaction
from crm_graph.errors import CrmError
from crm_graph.jobs.timers import TIMERS, Timer, next_time
from crm_graph.jobs.waiting import LATER, pause

logger = logging.getLogger("crm_graph.jobs")

CHANNEL: Final = "timer"
PAUSE_SECONDS: Final = 1.0
ENSURE_SECONDS: Final = 60.0
MOST_ATTEMPTS: Final = 10

_WAITS: Final = "failed_at IS NULL AND due_at <= now() AND kind = ANY($1::text[])"
_ORGANIZATIONS: Final = f"SELECT organization_id FROM timers WHERE {_WAITS} GROUP BY 1 ORDER BY min(due_at)"
_WITHOUT: Final = """
SELECT o.id FROM organizations o
 WHERE NOT EXISTS (SELECT FROM timers t WHERE t.organization_id = o.id AND t.kind = $1 AND t.row_id = o.id)"""
_DUE: Final = f"""
SELECT kind, row_id, attempts, now() AS now FROM timers WHERE {_WAITS} AND organization_id = $2
 ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED"""
_ONE: Final = "WHERE organization_id = $1 AND kind = $2 AND row_id = $3"
_DONE: Final = f"DELETE FROM timers {_ONE}"
_LATER: Final = (
    f"UPDATE timers SET due_at = {LATER},"
    f" attempts = attempts + 1, last_error = $4, failed_at = CASE WHEN $5 THEN now() END {_ONE}"
)
_AGAIN: Final = (
    "INSERT INTO timers (organization_id, kind, row_id, due_at) VALUES ($1, $2, $1, $3) ON CONFLICT DO NOTHING"
)


async def do_once(database: Database) -> int:
    """Do all that is due now; gives how many were done. Raises ServiceUnavailable, OperationTimedOut."""
    await _ensure(database)
    async with database.across_organizations() as finder:
        return await _do_all(database, finder, sorted(TIMERS), None)


async def do(database: Database, stop: asyncio.Event) -> None:
    """Do what is due until `stop` is set; what has begun is finished first.

    A database that does not answer is tried again every second.
    """
    kinds, ensured = sorted(TIMERS), -ENSURE_SECONDS
    clock = asyncio.get_running_loop().time
    while not stop.is_set():
        try:
            async with database.across_organizations() as finder:
                while not stop.is_set():
                    if clock() - ensured > ENSURE_SECONDS:
                        await _ensure(database)
                        ensured = clock()
                    await _do_all(database, finder, kinds, stop)
                    await pause(stop, PAUSE_SECONDS)
        except (CrmError, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            logger.warning("timers: the database does not answer (%s); trying again", type(error).__name__)
            await pause(stop, PAUSE_SECONDS)


async def _do_all(
    database: Database, finder: "asyncpg.Connection[asyncpg.Record]", kinds: list[str], stop: asyncio.Event | None
) -> int:
    """Do what is due now; organisations take turns, a timer each, so that none waits for all of another's."""
    done = 0
    waiting = deque(row["organization_id"] for row in await finder.fetch(_ORGANIZATIONS, kinds))
    while waiting and not (stop is not None and stop.is_set()):
        organization = waiting.popleft()
        succeeded = await _next(database, organization, kinds)
        if succeeded is not None:
            done += succeeded
            waiting.append(organization)
    return done


async def _next(database: Database, organization: UUID, kinds: list[str]) -> bool | None:
    """Do one timer of the organisation; whether that succeeded, `None` where none is due."""
    async with database.transaction(organization, None, CHANNEL) as tx:
        connection = await tx.raw()
        due = await connection.fetchrow(_DUE, kinds, organization)
        if due is None:
            return None
        key = organization, due["kind"], due["row_id"]
        known = TIMERS[due["kind"]]
        try:
            async with connection.transaction():
                await connection.execute(_DONE, *key)
                if known.every is not None:
                    await connection.execute(_AGAIN, *key[:2], next_time(known.every, due["now"]))
                await _do(tx, known, organization, due["row_id"])
        except Exception as error:  # what fails for one row must not hold up the others
            given_up = due["attempts"] + 1 >= MOST_ATTEMPTS and known.every is None
            await connection.execute(_LATER, *key, type(error).__name__, given_up)
            said = "given up" if given_up else "trying again"
            logger.exception("timer %s: %s; %s", known.kind, type(error).__name__, said)
            return False
    return True


async def _do(tx: Transaction, known: Timer, organization: UUID, row: UUID) -> None:
    await known.do(tx, await system_actor(await tx.raw(), organization, CHANNEL), row)


async def _ensure(database: Database) -> None:
    """Give each organisation the timers that nobody sets."""
    for known in TIMERS.values():
        if known.every is None:
            continue
        async with database.across_organizations() as finder:
            lacking = [row["id"] for row in await finder.fetch(_WITHOUT, known.kind)]
            now = await finder.fetchval("SELECT now()")
        for organization in lacking:
            async with database.transaction(organization, None, CHANNEL) as tx:
                await (await tx.raw()).execute(_AGAIN, organization, known.kind, next_time(known.every, now))
