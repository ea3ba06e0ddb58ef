"""What is late is told of at its moment, once, whatever becomes of the worker that was about to."""

import asyncio
import datetime as dt
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from crm_graph.jobs import due
from crm_graph.resolvers.sla import reckoning
from tests.resolvers.sla.conftest import MINUTE, Desk

pytestmark = pytest.mark.asyncio(loop_scope="session")
WITHIN = dt.timedelta(seconds=2)
LATE, WARNED = "ticket.sla_breached", "ticket.sla_warned"


async def staff(desk: Desk) -> Any:
    """An agent with a manager, both with an address."""
    return await desk.connection.fetchrow(
        "SELECT u.id, u.team_id, u.email, m.email AS manager FROM users u"
        " JOIN users m ON m.organization_id = u.organization_id AND m.id = u.manager_id"
        " WHERE u.organization_id = $1 AND u.job_title = 'Service Agent' ORDER BY u.id LIMIT 1",
        desk.organization,
    )


async def test_warned_and_late_at_the_very_moment_and_told_once(desk: Desk) -> None:
    agent = await staff(desk)
    queue = await desk.make("TicketQueue", name="Escalations")
    await desk.promise(firstResponseMinutes=60, resolutionMinutes=600, warningPercent=50, escalationQueueId=queue)
    ticket = await desk.open(60 - 1 / 60, assignee=agent["id"], team=agent["team_id"])
    await desk.reckon(ticket)
    row = await desk.row(ticket)
    assert (row["sla_status"], await desk.timer(ticket)) == ("DUE_SOON", row["first_response_due_at"])
    assert [mail["recipient"] for mail in await desk.mails()] == [agent["email"]]
    stop = asyncio.Event()
    workers = [asyncio.create_task(due.do(desk.database, stop)) for _ in range(2)]
    async with asyncio.timeout(10):
        while LATE not in await desk.events(ticket):
            await asyncio.sleep(0.02)
    told = await desk.connection.fetchval(
        "SELECT occurred_at FROM outbox_events WHERE row_id = $1 AND type = $2", ticket, LATE
    )
    stop.set()
    await asyncio.gather(*workers)
    assert row["first_response_due_at"] <= told < row["first_response_due_at"] + WITHIN
    row = await desk.row(ticket)
    assert (row["sla_status"], row["first_response_breached_at"]) == ("BREACHED", row["first_response_due_at"])
    assert row["queue_id"].hex == queue.partition("_")[2]
    assert (row["sla_due_at"], await desk.timer(ticket)) == (
        row["first_response_due_at"], row["opened_at"] + 300 * MINUTE,
    )  # fmt: skip
    mails = [(mail["recipient"], mail["subject"]) for mail in await desk.mails()]
    number = row["number"]
    assert sorted(mails) == sorted(
        [
            (agent["email"], f"Ticket {number} is due soon"),
            (agent["email"], f"Ticket {number} is late"),
            (agent["manager"], f"Ticket {number} is late"),
        ]
    )
    await desk.reckon(ticket)
    await desk.work()
    assert (await desk.events(ticket)).count(LATE) == (await desk.events(ticket)).count(WARNED) == 1
    assert len(await desk.mails()) == 3
    entry = await desk.connection.fetchrow(
        "SELECT actor_kind, channel FROM audit_entries WHERE row_id = $1 ORDER BY at DESC LIMIT 1", ticket
    )
    assert tuple(entry) == ("system", "timer")


async def test_queues_are_locked_in_one_order(desk: Desk) -> None:
    """Two workers that escalate other tickets into the same queues wait for each other, and never for ever."""
    queues = sorted([await desk.make("TicketQueue", name=f"Above {n}") for n in range(2)])
    for queue, channel in zip(queues, ("PHONE", "MAIL"), strict=True):
        await desk.promise(firstResponseMinutes=60, warningPercent=100, escalationQueueId=queue, channel=channel)
    tickets = sorted([await desk.open(90) for _ in range(2)])
    for ticket, channel in zip(tickets, ("MAIL", "PHONE"), strict=True):
        await desk.connection.execute("UPDATE tickets SET channel = $2 WHERE id = $1", ticket, channel)
    await desk.reckon(*tickets)
    moved = await desk.connection.fetch(
        "SELECT row_id FROM outbox_events WHERE type = 'ticket.queued' AND row_id = ANY($1) ORDER BY sequence", tickets
    )
    assert [row["row_id"] for row in moved] == tickets[::-1]


