"""Where tickets may go from where, and what is known of one while its row is locked."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from crm_graph.auth.levels import Level
from crm_graph.plan.changes import Effect, Outcome, UserError
from crm_graph.plan.mutations import Call
from crm_graph.resolvers.states import Moves, move
from crm_graph.resolvers.tickets.changed import TicketChange, What, ticket_changed
from crm_graph.schema.ticket_queues import TicketType
from crm_graph.schema.tickets import Ticket, TicketStatus

CONFIRMED_WITHIN: Final = dt.timedelta(days=5)
"""How long the customer may say that it is not resolved."""

_WORKED_ON: Final = (TicketStatus.OPEN, TicketStatus.WAITING, TicketStatus.ON_HOLD)
_ENDS: Final = (TicketStatus.RESOLVED, TicketStatus.CLOSED, TicketStatus.MERGED)
MOVES: Final[Moves] = {
    TicketStatus.NEW: (*_WORKED_ON, *_ENDS),
    **{status: (*(s for s in _WORKED_ON if s is not status), *_ENDS) for status in _WORKED_ON},
    TicketStatus.RESOLVED: (TicketStatus.OPEN, TicketStatus.CLOSED, TicketStatus.MERGED),
    TicketStatus.CLOSED: (TicketStatus.OPEN,),
    TicketStatus.MERGED: (TicketStatus.OPEN,),
}

_LOCKED: Final = """
SELECT id, number, subject, status, type, to_management, customer_id, partner_id, order_id, product_id, language,
       channel, queue_id, assignee_id, team_id, parent_id, merged_into_id, first_answered_at, last_answer_at,
       waiting_since, reopen_count, tags, skills, now() AS now
  FROM tickets WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE"""


@dataclass(frozen=True, slots=True)
class Facts:
    """A ticket as it is until the transaction ends."""

    id: UUID
    number: str
    subject: str
    status: TicketStatus
    type: TicketType
    to_management: bool
    customer_id: UUID
    partner_id: UUID | None
    order_id: UUID | None
    product_id: UUID | None
    language: str | None
    channel: str
    queue_id: UUID | None
    assignee_id: UUID | None
    team_id: UUID | None
    parent_id: UUID | None
    merged_into_id: UUID | None
    first_answered_at: dt.datetime | None
    last_answer_at: dt.datetime | None
    waiting_since: dt.datetime | None
    reopen_count: int
    tags: list[str]
    skills: list[str]
    now: dt.datetime

    @property
    def over(self) -> bool:
        """Whether it is closed, or goes on as another one."""
        return self.status in (TicketStatus.CLOSED, TicketStatus.MERGED)


async def locked(call: Call, row: UUID | None = None) -> Facts:
    """The ticket of a call, or another one of the organisation, locked."""
    found = await (await call.tx.raw()).fetchrow(_LOCKED, call.actor.organization_id, row or call.row)
    assert found is not None, "the ticket was seen in this transaction"
    known = {**dict(found), "status": TicketStatus(found["status"]), "type": TicketType(found["type"])}
    return Facts(**known)


async def moved(
    call: Call,
    to: TicketStatus,
    event: str,
    values: Mapping[str, object] | None = None,
    *,
    needs: Level | None = None,
) -> Outcome:
    """Put the call's ticket into a state, and tell whoever heeds it."""
    waits = {"waiting_since": (await locked(call)).now if to is TicketStatus.WAITING else None}
    outcome = await move(call, Ticket, MOVES, to, event, {**waits, **(values or {})}, needs=needs)
    if not over(outcome):
        await ticket_changed(call.tx, call.actor, TicketChange(call.row, What.MOVED))
    return outcome


def over(outcome: Outcome) -> bool:
    """Whether nothing more is to be done."""
    return outcome.effect is Effect.REFUSED


def refused(code: str, message: str, *field: str) -> Outcome:
    return Outcome.refused(UserError(code, message, field))
