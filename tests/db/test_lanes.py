import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from crm_graph.db import connection as connections
from crm_graph.db.lanes import Lane, Lanes
from crm_graph.errors import OperationTimedOut, ServiceUnavailable

ANSWER = "SELECT json_build_object('answer', $1::int)"
SLOW = "SELECT to_json(pg_sleep($1)::text)"


@pytest.fixture
async def lanes(functions_url: str) -> AsyncIterator[Lanes]:
    lanes = await Lanes.open(functions_url, 2, wait_seconds=0.5)
    yield lanes
    await lanes.close()


async def backends(url: str, name: str = "crm-graph reads") -> int:
    connection = await asyncpg.connect(url)
    count: int = await connection.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND datname = current_database()", name
    )
    await connection.close()
    return count


async def test_json_comes_as_the_servers_bytes_and_statements_are_counted(lanes: Lanes) -> None:
    assert await lanes.fetch(Lane.GENERIC, ANSWER, [42]) == b'{"answer" : 42}'
    assert await lanes.fetch(Lane.AUTO, "SELECT NULL::json", []) is None
    assert await lanes.fetch(Lane.AUTO, "SELECT json '{}' WHERE false", []) is None
    assert lanes.statements == 3


@pytest.mark.parametrize(("lane", "mode"), [(Lane.GENERIC, "force_generic_plan"), (Lane.AUTO, "auto")])
async def test_each_lane_plans_its_way_in_utc_and_only_reads(lanes: Lanes, lane: Lane, mode: str) -> None:
    for setting, value in {
        "plan_cache_mode": mode,
        "TimeZone": "UTC",
        "jit": "off",
        "default_transaction_read_only": "on",
    }.items():
        answer = await lanes.fetch(lane, "SELECT to_json(current_setting($1))", [setting])
        assert answer == f'"{value}"'.encode()


async def test_one_after_another_share_a_connection(lanes: Lanes, functions_url: str) -> None:
    found = {await lanes.fetch(Lane.AUTO, "SELECT to_json(pg_backend_pid())", []) for _ in range(20)}
    assert len(found) == 1
    assert await backends(functions_url) == 2


async def test_no_more_connections_than_allowed_and_nobody_is_forgotten(lanes: Lanes, functions_url: str) -> None:
    answers = await asyncio.gather(*(lanes.fetch(Lane.AUTO, ANSWER, [number]) for number in range(200)))
    assert answers == [f'{{"answer" : {number}}}'.encode() for number in range(200)]
    assert await backends(functions_url) <= 3


async def test_waiting_too_long_for_a_connection_is_a_typed_error(lanes: Lanes) -> None:
    busy = [asyncio.create_task(lanes.fetch(Lane.AUTO, SLOW, [1.0])) for _ in range(2)]
    await asyncio.sleep(0.1)
    with pytest.raises(ServiceUnavailable, match="busy"):
        await lanes.fetch(Lane.AUTO, ANSWER, [1])
    await asyncio.gather(*busy)
    assert await lanes.fetch(Lane.AUTO, ANSWER, [1]) == b'{"answer" : 1}'


async def test_a_cancelled_statement_ends_on_the_server_and_its_connection_is_used_again(
    lanes: Lanes, functions_url: str
) -> None:
    for _ in range(5):
        tasks = [asyncio.create_task(lanes.fetch(Lane.AUTO, SLOW, [60.0])) for _ in range(2)]
        await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        assert all(
            isinstance(end, asyncio.CancelledError) for end in await asyncio.gather(*tasks, return_exceptions=True)
        )
        answers = await asyncio.gather(*(lanes.fetch(Lane.AUTO, ANSWER, [number]) for number in range(10)))
        assert answers == [f'{{"answer" : {number}}}'.encode() for number in range(10)]
    assert await backends(functions_url) <= 3


async def test_who_gives_up_waiting_takes_no_connection_along(lanes: Lanes) -> None:
    busy = [asyncio.create_task(lanes.fetch(Lane.AUTO, SLOW, [0.2])) for _ in range(2)]
    await asyncio.sleep(0.05)
    waiting = [asyncio.create_task(lanes.fetch(Lane.AUTO, ANSWER, [1])) for _ in range(6)]
    await asyncio.sleep(0.05)
    for task in waiting[::2]:
        task.cancel()
    await asyncio.gather(*busy)
    assert await asyncio.gather(*waiting[1::2]) == [b'{"answer" : 1}'] * 3
    assert len(await asyncio.gather(*(lanes.fetch(Lane.AUTO, SLOW, [0.1]) for _ in range(2)))) == 2


