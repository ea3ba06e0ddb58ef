"""The public GraphQL-over-HTTP audit suite itself, from npm, against the running server."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.fixtures.live import Server

pytestmark = pytest.mark.full
AUDIT = Path(__file__).parent / "audit"


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audit")
    for name in ("package.json", "package-lock.json", "audits.mjs"):
        shutil.copy(AUDIT / name, folder / name)
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, check=True, timeout=300)
    return folder


def test_every_audit_is_ok(live_server: Server, suite: Path) -> None:
    command = ["node", "audits.mjs", f"{live_server.url}/graphql"]
    run = subprocess.run(command, cwd=suite, check=True, timeout=120, stdout=subprocess.PIPE)
    results = json.loads(run.stdout)
    assert len(results) >= 60
    assert [result for result in results if result["status"] != "ok"] == []
