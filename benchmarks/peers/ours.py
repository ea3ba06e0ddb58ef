"""crm-graph itself, as `crm-graph serve` runs it: bearer token checked, access levels on."""

import asyncio
import sys
from pathlib import Path

import asyncpg

from benchmarks.data import ORGANIZATION
from crm_graph.auth import api_keys
from crm_graph.db.session import Database

ROLE = "sales_manager"
"""Sees all that the shapes ask for, by grants on levels like anybody; not the administrator, who sees everything."""


def command(url: str, port: int, directory: Path) -> list[str]:
    program = [sys.executable, "-m", "crm_graph", "serve", "--port", str(port)]
    return [*program, "--data-dir", str(directory), "--database-url", url]


def token(url: str) -> str:
    """A new API key of somebody with the role; those of former runs end."""
    return asyncio.run(_token(url))


async def _token(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        user = await connection.fetchval("SELECT id FROM users WHERE roles = ARRAY[$1]::text[]", ROLE)
        await connection.execute("DELETE FROM api_keys WHERE user_id = $1", user)
    finally:
        await connection.close()
    database = Database(url, pool_size=1)
    try:
        async with database.transaction(ORGANIZATION, user, "benchmark") as tx:
            made = await api_keys.create(tx, ORGANIZATION, user, name="benchmark", days=2)
    finally:
        await database.dispose()
    assert made is not None
    return made
