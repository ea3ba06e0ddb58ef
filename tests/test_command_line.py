"""The commands as a person runs them: processes, ports, signals, exit codes."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

COMMAND = [sys.executable, "-m", "crm_graph"]


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="crm-graph-serve-") as directory:
        yield Path(directory)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_answers_and_ends_cleanly(data_dir: Path, number: signal.Signals) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([*COMMAND, "serve", "--data-dir", str(data_dir), "--port", str(port)])
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                answer = httpx.get(f"http://127.0.0.1:{port}/readyz")
                break
            except httpx.TransportError:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.1)
        assert answer.status_code == 200
        process.send_signal(number)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
    assert not (data_dir / "postgresql" / "postmaster.pid").exists()


def test_a_port_in_use_is_told_before_anything_is_started(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [*COMMAND, "serve", "--data-dir", str(data_dir), "--port", port]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert f"port {port}" in done.stdout
    assert "Traceback" not in done.stderr
    assert list(data_dir.iterdir()) == []


@pytest.mark.parametrize("name", ["CRM_GRAPH_SECRET", "CRM_GRAPH_SEALING_KEYS"])
def test_a_short_secret_is_named_and_not_shown(data_dir: Path, name: str) -> None:
    command = [*COMMAND, "serve", "--data-dir", str(data_dir)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, env={**os.environ, name: "tooshort"})
    assert done.returncode == 2
    assert name in done.stdout
    assert "tooshort" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert list(data_dir.iterdir()) == []


def test_a_senseless_setting_is_named(data_dir: Path) -> None:
    command = [*COMMAND, "serve", "--data-dir", str(data_dir), "--port", "99999"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "CRM_GRAPH_PORT" in done.stdout
    assert "Traceback" not in done.stderr


def test_migrate_says_where_the_database_is(data_dir: Path) -> None:
    command = [*COMMAND, "migrate", "--data-dir", str(data_dir)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("The database is at revision 2")


def test_a_command_on_a_database_that_is_not_there_makes_none(data_dir: Path) -> None:
    command = [*COMMAND, "user", "a@b.example", "--data-dir", str(data_dir)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert done.stdout.startswith(f"There is no database in {data_dir}: say where by --data-dir")
    assert "Traceback" not in done.stderr
    assert list(data_dir.iterdir()) == []


def test_a_database_out_of_reach_is_one_line() -> None:
    command = [*COMMAND, "migrate", "--database-url", "postgresql://nobody@/none?host=/nowhere"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert done.stderr.startswith("crm-graph: ")
    assert "Traceback" not in done.stderr
