"""Chores remove what has outlived its use and nothing else; workers share them; signals end a worker cleanly."""

import asyncio
import signal
import subprocess
import sys
import time
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from crm_graph.db.ids import uuid7
from crm_graph.jobs import worker
from crm_graph.jobs.chores import BATCH, CHORES, Chore

COMMAND = [sys.executable, "-m", "crm_graph", "worker"]
KEYS = next(chore for chore in CHORES if chore.table == "idempotency_keys")
CHANGES = [chore for chore in CHORES if chore.table.startswith("change_")]


async def filled(url: str) -> "tuple[asyncpg.Connection[asyncpg.Record], UUID, UUID]":
    """An organisation and a user; gives an open connection and their ids."""
    admin, organization, user = await asyncpg.connect(url), uuid7(), uuid7()
    stamps = "version, created_at, updated_at"
    await admin.execute(
        f"INSERT INTO organizations (organization_id, id, {stamps}, name, currency, hosts)"
        " VALUES ($1, $1, 1, now(), now(), 'Acme', 'EUR', '{}')",
        organization,
    )
    await admin.execute(
        f"INSERT INTO users (organization_id, id, {stamps}, name, status, roles)"
        " VALUES ($1, $2, 1, now(), now(), 'Ada', 'ACTIVE', '{administrator}')",
        organization,
        user,
    )
    return admin, organization, user


async def add_key(admin: "asyncpg.Connection[asyncpg.Record]", organization: UUID, age: str, count: int = 1) -> None:
    await admin.execute(
        "INSERT INTO idempotency_keys (organization_id, id, caller_id, key, input_hash, created_at)"
        " SELECT $1, gen_random_uuid(), $1, gen_random_uuid()::text, '', now() - $2::text::interval"
        " FROM generate_series(1, $3)",
        organization,
        age,
        count,
    )


async def add_session(admin: "asyncpg.Connection[asyncpg.Record]", owner: tuple[UUID, UUID], **ago: str | None) -> UUID:
    session = uuid7()
    await admin.execute(
        "INSERT INTO sessions (organization_id, id, user_id, token_hash, expires_at, revoked_at, user_agent, address)"
        " VALUES ($1, $2, $3, $4, now() - $5::text::interval, now() - $6::text::interval, 'test', '::1')",
        owner[0],
        session,
        owner[1],
        session.bytes,
        ago.get("expired"),
        ago.get("revoked"),
    )
    return session


async def test_what_has_outlived_its_use_goes_and_the_rest_stays(database_url: str) -> None:
    admin, organization, user = await filled(database_url)
    await add_key(admin, organization, "26 hours", 3)
    await add_key(admin, organization, "23 hours", 2)
    await admin.execute(
        "INSERT INTO access_denials (organization_id, id, minute, actor_id, coordinate, code, times)"
        " SELECT $1, gen_random_uuid(), now() - days * interval '1 day', $1, 'Customer.name', 'FIELD_ACCESS_DENIED', 1"
        " FROM unnest(ARRAY[91, 89]) AS days",
        organization,
    )
    owner = (organization, user)
    stay = {
        await add_session(admin, owner, expired="-1 hour"),
        await add_session(admin, owner, expired="29 days"),
        await add_session(admin, owner, expired="-1 hour", revoked="1 day"),
    }
    await add_session(admin, owner, expired="31 days")
    await add_session(admin, owner, expired="-400 days", revoked="31 days")
    for age in ("29 days", "31 days"):
        await admin.execute(
            "INSERT INTO outgoing_mails (organization_id, id, recipient, subject, created_at)"
            " VALUES ($1, gen_random_uuid(), 'a@example.com', 's', now() - $2::text::interval)",
            organization,
            age,
        )
    for ago in ("1 minute", "-1 minute", "29 days", "31 days"):
        await admin.execute(
            "INSERT INTO pending_sign_ins (organization_id, id, user_id, token_hash, methods, following, expires_at)"
            " VALUES ($1, gen_random_uuid(), $2, $3::text::bytea, '{}', '/', now() - $3::text::interval)",
            *owner, ago,
        )  # fmt: skip
        await admin.execute(
            "INSERT INTO password_resets (organization_id, id, user_id, token_hash, expires_at)"
            " VALUES ($1, gen_random_uuid(), $2, $3::text::bytea, now() - $3::text::interval)",
            *owner, ago,
        )  # fmt: skip
        await admin.execute(
            "INSERT INTO spent_challenges (organization_id, id, challenge_hash, expires_at)"
            " VALUES ($1, gen_random_uuid(), $2::text::bytea, now() - $2::text::interval)",
            organization, ago,
        )  # fmt: skip
    removed = {"idempotency_keys": 3, "sessions": 2, "access_denials": 1, "outgoing_mails": 1}
    removed |= {"pending_sign_ins": 3, "password_resets": 1, "spent_challenges": 3}
    for ago in ("-1 minute", "23 hours", "25 hours"):
        await admin.execute(
            "INSERT INTO sign_in_codes (organization_id, id, purpose, email, browser_hash, expires_at)"
            " VALUES ($1, gen_random_uuid(), 'SIGN_IN', 'x@y.test', '', now() - $2::text::interval)",
            organization, ago,
        )  # fmt: skip
    removed |= {"sign_in_codes": 1}
    found = await worker.run_once(database_url)
    assert {name: count for name, count in found.items() if count} == removed
    assert await admin.fetchval("SELECT count(*) FROM idempotency_keys") == 2
    assert {row["id"] for row in await admin.fetch("SELECT id FROM sessions")} == stay
    assert set((await worker.run_once(database_url)).values()) == {0}
    await admin.close()


