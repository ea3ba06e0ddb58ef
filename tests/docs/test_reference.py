"""What is generated into the documents fits the code: the schema, the settings, the shipped policy."""

import re
from pathlib import Path

from scripts import reference

from crm_graph.auth.default_policy import ROLES
from crm_graph.cli.schema import sdl
from crm_graph.settings import Settings

ROOT = Path(__file__).resolve().parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_committed_schema_is_the_declared_one() -> None:
    committed = (ROOT / "docs" / "schema.graphql").read_text(encoding="utf-8")
    assert committed == sdl(), "run `make schema` and look at the difference"


def test_the_generated_tables_are_fresh() -> None:
    assert reference.stale() == [], "run `make schema` and look at the difference"


def test_every_setting_is_in_the_readme() -> None:
    table = README.partition("<!-- generated: settings")[2].partition("<!-- end of generated -->")[0]
    assert set(re.findall(r"^\| `CRM_GRAPH_(\w+)`", table, re.MULTILINE)) == {n.upper() for n in Settings.model_fields}


def test_every_grant_of_the_policy_is_in_its_table() -> None:
    table = reference.policy_table()
    assert table in (ROOT / "docs" / "access.md").read_text(encoding="utf-8")
    grants = sum(len(some) for by_entity in ROLES.values() for some in by_entity.values())
    assert len(re.findall(r": (?:PUBLIC|PARTNER|INTERNAL|CONFIDENTIAL|RESTRICTED)", table)) == grants


def test_a_stale_table_is_found_and_repaired() -> None:
    stale = README.replace("`CRM_GRAPH_MAX_DEPTH`", "`CRM_GRAPH_OTHER`")
    assert stale != README
    assert reference.fresh(stale) == README


def test_links_between_documents_lead_somewhere() -> None:
    for document in [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name} links to {target}, which is not there"
