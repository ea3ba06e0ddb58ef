"""Conversions against a second opinion in Python: rates by date, turned round, by way of the own currency; and back."""

import asyncio
import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any, cast
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_graph import kinds
from crm_graph.auth.actor import Actor, ActorKind
from crm_graph.auth.policy import resolve
from crm_graph.db.session import Transaction
from crm_graph.kinds import Amount
from crm_graph.plan.signatures import Ask
from crm_graph.resolvers.exchange.conversion import Conversion, RateUnknown, convert

ORGANIZATION, OWN = UUID(int=1), "EUR"
CURRENCIES = ["EUR", "CHF", "USD", "JPY", "KWD"]
DAY = dt.date(2026, 6, 15)
Rate = tuple[str, str, dt.date]
Quoted = Mapping[Rate, Decimal]


@st.composite
def quotes(draw: st.DrawFn) -> Quoted:
    pair = st.tuples(st.sampled_from(CURRENCIES), st.sampled_from(CURRENCIES)).filter(lambda p: p[0] != p[1])
    day = st.sampled_from([DAY + dt.timedelta(days=n) for n in (-40, -3, 0, 1)])
    rate = st.integers(1_000, 300_000_000).map(lambda n: Decimal(n).scaleb(-6))
    return draw(st.dictionaries(st.tuples(pair, day).map(lambda d: (*d[0], d[1])), rate, min_size=1, max_size=10))


def rounded(value: Decimal) -> Decimal:
    return value.quantize(Decimal("1e-12"), ROUND_HALF_UP)


def last(quoted: Quoted, base: str, quote: str) -> tuple[Decimal, dt.date] | None:
    """The rate of a pair on the day, however it was quoted; as it was where both were on one day."""
    found = [(day, 1, rate) for (b, q, day), rate in quoted.items() if (b, q) == (base, quote) and day <= DAY]
    found += [
        (day, 0, rounded(1 / rate)) for (b, q, day), rate in quoted.items() if (q, b) == (base, quote) and day <= DAY
    ]
    return (max(found)[2], max(found)[0]) if found else None


def expected(quoted: Quoted, base: str, quote: str) -> tuple[Decimal, dt.date | None] | None:
    if base == quote:
        return Decimal(1), None
    direct = last(quoted, base, quote)
    if direct is not None:
        return direct
    there, on = last(quoted, base, OWN), last(quoted, OWN, quote)
    return None if there is None or on is None else (rounded(there[0] * on[0]), min(there[1], on[1]))


class Planted:
    """An empty organisation; rates are planted in a transaction that is rolled back."""

    def __init__(self, url: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.connection: Any = self.loop.run_until_complete(asyncpg.connect(url))
        self.actor = Actor(ORGANIZATION, ActorKind.STAFF, resolve(frozenset({"administrator"})), OWN)
        self.loop.run_until_complete(
            self.connection.execute(
                "INSERT INTO organizations (organization_id, id, version, created_at, updated_at, name, currency, hosts)"
                " VALUES ($1, $1, 1, now(), now(), 'Acme', 'EUR', '{}')",
                ORGANIZATION,
            )
        )

    async def raw(self) -> Any:
        return self.connection

    async def _plant(self, quoted: Quoted) -> None:
        for number, ((base, quote, day), rate) in enumerate(quoted.items(), 1):
            await self.connection.execute(
                "INSERT INTO exchange_rates (organization_id, id, version, created_at, updated_at, base, quote, quoted_on,"
                " rate, quoted_by) VALUES ($1, $2, 1, now(), now(), $3, $4, $5, $6, 'Bank')",
                ORGANIZATION, UUID(int=number), base, quote, day, rate,
            )  # fmt: skip

    async def _ask(self, quoted: Quoted, amounts: list[tuple[Amount, str]]) -> list[Conversion | None]:
        transaction, ask = self.connection.transaction(), Ask(cast("Transaction", self), self.actor)
        await transaction.start()
        try:
            await self._plant(quoted)
            return [await self._one(ask, amount, to) for amount, to in amounts]
        finally:
            await transaction.rollback()

    @staticmethod
    async def _one(ask: Ask, amount: Amount, to: str) -> Conversion | None:
        try:
            return await convert(ask, amount, to, DAY)
        except RateUnknown:
            return None

    def convert(self, quoted: Quoted, amounts: list[tuple[Amount, str]]) -> list[Conversion | None]:
        return self.loop.run_until_complete(self._ask(quoted, amounts))


@pytest.fixture(scope="module")
def planted(module_database_url: str) -> Iterator[Planted]:
    world = Planted(module_database_url)
    yield world
    world.loop.run_until_complete(world.connection.close())
    world.loop.close()


def test_each_conversion_names_its_rate_and_comes_back(planted: Planted) -> None:
    """To the cent at the rate that is told; and back again within what the two roundings and the rate's allow."""
    done: list[int] = []

    @settings(max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(quotes(), st.integers(-(10**13), 10**13), st.sampled_from(CURRENCIES))
    def check(quoted: Quoted, units: int, base: str) -> None:
        unit = Decimal(1).scaleb(-kinds.minor_units(base))
        given = Amount(units * unit, base)
        found = planted.convert(quoted, [(given, to) for to in CURRENCIES])
        for to, one in zip(CURRENCIES, found, strict=True):
            wanted = expected(quoted, base, to)
            if wanted is None:
                assert one is None
                continue
            rate, day = wanted
            assert one is not None
            assert one.amount == kinds.rounded(given.amount * rate, to)
            assert one.currency == to
            assert (one.rate and (one.rate.rate, one.rate.quoted_on, one.rate.currency)) == (
                None if day is None else (rate, day, base)
            )
            (back,) = planted.convert(quoted, [(Amount(one.amount, to), base)])
            assert back is not None
            again = back.rate.rate if back.rate else Decimal(1)
            with localcontext(prec=60):
                lost = Decimal(1).scaleb(-kinds.minor_units(to)) / 2 * again + unit / 2
                assert abs(back.amount - given.amount) <= lost + abs(given.amount) * abs(rate * again - 1)
            done.append(1)

    check()
    assert len(done) > 60, "rates must have been known often enough for this to mean anything"