async def add_change(owner: "tuple[asyncpg.Connection[asyncpg.Record], UUID]", **facts: str | None) -> UUID:
    """A change of a customer's birthday, with a code; times are said from now."""
    (admin, organization), change, customer = owner, uuid7(), uuid7()
    await admin.execute(
        "INSERT INTO customers (organization_id, id, version, created_at, updated_at, name, kind, stage, currency)"
        " VALUES ($1, $2, 1, now(), now(), 'Ada', 'PERSON', 'PROSPECT', 'EUR')",
        organization,
        customer,
    )
    await admin.execute(
        "INSERT INTO change_requests (organization_id, id, version, created_at, updated_at, customer_id, entity, row_id,"
        " field, waits_for, state, after_value, expires_at, decided_at) VALUES ($1, $2, 1, now(), now(), $3, 'Customer',"
        " $3, 'bornOn', 'APPROVAL', $4, '1987-06-05', now() + $5::text::interval, now() + $6::text::interval)",
        organization,
        change,
        customer,
        facts.get("state", "PENDING"),
        facts["expires"],
        facts.get("decided"),
    )
    await admin.execute(
        "INSERT INTO change_codes (organization_id, id, code_hash) VALUES ($1, $2, '')", organization, change
    )
    return change


async def test_changes_keep_their_values_for_a_month_after_they_ended_and_codes_no_longer(database_url: str) -> None:
    admin, organization, _ = await filled(database_url)
    owner = (admin, organization)
    waits = await add_change(owner, expires="1 hour")
    recent = {
        await add_change(owner, expires="-29 days"),
        await add_change(owner, expires="-60 days", state="APPLIED", decided="-29 days"),
    }
    old = {
        await add_change(owner, expires="-31 days"),
        await add_change(owner, expires="1 hour", state="REJECTED", decided="-31 days"),
    }
    done = await worker.run_once(database_url, CHANGES)
    # of each emptied change its history keeps the version before, and that is emptied too
    assert done == {"change_codes": 4, "change_requests": 2, "change_requests_history": 2}
    for table in ("change_requests", "change_requests_history"):
        kept = await admin.fetch(f"SELECT DISTINCT id FROM {table} WHERE after_value IS NOT NULL")
        assert {row["id"] for row in kept} == {waits, *recent}, table
    assert {row["id"] for row in await admin.fetch("SELECT id FROM change_requests")} == {waits, *recent, *old}
    assert [row["id"] for row in await admin.fetch("SELECT id FROM change_codes")] == [waits]
    assert set((await worker.run_once(database_url, CHANGES)).values()) == {0}
    await admin.close()


