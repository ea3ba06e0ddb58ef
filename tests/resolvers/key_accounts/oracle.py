"""What goals come to, reckoned in Python over what was written, as docs/accounts.md says it."""

import datetime as dt
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

CENT = Decimal("0.01")


def cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)


@dataclass
class Line:
    """A line of an order; `rate`: tax in percent, in the price if `included`."""

    quantity: Decimal
    price: Decimal
    cost: Decimal | None = None
    kind: str = "PRODUCT"
    product: Any = None
    rate: Decimal | None = None
    included: bool = False

    @property
    def net(self) -> Decimal:
        amount = cents(self.quantity * self.price)
        return cents(amount * 100 / (100 + self.rate)) if self.included and self.rate is not None else amount


@dataclass
class Order:
    """`given`: what its source says it comes to, of an order that came without lines."""

    placed: dt.datetime
    currency: str = "EUR"
    status: str = "PLACED"
    given: Decimal | None = None
    lines: list[Line] = field(default_factory=list)


@dataclass
class Sale:
    """An opportunity."""

    closes: dt.date
    amount: Decimal | None
    status: str = "OPEN"
    currency: str = "EUR"


@dataclass
class Account:
    """All records of one customer, and the products in its plan's focus."""

    orders: list[Order] = field(default_factory=list)
    sales: list[Sale] = field(default_factory=list)
    tickets: list[dt.datetime] = field(default_factory=list)
    focus: set[Any] = field(default_factory=set)
    ratings: list[tuple[dt.datetime, int]] = field(default_factory=list)
    """Of its tickets, from 1 to 5."""
    answers: list[tuple[dt.datetime, int]] = field(default_factory=list)
    """Whether it would recommend us, from 0 to 10."""


def actual(account: Account, metric: str, first: dt.date, last: dt.date, currency: str = "EUR") -> Decimal | None:  # noqa: PLR0911
    """What a goal has reached in the days of its plan."""

    def within(moment: dt.datetime) -> bool:
        return first <= moment.astimezone(dt.UTC).date() <= last

    counted = [
        order for order in account.orders if order.status not in ("CANCELLED", "RETURNED") and within(order.placed)
    ]
    orders = [order for order in counted if order.currency == currency]
    lines = [line for order in orders for line in order.lines]
    won = [sale for sale in account.sales if sale.status == "WON" and first <= sale.closes <= last]
    match metric:
        case "ORDERS":
            return Decimal(len(counted))
        case "REVENUE":
            return sum(
                (
                    sum((line.net for line in order.lines), Decimal(0)) if order.lines else order.given or Decimal(0)
                    for order in orders
                ),
                Decimal(0),
            )
        case "MARGIN":
            known = [line for line in lines if line.kind != "PRODUCT" or line.cost is not None]
            return sum((line.net - cents(line.quantity * (line.cost or 0)) for line in known), Decimal(0))
        case "OPPORTUNITIES_WON":
            return Decimal(len(won))
        case "WON_AMOUNT":
            return sum((sale.amount or Decimal(0) for sale in won if sale.currency == currency), Decimal(0))
        case "TICKETS":
            return Decimal(sum(within(moment) for moment in account.tickets))
        case "PRODUCT_MIX":
            products = [line for line in lines if line.kind == "PRODUCT"]
            whole = sum((line.net for line in products), Decimal(0))
            part = sum((line.net for line in products if line.product in account.focus), Decimal(0))
            return (100 * part / whole).quantize(Decimal("0.1"), ROUND_HALF_UP) if whole else None
        case "CSAT":
            return _mean([100 if score >= 4 else 0 for at, score in account.ratings if within(at)])
        case "NPS":
            return _mean(
                [100 if score > 8 else -100 if score < 7 else 0 for at, score in account.answers if within(at)]
            )
    raise AssertionError(metric)


def _mean(points: list[int]) -> Decimal | None:
    return (Decimal(sum(points)) / len(points)).quantize(Decimal("0.1"), ROUND_HALF_UP) if points else None


def status(actual: Decimal | None, expected: Decimal | None, tolerance: int, *, fewer: bool) -> str | None:
    if actual is None or expected is None:
        return None
    behind = actual - expected if fewer else expected - actual
    return "GREEN" if behind <= 0 else "AMBER" if behind <= abs(expected) * tolerance / 100 else "RED"
