"""A database that is in use gets its slots: what it holds stays, and goes on being written and kept in the history."""

import asyncpg

from crm_graph import migrations
from crm_graph.db.embedded import EmbeddedServer
from tests.conftest import _execute, blocking

BEFORE, ORGANIZATION = "202611220915", "00000000-0000-7000-8000-000000000001"
COLUMNS = "organization_id, id, version, created_at, updated_at"


async def fill(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(
        f"INSERT INTO organizations ({COLUMNS}, name, currency, hosts)"
        f" VALUES ('{ORGANIZATION}', '{ORGANIZATION}', 1, now(), now(), 'T', 'EUR', '{{}}');"
        f"INSERT INTO customers ({COLUMNS}, name, kind, stage, currency)"
        f" SELECT '{ORGANIZATION}', gen_random_uuid(), 1, now(), now(), 'C ' || g, 'PERSON', 'PROSPECT', 'EUR'"
        " FROM generate_series(1, 100) g"
    )
    await connection.close()


async def used(url: str) -> list[tuple[object, ...]]:
    """Write a slot of one customer, and give what the history has of it."""
    connection = await asyncpg.connect(url)
    await connection.execute("UPDATE customers SET custom_text_3 = 'Ä', version = 2 WHERE name = 'C 7'")
    found = await connection.fetch(
        "SELECT version, custom_text_3 FROM customers_history WHERE name = 'C 7' ORDER BY version"
    )
    count = await connection.fetchval("SELECT count(*) FROM customers")
    await connection.close()
    return [(count,), *(tuple(row) for row in found)]


def test_an_existing_database_is_upgraded_and_taken_back(embedded_server: EmbeddedServer) -> None:
    _execute(embedded_server, "DROP DATABASE IF EXISTS to_extend WITH (FORCE)")
    _execute(embedded_server, "CREATE DATABASE to_extend")
    url = embedded_server.database_url("to_extend")
    migrations.upgrade(url, BEFORE)
    blocking(fill(url))
    migrations.upgrade(url)
    assert blocking(used(url)) == [(100,), (1, None), (2, "Ä")]
    migrations.downgrade(url, BEFORE)
    migrations.upgrade(url)
    assert blocking(used(url))[0] == (100,)
    assert migrations.check(url) == []
