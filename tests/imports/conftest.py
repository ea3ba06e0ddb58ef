"""An empty organisation for import tests; each test has its own."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlmodel import SQLModel

from crm_graph.auth.actor import Actor
from crm_graph.db.ids import uuid7
from crm_graph.db.session import Database
from crm_graph.imports import tables
from crm_graph.imports.lines import Line
from crm_graph.imports.mapping import load, parse
from crm_graph.imports.organizations import missing_organization
from crm_graph.imports.run import Result, run


@dataclass
class Importing:
    database: Database
    actor: Actor
    url: str
    lines: dict[str, list[Line]] = field(default_factory=dict)

    async def run(self, mapping: str | Path, files: list[Path], **options) -> Result:
        """Import; `lines` then holds what became of each record, by entity."""
        self.lines = {}
        read = parse(mapping) if isinstance(mapping, str) else load(mapping)

        def told(table, lines):
            self.lines.setdefault(table.entity.__name__, []).extend(lines)

        return await run(self.database, options.pop("actor", self.actor), read, files, told, **options)

    def faults(self, entity: str) -> list[tuple[str, str, str]]:
        return [(f.code, f.field, f.value) for line in self.lines[entity] for f in line.faults]

    async def fetch(self, sql: str, *args: object) -> list[dict]:
        async with self.database.transaction(self.actor.organization_id, None, "test") as tx:
            return [dict(r) for r in await (await tx.raw()).fetch(sql, self.actor.organization_id, *args)]

    async def count(self, table: str) -> int:
        [row] = await self.fetch(f"SELECT count(*) FROM {table} WHERE organization_id = $1")
        return row["count"]

    async def footprint(self) -> dict[str, int]:
        """How many rows there are of everything."""
        return {name: await self.count(name) for name in SQLModel.metadata.tables if name != "organizations_history"}


@pytest.fixture
async def importing(module_database_url: str) -> AsyncIterator[Importing]:
    database = Database(module_database_url, 3)
    async with database.engine.begin() as connection:
        await connection.run_sync(
            lambda c: SQLModel.metadata.create_all(c, tables=[tables.import_runs, tables.import_rows])
        )
    new = await missing_organization(database, f"Test {uuid7().hex}", "EUR")
    async with database.transaction(new.id, None, "test") as tx:
        await new.make(tx)
    yield Importing(database, new.actor, module_database_url)
    await database.dispose()
