"""What other rooms do when a ticket changes, in the transaction that changes it.

    @on_ticket_change(Turn.PROMISES)
    async def reckon(tx: Transaction, actor: Actor, change: TicketChange) -> None: …

It finds the ticket as it is by then. Whatever changes a ticket, or says something on it, ends with `told`, or
`ticket_changed`.
"""

import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from crm_graph.auth.actor import Actor
from crm_graph.db.session import Transaction
from crm_graph.plan.changes import Outcome
from crm_graph.plan.mutations import Call


class What(enum.Enum):
    """What happened to a ticket."""

    OPENED = enum.auto()
    """It was made, by a customer or for one; `message` is what was asked."""
    ASKED = enum.auto()
    """The customer, or their partner, wrote again."""
    ANSWERED = enum.auto()
    """We wrote to the customer."""
    NOTED = enum.auto()
    """Somebody of the staff wrote a note, which no customer and no partner may learn of."""
    RESOLVED = enum.auto()
    """It was put to the customer as resolved; `message` is what was said, if anything."""
    CLOSED = enum.auto()
    """It was closed, by the customer's word, by us, or because time ran out."""
    MOVED = enum.auto()
    """Its status, queue, assignee, team or priority is another, or what these go by."""


@dataclass(frozen=True, slots=True)
class TicketChange:
    """One change of a ticket; `message` is the one that was written, where one was."""

    ticket: UUID
    what: What
    message: UUID | None = None


class Turn(enum.IntEnum):
    """Who heeds a change, in this order: what we said is mailed before the question whether that resolves it."""

    ANSWERS = enum.auto()
    QUESTIONS = enum.auto()
    PROMISES = enum.auto()


Heed = Callable[[Transaction, Actor, TicketChange], Awaitable[None]]
_HEEDING: Final[dict[Turn, Heed]] = {}


def on_ticket_change(turn: Turn) -> Callable[[Heed], Heed]:
    """Have a function called for every change of a ticket, in its turn. What it raises takes the change back."""

    def declare(heed: Heed) -> Heed:
        if turn in _HEEDING:
            raise TypeError(f"{heed.__module__}.{heed.__name__}: {turn.name} is taken. Add a turn.")
        _HEEDING[turn] = heed
        return heed

    return declare


async def told(call: Call, done: Outcome, what: What) -> Outcome:
    """What came of a change of the call's ticket, told to whoever heeds it unless it was refused."""
    if not done.is_refused:
        await ticket_changed(call.tx, call.actor, TicketChange(call.row, what))
    return done


async def ticket_changed(tx: Transaction, actor: Actor, change: TicketChange) -> None:
    """Tell whoever heeds changes of tickets, in their order."""
    for turn in Turn:
        if turn in _HEEDING:
            await _HEEDING[turn](tx, actor, change)
