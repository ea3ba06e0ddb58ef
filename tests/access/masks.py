"""What shows of a cell, once more in Python: the second opinion on `functions.sql`."""

import datetime as dt
from decimal import Decimal
from typing import Any

from tests.access.interpreter import Field, Row


def check_cell(one: Field, shows: str, row: Row, got: Any) -> None:
    value = row[one.column]
    if shows == "hidden" or value is None:
        assert got is None, (one, row["id"])
    elif shows == "masked":
        assert got is not None, (one, row["id"])
        assert (got["amount"] if one.money else got) == masked(one, value), (one, row["id"])
    else:
        assert got is not None, (one, row["id"])
        if isinstance(value, str | bool | int):
            assert got == value or one.name == "id", (one, row["id"])
        elif isinstance(value, Decimal):
            assert Decimal(got["amount"] if one.money else got) == value, (one, row["id"])


def masked(one: Field, value: Any) -> str:
    """What a mask leaves of a value."""
    match one.mask:
        case "EXISTS":
            return "•••"
        case "INITIALS":
            return " ".join(f"{word[0]}." for word in value.split())
        case "YEAR":
            return f"{value.year:04}-01-01"
        case "BUCKET":
            steps = [s for s in (0, 1_000, 5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000) if s <= abs(value)]
            return str(max(steps) * (-1 if value < 0 else 1))
        case "EMAIL":
            return f"{value[0]}•••{value[value.index('@') :]}"
    digits = [c for c in value if c.isdigit()]
    return f"•••{digits[-2]}{digits[-1]}"


def as_value(one: Field, shows: str, value: Any) -> Any:
    """A cell as the caller sees it, as a Python value."""
    if shows == "hidden" or value is None:
        return None
    if shows == "plain":
        return value
    text = masked(one, value)
    return Decimal(text) if one.money else dt.date.fromisoformat(text) if isinstance(value, dt.date) else text
