"""What other rooms do when a ticket changes, in the transaction that changes it.

    @on_ticket_change
    async def reckon(tx: Transaction, actor: Actor, change: TicketChange) -> None: …

It finds the ticket as it is by then. Whatever changes a ticket, or says something on it, ends with `ticket_changed`.
"""

import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from crm_graph.auth.actor import Actor
from crm_graph.db.session import Transaction


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


Heed = Callable[[Transaction, Actor, TicketChange], Awaitable[None]]
_HEEDING: Final[list[Heed]] = []


def on_ticket_change(heed: Heed) -> Heed:
    """Have a function called for every change of a ticket. What it raises takes the change back."""
    _HEEDING.append(heed)
    return heed


async def ticket_changed(tx: Transaction, actor: Actor, change: TicketChange) -> None:
    """Tell whoever heeds changes of tickets, in the order in which they registered."""
    for heed in _HEEDING:
        await heed(tx, actor, change)
