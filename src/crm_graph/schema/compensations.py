"""What we give customers to make something good."""

from datetime import datetime
from enum import auto
from uuid import UUID

from crm_graph.auth.levels import INTERNAL
from crm_graph.auth.rows import Rows
from crm_graph.entity import Choice, Entity, Filter, Read, Ref, Search, Sort, attr
from crm_graph.kinds import CurrencyCode, Money


class CompensationKind(Choice):
    """What a customer is given; each is an action of authority by the same name."""

    FEE_WAIVER = auto()
    CREDIT = auto()
    REFUND = auto()


class CompensationState(Choice):
    """How a compensation stands."""

    ASKED = auto()
    GRANTED = auto()
    REJECTED = auto()
    WITHDRAWN = auto()
    EXPIRED = auto()


class Compensation(Entity, table=True):
    """A fee waived, a credit or a refund for a customer; who granted it had the authority to."""

    __prefix__ = "cps"
    __rows__ = Rows(parent="customer_id", published="granted")
    __imported__ = False
    __checks__ = {
        "amount": "amount > 0",
        "granted": "granted = (state = 'GRANTED')",
    }

    customer_id: UUID = attr(Read(INTERNAL, subject=True), Ref("Customer", back="compensations"))
    """Whom it is for."""
    kind: CompensationKind = attr(Read(INTERNAL, subject=True), Filter)
    """Fee waived, credit or refund."""
    amount: Money = attr(Read(INTERNAL, subject=True), Filter, Sort)
    """How much."""
    currency: CurrencyCode = attr(Read(INTERNAL, subject=True), default="EUR")
    """Currency of the amount: the order's, else the customer's."""
    state: CompensationState = attr(Read(INTERNAL, subject=True), Filter, default=CompensationState.ASKED)
    """How it stands."""
    granted: bool = attr(Read(INTERNAL, subject=True), Filter, default=False)
    """Whether the customer has it; then they see it."""
    reason: str = attr(Read(INTERNAL), Search("C"))
    """Why, for us."""
    order_id: UUID | None = attr(Read(INTERNAL, subject=True), Ref("Order", back="compensations"), default=None)
    """The order it is about."""
    ticket_id: UUID | None = attr(Read(INTERNAL, subject=True), Ref("Ticket", back="compensations"), default=None)
    """The ticket it came of."""
    requested_by_id: UUID = attr(Read(INTERNAL), Ref("User"))
    """Who wanted it for the customer."""
    granted_by_id: UUID | None = attr(Read(INTERNAL), Ref("User"), default=None)
    """Who granted it."""
    granted_at: datetime | None = attr(Read(INTERNAL, subject=True), Filter, Sort, default=None)
    """When it was granted."""
    approval_request_id: UUID | None = attr(Read(INTERNAL), Ref("ApprovalRequest", back="compensations"), default=None)
    """The request for approval, where it was beyond the limit of who wanted it."""
