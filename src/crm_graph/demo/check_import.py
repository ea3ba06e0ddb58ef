"""A small export with misspelt references: imported by the command a person would use, looked at, and taken back."""

import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from crm_graph.demo import personas
from crm_graph.demo.check_client import Client

MAPPING: Final = """\
source = "check"

[[table]]
entity = "Opportunity"
file = "sales.csv"
key = "number"
[table.fields]
name = { template = "{product} for {account}" }
customer = { column = "account", by = "name" }
product = { column = "product", by = "name" }
closeOn = { column = "close_date", format = "%m/%d/%Y" }
amount = "value"
"""
HEAD: Final = ("number", "account", "product", "close_date", "value")
IMPORTED: Final = """\
{ opportunities(filter: { source: { eq: "check" } }, orderBy: [{ createdAt: ASC }]) {
    totalCount nodes { name externalId product { name } customer { name } } } }
"""
NAMES: Final = """\
{ products(first: 3, filter: { active: { eq: true } }, orderBy: [{ listPrice: DESC }]) { nodes { name } }
  customers(first: 3, filter: { kind: { eq: ORGANIZATION } }, orderBy: [{ createdAt: ASC }]) { nodes { name } } }
"""
REFUSED: Final = 3
"""Exit code of an import that refused records."""


def check_import(administrator: Client, url: str, data_dir: Path) -> list[str]:
    """Right references are taken, wrong ones are refused with their nearest candidates, and undo leaves nothing."""
    names = administrator.ask(NAMES)
    products, accounts = (_names(names.at(noun, "nodes")) for noun in ("products", "customers"))
    rows = _rows(products, accounts)
    wrong = {number: (text, right) for number, text, right in _misspelt(rows, products, accounts)}
    with tempfile.TemporaryDirectory(prefix="crm-graph-check-") as directory:
        place = Path(directory)
        (place / "mapping.toml").write_text(MAPPING, encoding="utf-8")
        with (place / "sales.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([HEAD, *rows])
        report = place / "report.jsonl"
        done = _command(
            ["import", "--mapping", str(place / "mapping.toml"), str(place / "sales.csv"), "--report", str(report)],
            url, data_dir,
        )  # fmt: skip
        lines = (
            [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()] if report.exists() else []
        )
    if done.returncode != REFUSED or not lines:
        return [f"the import ended with {done.returncode}, not {REFUSED}: {done.stderr.strip()[-300:]}"]
    failures = _judged(lines, wrong, len(rows)) + _seen(administrator, len(rows) - len(wrong))
    run = done.stdout.split("import undo ")[-1].split()[0]
    undone = _command(["import", "undo", run], url, data_dir)
    left = administrator.ask(IMPORTED).at("opportunities", "totalCount")
    if undone.returncode != 0 or left != 0:
        failures.append(f"the import was not taken back: {left} left, exit code {undone.returncode}")
    return failures


def _rows(products: Sequence[str], accounts: Sequence[str]) -> list[tuple[str, ...]]:
    """Six sales: three as they should be; a product without its blanks, an account without a letter, nonsense."""
    written = [(account, product) for account, product in zip(accounts, products, strict=True)]
    written += [
        (accounts[0], products[0].replace(" ", "")),
        (accounts[1][:4] + accounts[1][5:], products[1]),
        (accounts[2], "Perpetuum mobile"),
    ]
    return [(f"S-{n}", a, p, f"11/{n:02}/2026", f"{n}000.00") for n, (a, p) in enumerate(written, 1)]


def _misspelt(
    rows: Sequence[tuple[str, ...]], products: Sequence[str], accounts: Sequence[str]
) -> list[tuple[str, str, str | None]]:
    """Number of the sale, the wrong text, and what it should have been; `None` where nothing is near."""
    return [
        (rows[3][0], rows[3][2], products[0]),
        (rows[4][0], rows[4][1], accounts[1]),
        (rows[5][0], rows[5][2], None),
    ]


def _judged(lines: Sequence[dict[str, object]], wrong: dict[str, tuple[str, str | None]], expected: int) -> list[str]:
    failures = [] if len(lines) == expected else [f"the report has {len(lines)} records, not {expected}"]
    for line in lines:
        number, effect = str(line["key"]), line["effect"]
        if number not in wrong:
            if effect != "created":
                failures.append(f"{number} was {effect}: {line.get('errors')}")
            continue
        text, right = wrong[number]
        errors = line.get("errors")
        error = errors[0] if isinstance(errors, list) and errors else {}
        candidates = [str(one[0]) for one in error.get("candidates", [])]
        _say(f"{number}: {effect}; {text!r} is near {', '.join(map(repr, candidates)) or 'nothing'}")
        if effect != "refused" or error.get("value") != text:
            failures.append(f"{number} was {effect} although {text!r} names nothing")
        if right is not None and candidates[:1] != [right]:
            failures.append(f"the nearest to {text!r} is given as {candidates}, not {right!r}")
        if right is None and candidates:
            failures.append(f"{candidates} are given as near to {text!r}")
    return failures


def _seen(administrator: Client, expected: int) -> list[str]:
    answer = administrator.ask(IMPORTED)
    _say(f"administrator: {answer}")
    nodes = answer.at("opportunities", "nodes")
    found = nodes if isinstance(nodes, list) else []
    failures = [] if len(found) == expected else [f"{len(found)} imported records are seen, not {expected}"]
    return failures + [
        f"{one['externalId']} refers to {one['product']} and {one['customer']}: guessed"
        for one in found
        if one["name"] != f"{one['product']['name']} for {one['customer']['name']}"
    ]


def _names(nodes: object) -> list[str]:
    found = [str(one["name"]) for one in nodes] if isinstance(nodes, list) else []
    if len(set(found)) != 3:
        raise KeyError(f"three different names were expected, not {found}")
    return found


def _command(arguments: list[str], url: str, data_dir: Path) -> "subprocess.CompletedProcess[str]":
    known = personas.read(data_dir) or []
    organization = next((one["organization"] for one in known), "")
    command = [sys.executable, "-m", "crm_graph", *arguments, "--organization", organization, "--database-url", url]
    _say(f"crm-graph {' '.join(arguments)}")
    done = subprocess.run(  # noqa: S603 - our own command
        command, capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL
    )
    _say(done.stdout.strip())
    return done


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this is what CHECK=1 is for
