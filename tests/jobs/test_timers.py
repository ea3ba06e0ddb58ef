"""What falls due is done once, whole, by one of the workers; what fails is tried again, and holds up nothing else."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import pytest

from crm_graph.auth.actor import Actor
from crm_graph.db.ids import uuid7
from crm_graph.db.session import Database, Transaction
from crm_graph.jobs import due, timers
from crm_graph.jobs.timers import TIMERS, Do, Timer, clear_timer, next_time, set_timer
from crm_graph.plan.writes.write import insert_fields
from tests.jobs.test_worker import filled

NOW = dt.datetime.now(dt.UTC)
PARTNERS = "SELECT count(*) FROM partners WHERE organization_id = $1"


class World:
    def __init__(self, database: Database, admin: "asyncpg.Connection[asyncpg.Record]", organization: UUID) -> None:
        self.database, self.admin, self.organization = database, admin, organization

    async def set(self, kind: str, row: UUID | None = None, at: dt.datetime = NOW) -> UUID:
        row = row or uuid7()
        async with self.database.transaction(self.organization, None, "test") as tx:
            await set_timer(tx, self.organization, kind, row, at)
        return row

    async def left(self) -> list[asyncpg.Record]:
        return await self.admin.fetch("SELECT kind, row_id, attempts, due_at, failed_at, last_error FROM timers")


@asynccontextmanager
async def world(url: str) -> AsyncIterator[World]:
    admin, organization, _user = await filled(url)
    database = Database(url, 4)
    try:
        yield World(database, admin, organization)
    finally:
        await database.dispose()
        await admin.close()


def declared(monkeypatch: pytest.MonkeyPatch, kind: str, do: Do, every: dt.timedelta | None = None) -> None:
    monkeypatch.setitem(TIMERS, kind, Timer(kind, do, every))


async def _add_partner(tx: Transaction, actor: Actor, row: UUID) -> None:
    outcome = await insert_fields(tx, actor, "Partner", {"name": str(row), "kind": "RESELLER"})
    assert not outcome.errors


async def test_what_is_due_is_done_once_and_what_is_not_waits(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared(monkeypatch, "test.add", _add_partner)
    async with world(database_url) as here:
        await here.set("test.add")
        later = await here.set("test.add", at=NOW + dt.timedelta(hours=1))
        cleared = await here.set("test.add")
        async with here.database.transaction(here.organization, None, "test") as tx:
            await clear_timer(tx, here.organization, "test.add", cleared)
        assert await due.do_once(here.database) == 1
        assert await due.do_once(here.database) == 0
        assert await here.admin.fetchval(PARTNERS, here.organization) == 1
        assert [row["row_id"] for row in await here.left() if row["kind"] == "test.add"] == [later]
        entry = await here.admin.fetchrow("SELECT actor_kind, actor_id, channel FROM audit_entries")
        assert tuple(entry or ()) == ("system", None, "timer")


async def test_a_timer_of_a_transaction_that_came_to_nothing_is_not_there(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared(monkeypatch, "test.add", _add_partner)
    async with world(database_url) as here:
        with pytest.raises(RuntimeError):
            async with here.database.transaction(here.organization, None, "test") as tx:
                await set_timer(tx, here.organization, "test.add", uuid7(), NOW)
                raise RuntimeError
        assert await due.do_once(here.database) == 0


async def test_two_workers_do_each_timer_once(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    declared(monkeypatch, "test.add", _add_partner)
    async with world(database_url) as here:
        for _ in range(12):
            await here.set("test.add")
        done = await asyncio.gather(due.do_once(here.database), due.do_once(here.database))
        assert sum(done) == 12
        assert await here.admin.fetchval(PARTNERS, here.organization) == 12
        assert await here.admin.fetchval("SELECT count(DISTINCT name) FROM partners") == 12


async def test_what_fails_is_taken_back_tried_later_and_given_up(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(tx: Transaction, actor: Actor, row: UUID) -> None:
        await _add_partner(tx, actor, row)
        raise KeyError(row)

    declared(monkeypatch, "test.breaks", breaks)
    declared(monkeypatch, "test.add", _add_partner)
    async with world(database_url) as here:
        broken = await here.set("test.breaks", at=NOW - dt.timedelta(hours=1))
        await here.set("test.add")
        assert await due.do_once(here.database) == 1
        assert await here.admin.fetchval(PARTNERS, here.organization) == 1
        (left,) = [row for row in await here.left() if row["row_id"] == broken]
        assert (left["attempts"], left["last_error"], left["failed_at"]) == (1, "KeyError", None)
        assert left["due_at"] > NOW
        await here.admin.execute("UPDATE timers SET attempts = 9, due_at = now() WHERE kind = 'test.breaks'")
        assert await due.do_once(here.database) == 0
        (left,) = [row for row in await here.left() if row["row_id"] == broken]
        assert left["failed_at"] is not None
        await here.set("test.breaks", broken)  # who sets it anew means it
        (left,) = [row for row in await here.left() if row["row_id"] == broken]
        assert (left["attempts"], left["failed_at"]) == (0, None)


async def test_a_worker_that_dies_leaves_all_of_it_to_the_next(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def hangs(tx: Transaction, actor: Actor, row: UUID) -> None:
        await _add_partner(tx, actor, row)
        if not begun.is_set():
            begun.set()
            await asyncio.sleep(60)

    declared(monkeypatch, "test.hangs", hangs)
    async with world(database_url) as here:
        await here.set("test.hangs")
        worker = asyncio.create_task(due.do(here.database, asyncio.Event()))
        await begun.wait()
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
        assert await here.admin.fetchval(PARTNERS, here.organization) == 0
        assert await due.do_once(here.database) == 1
        assert await here.admin.fetchval(PARTNERS, here.organization) == 1


async def test_a_running_worker_does_what_falls_due_and_ends_when_told(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = asyncio.Event()

    async def says(tx: Transaction, actor: Actor, row: UUID) -> None:
        done.set()

    declared(monkeypatch, "test.says", says)
    async with world(database_url) as here:
        stop = asyncio.Event()
        worker = asyncio.create_task(due.do(here.database, stop))
        await here.set("test.says")
        async with asyncio.timeout(20):
            await done.wait()
            stop.set()
            await worker


async def test_what_is_done_every_day_is_set_by_itself_for_each_organisation(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[UUID] = []

    async def notes(tx: Transaction, actor: Actor, row: UUID) -> None:
        seen.append(row)

    day = dt.timedelta(days=1)
    declared(monkeypatch, "test.daily", notes, day)
    async with world(database_url) as here:
        assert await due.do_once(here.database) == 0  # not on the day it was set
        (left,) = [row for row in await here.left() if row["kind"] == "test.daily"]
        assert left["due_at"].time() == dt.time()
        await here.admin.execute("UPDATE timers SET due_at = now() - interval '3 days' WHERE kind = 'test.daily'")
        await due.do_once(here.database)
        assert seen == [here.organization]
        (left,) = [row for row in await here.left() if row["kind"] == "test.daily"]
        assert NOW < left["due_at"] <= dt.datetime.now(dt.UTC) + day


def test_the_next_time_is_a_multiple_since_1970_and_never_now() -> None:
    noon = dt.datetime(2026, 3, 29, 12, tzinfo=dt.UTC)
    assert next_time(dt.timedelta(days=1), noon) == dt.datetime(2026, 3, 30, tzinfo=dt.UTC)
    assert next_time(dt.timedelta(hours=1), noon) == noon + dt.timedelta(hours=1)


def test_a_kind_is_declared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    declared(monkeypatch, "test.add", _add_partner)
    with pytest.raises(TypeError, match="declared twice"):
        timers.timer("test.add")(_add_partner)
