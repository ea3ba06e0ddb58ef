import asyncio
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from crm_graph import migrations
from crm_graph.db.embedded import EmbeddedServer
from tests.conftest import ROOT, _execute


@pytest.fixture
def empty_url(embedded_server: EmbeddedServer) -> str:
    _execute(embedded_server, "DROP DATABASE IF EXISTS to_migrate WITH (FORCE)")
    _execute(embedded_server, "CREATE DATABASE to_migrate")
    return embedded_server.database_url("to_migrate")


def test_up_down_and_up_again(empty_url: str) -> None:
    assert migrations.current(empty_url) is None
    migrations.upgrade(empty_url)
    assert migrations.current(empty_url) == migrations.head()
    migrations.downgrade(empty_url, "base")
    assert migrations.current(empty_url) is None
    migrations.upgrade(empty_url)
    assert migrations.current(empty_url) == migrations.head()


def test_models_and_migrations_agree(empty_url: str) -> None:
    migrations.upgrade(empty_url)
    assert migrations.check(empty_url) == []


async def test_each_version_is_a_transaction_of_its_own(database_url: str) -> None:
    """Its locks last as long as it does, not as long as a release's migrations; what is done is done if a later fails."""
    connection = await asyncpg.connect(database_url)
    made_by = await connection.fetch(
        "SELECT DISTINCT attrelid::regclass::text AS name, xmin::text FROM pg_attribute WHERE attname = 'organization_id'"
        " AND attrelid IN ('customers'::regclass, 'access_denials'::regclass, 'access_policies'::regclass,"
        " 'custom_fields'::regclass, 'change_requests'::regclass)"
    )
    await connection.close()
    assert len(made_by) == len({row["xmin"] for row in made_by}) == 5


async def test_a_version_that_gets_no_lock_gives_up_and_is_run_again(empty_url: str) -> None:
    await asyncio.to_thread(migrations.upgrade, empty_url, "202611221100")
    reader = await asyncpg.connect(empty_url)
    transaction = reader.transaction()
    await transaction.start()
    await reader.execute("LOCK TABLE audit_entries")
    with pytest.raises(migrations.MigrationFailed, match="holds a lock"):
        await asyncio.to_thread(migrations.upgrade, empty_url)
    assert await asyncio.to_thread(migrations.current, empty_url) == "202611221100"
    await transaction.rollback()
    await reader.close()
    await asyncio.to_thread(migrations.upgrade, empty_url)
    assert await asyncio.to_thread(migrations.current, empty_url) == migrations.head()


async def test_what_was_granted_before_is_taken_back(empty_url: str) -> None:
    await asyncio.to_thread(migrations.upgrade, empty_url)
    await asyncio.to_thread(migrations.downgrade, empty_url, "202611221100")
    connection = await asyncpg.connect(empty_url)
    may = "SELECT has_table_privilege('crm_graph_runtime', 'audit_entries', 'DELETE')"
    assert await connection.fetchval(may)
    await asyncio.to_thread(migrations.upgrade, empty_url)
    assert not await connection.fetchval(may)
    await connection.close()


def test_two_processes_migrating_at_once(empty_url: str) -> None:
    program = "import sys; from crm_graph.migrations import upgrade; upgrade(sys.argv[1])"
    processes = [subprocess.Popen([sys.executable, "-c", program, empty_url]) for _ in range(2)]
    assert [process.wait(120) for process in processes] == [0, 0]
    assert migrations.current(empty_url) == migrations.head()


async def test_every_history_is_written(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch(
        "SELECT left(c.relname, -8) AS name, (SELECT count(*) FROM pg_trigger t WHERE t.tgrelid ="
        " to_regclass(quote_ident(left(c.relname, -8))) AND t.tgname LIKE 'crm\\_history\\_%') AS triggers"
        " FROM pg_class c WHERE c.relkind = 'r' AND c.relname LIKE '%\\_history'"
        " AND c.relnamespace = 'public'::regnamespace"
    )
    await connection.close()
    assert rows
    assert [row["name"] for row in rows if row["triggers"] != 3] == []


@pytest.mark.full
def test_the_wheel_migrates_a_database_from_an_empty_environment(tmp_path: Path, empty_url: str) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    pip = [tmp_path / "venv/bin/python", "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "--require-hashes", "-r", ROOT / "requirements.lock"], check=True)
    subprocess.run([*pip, "--no-deps", wheel], check=True)
    command = [tmp_path / "venv/bin/crm-graph", "migrate", "--database-url", empty_url]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path)
    assert f"revision {migrations.head()}" in done.stdout
