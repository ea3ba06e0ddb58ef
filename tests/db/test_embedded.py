"""The embedded server as processes use it: shared, killed, found again. Each test has a cluster of its own."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from crm_graph.db import embedded
from crm_graph.db.cluster import ServerFailed

# Starts, says where, waits for a line on its input, stops.
PROGRAM = """
import sys
from pathlib import Path
from crm_graph.db import embedded
server = embedded.start(Path(sys.argv[1]), durable=False)
print(server.url, flush=True)
sys.stdin.readline()
server.stop()
"""


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="crm-graph-embedded-") as directory:
        yield Path(directory)
        postmaster = postmaster_of(Path(directory))
        if postmaster is not None:
            postmaster.kill()
            postmaster.wait(10)


@pytest.fixture
def launch(data_dir: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    processes: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", PROGRAM, str(data_dir)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def postmaster_of(data_dir: Path) -> psutil.Process | None:
    try:
        pid = int((data_dir / "postgresql" / "postmaster.pid").read_text().split("\n", 1)[0])
        process = psutil.Process(pid)
    except (FileNotFoundError, psutil.NoSuchProcess):
        return None
    return process if process.status() != psutil.STATUS_ZOMBIE else None


def gone(process: psutil.Process) -> bool:
    """Whether a process has ended; nobody may have asked for its exit code yet."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def finish(process: subprocess.Popen[str]) -> int:
    process.communicate("\n", timeout=60)
    return process.returncode


