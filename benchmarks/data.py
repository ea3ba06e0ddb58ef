"""The benchmark's database: loaded once into `.bench/`, kept between runs, loaded anew when its recipe changes."""

import asyncio
import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import asyncpg

from crm_graph import migrations, schema  # noqa: F401 - it fills the registry
from crm_graph.db import embedded
from crm_graph.db.embedded import EmbeddedServer
from crm_graph.entity import REGISTRY, Entity, table_name

CUSTOMERS = 200_000
ORGANIZATION = UUID("01856f2a-0000-7000-8000-000000000001")
FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Data:
    """The running server with the data in it."""

    server: EmbeddedServer
    url: str
    customers: int


def ensure(directory: Path, customers: int, recipe: str = "load") -> Data:
    """Start the server of `directory`, with the data of a recipe in it; loading takes some minutes."""
    server = embedded.start(directory)
    marker = directory / "loaded.json"
    database = f"{'bench' if recipe == 'load' else recipe}_{customers}"
    script = recipe_of(recipe)
    wanted = {"database": database, "recipe": _digest(script)}
    url = server.database_url(database)
    known = json.loads(marker.read_text()) if marker.exists() else []
    if wanted not in known:
        began = time.perf_counter()
        print(f"loading {customers:,} customers into {directory} (once) …", flush=True)
        asyncio.run(_recreate(server.database_url("postgres", "postgres"), database))
        migrations.upgrade(url)
        asyncio.run(load(server.database_url(database, "postgres"), script, customers))
        marker.write_text(json.dumps([one for one in known if one["database"] != database] + [wanted]))
        print(f"loaded in {time.perf_counter() - began:.0f} s", flush=True)
    return Data(server, url, customers)


def _digest(script: str) -> str:
    parts = [script.encode(), *(path.read_bytes() for path in sorted(migrations.DIRECTORY.glob("versions/*.py")))]
    return hashlib.sha256(b"\n".join(parts)).hexdigest()


async def _recreate(url: str, database: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        await connection.execute(f"CREATE DATABASE {database} OWNER crm_graph")
        await connection.execute("ALTER SYSTEM SET autovacuum = off")
        await connection.execute("SELECT pg_reload_conf()")
    finally:
        await connection.close()


def recipe_of(name: str) -> str:
    """The SQL of a recipe: `load`, `access` or `service`."""
    return "".join((FOLDER / part).read_text(encoding="utf-8") for part in ("recipe.sql", f"{name}.sql"))


async def load(url: str, script: str, customers: int) -> None:
    """Load without triggers and indexes, which come afterwards; then gather statistics."""
    connection = await asyncpg.connect(url, timeout=30)
    try:
        await connection.execute(
            "SET session_replication_role = replica; SET maintenance_work_mem = '512MB'; SET work_mem = '256MB';"
            " SET synchronous_commit = off; SET jit = off; SET TimeZone = 'UTC'"
        )
        indexes = await _drop_indexes(connection)
        for default in _defaults("SET DEFAULT"):
            await connection.execute(default)
        for statement in script.replace(":customers", str(customers)).split(";\n"):
            if statement.strip():
                await connection.execute(statement)
        for default in _defaults("DROP DEFAULT"):
            await connection.execute(default)
        for index in indexes:
            await connection.execute(index)
        # Index-only counts go by the visibility map that this fills.
        await connection.execute("VACUUM (ANALYZE, FREEZE)")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


def declared_defaults(entity: type[Entity]) -> dict[str, object]:
    """What columns hold that nobody names, as the declaration says."""
    found = {name: [] if f.default_factory is list else f.default for name, f in entity.model_fields.items()}
    return {name: value for name, value in found.items() if isinstance(value, str | int | Decimal | list)}


def _defaults(what: str) -> Iterator[str]:
    """Have columns that a recipe does not name filled, for as long as it runs."""
    for entity in REGISTRY.values():
        for name, default in declared_defaults(entity).items():
            value = " '{}'" if isinstance(default, list) else f" '{default}'"
            of = f"ALTER TABLE {table_name(entity)} ALTER COLUMN {name}"
            yield f"{of} {what}{value if what == 'SET DEFAULT' else ''}"


async def _drop_indexes(connection: "asyncpg.Connection[asyncpg.Record]") -> Sequence[str]:
    rows = await connection.fetch(
        "SELECT i.indexdef, i.indexname"
        " FROM pg_indexes i JOIN pg_class c ON c.relname = i.indexname AND c.relkind = 'i'"
        " WHERE i.schemaname = 'public' AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid)"
    )
    for row in rows:
        await connection.execute(f'DROP INDEX "{row["indexname"]}"')
    return [row["indexdef"] for row in rows]


async def keys(url: str, count: int) -> list[UUID]:
    """Ids of `count` customers spread over all of them, the same at every run."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT id FROM (SELECT id, row_number() OVER (ORDER BY created_at) AS n FROM customers) c"
            " WHERE n % ((SELECT count(*) FROM customers) / $1) = 7 % ((SELECT count(*) FROM customers) / $1) LIMIT $1",
            count,
        )
    finally:
        await connection.close()
    return [row["id"] for row in rows]
