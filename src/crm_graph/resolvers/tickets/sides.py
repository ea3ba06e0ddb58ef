"""Who speaks on a ticket: the customer it is about, the partner that asked for them, or our staff."""

from uuid import UUID

from crm_graph.auth.levels import INTERNAL
from crm_graph.auth.policy import Policy
from crm_graph.plan.mutations import Call, may_write
from crm_graph.resolvers.acting import for_their_partner, for_themselves, for_us
from crm_graph.schema.tickets import MessageSide, Ticket


def as_customer(policy: Policy) -> bool:
    """Whether a caller speaks on their own tickets: scopes that only read do not."""
    return for_themselves(policy, Ticket)


def as_partner(policy: Policy) -> bool:
    """Whether a caller speaks on tickets that their partner opened for customers."""
    return for_their_partner(policy, Ticket)


def as_staff(policy: Policy) -> bool:
    """Whether a caller deals with tickets."""
    return for_us(policy, Ticket)


def speaks(policy: Policy) -> bool:
    return as_customer(policy) or as_partner(policy) or as_staff(policy)


async def side_of(call: Call, customer: UUID, partner: UUID | None) -> MessageSide | None:
    """On which side the caller speaks on the call's ticket; `None`: they only read it."""
    actor = call.actor
    if actor.customer_id is not None:
        return MessageSide.CUSTOMER if actor.customer_id == customer and as_customer(actor.policy) else None
    if actor.partner_id is not None:
        return MessageSide.PARTNER if actor.partner_id == partner and as_partner(actor.policy) else None
    served = as_staff(actor.policy) and await may_write(call.tx, actor, Ticket, call.row, INTERNAL)
    return MessageSide.STAFF if served else None
