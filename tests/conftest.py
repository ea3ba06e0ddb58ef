"""Fixtures: one embedded server per test process, a migrated template database, and clones of it."""

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from crm_graph import migrations
from crm_graph.db import embedded
from crm_graph.db.embedded import EmbeddedServer
from crm_graph.migrations.script import functions_sql

pytest_plugins = ["tests.fixtures.demo", "tests.fixtures.live", "tests.fixtures.phone"]

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA_ABSENT = "shared data absent"
IN_MEMORY, ROOM = Path("/dev/shm"), 8 * 2**30
_numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    """Keep what tests write in memory where there is plenty: they make and drop hundreds of databases."""
    if "TMPDIR" in os.environ or not IN_MEMORY.is_dir():  # inherited by the processes that run the tests
        return
    if min(shutil.disk_usage(IN_MEMORY).free, psutil.virtual_memory().available) > ROOM:
        os.environ["TMPDIR"] = made = tempfile.mkdtemp(prefix="cg-", dir=IN_MEMORY)
        tempfile.tempdir = None  # to be looked up anew
        config.add_cleanup(lambda: shutil.rmtree(made, ignore_errors=True))


def blocking(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end from a fixture, whether or not a loop runs in this thread."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


@pytest.fixture(scope="session")
def embedded_server() -> Iterator[EmbeddedServer]:
    """A server for this test process, without crash safety."""
    with tempfile.TemporaryDirectory(prefix="crm-graph-tests-") as directory:
        server = embedded.start(Path(directory), durable=False)
        yield server
        server.stop()


@pytest.fixture(scope="session")
def migrated_template(embedded_server: EmbeddedServer) -> str:
    """Name of a migrated, empty database that nobody connects to."""
    _execute(embedded_server, "CREATE DATABASE migrated_template")
    migrations.upgrade(embedded_server.database_url("migrated_template"))
    return "migrated_template"


@pytest.fixture(scope="session")
def functions_template(embedded_server: EmbeddedServer) -> str:
    """Name of a database with the SQL functions and no tables."""
    _execute(embedded_server, "CREATE DATABASE functions_template")

    async def fill() -> None:
        connection = await asyncpg.connect(embedded_server.database_url("functions_template"))
        await connection.execute(functions_sql())
        await connection.execute(functions_sql("crm_graph.matching"))
        await connection.close()

    blocking(fill())
    return "functions_template"


@pytest.fixture
def database_url(embedded_server: EmbeddedServer, migrated_template: str) -> Iterator[str]:
    """A migrated database of the test's own, for tests that commit."""
    with clone(embedded_server, migrated_template) as url:
        yield url


@pytest.fixture(scope="module")
def module_database_url(embedded_server: EmbeddedServer, migrated_template: str) -> Iterator[str]:
    """A migrated database that the tests of a module share: fill it in a fixture, only read it in tests."""
    with clone(embedded_server, migrated_template) as url:
        yield url


@pytest.fixture
def functions_url(embedded_server: EmbeddedServer, functions_template: str) -> Iterator[str]:
    """A database of the test's own with the SQL functions and no tables."""
    with clone(embedded_server, functions_template) as url:
        yield url


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Give the path of a folder in the data beside the checkout, or skip the test."""

    def find(name: str) -> Path:
        path = ROOT.parent / "shared" / "data" / name
        if not path.exists():
            pytest.skip(f"{SHARED_DATA_ABSENT}: {name}")
        return path

    return find


@contextmanager
def clone(server: EmbeddedServer, template: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    _execute(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    try:
        yield server.database_url(name)
    finally:
        _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


def _execute(server: EmbeddedServer, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(server.url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    blocking(run())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Any:
    """In the full run a skip is a failure, unless it is for want of the shared data."""
    report = yield
    if report.skipped and os.environ.get("CRM_GRAPH_TEST_FULL") and SHARED_DATA_ABSENT not in str(report.longrepr):
        report.outcome = "failed"
    return report