async def test_dead_connections_are_replaced_and_the_read_goes_through(lanes: Lanes, functions_url: str) -> None:
    await asyncio.gather(*(lanes.fetch(Lane.AUTO, SLOW, [0.05]) for _ in range(2)))
    admin = await asyncpg.connect(functions_url)
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'crm-graph reads'"
    )
    await admin.close()
    assert await lanes.fetch(Lane.AUTO, ANSWER, [1]) == b'{"answer" : 1}'
    assert await lanes.fetch(Lane.GENERIC, ANSWER, [2]) == b'{"answer" : 2}'


async def test_a_connection_killed_in_the_middle_is_tried_once_more(lanes: Lanes, functions_url: str) -> None:
    task = asyncio.create_task(lanes.fetch(Lane.AUTO, "SELECT to_json(pg_sleep(0.3)::text || 'x')", []))
    await asyncio.sleep(0.1)
    admin = await asyncpg.connect(functions_url)
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT to_json(pg_sleep(0.3)%'"
    )
    await admin.close()
    assert await task == b'"x"'
    assert lanes.statements == 2


async def test_a_statement_that_takes_too_long_is_a_typed_error(functions_url: str) -> None:
    lanes = await Lanes.open(functions_url, 1, statement_seconds=0.1)
    with pytest.raises(OperationTimedOut, match="too long"):
        await lanes.fetch(Lane.AUTO, SLOW, [5.0])
    assert await lanes.fetch(Lane.AUTO, ANSWER, [1]) == b'{"answer" : 1}'
    await lanes.close()


async def test_a_faulty_statement_or_value_costs_no_connection(lanes: Lanes, functions_url: str) -> None:
    for _ in range(5):
        with pytest.raises(asyncpg.PostgresSyntaxError):
            await lanes.fetch(Lane.AUTO, "SELEKT", [])
        with pytest.raises(asyncpg.DivisionByZeroError):
            await lanes.fetch(Lane.AUTO, "SELECT to_json(1 / $1::int)", [0])
        with pytest.raises(asyncpg.DataError):
            await lanes.fetch(Lane.AUTO, ANSWER, ["no number"])
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await lanes.fetch(Lane.AUTO, "CREATE TABLE nothing ()", [])
    assert await backends(functions_url) == 2


async def test_old_statements_are_closed_on_the_server(functions_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "STATEMENTS", 5)
    lanes = await Lanes.open(functions_url, 1)
    for number in range(30):
        await lanes.fetch(Lane.AUTO, f"SELECT to_json({number})", [])
    assert int(await lanes.fetch(Lane.AUTO, "SELECT to_json(count(*)) FROM pg_prepared_statements", []) or b"99") <= 8
    await lanes.close()


async def test_statements_survive_a_change_of_the_schema(lanes: Lanes, functions_url: str) -> None:
    admin = await asyncpg.connect(functions_url)
    await admin.execute(
        "CREATE TABLE shape (a int); INSERT INTO shape VALUES (1); GRANT SELECT ON shape TO crm_graph_reader"
    )
    read = "SELECT to_json(s) FROM shape s"
    assert await lanes.fetch(Lane.AUTO, read, []) == b'{"a":1}'
    await admin.execute("ALTER TABLE shape ADD b int")
    assert await lanes.fetch(Lane.AUTO, read, []) == b'{"a":1,"b":null}'
    await admin.close()


async def test_no_server_is_a_typed_error() -> None:
    with pytest.raises(ServiceUnavailable):
        await Lanes.open("postgresql://nobody@/none?host=/nowhere", 1)


async def test_closing_ends_what_runs_and_what_waits(functions_url: str) -> None:
    lanes = await Lanes.open(functions_url, 1)
    tasks = [asyncio.create_task(lanes.fetch(Lane.AUTO, SLOW, [30.0])) for _ in range(3)]
    await asyncio.sleep(0.1)
    await lanes.close()
    ends = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
    assert all(isinstance(end, ServiceUnavailable) for end in ends)
