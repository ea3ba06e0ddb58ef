"""A service desk with 200,000 open tickets: `python -m benchmarks.service [--quick]`.

What the work views cost the database, each one statement on its lane; what all the timers cost while none is due; and
how late the last of many is told of that fall due at one moment.
"""

import argparse
import asyncio
import itertools
import statistics
import time
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import asyncpg

from benchmarks import data
from crm_graph import resolvers, schema
from crm_graph.auth import callers
from crm_graph.auth.actor import Actor
from crm_graph.db.lanes import Lanes
from crm_graph.db.session import Database
from crm_graph.graph import types
from crm_graph.graph.documents import Documents
from crm_graph.graph.limits import Limits
from crm_graph.jobs import due
from crm_graph.plan.compile import Compiler
from crm_graph.plan.sql.fetch import fetch

DECLARED = (schema, resolvers)
LIMIT_MS: Final = 20.0
SHOWN: Final = "{ nodes { id number subject priority slaStatus slaDueAt customer { name } assignee { name } } }"
OPEN: Final = "status: { in: [NEW, OPEN] }"
SOONEST: Final = "orderBy: [{ slaDueAt: ASC }])"
BY_STATUS: Final = "orderBy: [{ slaStatus: ASC }, { slaDueAt: ASC }])"
VIEWS: Final = {
    "my queue": f'(first: 50, filter: {{ assignee: {{ id: {{ eq: "@me" }} }}, {OPEN} }}, {SOONEST}',
    "breaching soon": "(first: 50, filter: { slaStatus: { eq: DUE_SOON } }, orderBy: [{ slaDueAt: ASC }])",
    "late": "(first: 50, filter: { slaStatus: { eq: BREACHED } }, orderBy: [{ slaDueAt: ASC }])",
    "late or soon": "(first: 50, filter: { slaStatus: { in: [BREACHED, DUE_SOON] } }, " + BY_STATUS,
    "due by a moment": '(first: 50, filter: { slaDueAt: { lt: "@soon" } }, orderBy: [{ slaDueAt: ASC }])',
    "by status": "(first: 50, " + BY_STATUS,
    "waiting": "(first: 50, filter: { status: { eq: WAITING } }, orderBy: [{ waitingSince: ASC }])",
    "unassigned": f"(first: 50, filter: {{ not: {{ assignee: {{ id: {{ isNull: false }} }} }}, {OPEN} }}, {SOONEST}",
}
MUST: Final = ("my queue", "breaching soon")
PLAIN: Final = "(first: 50)"
_IDLE: Final = due._ORGANIZATIONS  # noqa: SLF001 - what the worker asks every second
_DUE: Final = """
WITH chosen AS (SELECT id FROM tickets WHERE sla_status = 'ON_TRACK' ORDER BY id LIMIT $1), moved AS (
  UPDATE tickets t SET opened_at = now() - interval '10 days' + interval '2 seconds' FROM chosen c WHERE t.id = c.id
  RETURNING t.id)
UPDATE timers r SET due_at = now() + interval '2 seconds' FROM moved m WHERE r.row_id = m.id"""
_TOLD: Final = "SELECT count(*) FROM outbox_events WHERE type = 'ticket.sla_breached' AND occurred_at >= $1"


async def _views(url: str, rounds: int) -> dict[str, float]:
    actor = await _agent(url)
    lanes = await Lanes.open(url, 1)
    documents = Documents(types.full_schema(), Limits())
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 7200))
    found = {}
    try:
        for name, arguments in {"a plain page": PLAIN, **VIEWS}.items():
            given = arguments.replace("@me", f"usr_{actor.user_id.hex if actor.user_id else ''}").replace("@soon", soon)
            operation = await documents.operation(f"{{ tickets{given} {SHOWN} }}", None)
            shape, leaves = operation.read({})
            statement = Compiler(actor.policy, b"benchmark", 100_000).query(operation.roots(shape))
            taken = []
            for _ in range(rounds + 8):
                began = time.perf_counter()
                await fetch(lanes, statement, leaves, actor)
                taken.append((time.perf_counter() - began) * 1e3)
            found[name] = statistics.median(taken[8:])
    finally:
        await lanes.close()
    return found


async def _agent(url: str) -> Actor:
    connection = await asyncpg.connect(url)
    try:
        await connection.set_type_codec("json", schema="pg_catalog", encoder=str, decoder=str)
        [person] = await callers.by_email(connection, data.ORGANIZATION, "user7@benchmark.example")
        return person.actor
    finally:
        await connection.close()


async def _idle(url: str) -> float:
    """Milliseconds of what the worker asks each second."""
    connection = await asyncpg.connect(url)
    taken = []
    for _ in range(200):
        began = time.perf_counter()
        await connection.fetch(_IDLE, ["sla.ticket"])
        taken.append((time.perf_counter() - began) * 1e3)
    await connection.close()
    return statistics.median(taken)


async def _told(url: str, owner: str, many: int) -> float:
    """Seconds from a moment at which so many tickets become late until the last of them is told of."""
    connection, database, stop = await asyncpg.connect(owner), Database(url, 4), asyncio.Event()
    await connection.execute("SET session_replication_role = replica")
    worker = asyncio.create_task(due.do(database, stop))
    await asyncio.sleep(1.0)
    began = await connection.fetchval("SELECT now()")
    await connection.execute(_DUE, many)
    moment = time.perf_counter() + 2.0
    async with asyncio.timeout(120):
        for _ in itertools.count():
            if await connection.fetchval(_TOLD, began) >= many:
                break
            await asyncio.sleep(0.02)
    passed = time.perf_counter() - moment
    stop.set()
    await worker
    await database.dispose()
    await connection.close()
    return passed


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.service", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="20,000 tickets: whether it runs, no more")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--directory", type=Path, default=Path(".bench"))
    parser.add_argument("--check", action="store_true", help="exit with 1 when a view takes longer than it may")
    arguments = parser.parse_args()
    tickets = 20_000 if arguments.quick else 200_000
    found = data.ensure(arguments.directory, tickets, "service")
    try:
        views = asyncio.run(_views(found.url, arguments.rounds))
        base = views["a plain page"]
        for name, taken in views.items():
            print(f"{name:18} {taken:8.2f} ms  {taken / base:7.2f} × a plain page")
        print(f"{tickets:,} timers, none due: {asyncio.run(_idle(found.url)):.3f} ms a second")
        owner = found.server.database_url(urlsplit(found.url).path[1:], "postgres")
        for many in (1, 100, 500):
            passed = asyncio.run(_told(found.url, owner, many))
            print(f"{many} late at one moment: the last is told of after {passed:.2f} s")
    finally:
        found.server.stop()
    return 1 if arguments.check and any(views[name] > LIMIT_MS for name in MUST) else 0


if __name__ == "__main__":
    raise SystemExit(main())
