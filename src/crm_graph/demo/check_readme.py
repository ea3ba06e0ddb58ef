"""The README's queries, sent as each of several callers; their answers are printed and compared."""

import re
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Final

from crm_graph.demo.check_client import Client

_BLOCK: Final = re.compile(r"^```graphql\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ALLOWED: Final = {"FIELD_ACCESS_DENIED", "PREDICATE_ACCESS_DENIED"}


def readme() -> str:
    """The README's text: the checkout's, else the one that came with the installed package; empty without either."""
    beside = Path(__file__).resolve().parents[3] / "README.md"
    if beside.exists() and (beside.parent / "pyproject.toml").exists():
        return beside.read_text(encoding="utf-8")
    try:
        found = metadata("crm-graph")
    except PackageNotFoundError:
        return ""
    return found.get("Description") or str(found.get_payload())  # type: ignore[attr-defined]


def queries(text: str) -> list[str]:
    """The ```graphql blocks that only read."""
    return [block for block in _BLOCK.findall(text) if not re.search(r"^\s*mutation\b", block, re.MULTILINE)]


def check_readme(clients: dict[str, Client]) -> list[str]:
    """Every query is answered to every caller, by data or by a typed refusal, and not to all alike."""
    found = queries(readme())
    if not found:
        return ["the README has no queries"]
    failures, differing = [], 0
    for query in found:
        print(query, flush=True)  # noqa: T201 - this is what CHECK=1 is for
        answers = {caller: client.ask(query) for caller, client in clients.items()}
        for caller, answer in answers.items():
            print(f"{caller}: {answer}", flush=True)  # noqa: T201
            others = set(answer.codes()) - _ALLOWED
            if others or answer.status not in (200, 400):
                failures.append(
                    f"{caller} is answered {answer.status} {sorted(others)} to {query.split('{')[0].strip()!r}"
                )
        differing += len({str(answer) for answer in answers.values()}) > 1
    if not differing:
        failures.append("all callers get the same answers")
    return failures
