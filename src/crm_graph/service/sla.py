"""What a ticket was promised, reckoned: when which answer is due, what was late, what comes next. Knows no database.

A target runs from its start, on the clock of its calendar, but for the stays in states that pause it; what is done is
settled and stays as it was, whatever changes later. Everything else follows anew from the facts.
"""

import datetime as dt
import enum
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from crm_graph.service.business_time import ZERO, Calendar, due, elapsed

ENDED: Final = frozenset({"RESOLVED", "CLOSED", "MERGED"})
"""States in which nothing is owed; the time spent in them never counts, should the ticket be opened again."""


class Target(enum.StrEnum):
    """What is owed to the customer."""

    FIRST_RESPONSE = enum.auto()
    NEXT_RESPONSE = enum.auto()
    RESOLUTION = enum.auto()


class Standing(enum.StrEnum):
    """How a ticket stands by what it was promised. In the order of the alphabet, which is that of the list."""

    BREACHED = "BREACHED"
    DUE_SOON = "DUE_SOON"
    MET = "MET"
    NONE = "NONE"
    ON_TRACK = "ON_TRACK"
    PAUSED = "PAUSED"


class Mark(enum.StrEnum):
    """What was done about a target, so that it is done once."""

    WARNED = "WARNED"
    BREACHED = "BREACHED"
    SETTLED = "SETTLED"


@dataclass(frozen=True, slots=True)
class Promise:
    """Targets on a calendar's clock; states that pause it; after how many percent of a target somebody is warned."""

    calendar: Calendar
    targets: Mapping[Target, dt.timedelta]
    pausing: frozenset[str] = frozenset()
    warning_percent: int = 100


@dataclass(frozen=True, slots=True)
class Stay:
    """A ticket in one state; `until` is empty while it is."""

    status: str
    since: dt.datetime
    until: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """A ticket, as far as promises depend on it. `stays` are those in which somebody else's turn it was, in order."""

    status: str
    opened_at: dt.datetime
    first_answered_at: dt.datetime | None = None
    last_answer_at: dt.datetime | None = None
    unanswered_since: dt.datetime | None = None
    stays: tuple[Stay, ...] = ()

    @property
    def ended_at(self) -> dt.datetime | None:
        """Since when nothing is owed; `None` while something is."""
        found: dt.datetime | None = None
        for stay in reversed(self.stays if self.status in ENDED else ()):
            if stay.status not in ENDED or stay.until != found:
                break
            found = stay.since
        return found


@dataclass(frozen=True, slots=True)
class Kept:
    """What is on record of a target: when it was due, when it was missed, what was done about it, and its start."""

    due_at: dt.datetime | None = None
    breached_at: dt.datetime | None = None
    marks: frozenset[Mark] = frozenset()
    since: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Reckoned:
    """What holds from now on, until `next_at`; and what has come to pass since it was last reckoned."""

    standing: Standing
    targets: Mapping[Target, Kept]
    due_at: dt.datetime | None
    next_at: dt.datetime | None
    breached: tuple[Target, ...] = ()
    warned: tuple[Target, ...] = ()


@dataclass(slots=True)
class _Owed:
    """What is found of the targets that are still owed."""

    dues: list[dt.datetime] = field(default_factory=list)
    moments: list[dt.datetime] = field(default_factory=list)
    open: int = 0
    late: bool = False
    soon: bool = False


def reckon(promise: Promise | None, facts: Facts, kept: Mapping[Target, Kept], now: dt.datetime) -> Reckoned:
    """What a ticket was promised, as of now."""
    found: dict[Target, Kept] = {}
    owed = _Owed()
    for target in Target:
        before = kept.get(target, Kept())
        start, done = _span(target, facts, before)
        if start is None or promise is None or target not in promise.targets:
            found[target] = before if Mark.SETTLED in before.marks and (done or not start) else Kept()
        elif done is not None:
            found[target] = _settled(promise, target, facts, before, start, done)
        else:
            found[target] = _open(promise, target, facts, start, now, owed)
    # of many responses the last that came late is on record, and none is due while nothing is asked
    after, last = found[Target.NEXT_RESPONSE], kept.get(Target.NEXT_RESPONSE, Kept())
    found[Target.NEXT_RESPONSE] = replace(
        after,
        due_at=None if Mark.SETTLED in after.marks else after.due_at,
        breached_at=after.breached_at or last.breached_at,
    )
    return Reckoned(
        _standing(promise, facts, found, owed),
        found,
        min(owed.dues, default=None),
        min((moment for moment in owed.moments if moment > now), default=None),
        breached := _newly(Mark.BREACHED, found, kept),
        tuple(one for one in _newly(Mark.WARNED, found, kept) if one not in breached),
    )


