"""The matcher of company names against pairs that a person judged, by itself and with the keys that find candidates."""

import re
from pathlib import Path

import asyncpg
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_graph.matching import company_name, same_company
from crm_graph.matching.words import left_off
from crm_graph.resolvers.deals.checking import alike, slips

HERE = Path(__file__).parent
Pair = tuple[bool, str, str]


def pairs(file: str) -> list[Pair]:
    lines = [line for line in (HERE / file).read_text(encoding="utf-8").splitlines() if line[:1] in "=!"]
    return [(line[0] == "=", *line[2:].split(" | ", 1)) for line in lines]  # type: ignore[misc]


def quality(judged: list[tuple[bool, bool]]) -> tuple[float, float]:
    """Precision and recall of (is, was found)."""
    right = sum(found and same for same, found in judged)
    return right / sum(found for _, found in judged), right / sum(same for same, _ in judged)


def test_names_are_matched_as_a_person_would():
    judged = [(same, same_company(one, other)) for same, one, other in pairs("company_names.txt")]
    assert len(judged) == 162
    precision, recall = quality(judged)
    assert precision >= 0.95
    assert recall >= 0.80


def test_names_that_the_matcher_was_not_made_with():
    precision, recall = quality([(same, same_company(a, b)) for same, a, b in pairs("more_company_names.txt")])
    assert precision >= 0.95
    assert recall >= 0.80


def test_documented_figures_are_those_measured():
    text = (HERE.parent.parent / "docs" / "partners.md").read_text(encoding="utf-8")
    for file in ("company_names.txt", "more_company_names.txt"):
        judged = pairs(file)
        precision, recall = quality([(same, same_company(a, b)) for same, a, b in judged])
        assert re.search(rf"`{file}` *\| *{len(judged)} *\| *{precision:.2f} *\| *{recall:.2f} *\|", text), file


async def test_keys_find_what_the_matcher_would_match(functions_url: str):
    connection = await asyncpg.connect(functions_url)
    keyed = await connection.prepare(
        "SELECT crm_company_letters($1) = crm_company_letters($2) OR crm_company_initials($1) = crm_company_initials($2)"
        f" AND {alike('crm_company_letters($2)', 'crm_company_letters($1)', '$3', '$4')}"
    )
    judged = [  # whichever of the two is registered
        (same, same_company(one, other) and bool(await keyed.fetchval(one, other, *slips(one))))
        for file in ("company_names.txt", "more_company_names.txt")
        for same, a, b in pairs(file)
        for one, other in ((a, b), (b, a))
    ]
    precision, recall = quality(judged)
    await connection.close()
    assert precision >= 0.95
    assert recall >= 0.80


async def test_the_database_leaves_off_the_same_words(functions_url: str):
    connection = await asyncpg.connect(functions_url)
    kept = await connection.fetch(
        "SELECT w FROM unnest($1::text[]) w WHERE crm_company_words('zzz ' || w) <> '{zzz}'", sorted(left_off())
    )
    odd = ["", " ", "GmbH", "&", "А", "株式会社", "c/o", "(x)", "'", "İ", "ﬃ", "x" * 1000]
    empty = [
        await connection.fetchval("SELECT crm_company_letters($1) || crm_company_initials($1)", text) for text in odd
    ]
    await connection.close()
    assert [row["w"] for row in kept] == []
    assert len(empty) == len(odd)


NAMES = st.text(alphabet="abgmh sS.&-'()üßжΩ1", max_size=24) | st.text(max_size=40)


@settings(max_examples=150, deadline=None)
@given(NAMES, NAMES)
def test_matching_is_symmetric_and_reflexive(one: str, other: str):
    assert same_company(one, other) == same_company(other, one)
    assert same_company(one, one) == bool(company_name(one).words)
