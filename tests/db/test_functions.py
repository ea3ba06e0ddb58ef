import importlib.util
import unicodedata
from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_graph.migrations.script import functions_sql
from tests.conftest import ROOT

# What PostgreSQL takes as text: no NUL, no lone surrogates.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)


@pytest.fixture
async def connection(functions_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(functions_url)
    yield connection
    await connection.close()


FOLDED = [
    ("  Müller \t GmbH ", "muller gmbh"),
    ("ØRSTED Łódź Đorđe", "orsted lodz dorde"),
    ("STRASSE Straße STRAẞE", "strasse strasse strasse"),
    ("Ærø Œuvre Þór", "aero oeuvre thor"),
    ("Αθήνα ΣΊΣΥΦΟΣ σίσυφος", "αθηνα σισυφοσ σισυφοσ"),
    ("МОСКВА Ёлка Йод", "москва елка иод"),
    ("ԵՐԵՎԱՆ", "երեվան"),
    ("İstanbul ISPARTA ısı", "istanbul isparta isi"),
    ("Nguyễn Văn", "nguyen van"),
    ("ﬁnance № ５", "finance no 5"),
    ("x\u00a0y\u2003z\u3000\u2028w", "x y z w"),
    ("co\u00adop\u200b", "coop"),
    ("東京 ソニー", "東京 ソニー"),
    ("", ""),
]


@pytest.mark.parametrize(("value", "folded"), FOLDED)
async def test_fold(connection: asyncpg.Connection, value: str, folded: str) -> None:
    assert await connection.fetchval("SELECT crm_fold($1)", value) == unicodedata.normalize("NFKD", folded)


def test_the_letter_lists_are_the_generated_ones() -> None:
    spec = importlib.util.spec_from_file_location("fold_letters", ROOT / "scripts" / "fold_letters.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for line in module.letters():
        assert f"'{line}'" in functions_sql()


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(TEXT, min_size=20, max_size=60))
async def test_every_function_takes_every_text_and_folding_twice_changes_nothing(
    connection: asyncpg.Connection, values: list[str]
) -> None:
    rows = await connection.fetch(
        "SELECT v, crm_fold(v) AS folded, crm_fold(crm_fold(v)) AS twice, crm_fold(upper(v)) AS from_upper,"
        " crm_match_name(v) AS name, crm_match_email(v) AS email, crm_match_phone(v) AS phone, crm_match_tax(v) AS tax,"
        " crm_mask_email(v), crm_mask_phone(v), crm_mask_initials(v), crm_mask_exists(v) FROM unnest($1::text[]) v",
        values,
    )
    for row in rows:
        assert row["folded"] == row["twice"]
        assert row["folded"] == " ".join(row["folded"].split(" ")).strip(" ")
        assert "" not in (row["name"], row["email"], row["phone"], row["tax"])
        assert row["phone"] is None or row["phone"].lstrip("+").isdigit()


@pytest.mark.parametrize(
    ("call", "result"),
    [
        ("crm_match_name('O’Neil & Søn, Inc.')", "oneilsoninc"),
        ("crm_match_name('GTX Pro') = crm_match_name('GTXPro')", True),
        ("crm_match_name('Sony (日本)')", "sony日本"),
        ("crm_match_name(' - ')", None),
        ("crm_match_email(' John@Example.COM ')", "john@example.com"),
        ("crm_match_email(' ')", None),
        ("crm_match_phone('+49 (0)30 123-42')", "+493012342"),
        ("crm_match_phone('0049 30 12342')", "+493012342"),
        ("crm_match_phone('030/12342')", "03012342"),
        ("crm_match_phone('٠٣٠ 12')", "03012"),
        ("crm_match_phone('n/a')", None),
        ("crm_match_tax('de 123.456')", "DE123456"),
        ("crm_mask_exists('DE 123 456')", "•••"),
        ("crm_mask_exists('')", "•••"),
        ("crm_mask_exists(NULL)", None),
        ("crm_mask_email('john@example.com')", "j•••@example.com"),
        ("crm_mask_email('nobody')", "•••"),
        ("crm_mask_email('@example.com')", "•••"),
        ("crm_mask_phone('+49 30 12342')", "•••42"),
        ("crm_mask_phone('110')", "•••"),
        ("crm_mask_initials(' John  Doe ')", "J. D."),
        ("crm_mask_initials('')", ""),
        ("crm_mask_bucket(999.99)", Decimal(0)),
        ("crm_mask_bucket(1000)", Decimal(1000)),
        ("crm_mask_bucket(7321.5)", Decimal(5000)),
        ("crm_mask_bucket(99999)", Decimal(50000)),
        ("crm_mask_bucket(1e30)", Decimal(1_000_000)),
        ("crm_mask_bucket('NaN')", Decimal(1_000_000)),
        ("crm_mask_bucket(-1500)", Decimal(-1000)),
        ("crm_mask_year('1987-06-05')", date(1987, 1, 1)),
        ("crm_mask_year('2024-12-31')", date(2024, 1, 1)),
        ("crm_mask_year('infinity')::text", "infinity"),
        ("crm_mask_year('4714-11-24 BC')::text", "4714-11-24 BC"),
        ("crm_mask_year('5874897-12-31')::text", "5874897-01-01"),
        ("crm_mask_email(NULL)", None),
    ],
)
async def test_match_and_mask(connection: asyncpg.Connection, call: str, result: object) -> None:
    assert await connection.fetchval(f"SELECT {call}") == result


async def test_folded_text_orders_alike_and_serves_prefix_search(connection: asyncpg.Connection) -> None:
    await connection.execute(
        'CREATE TABLE named (name text, folded text COLLATE "C" GENERATED ALWAYS AS (crm_fold(name)) STORED);'
        "INSERT INTO named VALUES ('Zoë'), ('älpha'), ('Alpha'), ('Ärzte'), ('beta'), ('Øre');"
        "CREATE INDEX ON named (folded); SET enable_seqscan = off"
    )
    names = await connection.fetch('SELECT name FROM named ORDER BY folded, name COLLATE "C"')
    assert [row["name"] for row in names] == ["Alpha", "älpha", "Ärzte", "beta", "Øre", "Zoë"]
    plan = await connection.fetch("EXPLAIN SELECT name FROM named WHERE folded LIKE 'alp%'")
    assert any("Index Cond" in row[0] for row in plan)
