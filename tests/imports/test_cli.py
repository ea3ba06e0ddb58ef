"""The command line: exit codes, what is printed, and that help and sub-commands are told from files."""

import asyncio
import json
from pathlib import Path
from uuid import uuid4

import pytest
import typer
from sqlmodel import SQLModel
from typer.testing import CliRunner

from crm_graph.cli.imports import _with, imports
from crm_graph.db.session import Database
from crm_graph.imports import tables
from crm_graph.imports.organizations import OrganizationUnknown
from crm_graph.imports.sample import DEALS, REFUSED, write_sample
from tests.conftest import blocking

app = typer.Typer()
app.add_typer(imports, name="import")
app.command()(lambda: None)


@pytest.fixture
def cli(module_database_url: str, tmp_path: Path):
    async def prepare() -> None:
        database = Database(module_database_url, 1)
        async with database.engine.begin() as connection:
            await connection.run_sync(
                lambda c: SQLModel.metadata.create_all(c, tables=[tables.import_runs, tables.import_rows])
            )
        await database.dispose()

    blocking(prepare())

    def invoke(*args: object):
        asyncio.set_event_loop(None)
        place = ["--database-url", module_database_url, "--data-dir", str(tmp_path / "data")]
        return CliRunner(env={"COLUMNS": "200"}).invoke(
            app, ["import", *map(str, args), *place], catch_exceptions=False
        )

    return invoke


def test_from_the_first_try_to_undo(cli, tmp_path: Path) -> None:
    sample, name = write_sample(tmp_path / "export"), f"Test {uuid4().hex}"
    files = (*sample.files, "--new-organization", name)
    dry = cli("--mapping", sample.mapping, *files, "--dry-run")
    assert dry.exit_code == 3
    assert "Dry run: nothing was written" in dry.output
    assert 'map = { "Nortwind Traders" = "Northwind Traders" }' in dry.output
    with pytest.raises(OrganizationUnknown):
        cli("list", "--organization", name)

    report = tmp_path / "report.jsonl"
    done = cli("--mapping", sample.mended, *files, "--report", report)
    assert (done.exit_code, "Take it back with" in done.output) == (0, True)
    told = [json.loads(line) for line in report.read_text().splitlines()]
    assert len(told) == DEALS + 9
    assert told[0]["effect"] == "created"
    assert told[0]["id"].startswith("prd_")
    again = cli("run", "--mapping", sample.mapping, *files)
    assert again.exit_code == 3
    assert cli("--mapping", sample.mapping, *files, "--allow-refused").exit_code == 0

    listed = cli("list", "--organization", name).output.splitlines()
    assert len(listed) == 3
    assert f"{DEALS + 9} created, 0 updated, 0 unchanged, 0 refused" in listed[-1]
    assert f"{DEALS + 9 - REFUSED} unchanged, {REFUSED} refused" in listed[0]
    undone = cli("undo", listed[-1].split()[0], "--organization", name)
    assert (undone.exit_code, undone.output.strip()) == (0, f"{DEALS + 9} removed, 0 restored, 0 kept, 0 gone before.")


def test_help_and_wrong_calls(cli, tmp_path: Path) -> None:
    runner = CliRunner()
    assert "undo" in runner.invoke(app, ["import", "--help"]).output
    assert "--mapping" in runner.invoke(app, ["import", "run", "--help"]).output
    assert runner.invoke(app, ["import", "absent.csv"]).exit_code == 2
    sample = write_sample(tmp_path)
    with pytest.raises(Exception, match="no use for"):
        cli("--mapping", sample.mapping, *sample.files, sample.mapping)
    with pytest.raises(Exception, match="is not the id of an import"):
        cli("undo", "nonsense")
    with pytest.raises(Exception, match=r"no organisation called"):
        cli("--mapping", sample.mapping, *sample.files, "--organization", "nobody")
    with pytest.raises(Exception, match="No active user"):
        name = f"Test {uuid4().hex}"
        assert cli("--mapping", sample.mended, *sample.files, "--new-organization", name).exit_code == 0
        cli("--mapping", sample.mended, *sample.files, "--organization", name, "--as", "nobody@example.com")


async def test_its_statements_may_take_longer_than_a_requests(module_database_url: str) -> None:
    async def timeout(database: Database) -> str:
        async with database.transaction(None, None, "import") as tx:
            return await (await tx.raw()).fetchval("SELECT current_setting('statement_timeout')")

    assert await _with(module_database_url, timeout) == "10min"
