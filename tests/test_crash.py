"""`kill -9` in the middle of writing: what was acknowledged is there, what is there is whole, and the next start needs no help."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from crm_graph import migrations
from crm_graph.db import embedded
from crm_graph.demo import generate, load
from tests.conftest import blocking
from tests.fixtures.demo import SMALL
from tests.fixtures.live import Server, data_directory, start, stop

CREATE = """mutation ($name: String!, $key: String!) {
  createCustomer(input: { name: $name, notes: $name, idempotencyKey: $key }) { customer { id etag } userErrors { code } }
}"""
UPDATE = """mutation ($id: ID!, $city: String!) {
  updateCustomer(input: { id: $id, city: $city }) { customer { id } userErrors { code } }
}"""
WRITERS = 6


@pytest.fixture
def small_server() -> Iterator[Server]:
    """A server on a small demo, with a durable database of its own."""
    with data_directory() as path:
        database = embedded.start(path)
        migrations.upgrade(database.url)
        blocking(load.load(database.url, {"main": lambda: generate.main(SMALL), "second": generate.second}))
        database.stop()
        server = start(path)
        try:
            yield server
        finally:
            server.kill(database_too=True)


class Burst:
    """Clients that write without pause until the server is gone, and what it acknowledged to them."""

    def __init__(self, server: Server) -> None:
        self.created: dict[str, str] = {}
        self.updated: dict[str, str] = {}
        self._server, self._headers = server, server.headers("administrator")
        self._threads = [threading.Thread(target=self._write, args=(n,)) for n in range(WRITERS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()

    def _send(self, client: httpx.Client, query: str, variables: dict[str, str]) -> Any:
        body = client.post(f"{self._server.url}/graphql", json={"query": query, "variables": variables}).json()
        [payload] = body["data"].values()
        assert not payload["userErrors"], payload
        return payload["customer"]["id"]

    def _write(self, writer: int) -> None:
        with httpx.Client(headers=self._headers, timeout=10) as client:
            for number in range(100_000):
                name = f"burst {writer}/{number}"
                try:
                    identifier = self._send(client, CREATE, {"name": name, "key": name})
                    self.created[identifier] = name
                    if number % 3 == 0:
                        self._send(client, UPDATE, {"id": identifier, "city": name})
                        self.updated[identifier] = name
                except (httpx.HTTPError, ValueError, KeyError, TypeError):
                    return


async def torn_rows(url: str, where: str) -> dict[str, int]:
    """How many customers there are, and how many of them lack their history, audit entry or event."""
    connection = await asyncpg.connect(url)
    try:
        row = await connection.fetchrow(
            f"""WITH mine AS (SELECT * FROM customers c WHERE {where}),
                now AS (SELECT id, version, name, city FROM customers_history WHERE history_to = 'infinity'),
                audited AS (SELECT row_id AS id, count(*) AS n FROM audit_entries GROUP BY 1),
                told AS (SELECT row_id AS id, count(*) AS n FROM outbox_events GROUP BY 1)
            SELECT count(*) AS customers,
                count(*) FILTER (WHERE (now.version, now.name) IS DISTINCT FROM (mine.version, mine.name)
                    OR now.city IS DISTINCT FROM mine.city) AS no_history,
                count(*) FILTER (WHERE audited.n IS DISTINCT FROM mine.version) AS no_audit,
                count(*) FILTER (WHERE told.n IS DISTINCT FROM mine.version) AS no_event
              FROM mine LEFT JOIN now USING (id) LEFT JOIN audited USING (id) LEFT JOIN told USING (id)"""
        )
        orphans = await connection.fetchval(
            "SELECT count(*) FROM audit_entries a WHERE a.entity = 'Customer' AND a.action <> 'delete'"
            " AND NOT EXISTS (SELECT FROM customers c WHERE c.organization_id = a.organization_id AND c.id = a.row_id)"
        )
        return {**dict(row), "orphans": orphans}
    finally:
        await connection.close()


def inspect(data_dir: Path, where: str) -> dict[str, int]:
    database = embedded.start(data_dir)
    try:
        return asyncio.run(torn_rows(database.url, where))
    finally:
        database.stop()


@pytest.mark.full
@pytest.mark.parametrize("database_too", [False, True], ids=["server", "server and database"])
def test_a_killed_server_loses_no_acknowledged_write(small_server: Server, database_too: bool) -> None:
    burst = Burst(small_server)
    burst.start()
    deadline = time.monotonic() + 60
    while len(burst.created) < 150 and time.monotonic() < deadline:
        time.sleep(0.02)
    small_server.kill(database_too=database_too)
    burst.join()
    assert len(burst.created) >= 150
    again = start(small_server.data_dir)
    try:
        ids = list(burst.created)
        found: dict[str, Any] = {}
        for at in range(0, len(ids), 200):
            page = again.ask(
                "administrator",
                "query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Customer { name notes city } } }",
                {"ids": ids[at : at + 200]},
            )
            found |= {node["id"]: node for node in page["data"]["nodes"] if node}
        assert {i: n["name"] for i, n in found.items()} == burst.created
        assert {i: found[i]["city"] for i in burst.updated} == burst.updated
        torn = inspect(small_server.data_dir, "c.name LIKE 'burst %'")
        assert torn.pop("customers") >= len(ids)
        assert set(torn.values()) == {0}, torn
        repeated = again.ask("administrator", CREATE, {"name": burst.created[ids[0]], "key": burst.created[ids[0]]})
        assert repeated["data"]["createCustomer"]["customer"]["id"] == ids[0], (
            "a client that asks again is answered, not served twice"
        )
    finally:
        assert stop(again) == 0


MAPPING = """
source = "old"
[[table]]
entity = "Customer"
file = "customers.csv"
key = "id"
[table.fields]
name = "name"
notes = "name"
"""
RECORDS = 20_000


@pytest.mark.full
@pytest.mark.parametrize("database_too", [False, True], ids=["import", "import and database"])
def test_a_killed_import_leaves_whole_rows_and_goes_on(small_server: Server, database_too: bool) -> None:
    directory = small_server.data_dir
    (directory / "customers.csv").write_text(
        "id,name\n" + "".join(f"{n},import {n}\n" for n in range(RECORDS)), encoding="utf-8"
    )
    (directory / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "crm_graph",
        "import",
        "--data-dir",
        str(directory),
        "--organization",
        "Helvara Energie",
    ]
    command += ["--mapping", str(directory / "mapping.toml"), str(directory / "customers.csv")]
    count = '{ customers(filter: { source: { eq: "old" } }) { totalCount } }'

    def imported() -> int:
        return int(small_server.ask("administrator", count)["data"]["customers"]["totalCount"])

    importing = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not imported() and importing.poll() is None:
        time.sleep(0.05)
    importing.kill()
    importing.wait()
    if database_too:
        small_server.kill(database_too=True)
    torn = inspect(directory, "c.source = 'old'")
    assert 0 < torn.pop("customers") < RECORDS
    assert set(torn.values()) == {0}, torn
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    torn = inspect(directory, "c.source = 'old'")
    assert torn.pop("customers") == RECORDS
    assert set(torn.values()) == {0}, torn
