"""What a search finds, and how it is shown."""

import json

import pytest

from tests.fixtures.api import Api
from tests.search.world import customer, find, marked, names

pytestmark = pytest.mark.asyncio(loop_scope="session")
BOSS = "administrator"


async def test_words_in_any_field_and_all_of_them(writable_api: Api) -> None:
    await customer(writable_api, name="Quellwasser Brunnenbau", city="Xanten", notes="Wants a Zisterne.")
    assert await names(writable_api, BOSS, "quellwasser") == ["Quellwasser Brunnenbau"]
    assert await names(writable_api, BOSS, "xanten zisterne brunnenbau") == ["Quellwasser Brunnenbau"]
    assert await names(writable_api, BOSS, "xanten zisterne bergwerk") == []


async def test_case_accents_and_signs_do_not_matter(writable_api: Api) -> None:
    await customer(writable_api, name="Žižka & Straßenmüller-Ølberg", email="post@zizkahaus.example")
    for asked in ("zizka strassenmuller olberg", "ŽIŽKA", "Straßenmüller-ølberg", "(zizkahaus.example)", "post@zizka"):
        found = await find(writable_api, BOSS, asked)
        assert [e["node"]["name"] for e in found["edges"]] == ["Žižka & Straßenmüller-Ølberg"], asked
    assert (
        marked(await find(writable_api, BOSS, "strassenmu"))["name"] == "Žižka &amp; <mark>Straßenmüller</mark>-Ølberg"
    )


async def test_the_last_word_by_its_beginning_and_no_other(writable_api: Api) -> None:
    await customer(writable_api, name="Kranichfeld Apotheke")
    assert await names(writable_api, BOSS, "kranich") == ["Kranichfeld Apotheke"]
    assert await names(writable_api, BOSS, "kranichfeld apo") == ["Kranichfeld Apotheke"]
    assert await names(writable_api, BOSS, "kranich apotheke") == []
    assert await names(writable_api, BOSS, "ranichfeld") == []


async def test_heavier_fields_and_whole_words_come_first(writable_api: Api) -> None:
    await customer(writable_api, name="Only in notes", notes="knows Wolpertinger")
    await customer(writable_api, name="Wolpertingerei")
    await customer(writable_api, name="Wolpertinger")
    await customer(writable_api, name="In the city", city="Wolpertinger")
    found = await find(writable_api, BOSS, "wolpertinger")
    ranks = [e["rank"] for e in found["edges"]]
    assert [e["node"]["name"] for e in found["edges"]] == [
        "Wolpertinger", "Wolpertingerei", "In the city", "Only in notes",
    ]  # fmt: skip
    assert ranks == sorted(ranks, reverse=True)
    assert len(set(ranks)) == 4


async def test_highlights_are_safe_and_short(writable_api: Api) -> None:
    hostile = "<script>alert('x')</script> & <b>Wurzelgnom</b>"
    await customer(writable_api, name=hostile, notes="filler words " * 200 + "a wurzelgnom indeed " + "and more " * 200)
    found = marked(await find(writable_api, BOSS, "wurzelgnom"))
    assert found["name"] == (
        "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &lt;b&gt;<mark>Wurzelgnom</mark>&lt;/b&gt;"
    )
    assert found["notes"].startswith("…")
    assert found["notes"].endswith("…")
    assert "<mark>wurzelgnom</mark>" in found["notes"]
    assert len(found["notes"]) < 300


