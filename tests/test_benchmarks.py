"""The benchmarks' data fit the schema as it is now: a recipe that fails would be found by nobody before a release."""

from urllib.parse import urlsplit

import asyncpg
import pytest
from benchmarks import data

from crm_graph.db.embedded import EmbeddedServer


@pytest.mark.parametrize(
    ("recipe", "rows"),
    [
        ("load", {"customers": 60, "opportunities": 120}),
        ("access portal", {"customers": 60, "opportunities": 120, "partner_scorecards": 96}),
        ("partners", {"customers": 60, "opportunities": 120, "partners": 20}),
        ("service", {"tickets": 120, "sla_policies": 1}),
    ],
)
async def test_a_recipe_loads(
    embedded_server: EmbeddedServer, database_url: str, recipe: str, rows: dict[str, int]
) -> None:
    owner = embedded_server.database_url(urlsplit(database_url).path[1:], "postgres")  # it loads without triggers
    await data.load(owner, data.recipe_of(*recipe.split()), 60)
    connection = await asyncpg.connect(database_url)
    try:
        assert {name: await connection.fetchval(f"SELECT count(*) FROM {name}") for name in rows} == rows
        assert not await connection.fetch(
            "SELECT column_default FROM information_schema.columns WHERE column_default LIKE '%PIPELINE%'"
        )
    finally:
        await connection.close()
