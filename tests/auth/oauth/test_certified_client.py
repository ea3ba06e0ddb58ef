"""npm's openid-client, certified by the OpenID Foundation, goes through every flow against the running server."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.fixtures.live import Server

pytestmark = pytest.mark.full
CERTIFIED = Path(__file__).parent / "certified"


@pytest.fixture(scope="module")
def results(live_server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("certified")
    for name in ("package.json", "package-lock.json", "flows.mjs"):
        shutil.copy(CERTIFIED / name, folder / name)
    shutil.copy(ROOT / "docs" / "examples" / "mobile_app.mjs", folder)
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, check=True, timeout=300)
    persona = live_server.personas["sales_rep"]
    given = {
        "issuer": live_server.url,
        "clients": json.loads((live_server.data_dir / "clients.json").read_text(encoding="utf-8")),
        "email": persona["email"],
        "password": persona["password"],
    }
    run = subprocess.run(
        ["node", "flows.mjs"], cwd=folder, input=json.dumps(given), text=True, timeout=120, capture_output=True
    )
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found


@pytest.mark.parametrize("sort", ["public", "confidential"])
def test_a_person_signs_in_and_out(live_server: Server, results: dict[str, Any], sort: str) -> None:
    found = results[sort]
    assert found["name"] == live_server.personas["sales_rep"]["name"]
    assert found["claims"]["iss"] == live_server.url
    assert found["rotated"] is True
    assert found["left"] == "left"


def test_a_token_is_active_until_it_is_given_back(results: dict[str, Any]) -> None:
    assert (results["confidential"]["active"], results["confidential"]["activeAfterRevocation"]) == (True, False)


def test_a_device_gets_tokens_when_its_person_agrees_and_an_error_when_not(
    live_server: Server, results: dict[str, Any]
) -> None:
    found = results["device"]
    assert found["name"] == live_server.personas["sales_rep"]["name"]
    assert found["claims"]["amr"] == ["pwd"]
    assert found["refreshable"] is True
    assert results["deniedDevice"] == {"error": "access_denied"}


def test_a_service_works_on_its_own(results: dict[str, Any]) -> None:
    assert results["service"] == {"data": {"viewer": {"kind": "app"}}, "active": True}


def test_the_mobile_app_of_the_documentation(results: dict[str, Any]) -> None:
    found = results["mobile"]
    assert found["viewers"] == [{"data": {"viewer": {"kind": "staff"}}}] * 4
    assert found["renewed"] is True
    assert found["after"] == {"status": 401}
