"""What README.md shows is what one gets.

A ```graphql block followed by a ```json block is a question and its answer, for the persona that its first line names:
`# as sales_rep`. A ```sh block after `<!-- run -->` is run against a live server.
"""

import json
import os
import re
import subprocess
from dataclasses import dataclass

import pytest

from tests.conftest import ROOT
from tests.fixtures.api import Api
from tests.fixtures.live import Server

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
_QUESTION = re.compile(r"```graphql\n(# as (\w+)\n.*?)```(?:\s*```json\n(.*?)```)?", re.DOTALL)
_COMMAND = re.compile(r"<!-- run -->\s*```(?:sh|console)\n(.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Question:
    query: str
    persona: str
    answer: str | None

    @property
    def name(self) -> str:
        found = re.search(r"^(?:query|mutation)\s+(\w+)", self.query, re.MULTILINE)
        return found[1] if found else self.query.strip()[:30]

    @property
    def writes(self) -> bool:
        return re.search(r"^mutation\b", self.query, re.MULTILINE) is not None


QUESTIONS = [Question(*found) for found in _QUESTION.findall(TEXT)]
COMMANDS = _COMMAND.findall(TEXT)


def test_the_readme_asks_and_answers() -> None:
    assert len([q for q in QUESTIONS if q.answer]) >= 2
    assert TEXT.count("```graphql") == len(QUESTIONS), "each question says who asks: # as …"


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("question", [q for q in QUESTIONS if not q.writes], ids=lambda q: f"{q.persona} {q.name}")
async def test_an_answer_is_as_shown(api: Api, question: Question) -> None:
    await _answers_as_shown(api, question)


@pytest.mark.asyncio(loop_scope="session")
async def test_an_answer_to_a_mutation_is_as_shown(writable_api: Api) -> None:
    for question in (q for q in QUESTIONS if q.writes):
        await _answers_as_shown(writable_api, question)


async def _answers_as_shown(api: Api, question: Question) -> None:
    answer = await api.as_(question.persona)(question.query)
    assert answer.status == 200, answer.body
    body = answer.json
    for error in body.get("errors", []):
        error["extensions"].pop("requestId", None)
    if question.answer:
        assert body == json.loads(question.answer)
    else:
        assert "data" in body or answer.codes == ["PREDICATE_ACCESS_DENIED"], body


@pytest.mark.full
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_runs(live_server: Server, command: str) -> None:
    """In the checkout, with the live server's address and data directory in place of the ones a reader has."""
    made = command.replace("http://127.0.0.1:8000", live_server.url).replace("http://localhost:8000", live_server.url)
    made = made.replace(".crm-graph", str(live_server.data_dir))
    path = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", made], cwd=ROOT, capture_output=True, text=True, timeout=300,
        env={**os.environ, "PATH": path, "CRM_GRAPH_DATA_DIR": str(live_server.data_dir)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
