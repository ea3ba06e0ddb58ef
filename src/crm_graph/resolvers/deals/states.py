"""Where registrations of deals may go from where."""

from typing import Final

from crm_graph.markers import listed
from crm_graph.resolvers.states import Moves
from crm_graph.schema.deals import DealRegistrationStatus

_DECISIONS: Final = (DealRegistrationStatus.APPROVED, DealRegistrationStatus.REJECTED)
_ENDS: Final = (
    DealRegistrationStatus.EXTENDED,
    DealRegistrationStatus.EXPIRED,
    DealRegistrationStatus.CONVERTED,
)
MOVES: Final[Moves] = {
    DealRegistrationStatus.SUBMITTED: (DealRegistrationStatus.IN_REVIEW, *_DECISIONS),
    DealRegistrationStatus.IN_REVIEW: _DECISIONS,
    DealRegistrationStatus.APPROVED: _ENDS,
    DealRegistrationStatus.EXTENDED: _ENDS,
}
LIVE: Final = listed(MOVES)
"""SQL of the states in which a registration stands in the way of others."""
