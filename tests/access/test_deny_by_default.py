"""Rule 1: what nobody has classified nobody sees, whoever they are. Shown on an entity declared for it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from crm_graph.db.embedded import EmbeddedServer
from tests.conftest import ROOT, clone
from tests.fixtures.demo import Demo


@pytest.fixture(scope="module", params=["not granted", "granted"])
def told(
    request: pytest.FixtureRequest, embedded_server: EmbeddedServer, small_demo_template: Demo, tmp_path_factory: Any
) -> tuple[str, dict[str, list[Any]]]:
    """What each caller is answered about the entity; `granted`: administrators have grants on it."""
    people: Path = tmp_path_factory.mktemp("undeclared") / "people.json"
    people.write_text(json.dumps(small_demo_template.personas))
    with clone(embedded_server, small_demo_template.template) as url:
        done = subprocess.run(
            [sys.executable, "-m", "tests.access.undeclared", url, str(people), request.param],
            cwd=ROOT, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return request.param, json.loads(done.stdout.splitlines()[-1])


def test_an_entity_without_grants_and_levels_is_seen_by_nobody(told: tuple[str, dict[str, list[Any]]]) -> None:
    """Its rows are in its table; no list, count, node, filter, order, mutation or schema shows them to anybody."""
    how, found = told
    assert "administrator" in found
    assert "storefront" in found
    for persona, (listed, *others) in found.items():
        *by_field, created, kind, kinds, node, named, fields = others
        text = json.dumps([listed, *by_field, created, node])
        assert "zq.formula" not in text
        # a field without a level is no part of the schema: an unknown name
        for answer in by_field:
            assert {e["extensions"]["code"] for e in answer["errors"]} == {"GRAPHQL_VALIDATION_FAILED"}, persona
            assert "data" not in answer
        assert {e["extensions"]["code"] for e in created["errors"]} == {"GRAPHQL_VALIDATION_FAILED"}
        assert fields == 0
        if how == "granted" and persona in ("administrator", "other_org_administrator"):
            assert listed["data"]["prototypes"]["totalCount"] == 1  # the row, of one's own organisation, with its id
            continue
        assert listed["data"]["prototypes"] is None
        assert [e["extensions"]["code"] for e in listed["errors"]] == ["FIELD_ACCESS_DENIED"]
        assert node["data"]["node"] is None
        assert kind["data"]["__type"] is None
        assert "Prototype" not in json.dumps(kinds)
        assert named == 0
