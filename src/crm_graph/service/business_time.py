"""Time that counts: hours of business in a time zone, without holidays; exact, and through changes of clocks.

A moment counts while the wall clock there shows a time within the day's hours. So of the hour that clocks skip nothing
counts, and the one that comes twice counts twice. Moments are aware; results are in UTC.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

DAY: Final = dt.timedelta(days=1)
ZERO: Final = dt.timedelta(0)
_AROUND: Final = dt.timedelta(hours=28)
"""A day is over on earth within so long of its noon in UTC, clocks put back included."""
FARTHEST_DAYS: Final = 366 * 20
"""Beyond that a target is never reached: a calendar may have no hours at all."""


@dataclass(frozen=True, slots=True)
class Spell:
    """From a time of day to a later one; `until` may be midnight, which is the end of the day."""

    since: dt.time
    until: dt.time

    def __post_init__(self) -> None:
        if self.until != dt.time() and self.until <= self.since:
            raise ValueError("hours end after they begin")


@dataclass(frozen=True, slots=True)
class Calendar:
    """Spells by weekday (Monday is 0), in order and apart from each other, in a time zone, but for holidays."""

    zone: ZoneInfo
    week: Mapping[int, tuple[Spell, ...]]
    holidays: frozenset[dt.date] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        for spells in self.week.values():
            for earlier, later in pairwise(spells):
                if earlier.until == dt.time() or later.since < earlier.until:
                    raise ValueError("hours of a day overlap, or are out of order")


def around_the_clock() -> Calendar:
    """Every hour counts."""
    return Calendar(ZoneInfo("UTC"), dict.fromkeys(range(7), (Spell(dt.time(), dt.time()),)))


def due(calendar: Calendar, start: dt.datetime, target: dt.timedelta) -> dt.datetime | None:
    """When so much business time has passed since `start`; `None` where that never comes.

    Of a target of zero it is the first moment from `start` on at which there is business.
    """
    left = target
    for opens, closes in _open(calendar, start):
        begins = max(opens, start)
        if begins >= closes:
            continue
        if left <= closes - begins:
            return begins + left
        left -= closes - begins
    return None


def elapsed(calendar: Calendar, start: dt.datetime, end: dt.datetime) -> dt.timedelta:
    """How much business time lies between two moments; zero where the second comes first."""
    passed = ZERO
    for opens, closes in _open(calendar, start):
        if opens >= end:
            break
        passed += max(ZERO, min(closes, end) - max(opens, start))
    return passed


def _open(calendar: Calendar, start: dt.datetime) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    """The spells of business from about the day of `start` on, in UTC and in order."""
    day = start.astimezone(calendar.zone).date() - DAY
    for _ in range(FARTHEST_DAYS):
        spells = () if day in calendar.holidays else calendar.week.get(day.weekday(), ())
        for begins, ends, offset in _offsets(calendar.zone, day) if spells else ():
            for spell in spells:
                last = day + DAY if spell.until == dt.time() else day
                opens = max(begins, dt.datetime.combine(day, spell.since, dt.UTC) - offset)
                closes = min(ends, dt.datetime.combine(last, spell.until, dt.UTC) - offset)
                if opens < closes:
                    yield opens, closes
        day += DAY


@lru_cache(maxsize=4096)
def _offsets(zone: ZoneInfo, day: dt.date) -> tuple[tuple[dt.datetime, dt.datetime, dt.timedelta], ...]:
    """From when to when in UTC, around a day, the zone has which offset: one, but for days on which clocks change."""
    noon = dt.datetime.combine(day, dt.time(12), dt.UTC)
    begins, end = noon - _AROUND, noon + _AROUND
    found = []
    while begins < end:
        offset = _offset(zone, begins)
        ends = end if _offset(zone, end) == offset else _change(zone, begins, end)
        found.append((begins, ends, offset))
        begins = ends
    return tuple(found)


def _change(zone: ZoneInfo, early: dt.datetime, late: dt.datetime) -> dt.datetime:
    """The moment between two at which the offset changes, to the second: clocks change on one."""
    before = _offset(zone, early)
    while late - early > dt.timedelta(seconds=1):
        middle = (early + (late - early) / 2).replace(microsecond=0)
        if _offset(zone, middle) == before:
            early = middle
        else:
            late = middle
    return late


def _offset(zone: ZoneInfo, moment: dt.datetime) -> dt.timedelta:
    return moment.astimezone(zone).utcoffset() or ZERO
