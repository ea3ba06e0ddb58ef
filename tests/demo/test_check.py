"""`make run CHECK=1` as a person runs it; and that its checks notice when something does not hold."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from crm_graph.demo import check, check_readme, personas
from crm_graph.demo.check_client import Answer, Client

COMMAND = [sys.executable, "-m", "crm_graph", "serve", "--demo"]


@dataclass(frozen=True)
class Server:
    """A demo server in a process group of its own."""

    process: "subprocess.Popen[str]"
    address: str
    data_dir: Path

    def client(self, persona: str) -> Client:
        known = {one["key"]: one["token"] for one in personas.read(self.data_dir) or []}
        return Client(self.address, known[persona])

    def url(self) -> str:
        return f"postgresql://crm_graph@/crm_graph?host={self.data_dir / 'postgresql' / 'run'}"


def start(data_dir: Path) -> Server:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [*COMMAND, "--data-dir", str(data_dir), "--port", str(port)],
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    server = Server(process, f"http://127.0.0.1:{port}", data_dir)
    assert process.stdout is not None
    said = process.stdout.readline()
    assert server.address in said, said
    return server


def nothing_runs_on(data_dir: Path) -> bool:
    found = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return str(data_dir) not in found and not (data_dir / "postgresql" / "postmaster.pid").exists()


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("check") / "data"


@pytest.fixture(scope="module")
def server(data_dir: Path) -> Iterator[Server]:
    running = start(data_dir)
    yield running
    os.killpg(running.process.pid, signal.SIGTERM)
    running.process.communicate(timeout=30)


@pytest.mark.full
def test_a_first_run_checks_itself_and_leaves_nothing_running(data_dir: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "--check", "--port", "0", "--data-dir", str(data_dir)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "Everything holds." in done.stdout
    for caller in check.CALLERS:
        assert f"\n{caller}: " in done.stdout
    assert nothing_runs_on(data_dir)


@pytest.mark.full
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_later_start_reuses_the_data_and_a_signal_to_the_group_ends_it(
    data_dir: Path, number: signal.Signals
) -> None:
    before = (data_dir / personas.FILE).read_text(encoding="utf-8")
    began = time.monotonic()
    running = start(data_dir)
    try:
        assert time.monotonic() - began < 15
        assert (data_dir / personas.FILE).read_text(encoding="utf-8") == before
        assert running.client("administrator").ask(check.COUNT).at("customers", "totalCount") == 5_000
        os.killpg(running.process.pid, number)
        assert running.process.wait(30) == 0
    finally:
        running.process.kill()
        running.process.communicate()
    assert nothing_runs_on(data_dir)


@pytest.mark.full
def test_the_readme_table_is_what_the_callers_see(server: Server) -> None:
    readme = check_readme.readme()
    query = next(q for q in check_readme.queries(readme) if "OneCustomer" in q)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in readme.splitlines() if line.startswith("| ")]
    table = {row[0].strip("`"): row[1:] for row in rows if len(row) == 5}
    for column, caller in enumerate(check.CALLERS):
        answer = server.client(caller).ask(query)
        shown = {
            "name": answer.at("customers", "nodes", 0, "name"),
            "email": answer.at("customers", "nodes", 0, "email"),
            "creditLimit": answer.at("customers", "nodes", 0, "creditLimit", "amount"),
            "owner": answer.at("customers", "nodes", 0, "owner", "name"),
            "orders.totalCount": answer.at("customers", "nodes", 0, "orders", "totalCount"),
            "openTickets": answer.at("customers", "nodes", 0, "openTickets"),
        }
        for field, value in shown.items():
            nothing = "" if caller == "storefront" else "null"
            assert table[field][column] == (nothing if value is None else str(value)), (caller, field)
        denied = ", ".join(f"`{one}`" for one in sorted(answer.denied()))
        assert table["errors"][column] == (denied or "none")


@pytest.mark.full
def test_callers_who_see_more_than_they_may_are_noticed(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = json.loads((server.data_dir / personas.FILE).read_text(encoding="utf-8"))
    token = known[0]["token"]
    (tmp_path / personas.FILE).write_text(json.dumps([{**one, "token": token} for one in known]), encoding="utf-8")
    failures = "\n".join(check.run_checks(server.address, server.url(), tmp_path))
    for noticed in (
        "the storefront sees a customer",
        "the sales rep sees the credit limit",
        "the partner rep sees the credit limit",
        "the schema shows the storefront the type Customer",
        "the storefront is not denied Product.unitCost",
        "a filter by a hidden field of partner_rep is not refused",
        "all callers get the same answers",
    ):
        assert noticed in failures
    assert "FAILED" in capsys.readouterr().out


def test_a_server_that_does_not_answer_is_a_failure_not_an_exception(tmp_path: Path) -> None:
    keys = [*personas.NAMES, personas.STOREFRONT]
    people = [dict.fromkeys(personas.Persona.__annotations__, "x") | {"key": key} for key in keys]
    (tmp_path / personas.FILE).write_text(json.dumps(people), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    failures = check.run_checks(f"http://127.0.0.1:{port}", "postgresql://nobody@/none?host=/nowhere", tmp_path)
    assert len(failures) >= 5
    assert "Pages: GET /healthz was not answered" in failures[0]


def test_missing_personas_are_a_failure(tmp_path: Path) -> None:
    [failure] = check.run_checks("http://127.0.0.1:1", "", tmp_path)
    assert personas.FILE in failure


def test_the_readme_has_queries_and_mutations_are_left_out() -> None:
    found = check_readme.queries(check_readme.readme())
    assert len(found) >= 5
    assert not any(re.match(r"\s*mutation", query) for query in found)


def test_an_answer_tells_codes_and_coordinates() -> None:
    answer = Answer(
        200, {"a": [{"b": 1}]}, [{"extensions": {"code": "FIELD_ACCESS_DENIED", "coordinate": "A.b"}}, {"message": "x"}]
    )
    assert answer.at("a", 0, "b") == 1
    assert answer.at("a", 1, "b") is None
    assert answer.denied() == {"A.b"}
    assert answer.codes() == ["FIELD_ACCESS_DENIED", "None"]
