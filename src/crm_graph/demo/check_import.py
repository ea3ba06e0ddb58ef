"""A small export with misspelt references: imported by the command a person would use, looked at, and taken back."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crm_graph.demo import personas
from crm_graph.demo.check_client import Client
from crm_graph.imports.sample import DEALS, MENDED, REFUSED, write_sample

IMPORTED: Final = """\
{ opportunities(first: 200, filter: { source: { eq: "sample-export" } }) {
    totalCount nodes { name externalId product { name } customer { name } } } }
"""
SOME_REFUSED: Final = 3
"""Exit code of an import that refused records."""
SECONDS: Final = 120


@dataclass(frozen=True, slots=True)
class _Command:
    """`crm-graph import …` for the demo's organisation."""

    url: str
    organization: str

    def __call__(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        _say(f"crm-graph import {' '.join(arguments)}")
        options = ["--organization", self.organization, "--database-url", self.url]
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "crm_graph", "import", *arguments, *options],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        _say(done.stdout.strip() + done.stderr.strip())
        return done


def check_import(administrator: Client, url: str, data_dir: Path) -> list[str]:
    """Right references are taken, misspelt ones are refused with candidates until the mapping says what they mean."""
    known = personas.read(data_dir) or []
    command = _Command(url, next((one["organization"] for one in known), ""))
    with tempfile.TemporaryDirectory(prefix="crm-graph-check-") as directory:
        sample, report = write_sample(Path(directory)), Path(directory) / "report.jsonl"
        files = [str(path) for path in sample.files]
        first = command("--mapping", str(sample.mapping), *files, "--report", str(report))
        if first.returncode != SOME_REFUSED:
            return [f"the first import ended with {first.returncode}, not {SOME_REFUSED}"]
        failures = _judged([json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()])
        failures += _seen(administrator, DEALS - REFUSED)
        second = command("--mapping", str(sample.mended), *files, "--report", f"{report}.mended")
    if second.returncode != 0:
        failures.append(f"the import with the mended mapping ended with {second.returncode}")
    failures += _seen(administrator, DEALS)
    for done in (second, first):
        if command("undo", _run(done.stdout)).returncode != 0:
            failures.append("an import could not be taken back")
    return failures + _seen(administrator, 0)


def _run(output: str) -> str:
    """The id of the import, from what the command said last."""
    return output.rpartition("import undo ")[2].split()[0]


def _judged(lines: Sequence[dict[str, object]]) -> list[str]:
    """Each misspelt reference is refused, and what it means is the nearest candidate."""
    refused = [line for line in lines if line["effect"] == "refused"]
    failures = [] if len(refused) == REFUSED else [f"{len(refused)} records were refused, not {REFUSED}"]
    for line in refused:
        errors = line.get("errors")
        for error in errors if isinstance(errors, list) else []:
            value, candidates = str(error["value"]), [str(one[0]) for one in error["candidates"]]
            _say(f"{line['key']}: {value!r} is near {', '.join(map(repr, candidates)) or 'nothing'}")
            if candidates[:1] != [MENDED.get(value)]:
                failures.append(f"the nearest to {value!r} is given as {candidates}, not {MENDED.get(value)!r}")
    return failures


def _seen(administrator: Client, expected: int) -> list[str]:
    """So many are seen through GraphQL, each with the product and customer that it names."""
    answer = administrator.ask(IMPORTED)
    _say(f"administrator: {answer}")
    nodes = answer.at("opportunities", "nodes")
    found = nodes if isinstance(nodes, list) else []
    failures = [] if len(found) == expected else [f"{len(found)} imported records are seen, not {expected}"]
    for one in found:
        article, _, company = str(one["name"]).partition(" for ")
        right = (MENDED.get(article, article), MENDED.get(company, company))
        if (one["product"]["name"], one["customer"]["name"]) != right:
            failures.append(f"{one['externalId']} ({one['name']}) refers to {one['product']} and {one['customer']}")
    return failures


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this is what CHECK=1 is for
