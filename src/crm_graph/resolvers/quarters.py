"""Quarters of the year: what they are called, and their days."""

import datetime as dt


def period(day: dt.date) -> str:
    """The quarter of a day, like `2026-Q4`."""
    return f"{day.year}-Q{(day.month + 2) // 3}"


def quarter(day: dt.date) -> tuple[dt.date, dt.date]:
    """The first and the last day of a day's quarter."""
    first = dt.date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
    after = first + dt.timedelta(days=95)
    return first, after.replace(day=1) - dt.timedelta(days=1)
