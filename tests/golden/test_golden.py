"""Golden cases: an operation, the one statement it becomes for each caller, and what each is answered.

`<case>.graphql` (with `<case>.variables.json`) is written by hand; `<case>.<persona>.sql` and `.json` by
`make golden`. A case that begins with `# personas: …` is for those; the others are for FOUR.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.api import Answer, Api
from tests.golden.sql_text import pretty

pytestmark = pytest.mark.asyncio(loop_scope="session")

HERE = Path(__file__).parent / "cases"
FOUR = ("administrator", "sales_rep", "partner_rep", "storefront")
CASES = sorted(path.stem for path in HERE.glob("*.graphql"))
NOTHING = "-- nothing is asked of the database\n"


def personas(case: str) -> tuple[str, ...]:
    first = (HERE / f"{case}.graphql").read_text(encoding="utf-8").partition("\n")[0]
    named = re.fullmatch(r"# personas: ([a-z_ ]+)", first)
    return tuple(named[1].split()) if named else FOUR


PAIRS = [(case, persona) for case in CASES for persona in personas(case)]


def squeezed(sql: str) -> str:
    return re.sub(r"\s+", "", sql)


def written(answer: Answer) -> str:
    """The answer, with the number of statements, indented; without the request's id, which is new each time."""
    body: dict[str, Any] = answer.json
    for error in body.get("errors", []):
        error["extensions"].pop("requestId", None)
    return json.dumps({"statements": len(answer.sql), **body}, indent=1, ensure_ascii=False) + "\n"


async def ask(api: Api, case: str, persona: str) -> Answer:
    path = HERE / f"{case}.variables.json"
    variables = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    answer: Answer = await api.as_(persona)((HERE / f"{case}.graphql").read_text(encoding="utf-8"), variables)
    return answer


@pytest.mark.parametrize(("case", "persona"), PAIRS)
async def test_a_case_is_answered_as_before(api: Api, case: str, persona: str, request: pytest.FixtureRequest) -> None:
    answer = await ask(api, case, persona)
    assert len(answer.sql) <= 1
    sql = pretty(answer.sql[0]) if answer.sql else NOTHING
    if answer.sql:
        assert squeezed(sql) == squeezed(answer.sql[0])
    for ending, text in ((".sql", sql), (".json", written(answer))):
        path = HERE / f"{case}.{persona}{ending}"
        if request.config.getoption("--golden-update", False):
            path.write_text(text, encoding="utf-8")
        else:
            assert path.exists(), f"run `make golden` to write {path.name}, and read it"
            assert text == path.read_text(encoding="utf-8"), f"{path.name}: run `make golden` if the change is meant"


async def test_no_golden_file_is_left_over() -> None:
    expected = {f"{case}.{persona}{ending}" for case, persona in PAIRS for ending in (".sql", ".json")}
    found = {p.name for p in HERE.iterdir() if p.suffix in (".sql", ".json") and not p.name.endswith(".variables.json")}
    assert found == expected


async def test_the_cases_show_one_statement_and_none() -> None:
    counts = {json.loads((HERE / f"{c}.{p}.json").read_text(encoding="utf-8"))["statements"] for c, p in PAIRS}
    assert counts == {0, 1}
