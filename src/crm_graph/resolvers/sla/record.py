"""A ticket's row and what is reckoned from it: read into facts, and written back as columns."""

import datetime as dt
from collections.abc import Mapping
from typing import Final

import asyncpg

from crm_graph.service.business_time import around_the_clock
from crm_graph.service.sla import ENDED, Facts, Kept, Mark, Promise, Reckoned, Stay, Target, passed, pauses_of

MERGED: Final = "MERGED"
_STOPPED: Final = ENDED | {"WAITING", "ON_HOLD"}
_SINCE: Final = {"WAITING": "waiting_since", "RESOLVED": "resolved_at", "CLOSED": "closed_at"}
_COLUMNS: Final = {
    Target.FIRST_RESPONSE: "first_response",
    Target.NEXT_RESPONSE: "next_response",
    Target.RESOLUTION: "resolution",
}
_MINUTE: Final = dt.timedelta(minutes=1)


def facts_of(row: "asyncpg.Record", now: dt.datetime) -> Facts:
    """A ticket as it is now; of a change that nobody told of, its own times say when it was."""
    return Facts(
        row["status"],
        row["opened_at"],
        row["first_answered_at"],
        row["last_answer_at"],
        _unanswered_since(row),
        tuple(_stays(row, now)),
    )


def kept_of(row: "asyncpg.Record") -> dict[Target, Kept]:
    """What is on record of each target."""
    marks: dict[Target, set[Mark]] = {target: set() for target in Target}
    for one in row["sla_marks"]:
        target, mark = one.split()
        marks[Target(target)].add(Mark(mark))
    since = {Target.NEXT_RESPONSE: row["unanswered_since"]}
    return {
        target: Kept(
            row[f"{column}_due_at"],
            row[f"{column}_breached_at"],
            frozenset(marks[target]),
            since.get(target, row["opened_at"]),
        )
        for target, column in _COLUMNS.items()
    }


def columns_of(
    row: "asyncpg.Record", facts: Facts, promise: Promise | None, found: Reckoned, now: dt.datetime
) -> dict[str, object]:
    """What is to be on record: all columns but the policy's."""
    targets = {
        f"{_COLUMNS[target]}_{what}": value
        for target, one in found.targets.items()
        for what, value in (("due_at", one.due_at), ("breached_at", one.breached_at))
    }
    marks = [f"{target} {mark}" for target, one in found.targets.items() for mark in sorted(one.marks)]
    return {
        **targets,
        **_minutes(row, facts, promise),
        "sla_status": found.standing.value,
        "sla_due_at": found.due_at,
        "unanswered_since": facts.unanswered_since,
        "sla_stays": [_written(stay) for stay in facts.stays],
        "sla_marks": marks,
        "sla_reckoned_at": row["sla_reckoned_at"] or now,
    }


def _minutes(row: "asyncpg.Record", facts: Facts, promise: Promise | None) -> Mapping[str, object]:
    """How long it took, of what is done."""
    calendar = promise.calendar if promise else around_the_clock()
    pauses, ended = pauses_of(promise, facts), facts.ended_at if facts.status != MERGED else None
    first, resolved = row["first_response_minutes"], None
    if first is None and facts.first_answered_at is not None:
        first = passed(calendar, facts.opened_at, facts.first_answered_at, pauses) // _MINUTE
    if ended is not None:
        resolved = passed(calendar, facts.opened_at, ended, pauses) // _MINUTE
    once = None if ended is None else row["answers"] <= 1 and not row["reopen_count"]
    return {"first_response_minutes": first, "resolution_minutes": resolved, "first_contact_resolution": once}


def _unanswered_since(row: "asyncpg.Record") -> dt.datetime | None:
    """Since when the customer waits: of several messages since our last answer, the first counts."""
    asked: dt.datetime | None = row["last_customer_message_at"]
    answered: dt.datetime | None = row["last_answer_at"]
    known: dt.datetime | None = row["unanswered_since"]
    if asked is None or row["status"] in ENDED or (answered is not None and asked <= answered):
        return None
    return known if known is not None and (answered is None or known > answered) else asked


def _stays(row: "asyncpg.Record", now: dt.datetime) -> list[Stay]:
    """The states in which the turn was somebody else's, with the one it is in now, or without the one it has left."""
    status, stays = row["status"], [_read(one) for one in row["sla_stays"]]
    if stays and stays[-1].until is None and stays[-1].status == status:
        return stays
    earliest = max(stays[-1].since if stays else row["opened_at"], row["opened_at"])
    since = min(max((row[_SINCE[status]] if status in _SINCE else None) or now, earliest), now)
    if stays and stays[-1].until is None:
        stays[-1] = Stay(stays[-1].status, stays[-1].since, since)
    elif stays:
        since = max(since, stays[-1].until or since)
    return [*stays, Stay(status, since)] if status in _STOPPED else stays


def _written(stay: Stay) -> str:
    until = stay.until.isoformat() if stay.until else ""
    return f"{stay.status} {stay.since.isoformat()}/{until}"


def _read(text: str) -> Stay:
    status, _, spell = text.partition(" ")
    since, _, until = spell.partition("/")
    return Stay(status, dt.datetime.fromisoformat(since), dt.datetime.fromisoformat(until) if until else None)