async def ask(url: str, question: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def test_settings_locale_and_role(data_dir: Path) -> None:
    server = embedded.start(data_dir)
    try:
        facts = await ask(
            server.url,
            "SELECT row(datlocprovider, datlocale, pg_encoding_to_char(encoding), datcollate, rolsuper)::text"
            " FROM pg_database, pg_roles WHERE datname = current_database() AND rolname = current_user",
        )
        assert facts == "(b,C.UTF-8,UTF8,C,f)"
        for name, value in {
            "listen_addresses": "",
            "jit": "off",
            "fsync": "on",
            "synchronous_commit": "on",
            "max_connections": "300",
        }.items():
            assert await ask(server.url, f"SHOW {name}") == value
    finally:
        server.stop()
    assert postmaster_of(data_dir) is None


async def test_data_outlives_the_server_and_stopping_twice_is_harmless(data_dir: Path) -> None:
    server = embedded.start(data_dir, durable=False)
    await ask(server.url, "CREATE TABLE kept AS SELECT 42 AS answer")
    server.stop()
    server.stop()
    server = embedded.start(data_dir, durable=False)
    assert await ask(server.url, "SELECT answer FROM kept") == 42
    server.stop()


def test_three_processes_start_one_server_and_the_last_stops_it(
    data_dir: Path, launch: Callable[[], subprocess.Popen[str]]
) -> None:
    processes = [launch() for _ in range(3)]
    urls = {process.stdout.readline() for process in processes if process.stdout}
    assert len(urls) == 1
    server = postmaster_of(data_dir)
    assert server is not None
    for process in processes[:2]:
        assert finish(process) == 0
        assert not gone(server)
    assert finish(processes[2]) == 0
    assert postmaster_of(data_dir) is None


def test_a_killed_process_does_not_count(data_dir: Path, launch: Callable[[], subprocess.Popen[str]]) -> None:
    killed, other = launch(), launch()
    assert killed.stdout
    assert other.stdout
    killed.stdout.readline()
    other.stdout.readline()
    killed.kill()
    killed.wait()
    assert postmaster_of(data_dir) is not None
    assert finish(other) == 0
    assert postmaster_of(data_dir) is None


def test_a_server_left_behind_is_found_and_stopped(data_dir: Path, launch: Callable[[], subprocess.Popen[str]]) -> None:
    killed = launch()
    assert killed.stdout
    killed.stdout.readline()
    killed.kill()
    killed.wait()
    left = postmaster_of(data_dir)
    assert left is not None
    server = embedded.start(data_dir, durable=False)
    assert postmaster_of(data_dir) == left
    server.stop()
    assert postmaster_of(data_dir) is None
    assert gone(left)


async def test_a_killed_server_recovers_with_what_was_committed(data_dir: Path) -> None:
    first = embedded.start(data_dir)
    await ask(first.url, "CREATE TABLE kept AS SELECT 42 AS answer")
    # A session that is busy while its server dies holds on to the shared memory for a moment.
    busy = await asyncpg.connect(first.url)
    server = postmaster_of(data_dir)
    assert server is not None
    server.kill()
    while not gone(server):
        time.sleep(0.01)
    again = embedded.start(data_dir)
    assert await ask(again.url, "SELECT answer FROM kept") == 42
    busy.terminate()
    again.stop()
    assert postmaster_of(data_dir) is not None, "the first user has not left yet"
    first.stop()
    assert postmaster_of(data_dir) is None


def test_a_pid_file_that_names_another_program_is_no_server(data_dir: Path) -> None:
    embedded.start(data_dir, durable=False).stop()
    other = subprocess.Popen(["sleep", "60"])
    try:
        cluster = data_dir / "postgresql"
        lines = [str(other.pid), str(cluster), "1", "5432", str(cluster / "run"), "", "1 1", "ready"]
        (cluster / "postmaster.pid").write_text("\n".join(lines) + "\n")
        (cluster / "postmaster.pid").chmod(0o600)
        os.chown(cluster / "postmaster.pid", cluster.stat().st_uid, cluster.stat().st_gid)
        server = embedded.start(data_dir, durable=False)
        assert other.poll() is None
        server.stop()
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_kill_while_the_cluster_is_made_leaves_no_half(
    data_dir: Path, launch: Callable[[], subprocess.Popen[str]]
) -> None:
    killed = launch()
    deadline = time.monotonic() + 30
    while not any(data_dir.glob("postgresql.new.*/PG_VERSION")) and time.monotonic() < deadline:
        time.sleep(0.001)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    embedded.start(data_dir, durable=False).stop()
    assert (data_dir / "postgresql" / "PG_VERSION").exists()
    assert not any(data_dir.glob("postgresql.new.*"))


async def test_a_path_too_long_for_a_socket_with_blanks_and_quotes(data_dir: Path) -> None:
    deep = data_dir / "it's a rather long name é 100%" / ("x" * 120)
    server = embedded.start(deep, durable=False)
    assert await ask(server.url, "SELECT 1") == 1
    assert await ask(server.database_url("postgres", "postgres"), "SELECT 2") == 2
    server.stop()


def test_a_cluster_of_another_version_is_refused(data_dir: Path) -> None:
    (data_dir / "postgresql").mkdir()
    (data_dir / "postgresql" / "PG_VERSION").write_text("16\n")
    with pytest.raises(ServerFailed, match="made by PostgreSQL 16"):
        embedded.start(data_dir)


def test_a_server_that_cannot_start_says_why(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedded.start(data_dir, durable=False).stop()
    (data_dir / "postgresql" / "local.conf").write_text("no_such_setting = 1\n")
    monkeypatch.setattr(embedded, "START_SECONDS", 0.0)
    with pytest.raises(ServerFailed, match="no_such_setting"):
        embedded.start(data_dir)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_it_runs_for_those_who_are_not_root(data_dir: Path) -> None:
    # The interpreter itself may be out of reach for others: become somebody else once all is imported.
    become = "import os\nos.setgroups([])\nos.setgid(65534)\nos.setuid(65534)\n"
    program = PROGRAM.replace("server = ", become + "server = ", 1)
    data_dir.chmod(0o777)
    command = [sys.executable, "-c", program, str(data_dir / "own")]
    done = subprocess.run(command, input="\n", capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert (data_dir / "own" / "postgresql").stat().st_uid == 65534
    assert postmaster_of(data_dir / "own") is None
