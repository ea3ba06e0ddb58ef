"""Declared sums: their triggers are there, a declaration without sense is refused, roundings are the same everywhere."""

import asyncio

import asyncpg
import pytest

from crm_graph import kinds, migrations, sums
from crm_graph.auth.levels import INTERNAL, PARTNER, PUBLIC, Category, Mask
from crm_graph.entity import REGISTRY
from crm_graph.markers import DeclarationError, Read, SumOf, Write
from crm_graph.specs import FieldSpec


def test_orders_are_sums_of_their_lines() -> None:
    found = {(one.whole, one.lines): dict(one.sums) for one in sums.kept()}
    assert found["orders", "credits"] == {"credited": "l.amount"}
    lines = found["orders", "order_lines"]
    assert lines.keys() == {"total", "net", "tax"}
    amount = "(crm_round(l.quantity * l.unit_price, l.currency))"
    assert lines["tax"] == f"crm_tax({amount}, l.tax_rate, l.tax_included, l.tax_given, l.currency)"


async def test_a_missing_trigger_is_a_difference_that_a_migration_mends(database_url: str) -> None:
    assert await asyncio.to_thread(migrations.check, database_url) == []
    connection = await asyncpg.connect(database_url)
    for one in list(sums.kept()):
        for table, name in one.triggers:
            await connection.execute(f"DROP TRIGGER {name} ON {table}")
        (difference,) = await asyncio.to_thread(migrations.check, database_url)
        assert one.sql in difference
        await connection.execute(one.sql)
        assert await asyncio.to_thread(migrations.check, database_url) == []
    await connection.close()


def _faulty(**changed: object) -> FieldSpec:
    whole = REGISTRY["Order"].__specs__["total"]
    return FieldSpec(**{name: changed.get(name, getattr(whole, name)) for name in FieldSpec.__slots__})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"sum_of": SumOf("lines", "nothing")}, "lines.nothing, which is no readable field"),
        ({"sum_of": SumOf("rows", "total")}, "rows.total, which is no readable field"),
        ({"sum_of": SumOf("lines", "quantity")}, "what is summed is money"),
        ({"sum_of": SumOf("lines", "unit_cost")}, "not seen at its level"),
        ({"write": Write(INTERNAL)}, "can be written"),
        ({"nullable": False}, "without lines"),
        ({"read": Read(PUBLIC)}, "not seen at its level"),
    ],
)
def test_what_makes_no_sense_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, object], says: str
) -> None:
    monkeypatch.setitem(REGISTRY["Order"].__specs__, "total", _faulty(**changed))
    with pytest.raises(DeclarationError, match=says):
        sums.check()


@pytest.mark.parametrize(
    ("read", "says"),
    [
        (Read(PARTNER, subject=True, category=Category.COMMERCIAL), "of the category"),
        (Read(PARTNER, subject=True, mask=Mask.BUCKET), "masked"),
        (Read(PARTNER), "the person it is about"),
    ],
)
def test_nor_lines_that_are_seen_otherwise(monkeypatch: pytest.MonkeyPatch, read: Read, says: str) -> None:
    lines = REGISTRY["OrderLine"].__specs__
    line = lines["total"]
    kept = {name: getattr(line, name) for name in FieldSpec.__slots__}
    monkeypatch.setitem(lines, "total", FieldSpec(**{**kept, "read": read}))
    with pytest.raises(DeclarationError, match=says):
        sums.check()


async def test_amounts_are_rounded_as_their_currencies_are_kept(functions_url: str) -> None:
    connection = await asyncpg.connect(functions_url)
    for currency in ("EUR", "USD", *kinds._MINOR_UNITS):
        rounded = await connection.fetchval("SELECT crm_round(1234.56789, $1)", currency)
        assert kinds.in_minor_units(rounded, currency) == rounded
        assert -rounded.as_tuple().exponent == kinds._MINOR_UNITS.get(currency, 2)
    assert await connection.fetchval("SELECT crm_round(-0.125, 'EUR')::text || crm_round(0.125, 'EUR')") == "-0.130.13"
    await connection.close()
