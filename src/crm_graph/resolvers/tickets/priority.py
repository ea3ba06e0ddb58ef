"""How soon a ticket must be dealt with: the one place that says so."""

from typing import Final

from crm_graph.schema.tickets import CustomerValue, TicketGrade, TicketPriority

_LADDER: Final = tuple(TicketPriority)
_GRADES: Final = tuple(TicketGrade)
_BY_GRADES: Final = (
    # urgency LOW, MEDIUM, HIGH
    (TicketPriority.LOW, TicketPriority.LOW, TicketPriority.NORMAL),  # impact LOW
    (TicketPriority.LOW, TicketPriority.NORMAL, TicketPriority.HIGH),  # MEDIUM
    (TicketPriority.NORMAL, TicketPriority.HIGH, TicketPriority.URGENT),  # HIGH
)
_RAISED: Final = {CustomerValue.STANDARD: 0, CustomerValue.HIGH: 0, CustomerValue.KEY: 1}


def priority_of(
    impact: TicketGrade, urgency: TicketGrade, value: CustomerValue = CustomerValue.STANDARD, raised_by: int = 0
) -> TicketPriority:
    """By impact and urgency, a step higher for key accounts, and by as many steps as a routing rule raised it."""
    base = _LADDER.index(_BY_GRADES[_GRADES.index(impact)][_GRADES.index(urgency)])
    return _LADDER[min(base + _RAISED[value] + raised_by, len(_LADDER) - 1)]
