"""The SQL of prices against an oracle in Python, over random catalogues, categories, lists, tiers and buyers."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from crm_graph.db.session import Transaction
from crm_graph.resolvers.prices.pricing import prices
from tests.resolvers.prices import oracle
from tests.resolvers.prices.oracle import Buying, Entry, List, World

ORGANIZATION = UUID(int=1)
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
CURRENCIES, SEGMENTS, CHANNELS = list(oracle.DECIMALS), ["ENTERPRISE", "CONSUMER"], ["WEB", "BRANCH"]


def _ids(kind: int, count: int) -> list[UUID]:
    return [UUID(int=kind << 64 | n) for n in range(1, count + 1)]


PRODUCTS, CATEGORIES, CUSTOMERS, PARTNERS = _ids(2, 4), _ids(3, 4), _ids(4, 3), _ids(5, 2)
PERCENTS = st.decimals(-100, 100, places=2)
QUANTITIES = st.sampled_from([Decimal(text) for text in ("0.5", "1", "2.5", "10", "99.999", "100")])
MOMENTS = st.none() | st.none() | st.none() | st.sampled_from([NOW + timedelta(days=n) for n in (-9, -1, 0, 1, 9)])


def _amounts(currency: str) -> st.SearchStrategy[Decimal]:
    return st.integers(0, 999_999).map(lambda n: Decimal(n).scaleb(-oracle.DECIMALS[currency]))


@st.composite
def _entries(draw: st.DrawFn, number: int, currency: str, *, percent: bool) -> list[Entry]:
    found: dict[object, Entry] = {}
    for place in range(draw(st.integers(1, 9))):
        of = draw(st.sampled_from(["product", "category", "all"])) if percent else "product"
        product = draw(st.sampled_from(PRODUCTS)) if of == "product" else None
        category = draw(st.sampled_from(CATEGORIES)) if of == "category" else None
        least = draw(st.sampled_from([Decimal(0), Decimal(1), Decimal(10), Decimal("99.5")]))
        says = (None, draw(PERCENTS)) if percent else (draw(_amounts(currency)), None)
        found[product, category, least] = Entry(UUID(int=number << 80 | place + 1), product, category, least, *says)
    return list(found.values())


def _perhaps(values: list[Any]) -> st.SearchStrategy[Any]:
    return st.none() | st.none() | st.none() | st.sampled_from(values)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    products = {}
    for product in PRODUCTS:
        currency = draw(st.sampled_from(["EUR", *CURRENCIES]))
        products[product] = (draw(_perhaps(CATEGORIES)), currency, draw(st.none() | _amounts(currency)))
    above = {one: draw(_perhaps(CATEGORIES[:place] or [None])) for place, one in enumerate(CATEGORIES)}
    lists: list[List] = []
    for number in range(1, draw(st.integers(3, 9)) + 1):
        since, until = draw(MOMENTS), draw(MOMENTS)
        if since and until and since >= until:
            until = None
        currency, percent = draw(st.sampled_from([*["EUR"] * 4, *CURRENCIES])), draw(st.booleans())
        parts = percent and draw(st.sampled_from([False, False, True]))
        bases = [one.id for one in lists if not one.percent and one.currency == currency]
        lists.append(
            List(
                UUID(int=6 << 64 | draw(st.integers(0, 1)) << 32 | number),
                currency,
                draw(_perhaps(CUSTOMERS)),
                draw(_perhaps(PARTNERS)),
                draw(_perhaps(SEGMENTS)),
                draw(_perhaps(CHANNELS)),
                since,
                until,
                draw(st.integers(0, 1)),
                draw(_perhaps(bases)) if percent and bases and not parts else None,
                percent,
                draw(_entries(number, currency, percent=percent)),
                parts,
            )
        )
    each = st.sampled_from([Decimal(1), Decimal("2.5"), Decimal(12)])
    of = {0: PRODUCTS[2:], 1: [PRODUCTS[0], PRODUCTS[3]]}  # the second has a bundle in it
    bundles = {PRODUCTS[n]: [(part, draw(each)) for part in of[n]] for n in draw(st.sets(st.sampled_from([0, 1])))}
    return World(products, above, {one: draw(_perhaps(SEGMENTS)) for one in CUSTOMERS}, lists, bundles)


@st.composite
def buyings(draw: st.DrawFn) -> list[Buying]:
    who = draw(_perhaps(CUSTOMERS)), draw(_perhaps(PARTNERS)), draw(_perhaps(CHANNELS))
    currency, at = draw(st.sampled_from([*["EUR"] * 4, *CURRENCIES])), NOW + timedelta(days=draw(st.integers(-10, 10)))
    wanted = draw(st.lists(st.tuples(st.sampled_from(PRODUCTS), QUANTITIES), min_size=1, max_size=8))
    return [Buying(product, quantity, *who, currency, at) for product, quantity in wanted]


class Planted:
    """A database of an empty organisation; each world is planted in a transaction that is rolled back."""

    def __init__(self, url: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.connection: Any = self.loop.run_until_complete(asyncpg.connect(url))
        self.loop.run_until_complete(self._found())

    async def raw(self) -> Any:
        return self.connection

    async def _found(self) -> None:
        await self.connection.execute(
            "INSERT INTO organizations (organization_id, id, version, created_at, updated_at, name, currency, hosts)"
            " VALUES ($1, $1, 1, now(), now(), 'Acme', 'EUR', '{}')",
            ORGANIZATION,
        )
        for row in PARTNERS:
            await self._insert("partners", id=row, name="P", kind="RESELLER")

    async def _insert(self, table: str, **values: object) -> None:
        values = {"organization_id": ORGANIZATION, "version": 1, "created_at": NOW, "updated_at": NOW, **values}
        places = ", ".join(f"${n}" for n in range(1, len(values) + 1))
        await self.connection.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})", *values.values())

    async def _plant(self, world: World) -> None:
        for row, above in world.above.items():
            await self._insert("product_categories", id=row, name="C", parent_id=above)
        for row, (category, currency, price) in world.products.items():
            values = {"category_id": category, "currency": currency, "list_price": price}
            await self._insert("products", id=row, name="P", sku=row.hex, active=True, **values)
        for bundle, parts in world.bundles.items():
            for part, each in parts:
                row = UUID(int=bundle.int << 8 | part.int & 255)
                await self._insert("bundle_items", id=row, bundle_id=bundle, component_id=part, quantity=each)
        for row, segment in world.segments.items():
            values = {"kind": "PERSON", "stage": "CUSTOMER", "currency": "EUR"}
            await self._insert("customers", id=row, name="C", segment=segment, **values)
        for one in world.lists:
            await self._insert(
                "price_lists", id=one.id, name="L", currency=one.currency, customer_id=one.customer,
                partner_id=one.partner, segment=one.segment, channel=one.channel, valid_from=one.since,
                valid_until=one.until, priority=one.priority, base_list_id=one.base, public=False,
                kind="PARTS" if one.parts else "PERCENT" if one.percent else "ABSOLUTE",
            )  # fmt: skip
            for entry in one.entries:
                await self._insert(
                    "price_list_entries", id=entry.id, price_list_id=one.id, product_id=entry.product,
                    category_id=entry.category, min_quantity=entry.least, currency=one.currency,
                    unit_price=entry.price, percent_off=entry.percent,
                )  # fmt: skip

    async def _ask(self, world: World, buying: list[Buying]) -> list[Any]:
        transaction = self.connection.transaction()
        await transaction.start()
        try:
            await self._plant(world)
            first, wanted = buying[0], [(one.product, one.quantity) for one in buying]
            who = first.customer, first.channel, first.currency, first.at
            return await prices(cast("Transaction", self), ORGANIZATION, wanted, *who, partner=first.partner)
        finally:
            await transaction.rollback()

    def ask(self, world: World, buying: list[Buying]) -> list[Any]:
        return self.loop.run_until_complete(self._ask(world, buying))

    def close(self) -> None:
        self.loop.run_until_complete(self.connection.close())
        self.loop.close()


@pytest.fixture(scope="module")
def planted(module_database_url: str) -> Iterator[Planted]:
    world = Planted(module_database_url)
    yield world
    world.close()


def test_the_statement_prices_as_the_rules_say(planted: Planted) -> None:
    decided: list[bool] = []
    by_parts: list[UUID] = []

    @settings(max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(worlds(), buyings())
    def check(world: World, buying: list[Buying]) -> None:
        for one, found in zip(buying, planted.ask(world, buying), strict=True):
            expected = oracle.priced(world, one)
            assert (found and (found.unit_price, found.total, found.price_list_id)) == expected
            event("none" if found is None else found.scope)
            decided.append(found is not None and found.price_list_id is not None)
            by_parts.extend(x.id for x in world.lists if x.parts and found and x.id == found.price_list_id)

    check()
    assert len(by_parts) > 3, "lists of parts must have decided sometimes"
    assert sum(decided) > 60, "lists must have decided often enough for this to mean anything"
