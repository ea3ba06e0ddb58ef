import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text

from crm_graph.db.session import RETRYABLE, Database
from crm_graph.errors import OperationTimedOut, ServiceUnavailable

ORGANIZATION, ACTOR = UUID(int=1), UUID(int=2)


@pytest.fixture
async def database(functions_url: str) -> AsyncIterator[Database]:
    admin = await asyncpg.connect(functions_url)
    await admin.execute("CREATE TABLE notes (id int PRIMARY KEY, body jsonb); GRANT ALL ON notes TO crm_graph_runtime")
    await admin.close()
    database = Database(functions_url, 2)
    yield database
    await database.dispose()


async def count(url: str) -> int:
    connection = await asyncpg.connect(url)
    found: int = await connection.fetchval("SELECT count(*) FROM notes")
    await connection.close()
    return found


async def test_who_and_what_are_set_for_the_transaction_only(database: Database) -> None:
    async with database.transaction(ORGANIZATION, ACTOR, "import") as tx:
        raw = await tx.raw()
        row = await raw.fetchrow(
            "SELECT current_setting('crm.organization_id'), current_setting('crm.actor_id'),"
            " current_setting('crm.channel')"
        )
        assert tuple(row or ()) == (str(ORGANIZATION), str(ACTOR), "import")
        pid = raw.get_server_pid()
    async with database.engine.connect() as connection:
        same = await connection.scalar(text("SELECT pg_backend_pid()"))
        assert same == pid
        assert await connection.scalar(text("SELECT current_setting('crm.actor_id', true)")) == ""


async def test_orm_and_raw_are_committed_together(database: Database, functions_url: str) -> None:
    async with database.transaction(ORGANIZATION, None, "graphql") as tx:
        await (await tx.session.connection()).execute(text("INSERT INTO notes VALUES (1, '{}')"))
        await (await tx.raw()).execute("INSERT INTO notes VALUES (2, '{}')")
        assert await count(functions_url) == 0
    assert await count(functions_url) == 2


async def test_an_exception_rolls_both_back(database: Database, functions_url: str) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.transaction(ORGANIZATION, None, "graphql") as tx:
            await (await tx.session.connection()).execute(text("INSERT INTO notes VALUES (1, '{}')"))
            await (await tx.raw()).execute("INSERT INTO notes VALUES (2, '{}')")
            raise ZeroDivisionError
    assert await count(functions_url) == 0


async def test_a_swallowed_raw_error_fails_the_commit(database: Database, functions_url: str) -> None:
    with pytest.raises(asyncpg.InFailedSQLTransactionError):
        async with database.transaction(ORGANIZATION, None, "graphql") as tx:
            raw = await tx.raw()
            await raw.execute("INSERT INTO notes VALUES (1, '{}')")
            with pytest.raises(asyncpg.UniqueViolationError):
                await raw.execute("INSERT INTO notes VALUES (1, '{}')")
    assert await count(functions_url) == 0


async def test_a_savepoint_limits_a_raw_error(database: Database, functions_url: str) -> None:
    async with database.transaction(ORGANIZATION, None, "graphql") as tx:
        raw = await tx.raw()
        await raw.execute("INSERT INTO notes VALUES (1, '{}')")
        with pytest.raises(asyncpg.UniqueViolationError):
            async with raw.transaction():
                await raw.execute("INSERT INTO notes VALUES (1, '{}')")
    assert await count(functions_url) == 1


async def test_json_is_bytes_and_jsonb_a_dict(database: Database) -> None:
    async with database.transaction(ORGANIZATION, None, "graphql") as tx:
        raw = await tx.raw()
        assert await raw.fetchval("SELECT json_build_object('a', 1)") == b'{"a" : 1}'
        connection = await tx.session.connection()
        assert await connection.scalar(text("SELECT jsonb_build_object('a', 1)")) == {"a": 1}


async def test_nothing_may_take_for_ever(database: Database) -> None:
    async with database.transaction(ORGANIZATION, None, "graphql") as tx:
        found = await (await tx.raw()).fetchrow(
            "SELECT current_setting('statement_timeout'), current_setting('lock_timeout'),"
            " current_setting('idle_in_transaction_session_timeout')"
        )
    assert tuple(found or ()) == ("30s", "10s", "1min")


@pytest.mark.parametrize("orm", [False, True])
async def test_a_statement_that_takes_too_long_is_told_as_such(functions_url: str, orm: bool) -> None:
    database = Database(functions_url, 1, statement_seconds=0.1)
    with pytest.raises(OperationTimedOut):
        async with database.transaction(ORGANIZATION, None, "graphql") as tx:
            if orm:
                await (await tx.session.connection()).execute(text("SELECT pg_sleep(5)"))
            else:
                await (await tx.raw()).execute("SELECT pg_sleep(5)")
    async with database.transaction(ORGANIZATION, None, "graphql") as tx:
        assert await (await tx.raw()).fetchval("SELECT 1") == 1
    await database.dispose()


async def test_an_idle_transaction_is_ended_and_the_next_one_works(functions_url: str) -> None:
    database = Database(functions_url, 1, statement_seconds=0.1)
    with pytest.raises(ServiceUnavailable):
        async with database.transaction(ORGANIZATION, None, "graphql") as tx:
            raw = await tx.raw()
            await asyncio.sleep(0.6)
            await raw.execute("SELECT 1")
    async with database.transaction(ORGANIZATION, None, "graphql") as tx:
        assert await (await tx.raw()).fetchval("SELECT 1") == 1
    await database.dispose()


async def test_a_row_that_another_holds_is_worth_another_try(database: Database) -> None:
    async with database.transaction(ORGANIZATION, None, "graphql") as tx:
        await (await tx.raw()).execute("LOCK TABLE notes")
        with pytest.raises(RETRYABLE):
            async with database.transaction(ORGANIZATION, None, "graphql") as other:
                raw = await other.raw()
                await raw.execute("SET LOCAL lock_timeout = '50ms'")
                await raw.execute("INSERT INTO notes VALUES (1, '{}')")


@pytest.mark.parametrize("place", ["no-such-host.invalid:5432", "127.0.0.1:1"])
async def test_a_database_that_is_not_there_is_unavailable(place: str) -> None:
    database = Database(f"postgresql://crm@{place}/crm", 1)
    with pytest.raises(ServiceUnavailable):
        async with database.transaction(None, None, "graphql"):
            pass
    await database.dispose()
