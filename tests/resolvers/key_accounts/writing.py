"""Random writes about a key account, and what its goals must come to after each of them."""

import asyncio
import datetime as dt
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

import asyncpg
from benchmarks.data import declared_defaults
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from crm_graph.entity import REGISTRY, table_name
from crm_graph.schema.goal_metrics import GoalMetric
from crm_graph.specs import expanded
from tests.resolvers.key_accounts.oracle import Account, Line, Order, Sale, actual

DEFAULTS = {table_name(entity): declared_defaults(entity) for entity in REGISTRY.values()}
ORGANIZATION, CUSTOMER, OTHER, KEY, PLAN = (UUID(int=n) for n in range(1, 6))
PRODUCTS = [UUID(int=7 << 64 | n) for n in range(3)]
FIRST, LAST = dt.date(2026, 3, 1), dt.date(2026, 8, 31)
SPECS = REGISTRY["Goal"].__specs__
READ = f"SELECT g.metric, g.currency, ({expanded(SPECS, 'actual', 'g', '$1')}) AS actual FROM goals g WHERE g.organization_id = $1"
MOMENTS = st.integers(0, 183 * 24 * 60).map(
    lambda late: dt.datetime(2026, 3, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=late)
)
EDGES = st.sampled_from(
    [dt.datetime(2026, 3, 1, tzinfo=dt.UTC), dt.datetime(2026, 8, 31, 23, 59, 59, 999999, tzinfo=dt.UTC),
     dt.datetime(2026, 2, 28, 23, 59, 59, tzinfo=dt.UTC), dt.datetime(2026, 9, 1, tzinfo=dt.UTC)]
)  # fmt: skip
AMOUNTS = st.integers(1, 999_999).map(lambda cents: Decimal(cents).scaleb(-2))
CURRENCIES = st.sampled_from(["EUR", "EUR", "CHF"])
CUSTOMERS = st.sampled_from([CUSTOMER, CUSTOMER, CUSTOMER, OTHER])


@st.composite
def lines(draw: st.DrawFn) -> Line:
    kind = draw(st.sampled_from(["PRODUCT", "PRODUCT", "PRODUCT", "SHIPPING", "DISCOUNT"]))
    price = draw(AMOUNTS) * (-1 if kind == "DISCOUNT" else 1)
    return Line(
        draw(st.sampled_from([Decimal(1), Decimal("2.5"), Decimal(7)])), price,
        draw(st.none() | AMOUNTS) if kind == "PRODUCT" else None, kind,
        draw(st.sampled_from(PRODUCTS)) if kind == "PRODUCT" else None,
        draw(st.none() | st.sampled_from([Decimal(19), Decimal("7.7")])), draw(st.booleans()),
    )  # fmt: skip


class World:
    """A database with a key account, its plan and a goal of each metric; what is written is rolled back."""

    def __init__(self, url: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.connection: Any = self.do(asyncpg.connect(url))
        self.ids = count(1 << 100)
        self.insert("organizations", id=ORGANIZATION, name="Acme", currency="EUR", hosts=[], customer_sign_up=False)
        for row in (CUSTOMER, OTHER):
            self.insert("customers", id=row, name="C", kind="ORGANIZATION", stage="CUSTOMER", currency="EUR")
        for row in PRODUCTS:
            self.insert("products", id=row, name="P", sku=row.hex, currency="EUR", active=True)
        self.insert("key_accounts", id=KEY, customer_id=CUSTOMER, tier="KEY", currency="EUR", coverage_target=70)
        self.insert("key_account_plans", id=PLAN, key_account_id=KEY, title="P", starts_on=FIRST, ends_on=LAST)
        for metric in GoalMetric:
            for currency in ("EUR", "CHF"):
                self.insert(
                    "goals", plan_id=PLAN, title="G", metric=metric.value, currency=currency, target=Decimal(1),
                    tolerance_percent=10,
                )  # fmt: skip

    def do(self, awaited: Any) -> Any:
        return self.loop.run_until_complete(awaited)

    def insert(self, table: str, **values: object) -> UUID:
        now = dt.datetime.now(dt.UTC)
        new = {"id": UUID(int=next(self.ids)), "organization_id": ORGANIZATION, "version": 1, "created_at": now}
        values = {**DEFAULTS.get(table, {}), **new, "updated_at": now, **values}
        places = ", ".join(f"${n}" for n in range(1, len(values) + 1))
        self.do(
            self.connection.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})", *values.values())
        )
        return values["id"]  # type: ignore[return-value]

    def execute(self, sql: str, *values: object) -> None:
        self.do(self.connection.execute(sql, *values))

    def close(self) -> None:
        self.do(self.connection.close())
        self.loop.close()


