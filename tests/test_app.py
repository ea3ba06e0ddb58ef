"""Starting, stopping, and whether the process says that it is ready."""

from pathlib import Path

import httpx
import pytest

from crm_graph import migrations
from crm_graph.app import create_app
from crm_graph.auth.authentication import Authenticator
from crm_graph.db.lanes import Lanes
from crm_graph.settings import Settings
from tests.fixtures.api import SECRET, running


async def test_a_migrated_database_is_ready_and_the_release_is_read_once(
    module_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = migrations.head()
    async with running(module_database_url, tmp_path, []) as api:
        monkeypatch.setattr(migrations, "head", None)
        answer = await api.request("GET", "/readyz")
        assert (answer.status, answer.json) == (200, {"ready": True, "revision": head})


async def test_a_database_without_tables_is_not_migrated(functions_url: str, tmp_path: Path) -> None:
    async with running(functions_url, tmp_path, []) as api:
        answer = await api.request("GET", "/readyz")
        assert answer.status == 503
        assert answer.json["reason"] == f"the database is not migrated, this release needs {migrations.head()}"


async def test_a_database_that_is_not_there_does_not_answer(tmp_path: Path) -> None:
    app = create_app(Settings(secret=SECRET, data_dir=tmp_path), "postgresql://crm@127.0.0.1:1/crm")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as client:
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()["reason"]) == (503, "the database does not answer")


async def test_all_is_closed_even_where_one_cannot_be(
    functions_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    close_lanes, close_authenticator = Lanes.close, Authenticator.close

    async def lanes(self: Lanes) -> None:
        await close_lanes(self)
        closed.append("lanes")

    async def authenticator(self: Authenticator) -> None:
        await close_authenticator(self)
        raise ZeroDivisionError

    monkeypatch.setattr(Lanes, "close", lanes)
    monkeypatch.setattr(Authenticator, "close", authenticator)
    with pytest.raises(ZeroDivisionError):
        async with running(functions_url, tmp_path, []):
            assert closed == []
    assert closed == ["lanes"]