async def test_a_killed_worker_loses_nothing_and_tells_nothing_twice(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It dies when all is written and nothing is committed."""
    await desk.promise(firstResponseMinutes=60, warningPercent=100)
    agent = await staff(desk)
    tickets = [await desk.open(90, assignee=agent["id"]) for _ in range(3)]
    begun, tell = asyncio.Event(), reckoning.tell

    async def hangs(*given: Any) -> None:
        await tell(*given)
        begun.set()
        await asyncio.sleep(60)

    monkeypatch.setattr(reckoning, "tell", hangs)
    worker = asyncio.create_task(due.do(desk.database, asyncio.Event()))
    async with asyncio.timeout(10):
        await begun.wait()
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)
    assert not await desk.mails()
    monkeypatch.setattr(reckoning, "tell", tell)
    await desk.work()
    for ticket in tickets:
        assert (await desk.events(ticket)).count(LATE) == 1
    assert len(await desk.mails()) == 2 * len(tickets)
    await desk.work()
    assert len(await desk.mails()) == 2 * len(tickets)


async def test_a_killed_process_loses_nothing_and_tells_nothing_twice(desk: Desk, tmp_path: Path) -> None:
    """Processes are killed in the midst of a hundred late tickets, wherever they are; the next goes on."""
    await desk.promise(firstResponseMinutes=60, warningPercent=100)
    agent = await staff(desk)
    tickets = [await desk.open(90, assignee=agent["id"]) for _ in range(100)]
    told = "SELECT count(*) FROM outbox_events WHERE row_id = ANY($1) AND type = $2"
    command = [sys.executable, "-m", "crm_graph", "worker", "--data-dir", str(tmp_path), "--database-url", desk.api.url]
    seen = [0]
    for _ in range(3):
        worker = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
        async with asyncio.timeout(30):
            while await desk.connection.fetchval(told, tickets, LATE) == seen[-1]:
                await asyncio.sleep(0.002)
        worker.kill()
        await worker.wait()
        seen.append(await desk.connection.fetchval(told, tickets, LATE))
        if seen[-1] == len(tickets):
            break
    assert seen[1] < len(tickets), "it was to be killed before it was through"
    await desk.work()
    assert [(await desk.events(ticket)).count(LATE) for ticket in tickets] == [1] * len(tickets)
    assert len(await desk.mails()) == 2 * len(tickets)


async def test_who_writes_a_ticket_is_not_held_up_and_what_they_wrote_counts(desk: Desk) -> None:
    await desk.promise(firstResponseMinutes=60, warningPercent=100)
    ticket = await desk.open(90)
    async with desk.database.transaction(desk.organization, None, "test") as tx:
        connection = await tx.raw()
        await connection.execute("SELECT FROM tickets WHERE id = $1 FOR NO KEY UPDATE", ticket)
        async with asyncio.timeout(5):
            await due.do_once(desk.database)
        assert LATE not in await desk.events(ticket)
        answered = (await desk.row(ticket))["opened_at"] + 30 * MINUTE
        await connection.execute(
            "UPDATE tickets SET first_answered_at = $2, last_answer_at = $2, status = 'OPEN' WHERE id = $1",
            ticket,
            answered,
        )
    async with asyncio.timeout(5):
        while (await desk.row(ticket))["first_response_minutes"] is None:
            await due.do_once(desk.database)
    row = await desk.row(ticket)
    assert (row["sla_status"], row["first_response_minutes"]) == ("MET", 30)
    assert LATE not in await desk.events(ticket)
    assert await desk.timer(ticket) is None


async def test_what_is_late_goes_to_whom_the_team_reports_while_nobody_has_it(desk: Desk) -> None:
    agent = await staff(desk)
    await desk.promise(resolutionMinutes=60, warningPercent=100)
    ticket = await desk.open(90, team=agent["team_id"])
    await desk.work()
    assert {mail["recipient"] for mail in await desk.mails()} == {agent["manager"]}
    (mail,) = await desk.mails()
    row = await desk.row(ticket)
    assert "Help" not in mail["body"], "the subject is for those who see the ticket"
    assert f"{row['resolution_due_at']:%H:%M}" in mail["body"]


async def _life(desk: Desk, ticket: UUID) -> tuple[object, ...]:
    row = await desk.row(ticket)
    return row["sla_status"], row["sla_due_at"], row["resolution_due_at"]


async def test_the_clock_stands_still_while_it_waits(desk: Desk) -> None:
    await desk.promise(resolutionMinutes=60, warningPercent=100)
    ticket = await desk.open(30)
    await desk.reckon(ticket)
    now = dt.datetime.now(dt.UTC)
    await desk.set(ticket, status="WAITING", waiting_since=now - 10 * MINUTE)
    await desk.work()
    assert await _life(desk, ticket) == ("PAUSED", None, None)
    assert await desk.timer(ticket) is None
    await desk.set(ticket, status="OPEN", waiting_since=None)
    await desk.work()
    status, due_at, resolution = await _life(desk, ticket)
    assert (status, due_at) == ("ON_TRACK", resolution)
    left = (await desk.row(ticket))["opened_at"] + 70 * MINUTE
    assert abs(resolution - left) < 10 * dt.timedelta(seconds=1)  # type: ignore[operator]
