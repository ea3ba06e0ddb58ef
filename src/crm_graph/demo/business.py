"""What the parts of the generator tell each other about one organisation."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from uuid import UUID

from crm_graph.demo.countries import Country
from crm_graph.demo.rows import Calendar, Row, Rows, dice
from crm_graph.schema.customers import CustomerKind, CustomerSegment

RATES = {
    "EUR": Decimal(1),
    "CHF": Decimal("0.95"),
    "PLN": Decimal("4.25"),
    "SEK": Decimal("11.2"),
    "GBP": Decimal("0.86"),
}
"""What a euro is, in the demo, whatever the day."""


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows to make."""

    customers: int
    orders: int
    opportunities: int
    tickets: int
    reps: int
    agents: int


@dataclass(frozen=True, slots=True)
class Employee:
    """Someone on the staff."""

    id: UUID
    name: str
    team_id: UUID


@dataclass(frozen=True, slots=True)
class Team:
    """A sales team and whom it sells to."""

    id: UUID
    countries: frozenset[str]
    members: list[Employee] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reseller:
    """A partner and where it works."""

    id: UUID
    key: str
    countries: frozenset[str]


@dataclass(frozen=True, slots=True)
class Item:
    """A product; price and cost in EUR."""

    id: UUID
    sku: str
    name: str
    series: str
    price: Decimal
    cost: Decimal
    most: tuple[int, int]
    homes: bool
    trade: bool


@dataclass(frozen=True, slots=True)
class Step:
    """A stage of a pipeline."""

    id: UUID
    name: str
    probability: int
    outcome: str


@dataclass(frozen=True, slots=True)
class Selling:
    """A pipeline; `offers_at` is the place of the stage in which proposals are written."""

    id: UUID
    name: str
    open: tuple[Step, ...]
    won: Step
    lost: Step
    offers_at: int


@dataclass(slots=True)
class Buyer:
    """A customer as the others need it; `row` is completed as it buys."""

    id: UUID
    name: str
    kind: CustomerKind
    segment: CustomerSegment
    country: Country
    currency: str
    city: str
    created_at: datetime
    owner: Employee | None
    team: Team
    row: Row
    last_order: datetime | None = None
    orders: list[tuple[UUID, datetime]] = field(default_factory=list)
    margin: Decimal = Decimal(0)
    revenue: Decimal = Decimal(0)

    @property
    def trade(self) -> bool:
        return self.kind is CustomerKind.ORGANIZATION


@dataclass(slots=True)
class Business:
    """One organisation in the making."""

    key: str
    size: Size
    seed: str
    calendar: Calendar
    rows: Rows
    teams: list[Team] = field(default_factory=list)
    service_team_id: UUID | None = None
    manager: Employee | None = None
    agents: list[Employee] = field(default_factory=list)
    service_lead: Employee | None = None
    resellers: list[Reseller] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    pipelines: list[Selling] = field(default_factory=list)
    buyers: list[Buyer] = field(default_factory=list)
    anchors: dict[str, Buyer] = field(default_factory=dict)

    @property
    def today(self) -> date:
        return self.calendar.today

    def dice(self, section: str) -> Random:
        """Dice of their own for each part, so that a change in one leaves the others as they are."""
        return dice(f"{self.seed}/{section}")

    def numbers(self, section: str, letter: str, count: int) -> Sequence[str]:
        """Distinct numbers that do not tell how many there are."""
        drawn = self.dice(f"{section}/numbers").sample(range(100_000, 1_000_000), count)
        return [f"{letter}-{number}" for number in drawn]


def local(amount: Decimal, currency: str) -> Decimal:
    """Euros in another currency: whole units from 20 on, so that discounts in percent stay exact; else cents."""
    converted = amount * RATES[currency]
    return converted.quantize(Decimal(1) if converted >= 20 else Decimal("0.01"), ROUND_HALF_UP).quantize(
        Decimal("0.01")
    )


def cents(amount: Decimal) -> Decimal:
    """As PostgreSQL's `round(amount, 2)` has it."""
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
