"""Work that falls due at a moment: set in the transaction that asks for it, done once, in a transaction of its own.

    @timer("proposal.expire")
    async def expire(tx: Transaction, actor: Actor, row: UUID) -> None: …

    await set_timer(tx, organization, "proposal.expire", proposal, due_at)

What is done and that it was done are one commit: a worker that dies leaves the timer for another, which does it whole.
"""

import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from crm_graph.auth.actor import Actor
from crm_graph.db.session import Transaction

Do = Callable[[Transaction, Actor, UUID], Awaitable[None]]
"""Does what is due about a row. It finds the row as it is by then: moved on, or gone, is no error."""


@dataclass(frozen=True, slots=True)
class Timer:
    """What is done when a timer of this kind falls due; with `every` again and again, about the organisation itself."""

    kind: str
    do: Do
    every: dt.timedelta | None = None


TIMERS: Final[dict[str, Timer]] = {}

_SET: Final = """
INSERT INTO timers (organization_id, kind, row_id, due_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (organization_id, kind, row_id)
DO UPDATE SET due_at = EXCLUDED.due_at, attempts = 0, failed_at = NULL, last_error = NULL"""
_CLEAR: Final = "DELETE FROM timers WHERE organization_id = $1 AND kind = $2 AND row_id = $3"


def timer(kind: str, *, every: dt.timedelta | None = None) -> Callable[[Do], Do]:
    """Make a function what is done when a timer of this kind falls due.

    With `every` nobody sets it: each organisation has one, `row` is the organisation's id, and it is done at multiples
    of that time since 1970 in UTC (a day: at midnight), once for all that were missed.
    """

    def declare(do: Do) -> Do:
        if kind in TIMERS:
            raise TypeError(f"{do.__module__}.{do.__name__}: the timer {kind} is declared twice. Rename one of them.")
        TIMERS[kind] = Timer(kind, do, every)
        return do

    return declare


async def set_timer(tx: Transaction, organization_id: UUID, kind: str, row: UUID, due_at: dt.datetime) -> None:
    """Have `kind` done about a row at `due_at`, or as soon as possible if that is over; a row has one of each kind."""
    assert kind in TIMERS, f"no timer {kind} is declared"
    await (await tx.raw()).execute(_SET, organization_id, kind, row, due_at)


async def clear_timer(tx: Transaction, organization_id: UUID, kind: str, row: UUID) -> None:
    """Have it not done; harmless where there is none."""
    await (await tx.raw()).execute(_CLEAR, organization_id, kind, row)


def next_time(every: dt.timedelta, after: dt.datetime) -> dt.datetime:
    """The first multiple of `every` since 1970 in UTC that is later than `after`."""
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return epoch + ((after - epoch) // every + 1) * every