async def test_a_search_goes_with_filter_order_count_and_nesting(writable_api: Api) -> None:
    for number, country in enumerate(("DE", "AT", "DE")):
        await customer(writable_api, name=f"Filtermoos {2 - number}", country=country)
    found = await find(writable_api, BOSS, "filtermoos", filter={"country": {"eq": "DE"}}, first=1)
    assert (found["totalCount"], len(found["edges"])) == (2, 1)
    answer = await writable_api.as_(BOSS)(
        '{ customers(search: "filtermoos", orderBy: [{ name: DESC }]) { nodes { name } }'
        ' of: customers(first: 1, search: "filtermoos 2") { nodes { contacts(search: "x") { totalCount nodes { name } } } } }'
    )
    assert [n["name"] for n in answer.data["customers"]["nodes"]] == [f"Filtermoos {i}" for i in (2, 1, 0)]
    assert answer.data["of"]["nodes"] == [{"contacts": {"totalCount": 0, "nodes": []}}]
    assert len(answer.sql) == 1


async def test_lists_of_a_record_are_searched(api: Api) -> None:
    query = """{ customers(first: 20, filter: { tickets: { some: {} } }) { nodes {
        tickets(first: 200) { nodes { subject } }
        found: tickets(first: 200, search: "inverter") { totalCount edges { rank highlights { field text } node { subject } } } } } }"""
    answer = await api.as_(BOSS)(query)
    met = 0
    for node in answer.data["customers"]["nodes"]:
        wanted = sorted(t["subject"] for t in node["tickets"]["nodes"] if "inverter" in t["subject"].lower())
        assert sorted(e["node"]["subject"] for e in node["found"]["edges"]) == wanted
        assert node["found"]["totalCount"] == len(wanted)
        met += len(wanted)
        for edge in node["found"]["edges"]:
            assert edge["rank"] > 0
            assert "<mark>" in edge["highlights"][0]["text"]
    assert met
    assert len(answer.sql) == 1


async def test_without_search_there_is_no_rank_and_no_highlight(api: Api) -> None:
    for given in ("", ", search: null"):
        answer = await api.as_(BOSS)(f"{{ customers(first: 2{given}) {{ edges {{ rank highlights {{ text }} }} }} }}")
        assert answer.data["customers"]["edges"] == [{"rank": None, "highlights": None}] * 2


@pytest.mark.parametrize("text", ["", "   ", "!&|():*<->'\"\\", "–…„“", "´¨", "x" * 201, "a " * 13, "x" * 10_000])
async def test_what_cannot_be_searched_for_is_refused(api: Api, text: str) -> None:
    query = "query ($s: String) { customers(search: $s) { totalCount } }"
    answer = await api.as_(BOSS)(query, {"s": text})
    assert (answer.codes, answer.json.get("data"), answer.sql) == (["SEARCH_INVALID"], None, ())
    literal = await api.as_(BOSS)(f"{{ customers(search: {json.dumps(text, ensure_ascii=False)}) {{ totalCount }} }}")
    assert (literal.codes, literal.json.get("data"), literal.sql) == (["SEARCH_INVALID"], None, ())


@pytest.mark.parametrize(
    "text",
    ["a & b", "a | !b", "!(a)", "a:*", "a:ABCD*", "'a' <-> b", "'", "\\", "a\\'b", "$1", "%", "a'; DROP TABLE customers; --",
     "🦊", "🦊 fox", "\u200b a", "ﷺ" * 20, "İ", "ǅ", "㍿", "½ a", "a\u0301", "\ufeffa", "x" * 200, "0 1 2 3 4 5 6 7 8 9 a b"],
)  # fmt: skip
async def test_operators_are_words_or_nothing(api: Api, text: str) -> None:
    answer = await api.as_(BOSS)(
        "query ($s: String) { customers(search: $s, first: 1) { totalCount edges { rank highlights { text } } } }",
        {"s": text},
    )
    assert answer.status == 200
    assert set(answer.codes) <= {"SEARCH_INVALID"}
    assert "customers" in (answer.json.get("data") or {"customers": None})


async def test_a_nul_is_no_text(api: Api) -> None:
    answer = await api.as_(BOSS)("query ($s: String) { customers(search: $s) { totalCount } }", {"s": "a\0b"})
    assert answer.codes
    assert set(answer.codes) <= {"VARIABLE_INVALID", "BAD_REQUEST"}
    assert not answer.sql
