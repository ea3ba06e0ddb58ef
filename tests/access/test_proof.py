"""`proof.txt` is complete, and what it names exists: a proof that was renamed or removed is noticed."""

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.access.channels import CHANNELS, CUSTOM_CHANNELS

HERE = Path(__file__).parent
LEAKS = 46
FINE_PRINT = 17
RULES = 12
NAMED = 15
ISSUES = {"issue 4", "issue 5"}
"""What brings the channels that do not exist yet."""


def lines() -> list[tuple[str, list[str]]]:
    found = []
    for line in (HERE / "proof.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            what, _, proofs = line.partition("|")
            found.append((" ".join(what.split()), [proof.strip() for proof in proofs.split(",")]))
    return found


@cache
def declared_in(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(function.name for function in functions if function.name.startswith("test_"))


def exists(proof: str) -> bool:
    """Whether a proof names something: a channel, an issue, a test, or all tests of a file."""
    if proof.startswith("channel "):
        return proof.removeprefix("channel ") in {*CHANNELS, *CUSTOM_CHANNELS}
    if proof.startswith("issue "):
        return proof in ISSUES
    file, _, name = proof.partition("::")
    path = HERE.parent / file
    if not path.is_file():
        return False
    return bool(declared_in(path)) if name == "*" else name in declared_in(path)


@pytest.mark.parametrize(("what", "proofs"), lines(), ids=[what for what, _ in lines()])
def test_every_proof_that_is_named_exists(what: str, proofs: list[str]) -> None:
    assert proofs
    assert [proof for proof in proofs if not exists(proof)] == []


def test_every_line_is_there() -> None:
    kinds = [what.split()[0] for what, _ in lines()]
    numbers = [int(what.split()[1]) for what, _ in lines() if what.startswith("leak ")]
    assert numbers == list(range(1, LEAKS + 1))
    assert [kinds.count(kind) for kind in ("fine", "rule", "named")] == [FINE_PRINT, RULES, NAMED]
    assert len({what for what, _ in lines()}) == len(lines())


def test_every_channel_proves_something() -> None:
    named = {p.removeprefix("channel ") for _, proofs in lines() for p in proofs if p.startswith("channel ")}
    channels = {*CHANNELS, *CUSTOM_CHANNELS}
    assert named <= channels
    assert channels - named <= {"connection edge", "by id", "typename", "pages"}


def test_a_proof_that_does_not_exist_is_noticed() -> None:
    assert not exists("channel telepathy")
    assert not exists("issue 99")
    assert not exists("access/test_rows.py::test_nothing")
    assert not exists("access/test_absent.py::*")
