"""How tickets stand: declared before all that counts those which are open."""

from enum import auto
from typing import Final

from crm_graph.entity import Choice
from crm_graph.markers import listed


class TicketStatus(Choice):
    """How a ticket stands; RESOLVED ones were put to their customer, who says whether it is so."""

    NEW = auto()
    OPEN = auto()
    WAITING = auto()
    ON_HOLD = auto()
    RESOLVED = auto()
    CLOSED = auto()
    MERGED = auto()


OPEN_STATUSES: Final = (TicketStatus.NEW, TicketStatus.OPEN, TicketStatus.WAITING, TicketStatus.ON_HOLD)
"""In these something is owed to the customer."""
IS_OPEN: Final = f"IN {listed(OPEN_STATUSES)}"
"""SQL that follows on a ticket's status."""
