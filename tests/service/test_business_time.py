"""Business time against an oracle that walks minute by minute, through calendars, zones and clock changes of all sorts."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crm_graph.service.business_time import Calendar, Spell, around_the_clock, due, elapsed

MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)
BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [
    "UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe",  # the last by half an hour
    "America/Santiago", "Africa/Cairo", "Asia/Beirut", "America/Havana", "Pacific/Apia",  # change or skip at midnight
]  # fmt: skip


def open_at(calendar: Calendar, moment: dt.datetime) -> bool:
    """The oracle: whether the minute that begins then counts, by what the wall clock shows."""
    wall = moment.astimezone(calendar.zone)
    if wall.date() in calendar.holidays:
        return False
    now = wall.time().replace(fold=0)
    return any(
        spell.since <= now and (spell.until == dt.time() or now < spell.until)
        for spell in calendar.week.get(wall.weekday(), ())
    )


@st.composite
def spells(draw: st.DrawFn) -> tuple[Spell, ...]:
    edges = sorted(draw(st.sets(st.integers(0, 96), max_size=6)))
    times = [dt.time(edge // 4, edge % 4 * 15) if edge < 96 else dt.time() for edge in edges]
    pairs = list(zip(times[::2], times[1::2], strict=False))
    return tuple(Spell(since, until) for since, until in pairs)


@st.composite
def calendars(draw: st.DrawFn, days: list[dt.date]) -> Calendar:
    week = {day: draw(spells()) for day in range(7)}
    holidays = frozenset(draw(st.lists(st.sampled_from(days), max_size=2)))
    return Calendar(ZoneInfo(draw(st.sampled_from(ZONES))), week, holidays)


# days before clocks change somewhere in these zones, and quiet ones
WEEKS = [
    dt.date(2026, 3, 27), dt.date(2026, 10, 23), dt.date(2026, 3, 6), dt.date(2026, 10, 30), dt.date(2026, 4, 3),
    dt.date(2026, 9, 4), dt.date(2011, 12, 29), dt.date(2026, 6, 10),
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_it_agrees_with_walking_minute_by_minute(data: st.DataObject) -> None:
    first = data.draw(st.sampled_from(WEEKS))
    days = [first + dt.timedelta(days=n) for n in range(5)]
    calendar = data.draw(calendars(days))
    start = dt.datetime.combine(first, dt.time(), dt.UTC) + MINUTE * data.draw(st.integers(0, 2 * 24 * 60))
    length = data.draw(st.integers(0, 2 * 24 * 60))
    minutes = [start + MINUTE * n for n in range(length)]
    counted = sum(open_at(calendar, minute) for minute in minutes)
    assert elapsed(calendar, start, start + MINUTE * length) == MINUTE * counted
    target = data.draw(st.integers(1, 20 * 60))
    moment, passed = start, 0
    while passed < target and moment < start + dt.timedelta(days=4):
        passed += open_at(calendar, moment)
        moment += MINUTE
    found = due(calendar, start, MINUTE * target)
    if passed == target:
        assert found == moment
    else:
        assert found is None or found > moment


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_what_is_due_has_passed_by_then_and_in_parts_as_in_one(data: st.DataObject) -> None:
    calendar = data.draw(calendars([dt.date(2026, 3, 29)]))
    start = dt.datetime(2026, 3, 27, tzinfo=dt.UTC) + dt.timedelta(seconds=data.draw(st.integers(0, 4 * 86_400)))
    target = dt.timedelta(seconds=data.draw(st.integers(1, 40 * 3600)))
    end = due(calendar, start, target)
    assume(end is not None)
    assert end is not None
    assert elapsed(calendar, start, end) == target
    middle = start + (end - start) / 2
    rest = target - elapsed(calendar, start, middle)
    assert due(calendar, middle, rest) == end or rest == dt.timedelta(0)
    assert elapsed(calendar, start, middle) + elapsed(calendar, middle, end) == target


def test_an_office_in_berlin_over_a_week_end_and_a_holiday() -> None:
    office = Calendar(
        BERLIN, dict.fromkeys(range(5), (Spell(dt.time(9), dt.time(17)),)), frozenset({dt.date(2026, 4, 6)})
    )
    friday = dt.datetime(2026, 4, 3, 16, tzinfo=BERLIN)
    assert due(office, friday, 2 * HOUR) == dt.datetime(2026, 4, 7, 10, tzinfo=BERLIN)
    assert due(office, friday, HOUR) == dt.datetime(2026, 4, 3, 17, tzinfo=BERLIN)
    assert elapsed(office, friday, dt.datetime(2026, 4, 7, 9, 30, tzinfo=BERLIN)) == dt.timedelta(minutes=90)
    assert elapsed(office, dt.datetime(2026, 4, 7, tzinfo=BERLIN), friday) == dt.timedelta(0)


def test_the_hour_that_is_skipped_does_not_count_and_the_one_that_comes_twice_counts_twice() -> None:
    night = Calendar(BERLIN, {6: (Spell(dt.time(1), dt.time(4)),)})
    for day, hours in ((dt.date(2026, 3, 29), 2), (dt.date(2026, 10, 25), 4), (dt.date(2026, 11, 1), 3)):
        start = dt.datetime.combine(day, dt.time(), BERLIN)
        assert elapsed(night, start, start + dt.timedelta(days=1)) == hours * HOUR


def test_hours_that_end_within_the_hour_that_comes_twice_come_twice() -> None:
    until_half_past_two = Calendar(BERLIN, {6: (Spell(dt.time(2), dt.time(2, 30)),)})
    start = dt.datetime(2026, 10, 25, tzinfo=BERLIN).astimezone(dt.UTC)
    assert elapsed(until_half_past_two, start, start + dt.timedelta(days=1)) == HOUR
    assert due(until_half_past_two, start, 45 * MINUTE) == dt.datetime(2026, 10, 25, 1, 15, tzinfo=dt.UTC)


def test_without_hours_nothing_is_ever_due() -> None:
    assert due(Calendar(BERLIN, {}), dt.datetime(2026, 1, 1, tzinfo=dt.UTC), MINUTE) is None
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    assert due(around_the_clock(), start, 30 * HOUR) == start + 30 * HOUR


@pytest.mark.parametrize(
    "week",
    [
        (Spell(dt.time(9), dt.time(12)), Spell(dt.time(11), dt.time(13))),
        (Spell(dt.time(9), dt.time()), Spell(dt.time(10), dt.time(13))),
    ],
)
def test_hours_that_overlap_are_none(week: tuple[Spell, ...]) -> None:
    with pytest.raises(ValueError, match="overlap"):
        Calendar(BERLIN, {0: week})
    with pytest.raises(ValueError, match="begin"):
        Spell(dt.time(9), dt.time(9))
