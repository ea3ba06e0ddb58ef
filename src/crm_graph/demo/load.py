"""Load the demo into a migrated database, once, and into no database that holds anything else."""

import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
import orjson

from crm_graph.db.connection import connect
from crm_graph.db.roles import Role
from crm_graph.demo import generate
from crm_graph.demo.rows import Row, Rows, records, stored_columns
from crm_graph.demo.waiting import wait
from crm_graph.entity import REGISTRY, Entity, table_name, table_of
from crm_graph.errors import CrmError
from crm_graph.resolvers.sla.loaded import reckon_loaded
from crm_graph.resolvers.suggestions.counting import count
from crm_graph.schema.attachments import file_contents
from crm_graph.schema.customers import Customer
from crm_graph.schema.organizations import Organization
from crm_graph.schema.users import User

logger = logging.getLogger("crm_graph.demo")

# Any number that nothing else on the server uses for its advisory locks.
LOCK: Final = 0x63726D64
MAKERS: Final[dict[str, Callable[[], Rows]]] = {"main": generate.main, "second": generate.second}


class DatabaseNotOurs(CrmError):
    """The database holds an organisation that is not the demo's."""

    code = "DATABASE_NOT_DEMO"


class DatabaseNotMigrated(CrmError):
    """The database has no tables yet."""

    code = "DATABASE_NOT_MIGRATED"


async def load(
    url: str,
    makers: dict[str, Callable[[], Rows]] | None = None,
    *,
    owner_url: str | None = None,
    says: Callable[[str], None] = logger.info,
) -> list[str]:
    """Load what is missing of the demo's organisations and give their keys; each comes in one transaction.

    `says` is told before what takes a while. Rows are written as any write is, for one organisation at a time;
    statistics are gathered by who owns the tables.
    Raises `DatabaseNotOurs` before anything is written, `DatabaseNotMigrated`, `ServiceUnavailable`.
    """
    async with _locked(url) as connection:
        present = await _present(url)
        missing = {key: make for key, make in (makers or MAKERS).items() if key not in present}
        if missing:
            says("Loading the demo organisation: half a minute, once …")
        for key, make in missing.items():
            began = time.perf_counter()
            rows = make()
            async with connection.transaction():
                await _write(connection, rows)
                await count(connection, rows.organization_id)
                await reckon_loaded(connection, rows.organization_id)
                await wait(connection, rows.organization_id)
            number = sum(map(len, rows.of.values()))
            logger.info("loaded the demo organisation %r: %d rows in %.1f s", key, number, time.perf_counter() - began)
        if missing:
            await _gather_statistics(owner_url or url)
        return list(missing)


@asynccontextmanager
async def _locked(url: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """A connection that alone, of all processes, loads the demo; the lock ends with it."""
    connection = await connect(url, Role.RUNTIME)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
        yield connection
    finally:
        await connection.close()


async def _gather_statistics(url: str) -> None:
    """Plans need statistics, and counts the visibility map, before the first query."""
    connection = await connect(url, None)
    try:
        await connection.execute(f"VACUUM (ANALYZE) {', '.join(table_name(entity) for entity in REGISTRY.values())}")
    finally:
        await connection.close()


async def _present(url: str) -> set[str]:
    """The keys of the demo's organisations that are there."""
    connection = await connect(url, Role.READER)
    try:
        found = await connection.fetch(f"SELECT name, source, external_id FROM {table_name(Organization)}")
    except (asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError):
        raise DatabaseNotMigrated("The database has no tables yet: run `crm-graph migrate` first.") from None
    finally:
        await connection.close()
    for row in found:
        if row["source"] != generate.SOURCE or row["external_id"] not in MAKERS:
            raise DatabaseNotOurs(
                f"The database holds the organisation {row['name']!r}, which is not the demo's; nothing was written."
                " Choose an empty database by --database-url or --data-dir.",
            )
    return {row["external_id"] for row in found}


async def _write(connection: "asyncpg.Connection[asyncpg.Record]", rows: Rows) -> None:
    """Insert all rows, a table at a time in an order that the references allow; the triggers write history.

    As JSON: COPY does not go with row-level security, and a statement a row would be a history statement a row.
    """
    await connection.execute(
        "SELECT set_config('crm.organization_id', $1, true), set_config('crm.channel', 'demo', true),"
        " set_config('crm.actor_id', $2, true)",
        str(rows.organization_id),
        str(rows.of["User"][0]["id"]),
    )
    for entity, some in _batches(rows):
        columns = stored_columns(entity)
        given = [dict(zip(columns, record, strict=True)) for record in records(entity, some)]
        await _insert(connection, table_of(entity).name, given)
        if entity is Organization:
            await _insert(connection, file_contents.name, rows.contents)
    await connection.executemany(
        "UPDATE users SET own_customer_id = $3 WHERE organization_id = $1 AND id = $2",
        [(rows.organization_id, row["id"], row["own_customer_id"]) for row in _customers_themselves(rows)],
    )


async def _insert(connection: "asyncpg.Connection[asyncpg.Record]", table: str, given: Sequence[Row]) -> None:
    if not given:
        return
    names = ", ".join(given[0])
    await connection.execute(
        f"INSERT INTO {table} ({names}) SELECT {names} FROM json_populate_recordset(NULL::{table}, $1)",
        orjson.dumps(given, default=str).decode(),
    )


def _customers_themselves(rows: Rows) -> list[Row]:
    """The staff who are customers as well: they come before all customers, so this is said afterwards."""
    return [row for row in rows.of[User.__name__] if row["own_customer_id"] is not None]


def _batches(rows: Rows) -> Sequence[tuple[type[Entity], Sequence[Row]]]:
    """Entities are declared after those they refer to, but for users: partners' and customers' people come later."""
    people = rows.of[User.__name__]
    outside = [row for row in people if row["partner_id"] or row["customer_id"]]
    staff = [{**row, "own_customer_id": None} for row in people if not (row["partner_id"] or row["customer_id"])]
    batches: list[tuple[type[Entity], Sequence[Row]]] = []
    for name, entity in REGISTRY.items():
        batches.append((entity, staff if entity is User else rows.of[name]))
        if entity is Customer:
            batches.append((User, outside))
    return [(entity, some) for entity, some in batches if some]
