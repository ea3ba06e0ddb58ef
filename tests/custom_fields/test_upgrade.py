"""A database that is in use gets its slots: what it holds stays, and goes on being written and kept in the history."""

import asyncpg

from crm_graph import (
    migrations,
    schema,  # noqa: F401 - declares the model
)
from crm_graph.db.embedded import EmbeddedServer
from crm_graph.entity import REGISTRY
from crm_graph.plan.reads.search import indexed
from tests.conftest import _execute, blocking

BEFORE, ORGANIZATION = "202611220915", "00000000-0000-7000-8000-000000000001"
SLOTS_WITHOUT_VECTORS = "202611221120"
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


async def found(url: str, words: str) -> list[str]:
    """The customers whose own texts have these words, by the index's expression."""
    connection = await asyncpg.connect(url)
    await connection.execute("SET enable_seqscan = off")
    everything = indexed(REGISTRY["Customer"], "t")
    sql = f"SELECT t.name FROM customers t WHERE {everything} @@ crm_query('{words}')"
    plan = await connection.fetch(f"EXPLAIN {sql}")
    assert any("ix_customers_search" in line[0] for line in plan)
    rows = await connection.fetch(sql)
    await connection.close()
    return [row[0] for row in rows]


def test_texts_that_are_there_are_searched_after_the_upgrade(embedded_server: EmbeddedServer) -> None:
    _execute(embedded_server, "DROP DATABASE IF EXISTS to_search WITH (FORCE)")
    _execute(embedded_server, "CREATE DATABASE to_search")
    url = embedded_server.database_url("to_search")
    migrations.upgrade(url, SLOTS_WITHOUT_VECTORS)
    blocking(fill(url))
    blocking(used(url))
    migrations.upgrade(url)
    assert blocking(found(url, "a")) == ["C 7"]
    assert blocking(found(url, "c 7 a")) == ["C 7"]
    migrations.downgrade(url, SLOTS_WITHOUT_VECTORS)
    migrations.upgrade(url)
    assert migrations.check(url) == []
    assert blocking(found(url, "a c")) == ["C 7"]
