"""The command line says what it can do, and the Makefile too."""

import re
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command

from crm_graph.__main__ import app
from tests.cli.commands import command

ROOT = Path(__file__).resolve().parent.parent.parent
COMMANDS = sorted(get_command(app).commands)  # type: ignore[attr-defined]


def test_the_commands_of_the_interface_are_there() -> None:
    assert {"serve", "demo", "migrate", "worker", "schema", "explain-access", "import", "user"} <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_says_what_it_is_for(name: str) -> None:
    done = command(name, "--help")
    assert done.exit_code == 0
    found = get_command(app).commands[name]  # type: ignore[attr-defined]
    assert found.help
    assert [p.name for p in found.params if p.param_type_name == "option" and not p.help] == []


def test_every_command_is_in_the_documents() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8") + (ROOT / "README.md").read_text(
        encoding="utf-8"
    )
    assert [name for name in COMMANDS if f"crm-graph {name}" not in text] == []


def test_make_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    [phony] = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    done = subprocess.run(
        ["make", "--silent", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert sorted(line.split()[0] for line in done.stdout.splitlines()) == sorted(phony.split())