async def test_more_than_a_batch_goes_too(database_url: str) -> None:
    admin, organization, _ = await filled(database_url)
    await add_key(admin, organization, "2 days", BATCH * 2 + 1)
    assert (await worker.run_once(database_url, [KEYS]))["idempotency_keys"] == BATCH * 2 + 1
    await admin.close()


async def test_each_organisation_has_its_rows_removed(database_url: str) -> None:
    owners = [await filled(database_url) for _ in range(3)]
    for n, (admin, organization, _) in enumerate(owners[:2], 1):
        await add_key(admin, organization, "2 days", n)
        await add_key(admin, organization, "1 hour")
    assert await worker.run_once(database_url, [KEYS]) == {"idempotency_keys": 3}
    assert await owners[0][0].fetchval("SELECT count(*) FROM idempotency_keys") == 2
    for admin, *_ in owners:
        await admin.close()


async def test_one_worker_does_a_chore_at_a_time(database_url: str) -> None:
    admin, organization, _ = await filled(database_url)
    await add_key(admin, organization, "2 days")
    async with admin.transaction():
        assert await admin.fetchval(worker._LOCK, KEYS.table)
        assert await worker.run_once(database_url, [KEYS]) == {"idempotency_keys": 0}
    assert await worker.run_once(database_url, [KEYS]) == {"idempotency_keys": 1}
    await admin.close()


async def test_several_workers_remove_each_row_once(database_url: str) -> None:
    admin, organization, _ = await filled(database_url)
    await add_key(admin, organization, "2 days", BATCH * 3)
    removed = await asyncio.gather(*(worker.run_once(database_url, [KEYS]) for _ in range(3)))
    rest = await worker.run_once(database_url, [KEYS])
    assert sum(one["idempotency_keys"] for one in [*removed, rest]) == BATCH * 3
    await admin.close()


async def test_a_chore_comes_again_when_it_is_due(database_url: str) -> None:
    admin, organization, _ = await filled(database_url)
    stop = asyncio.Event()
    often = Chore(KEYS.table, KEYS.outlived, timedelta(milliseconds=20))
    task = asyncio.create_task(worker.run(database_url, stop, [often]))
    for _ in range(2):
        await add_key(admin, organization, "2 days")
        async with asyncio.timeout(10):
            while await admin.fetchval("SELECT count(*) FROM idempotency_keys"):
                await asyncio.sleep(0.02)
    stop.set()
    await asyncio.wait_for(task, 5)
    await admin.close()


async def test_a_database_that_is_away_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "PAUSE_SECONDS", 0.01)
    tried = 0

    async def refuse(_url: str) -> object:
        nonlocal tried
        tried += 1
        raise ConnectionRefusedError

    monkeypatch.setattr(worker, "_connect", refuse)
    stop = asyncio.Event()
    task = asyncio.create_task(worker.run("postgresql://nowhere", stop))
    async with asyncio.timeout(5):
        while tried < 3:
            await asyncio.sleep(0.01)
    stop.set()
    await asyncio.wait_for(task, 5)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_command_with_0(database_url: str, number: signal.Signals) -> None:
    process = subprocess.Popen([*COMMAND, "--database-url", database_url], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert "running" in process.stdout.readline()
        time.sleep(0.3)
        process.send_signal(number)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()


def test_once_says_what_was_done_and_ends(database_url: str) -> None:
    done = subprocess.run([*COMMAND, "--once", "--database-url", database_url], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        *(f"{chore.table}: {chore.done} 0" for chore in CHORES),
        "mail: fetched 0",
        "timers: done 0",
        "mail: waits, as CRM_GRAPH_SMTP_URL is not set",
    ]


def test_a_database_without_tables_is_told_in_one_line(functions_url: str) -> None:
    done = subprocess.run([*COMMAND, "--once", "--database-url", functions_url], capture_output=True, text=True)
    assert done.returncode == 1
    assert "crm-graph migrate" in done.stderr
    assert "Traceback" not in done.stderr
