import time
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from crm_graph.db.ids import uuid7

TABLES = """
CREATE TABLE things (
    organization_id uuid, id uuid, name text, "Odd ""name" int DEFAULT 1,
    loud text GENERATED ALWAYS AS (upper(name)) STORED,
    PRIMARY KEY (organization_id, id)
);
CREATE TABLE things_history (
    organization_id uuid, id uuid, name text, "Odd ""name" int, loud text,
    history_from timestamptz, history_to timestamptz NOT NULL, history_actor_id uuid, history_channel text,
    history_deleted boolean NOT NULL,
    PRIMARY KEY (organization_id, id, history_from)
);
SELECT crm_keep_history('things');
"""
ORGANIZATION = UUID(int=1)
ACTOR = UUID(int=7)


@pytest.fixture
async def connection(functions_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(functions_url)
    await connection.execute(TABLES)
    yield connection
    await connection.close()


async def versions(connection: asyncpg.Connection, thing: UUID) -> list[tuple[str, bool, bool, bool]]:
    """Name, whether current, whether empty, whether a deletion; checks that versions meet without overlap or gap."""
    rows = await connection.fetch(
        "SELECT name, history_to = 'infinity', history_from = history_to, history_deleted,"
        " history_from <= history_to AS forwards,"
        " coalesce(history_to = lead(history_from) OVER (ORDER BY history_from, history_to), true) AS meets_next"
        " FROM things_history WHERE id = $1 ORDER BY history_from, history_to",
        thing,
    )
    assert all(row["forwards"] and row["meets_next"] for row in rows)
    return [tuple(row)[:4] for row in rows]


async def insert(connection: asyncpg.Connection, name: str) -> UUID:
    thing = uuid7()
    await connection.execute("INSERT INTO things VALUES ($1, $2, $3)", ORGANIZATION, thing, name)
    return thing


async def test_insert_update_delete(connection: asyncpg.Connection) -> None:
    thing = await insert(connection, "one")
    assert await versions(connection, thing) == [("one", True, False, False)]
    await connection.execute("UPDATE things SET name = 'two'")
    assert await versions(connection, thing) == [("one", False, False, False), ("two", True, False, False)]
    await connection.execute("DELETE FROM things")
    assert await versions(connection, thing) == [
        ("one", False, False, False),
        ("two", False, False, False),
        ("two", False, True, True),
    ]


async def test_a_version_has_every_value_and_who_wrote_it_through_what(connection: asyncpg.Connection) -> None:
    async with connection.transaction():
        await connection.execute(
            "SELECT set_config('crm.actor_id', $1, true), set_config('crm.channel', 'import', true)", str(ACTOR)
        )
        await insert(connection, "one")
    row = await connection.fetchrow("SELECT * FROM things_history")
    assert (row["loud"], row['Odd "name'], row["history_actor_id"], row["history_channel"]) == (
        "ONE",
        1,
        ACTOR,
        "import",
    )
    await connection.execute("UPDATE things SET name = 'two'")
    row = await connection.fetchrow("SELECT * FROM things_history WHERE history_to = 'infinity'")
    assert (row["name"], row["history_actor_id"], row["history_channel"]) == ("two", None, None)


async def test_one_transaction_leaves_one_version(connection: asyncpg.Connection) -> None:
    async with connection.transaction():
        thing = await insert(connection, "one")
        await connection.execute("UPDATE things SET name = 'two'")
        await connection.execute("UPDATE things SET name = 'three'")
    assert await versions(connection, thing) == [("three", True, False, False)]
    async with connection.transaction():
        await connection.execute("UPDATE things SET name = 'four'")
        await connection.execute("DELETE FROM things")
        await connection.execute("INSERT INTO things VALUES ($1, $2, 'five')", ORGANIZATION, thing)
    assert await versions(connection, thing) == [("three", False, False, False), ("five", True, False, False)]


async def test_inserted_and_deleted_in_one_transaction_was_never_there(connection: asyncpg.Connection) -> None:
    async with connection.transaction():
        thing = await insert(connection, "one")
        await connection.execute("DELETE FROM things")
    assert await versions(connection, thing) == [("one", False, True, True)]


async def test_a_rollback_leaves_no_version(connection: asyncpg.Connection) -> None:
    transaction = connection.transaction()
    await transaction.start()
    await insert(connection, "one")
    await transaction.rollback()
    assert await connection.fetchval("SELECT count(*) FROM things_history") == 0


async def test_an_older_transaction_that_writes_later_does_not_overlap(
    connection: asyncpg.Connection, functions_url: str
) -> None:
    thing = await insert(connection, "one")
    other = await asyncpg.connect(functions_url)
    older = connection.transaction()
    await older.start()
    await connection.fetchval("SELECT now()")
    await other.execute("UPDATE things SET name = 'by the younger'")
    await connection.execute("UPDATE things SET name = 'by the older'")
    await older.commit()
    await other.close()
    found = await versions(connection, thing)
    assert [name for name, *_ in found] == ["one", "by the younger", "by the older"]
    assert found[-1][1]


async def test_a_column_added_later_is_kept_from_then_on(connection: asyncpg.Connection) -> None:
    thing = await insert(connection, "one")
    await connection.execute("ALTER TABLE things_history ADD size int; ALTER TABLE things ADD size int")
    await connection.execute("UPDATE things SET size = 3")
    sizes = await connection.fetch("SELECT size FROM things_history WHERE id = $1 ORDER BY history_from", thing)
    assert [row["size"] for row in sizes] == [None, 3]


async def test_upsert_writes_both_kinds(connection: asyncpg.Connection) -> None:
    thing = await insert(connection, "one")
    fresh = uuid7()
    await connection.execute(
        "INSERT INTO things VALUES ($1, $2, 'two'), ($1, $3, 'new')"
        " ON CONFLICT (organization_id, id) DO UPDATE SET name = excluded.name",
        ORGANIZATION,
        thing,
        fresh,
    )
    assert [name for name, *_ in await versions(connection, thing)] == ["one", "two"]
    assert [name for name, *_ in await versions(connection, fresh)] == ["new"]


async def test_a_hundred_thousand_rows_in_one_statement(connection: asyncpg.Connection) -> None:
    begun = time.monotonic()
    await connection.execute(
        "INSERT INTO things SELECT $1, gen_random_uuid(), 'n' || i FROM generate_series(1, 100000) i", ORGANIZATION
    )
    await connection.execute("UPDATE things SET name = name || '!'")
    assert await connection.fetchval("SELECT count(*) FROM things_history WHERE history_to = 'infinity'") == 100_000
    assert await connection.fetchval("SELECT count(*) FROM things_history") == 200_000
    # Seconds on a busy machine; a row-by-row trigger or a bad join takes minutes.
    assert time.monotonic() - begun < 30
