"""The benchmarks' data fit the schema as it is now: a recipe that fails would be found by nobody before a release."""

from urllib.parse import urlsplit

import asyncpg
import pytest
from benchmarks import data

from crm_graph.db.embedded import EmbeddedServer


@pytest.mark.parametrize("recipe", ["load", "access", "partners"])
async def test_a_recipe_loads(embedded_server: EmbeddedServer, database_url: str, recipe: str) -> None:
    owner = embedded_server.database_url(urlsplit(database_url).path[1:], "postgres")  # it loads without triggers
    await data.load(owner, data.recipe_of(recipe), 60)
    connection = await asyncpg.connect(database_url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM customers") == 60
        assert await connection.fetchval("SELECT count(*) FROM opportunities") == 120
        assert not await connection.fetch(
            "SELECT column_default FROM information_schema.columns WHERE column_default LIKE '%PIPELINE%'"
        )
    finally:
        await connection.close()