class Writing(RuleBasedStateMachine):
    """Orders, lines, opportunities, tickets, ratings and focuses, in the plan's days and around them, of two customers.

    `world`: where it writes; `compared`: what the oracle said.
    """

    world: World
    compared: list[Decimal | None]

    def __init__(self) -> None:
        super().__init__()
        self.accounts = {CUSTOMER: Account(), OTHER: Account()}
        self.orders: list[tuple[UUID, Order]] = []
        self.sales: list[tuple[UUID, Sale]] = []

    @initialize()
    def begin(self) -> None:
        self.transaction = self.world.connection.transaction()
        self.world.do(self.transaction.start())

    @rule(
        customer=CUSTOMERS,
        at=MOMENTS | MOMENTS | EDGES,
        currency=CURRENCIES,
        given=st.none() | AMOUNTS,
        some=st.lists(lines(), min_size=0, max_size=3),
    )
    def order(self, customer: UUID, at: dt.datetime, currency: str, given: Decimal | None, some: list[Line]) -> None:
        made = Order(at, currency, "PLACED", given)
        number = str(next(self.world.ids))
        row = self.world.insert(
            "orders", number=number, customer_id=customer, channel="WEB", status="PLACED", placed_at=at,
            currency=currency, total=given,
        )  # fmt: skip
        self.accounts[customer].orders.append(made)
        self.orders.append((row, made))
        for line in some:
            self._line(row, made, line)

    @rule(which=st.integers(0, 50), line=lines())
    def line(self, which: int, line: Line) -> None:
        if self.orders:
            self._line(*self.orders[which % len(self.orders)], line)

    def _line(self, row: UUID, of: Order, line: Line) -> None:
        self.world.insert(
            "order_lines", order_id=row, kind=line.kind, product_id=line.product, position=1,
            quantity=line.quantity, currency=of.currency, unit_price=line.price, unit_cost=line.cost,
            tax_rate=line.rate, tax_included=line.included,
        )  # fmt: skip
        of.lines.append(line)

    @rule(which=st.integers(0, 50), to=st.sampled_from(["CANCELLED", "RETURNED", "DELIVERED"]))
    def move(self, which: int, to: str) -> None:
        if self.orders:
            row, of = self.orders[which % len(self.orders)]
            self.world.execute("UPDATE orders SET status = $2 WHERE id = $1", row, to)
            of.status = to

    @rule(which=st.integers(0, 50), at=EDGES)
    def date(self, which: int, at: dt.datetime) -> None:
        if self.orders:
            row, of = self.orders[which % len(self.orders)]
            self.world.execute("UPDATE orders SET placed_at = $2 WHERE id = $1", row, at)
            of.placed = at

    @rule(customer=CUSTOMERS, at=MOMENTS | MOMENTS | EDGES, amount=st.none() | AMOUNTS, currency=CURRENCIES)
    def sale(self, customer: UUID, at: dt.datetime, amount: Decimal | None, currency: str) -> None:
        made = Sale(at.date(), amount, "OPEN", currency)
        row = self.world.insert(
            "opportunities", name="O", customer_id=customer, status="OPEN", currency=currency, amount=amount,
            close_on=made.closes, forecast_category="PIPELINE",
        )  # fmt: skip
        self.accounts[customer].sales.append(made)
        self.sales.append((row, made))

    @rule(which=st.integers(0, 50), to=st.sampled_from(["WON", "WON", "LOST"]))
    def close(self, which: int, to: str) -> None:
        if self.sales:
            row, of = self.sales[which % len(self.sales)]
            self.world.execute("UPDATE opportunities SET status = $2 WHERE id = $1", row, to)
            of.status = to

    @rule(
        customer=CUSTOMERS,
        at=MOMENTS | MOMENTS | EDGES,
        rated=st.none() | st.tuples(MOMENTS | EDGES, st.integers(1, 5)),
    )
    def ticket(self, customer: UUID, at: dt.datetime, rated: tuple[dt.datetime, int] | None) -> None:
        row = self.world.insert(
            "tickets", number=str(next(self.world.ids)), subject="S", customer_id=customer, channel="WEB",
            status="NEW", priority="NORMAL", opened_at=at,
        )  # fmt: skip
        self.accounts[customer].tickets.append(at)
        when, score = rated or (None, None)
        self.world.insert("ticket_ratings", ticket_id=row, rated_at=when, score=score)
        if rated:
            self.accounts[customer].ratings.append(rated)

    @rule(customer=CUSTOMERS, at=MOMENTS | MOMENTS | EDGES, score=st.none() | st.integers(0, 10))
    def survey(self, customer: UUID, at: dt.datetime, score: int | None) -> None:
        unique = str(next(self.world.ids))
        self.world.insert(
            "relationship_ratings", customer_id=customer, period=unique, recipient="c@example.com", expires_at=at,
            token_hash=unique, score=score, answered_at=None if score is None else at,
        )  # fmt: skip
        if score is not None:
            self.accounts[customer].answers.append((at, score))

    @rule(product=st.sampled_from(PRODUCTS))
    def focus(self, product: UUID) -> None:
        if product not in self.accounts[CUSTOMER].focus:
            self.world.insert("plan_focuses", plan_id=PLAN, product_id=product)
            self.accounts[CUSTOMER].focus.add(product)

    @invariant()
    def every_goal_is_what_the_oracle_says(self) -> None:
        for row in self.world.do(self.world.connection.fetch(READ, ORGANIZATION)):
            wanted = actual(self.accounts[CUSTOMER], row["metric"], FIRST, LAST, row["currency"])
            assert row["actual"] == wanted, row
            self.compared.append(wanted)

    def teardown(self) -> None:
        if hasattr(self, "transaction"):
            self.world.do(self.transaction.rollback())