def _span(target: Target, facts: Facts, before: Kept) -> tuple[dt.datetime | None, dt.datetime | None]:
    """From when a target runs, and when it was done."""
    if target is Target.FIRST_RESPONSE:
        return facts.opened_at, facts.first_answered_at or facts.ended_at
    if target is Target.RESOLUTION:
        return facts.opened_at, facts.ended_at
    if facts.unanswered_since is not None or before.since is None:
        return (facts.unanswered_since if facts.first_answered_at else None), facts.ended_at
    answered = facts.last_answer_at if facts.last_answer_at and facts.last_answer_at >= before.since else None
    done = answered or facts.ended_at
    return (before.since if done else None), done


def due_at(
    calendar: Calendar,
    start: dt.datetime,
    target: dt.timedelta,
    pauses: Iterable[tuple[dt.datetime, dt.datetime | None]],
) -> dt.datetime | None:
    """When so much time has passed outside of pauses, which are in order; `None` while one goes on, or if never."""
    left = target
    for since, until in _running(start, pauses):
        found = due(calendar, since, left)
        if until is None or (found is not None and found <= until):
            return found
        left -= elapsed(calendar, since, until)
    return None


def passed(
    calendar: Calendar, start: dt.datetime, end: dt.datetime, pauses: Iterable[tuple[dt.datetime, dt.datetime | None]]
) -> dt.timedelta:
    """How much time has counted from one moment to another, without pauses."""
    spells = ((since, min(until or end, end)) for since, until in _running(start, pauses))
    return sum((elapsed(calendar, since, until) for since, until in spells if since < until), ZERO)


def pauses_of(promise: Promise | None, facts: Facts) -> list[tuple[dt.datetime, dt.datetime | None]]:
    """When the clock of a promise stood still."""
    pausing = ENDED | (promise.pausing if promise else frozenset())
    return [(stay.since, stay.until) for stay in facts.stays if stay.status in pausing]


def _running(
    start: dt.datetime, pauses: Iterable[tuple[dt.datetime, dt.datetime | None]]
) -> Iterator[tuple[dt.datetime, dt.datetime | None]]:
    """The spells between pauses; the last has no end, and there is none after a pause that goes on."""
    begins = start
    for since, until in pauses:
        if until is not None and until <= begins:
            continue
        if since > begins:
            yield begins, since
        if until is None:
            return
        begins = until
    yield begins, None


def _settled(
    promise: Promise, target: Target, facts: Facts, before: Kept, start: dt.datetime, done: dt.datetime
) -> Kept:
    """A target that was reached, in time or late; as it was then."""
    if Mark.SETTLED in before.marks and before.since == start:
        return before
    pauses = [(since, until) for since, until in pauses_of(promise, facts) if since < done]
    due = due_at(promise.calendar, start, promise.targets[target], pauses)
    late = due is not None and due < done
    return Kept(due, due if late else None, frozenset(Mark) if late else frozenset({Mark.SETTLED}), start)


def _open(promise: Promise, target: Target, facts: Facts, start: dt.datetime, now: dt.datetime, owed: _Owed) -> Kept:
    """A target that is still owed."""
    pauses, length = pauses_of(promise, facts), promise.targets[target]
    due = due_at(promise.calendar, start, length, pauses)
    warn = due_at(promise.calendar, start, length * promise.warning_percent / 100, pauses)
    late, soon = due is not None and due <= now, warn is not None and warn <= now and promise.warning_percent < 100
    owed.open += 1
    owed.late, owed.soon = owed.late or late, owed.soon or soon
    owed.dues += [due] if due else []
    owed.moments += [one for one in (due, warn) if one]
    marks = {Mark.WARNED} if soon or late else set()
    return Kept(due, due if late else None, frozenset(marks | {Mark.BREACHED} if late else marks), start)


def _newly(mark: Mark, found: Mapping[Target, Kept], kept: Mapping[Target, Kept]) -> tuple[Target, ...]:
    return tuple(
        target
        for target, one in found.items()
        if mark in one.marks
        and (target not in kept or mark not in kept[target].marks or kept[target].since != one.since)
    )


def _standing(promise: Promise | None, facts: Facts, found: Mapping[Target, Kept], owed: _Owed) -> Standing:
    if promise is None or not promise.targets:
        return Standing.NONE
    if not owed.open:
        return Standing.BREACHED if any(one.breached_at for one in found.values()) else Standing.MET
    if owed.late:
        return Standing.BREACHED
    if facts.status in promise.pausing:
        return Standing.PAUSED
    return Standing.DUE_SOON if owed.soon else Standing.ON_TRACK
