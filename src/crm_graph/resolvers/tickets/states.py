"""Where tickets may go from where, and what is known of one while its row is locked."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from crm_graph.auth.levels import INTERNAL, Level
from crm_graph.plan.changes import Outcome, refusal
from crm_graph.plan.mutations import Call
from crm_graph.plan.writes.write import update_fields
from crm_graph.resolvers.states import Moves, move
from crm_graph.schema.orders import Channel
from crm_graph.schema.ticket_queues import TicketType
from crm_graph.schema.ticket_states import OPEN_STATUSES, TicketStatus
from crm_graph.schema.tickets import Ticket

STAFF: Final = INTERNAL
"""The clearance for writing that whoever deals with tickets has."""
CONFIRMED_WITHIN: Final = dt.timedelta(days=5)
"""How long the customer may say that it is not resolved."""

_WORKED_ON: Final = tuple(status for status in OPEN_STATUSES if status is not TicketStatus.NEW)
_ENDS: Final = tuple(status for status in TicketStatus if status not in OPEN_STATUSES)
MOVES: Final[Moves] = {
    TicketStatus.NEW: (*_WORKED_ON, *_ENDS),
    **{status: (*(s for s in _WORKED_ON if s is not status), *_ENDS) for status in _WORKED_ON},
    TicketStatus.RESOLVED: (TicketStatus.OPEN, TicketStatus.CLOSED, TicketStatus.MERGED),
    TicketStatus.CLOSED: (TicketStatus.OPEN,),
    TicketStatus.MERGED: (TicketStatus.OPEN,),
}

_LOCKED: Final = """
SELECT id, number, subject, status, type, to_management, answered_by_management_at, customer_id, partner_id, channel,
       impact, urgency, raised_by, queue_id, assignee_id, team_id,
       parent_id, merged_into_id, first_answered_at, closed_at, reopen_count, tags, skills, now() AS now
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
    answered_by_management_at: dt.datetime | None
    customer_id: UUID
    partner_id: UUID | None
    channel: Channel
    impact: str
    urgency: str
    raised_by: int
    queue_id: UUID | None
    assignee_id: UUID | None
    team_id: UUID | None
    parent_id: UUID | None
    merged_into_id: UUID | None
    first_answered_at: dt.datetime | None
    closed_at: dt.datetime | None
    reopen_count: int
    tags: list[str]
    skills: list[str]
    now: dt.datetime

    @property
    def unanswered(self) -> bool:
        """Whether it is a complaint to the management that waits for an answer."""
        return self.to_management and self.answered_by_management_at is None


async def locked(call: Call, row: UUID | None = None) -> Facts:
    """The ticket of a call, or another one that was seen in its transaction, locked."""
    found = await present(call, row)
    assert found is not None, "the ticket was seen in this transaction"
    return found


async def present(call: Call, row: UUID | None = None) -> Facts | None:
    """The same, of one that may be gone by now."""
    found = await (await call.tx.raw()).fetchrow(_LOCKED, call.actor.organization_id, row or call.row)
    if found is None:
        return None
    kinds = {"status": TicketStatus, "type": TicketType, "channel": Channel}
    return Facts(**{**dict(found), **{name: kind(found[name]) for name, kind in kinds.items()}})


async def put(
    call: Call,
    facts: Facts,
    event: str,
    values: Mapping[str, object],
    to: TicketStatus | None = None,
    *,
    needs: Level | None = None,
) -> Outcome:
    """Write columns of the call's ticket and, with `to`, its status; refused where its state does not lead there.

    `needs` as `update_fields` has it: INTERNAL where who deals with it changes, else who may was decided before.
    """
    if to is None or to is facts.status:
        return await update_fields(
            call.tx, call.actor, Ticket.__name__, call.row, values, event,
            needs=needs, if_match=call.if_match, request_id=call.request_id,
        )  # fmt: skip
    waits = {"waiting_since": facts.now if to is TicketStatus.WAITING else None}
    return await move(call, Ticket, MOVES, to, event, {**waits, **values}, needs=needs)


def standing(facts: Facts) -> Outcome | None:
    """Why nothing is said or done about a ticket any more; `None` where something still is."""
    if facts.status is TicketStatus.MERGED:
        return refusal("TICKET_MERGED", "It goes on as another ticket: see `mergedInto`.")
    if facts.status is TicketStatus.CLOSED:
        return refusal("TICKET_CLOSED", "It is closed: reopen it, or open another one.")
    return None


def unanswered(facts: Facts) -> Outcome | None:
    """Why a complaint to the management does not end yet; `None` of tickets that may."""
    if not facts.unanswered:
        return None
    return refusal("COMPLAINT_UNANSWERED", "It is a complaint to the management, which has not answered it yet.")
