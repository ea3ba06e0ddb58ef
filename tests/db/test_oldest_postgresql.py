"""The oldest PostgreSQL that we support, from the same wheel: it migrates, and folds as the newest does."""

import asyncio
import subprocess
import tempfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from crm_graph import migrations
from crm_graph.auth.throttle.attempts import Attempts
from crm_graph.auth.throttle.throttles import Throttles
from crm_graph.db import cluster
from crm_graph.db.ids import uuid7
from crm_graph.db.lanes import Lanes
from crm_graph.db.operating_system import account_for, open_path, own_directory
from crm_graph.db.session import Database
from crm_graph.migrations.script import functions_sql

SAMPLES = [
    # Only what the older server's Unicode knows: Python 3.11's is older still.
    "".join(letter for letter in map(chr, range(first, first + 64)) if unicodedata.category(letter) != "Cn")
    for block in (
        (0x20, 0x2BFF),
        (0x3000, 0x33FF),
        (0xA640, 0xABFF),
        (0xFB00, 0xFFBF),
        (0x10400, 0x104FF),
        (0x1F100, 0x1F2FF),
    )
    for first in range(block[0], block[1], 64)
]
QUESTION = (
    "SELECT string_agg(concat_ws('|', crm_fold(v), crm_match_name(v), crm_match_email(v), crm_match_phone(v),"
    " crm_match_tax(v), crm_mask_email(v), crm_mask_initials(v)), E'\\n' ORDER BY n) FROM unnest($1::text[])"
    " WITH ORDINALITY AS samples(v, n)"
)


@pytest.fixture(scope="module")
def oldest_url() -> Iterator[str]:
    binaries = cluster._binaries().parent.parent / "pginstall" / "bin"
    with tempfile.TemporaryDirectory(prefix="crm-graph-oldest-") as directory:
        account = account_for(Path(directory))
        if account is not None:
            open_path(Path(directory))
            open_path(binaries)
        data = Path(directory) / "data"
        own_directory(data, account)

        def execute(program: str, *arguments: str) -> None:
            subprocess.run(
                [binaries / program, "-D", data, *arguments],
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
                cwd="/",
            )

        execute(
            "initdb", "--auth", "trust", "--username", "crm_graph", "--encoding", "UTF8", "--locale", "C", "--no-sync"
        )
        options = f"-c listen_addresses='' -c unix_socket_directories='{data}' -c fsync=off"
        execute("pg_ctl", "start", "--wait", "-l", str(data / "log"), "-o", options)
        try:
            yield f"postgresql://crm_graph@/postgres?host={data}"
        finally:
            execute("pg_ctl", "stop", "--wait", "-m", "immediate")


async def answer(url: str, samples: list[str]) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        text: str = await connection.fetchval(QUESTION, samples)
        return text.split("\n")
    finally:
        await connection.close()


def test_it_is_version_16_and_migrates(oldest_url: str) -> None:
    migrations.upgrade(oldest_url)
    assert migrations.current(oldest_url) == migrations.head()
    assert migrations.check(oldest_url) == []


async def test_both_versions_fold_match_and_mask_alike(oldest_url: str, functions_url: str) -> None:
    connection = await asyncpg.connect(oldest_url)
    assert connection.get_server_version().major == 16
    await connection.execute(functions_sql())
    await connection.close()
    newest = await answer(functions_url, SAMPLES)
    assert await answer(oldest_url, SAMPLES) == newest
    assert len(newest) == len(SAMPLES)


async def test_attempts_are_counted_there_too(oldest_url: str) -> None:
    """Arithmetic with infinite times is younger than that."""
    await asyncio.to_thread(migrations.upgrade, oldest_url)
    lanes, database, here = await Lanes.open(oldest_url, 1), Database(oldest_url, 1), uuid7()
    try:
        throttles = Throttles.of_sign_in(Attempts(lanes, database), pair=(2, 600))
        for _ in range(2):
            tried = [await throttles.attempt(here, "ada", "203.0.113.7") == 0 for _ in range(3)]
            assert tried == [True, True, False]
            await throttles.succeeded(here, "ada", "203.0.113.7")
        assert await throttles.pair.wait(here, ("ada", "203.0.113.7")) == 0
    finally:
        await database.dispose()
        await lanes.close()
