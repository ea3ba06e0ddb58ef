"""docs/errors.md has a section for every code the source can answer, and none for codes that are gone."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DECLARED = re.compile(r'^\s+code(?:: ClassVar\[str\])? = "([A-Z_]+)"', re.MULTILINE)
# user errors are given by code: UserError("CODE", …), refused("CODE", …), IN_USE = "IN_USE"
GIVEN = re.compile(r'(?:UserError|refusal|_?refused)\(\s*"([A-Z_]+)"|^([A-Z_]+) = "\2"$', re.MULTILINE)


def in_source() -> set[str]:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "src" / "crm_graph").rglob("*.py")]
    return {code for text in texts for found in (*DECLARED.findall(text), *GIVEN.findall(text)) for code in flat(found)}


def flat(found: str | tuple[str, ...]) -> list[str]:
    return [found] if isinstance(found, str) else [code for code in found if code]


def documented() -> dict[str, str]:
    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    _, *sections = re.split(r"^### ", text, flags=re.MULTILINE)
    return {head.strip(): body.split("\n## ")[0].strip() for head, _, body in (s.partition("\n") for s in sections)}


def test_every_code_has_a_section_and_every_section_a_code() -> None:
    found = in_source()
    assert {"BAD_REQUEST", "NOT_ACCEPTABLE", "IN_USE", "OPPORTUNITY_CLOSED", "ARGUMENT_INVALID"} <= found
    assert documented().keys() - found == set(), "documented, but nowhere in the source"
    assert found - documented().keys() == set(), "in the source, but not in docs/errors.md"


def test_every_section_says_something() -> None:
    assert [code for code, text in documented().items() if len(text) < 20] == []
