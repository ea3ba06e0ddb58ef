"""Languages have the same words, amounts are written as their readers write them, and papers hold text, not markup."""

import datetime as dt
import shutil
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from crm_graph.documents.language import accepted, language, languages
from crm_graph.documents.pdf import pdf

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def test_all_languages_have_the_same_words_with_the_same_blanks() -> None:
    said = {
        name: tomllib.loads(files("crm_graph.documents").joinpath(f"words/{name}.toml").read_text("utf-8"))
        for name in languages()
    }
    assert set(said) == {"de", "en"}
    blanks = {name: {key: sorted(_blanks(text)) for key, text in words.items()} for name, words in said.items()}
    assert blanks["de"] == blanks["en"]


def _blanks(text: str) -> list[str]:
    return [part.partition("}")[0] for part in text.split("{")[1:]]


@pytest.mark.parametrize(
    ("tag", "money", "day", "percent"),
    [
        ("de", "1.234,50\xa0€", "1. März 2026", "7,5\xa0%"),
        ("de-AT", "€\xa01.234,50", "1. März 2026", "7,5\xa0%"),
        ("en-GB", "€1,234.50", "1 March 2026", "7.5%"),
        ("xx-nonsense", "€1,234.50", "March 1, 2026", "7.5%"),
    ],
)
def test_amounts_and_days_are_written_as_there(tag: str, money: str, day: str, percent: str) -> None:
    found = language(tag)
    assert (found.money("1234.5", "EUR"), found.day("2026-03-01"), found.percent("7.5")) == (money, day, percent)


def test_a_price_of_many_decimals_keeps_them() -> None:
    assert language("en").money("0.03333", "EUR") == "€0.03333"
    assert language("en").money("1200", "JPY") == "¥1,200"


def test_the_first_language_that_there_is_counts() -> None:
    assert language(None, "fr", "de_AT", "en").tag == "de-AT"
    assert accepted("fr-CH, fr;q=0.9, de;q=0.7, *;q=0.5") == "de"
    assert accepted("zz, \x00, ") is None


async def test_a_paper_is_a_pdf_always_the_same_and_nothing_in_it_is_markup() -> None:
    words = dict(language("de").words)
    hostile = '#panic("x") $x$ *b* "quoted" \\ </script>'
    data = {
        "words": words, "lang": "de", "rtl": False, "title": hostile, "number": hostile, "organization": hostile,
        "customer": "Žluťoučký Ελληνικά Русский שלום مرحبا 日本", "facts": [[hostile, hostile]], "introduction": hostile,
        "closing": "", "terms": "one\ntwo", "sums": [[hostile, "1"]], "total": "1", "decided": "",
        "lines": [
            {"position": str(n), "product": hostile * 5, "sku": "S", "quantity": "1", "unit_price": "1", "discount": "",
             "total": "1"} for n in range(120)
        ],
    }  # fmt: skip
    first, second = await pdf("proposal", data, NOON), await pdf("proposal", data, NOON)
    assert first.startswith(b"%PDF-")
    assert first == second
    assert first != await pdf("proposal", {**data, "total": "2"}, NOON)


@pytest.mark.full
async def test_a_folder_of_fonts_writes_what_ours_cannot(tmp_path: Path) -> None:
    """The browser's package brings a font of icons along: signs of private use, which no other font has."""
    playwright = pytest.importorskip("playwright")
    font = next(Path(playwright.__file__).parent.rglob("codicon*.ttf"))
    shutil.copy(font, tmp_path)
    blank = dict.fromkeys(
        ("number", "organization", "customer", "introduction", "closing", "terms", "total", "decided"), ""
    )
    title = {"words": dict(language("en").words), "lang": "en", "rtl": False, "title": "\uea60"}
    data = {**blank, **title, "facts": [], "sums": [], "lines": []}
    assert b"codicon" not in await pdf("proposal", data, NOON)
    assert b"codicon" in await pdf("proposal", data, NOON, tmp_path)
