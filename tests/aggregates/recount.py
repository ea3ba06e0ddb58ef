"""Aggregates computed in Python from what a caller is listed: the second opinion on what the planner answers."""

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Row = Mapping[str, Any]
MONEY = ("annualRevenue", "creditLimit", "lifetimeValue", "amount", "weightedAmount", "total")
TIMES = ("createdAt", "updatedAt", "placedAt")
DATES = ("bornOn", "closeOn")
NUMBERS = ("employees", "foundedIn", "probability")
PARTS = ("VALUE", "YEAR", "QUARTER", "MONTH", "WEEK", "DAY")


def cut(value: Any, part: str) -> Any:
    """A date or a time as JSON, cut to the beginning of a part of it."""
    if value is None or part == "VALUE":
        return value
    timed = "T" in value
    day = dt.datetime.fromisoformat(value).astimezone(dt.UTC).date() if timed else dt.date.fromisoformat(value)
    match part:
        case "YEAR":
            day = day.replace(month=1, day=1)
        case "QUARTER":
            day = day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case "MONTH":
            day = day.replace(day=1)
        case "WEEK":
            day -= dt.timedelta(days=day.weekday())
    return f"{day.isoformat()}T00:00:00+00:00" if timed else day.isoformat()


def frozen(value: Any) -> Any:
    """A value of a field as something that can be compared and counted."""
    if isinstance(value, Mapping):
        return (Decimal(value["amount"]), value["currency"]) if "amount" in value else value["id"]
    return value


def key_of(row: Row, by: Sequence[tuple[str, str]]) -> tuple[Any, ...]:
    return tuple(frozen(cut(row[name], part) if name in TIMES + DATES else row[name]) for name, part in by)


def grouped(rows: Sequence[Row], by: Sequence[tuple[str, str]]) -> dict[tuple[Any, ...], list[Row]]:
    """The rows by key; where there is nothing to go by, they are one group, be it empty."""
    found: dict[tuple[Any, ...], list[Row]] = {} if by else {(): []}
    for row in rows:
        found.setdefault(key_of(row, by), []).append(row)
    return found


def number(value: Any) -> Decimal:
    return Decimal(str(value))


def reduced(aggregate: str, values: Sequence[Decimal]) -> Decimal:
    if aggregate == "sum":
        return sum(values, Decimal(0))
    if aggregate == "avg":
        return (sum(values, Decimal(0)) / len(values)).quantize(Decimal("0.000001"), ROUND_HALF_UP)
    return min(values) if aggregate == "min" else max(values)


def aggregated(rows: Sequence[Row], aggregate: str, name: str) -> Any:
    """What `sum { name }` and so on are to be: of money a mapping by currency, else one value or none."""
    values = [row[name] for row in rows if row[name] is not None]
    if aggregate == "countDistinct":
        return len({frozen(value) for value in values})
    if name in MONEY:
        by: dict[str, list[Decimal]] = {}
        for value in values:
            by.setdefault(value["currency"], []).append(Decimal(value["amount"]))
        return {currency: reduced(aggregate, by[currency]) for currency in sorted(by)}
    if not values:
        return None
    if name in TIMES:
        times = [dt.datetime.fromisoformat(value) for value in values]
        return min(times) if aggregate == "min" else max(times)
    if name in DATES:
        return min(values) if aggregate == "min" else max(values)
    return reduced(aggregate, [number(value) for value in values])


def answered(value: Any, aggregate: str, name: str) -> Any:
    """An answer's value in the same form."""
    if aggregate == "countDistinct":
        return value
    if name in MONEY:
        assert [m["currency"] for m in value] == sorted(m["currency"] for m in value)
        return {m["currency"]: Decimal(m["amount"]) for m in value}
    if value is None or name in DATES:
        return value
    return dt.datetime.fromisoformat(value) if name in TIMES else number(value)
