"""Where proposals may go from where, and what is known of one while its row is locked."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from crm_graph.auth.levels import INTERNAL
from crm_graph.plan.changes import Outcome, refusal
from crm_graph.plan.mutations import Call
from crm_graph.plan.writes.write import update_fields
from crm_graph.resolvers.states import Moves, move
from crm_graph.schema.proposals import ENDED, Proposal, ProposalStatus

_ANSWERS = (ProposalStatus.ACCEPTED, ProposalStatus.DECLINED, ProposalStatus.EXPIRED, ProposalStatus.WITHDRAWN)
MOVES: Final[Moves] = {
    ProposalStatus.DRAFT: (ProposalStatus.IN_APPROVAL, ProposalStatus.WITHDRAWN),
    ProposalStatus.IN_APPROVAL: (ProposalStatus.APPROVED, ProposalStatus.DRAFT, ProposalStatus.WITHDRAWN),
    ProposalStatus.APPROVED: (ProposalStatus.SENT, ProposalStatus.WITHDRAWN),
    ProposalStatus.SENT: (ProposalStatus.VIEWED, *_ANSWERS),
    ProposalStatus.VIEWED: _ANSWERS,
}

_LOCKED: Final = f"""
SELECT id, number, status, revision, current, root_id, opportunity_id, customer_id, addressee_id, currency,
       subtotal, discount_percent, coalesce(valid_until >= {ENDED}, TRUE) AS in_time, now() AS now
  FROM proposals WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE"""


@dataclass(frozen=True, slots=True)
class Facts:
    """A proposal as it is until the transaction ends. `in_time`: its validity is not over."""

    id: UUID
    number: str
    status: ProposalStatus
    revision: int
    current: bool
    root_id: UUID | None
    opportunity_id: UUID | None
    customer_id: UUID
    addressee_id: UUID | None
    currency: str
    subtotal: Decimal | None
    discount_percent: Decimal
    in_time: bool
    now: dt.datetime


async def locked(call: Call) -> Facts:
    """The proposal of a call, locked."""
    found = await (await call.tx.raw()).fetchrow(_LOCKED, call.actor.organization_id, call.row)
    assert found is not None, "the proposal was seen in this transaction"
    return Facts(**{**dict(found), "status": ProposalStatus(found["status"])})


async def moved(call: Call, to: ProposalStatus, event: str, values: Mapping[str, object] | None = None) -> Outcome:
    """Put the proposal into a state, whoever calls: who may was decided before."""
    return await move(call, Proposal, MOVES, to, event, values, needs=None)


async def touched(call: Call, facts: Facts) -> Outcome:
    """The proposal as of another version, where it is a draft that the caller may write and nobody was faster."""
    done = await update_fields(
        call.tx,
        call.actor,
        Proposal.__name__,
        call.row,
        {"lines_changed_at": facts.now},
        "proposal.updated",
        needs=INTERNAL,
        if_match=call.if_match,
        request_id=call.request_id,
    )
    if not done.is_refused and facts.status is not ProposalStatus.DRAFT:
        return refusal("STATE_REFUSED", f"It is {facts.status.value}: what is in it is written while it is a DRAFT.")
    return done


def leads_to(facts: Facts, to: ProposalStatus) -> bool:
    return to in MOVES.get(facts.status, ())
