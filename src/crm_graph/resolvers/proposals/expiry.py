"""Proposals whose validity is over."""

import datetime as dt
from typing import Final
from uuid import UUID

from crm_graph.auth.actor import Actor
from crm_graph.db.session import Transaction
from crm_graph.jobs.timers import timer
from crm_graph.plan.mutations import Call
from crm_graph.resolvers.proposals.states import locked, moved
from crm_graph.schema.proposals import ENDED, ProposalStatus

_MOST: Final = 500
_OVER: Final = f"""
SELECT id FROM proposals WHERE organization_id = $1 AND status IN ('SENT', 'VIEWED') AND valid_until < {ENDED}
 ORDER BY id LIMIT {_MOST} FOR NO KEY UPDATE SKIP LOCKED"""


@timer("proposal.expire", every=dt.timedelta(hours=1))
async def expire(tx: Transaction, actor: Actor, row: UUID) -> None:  # noqa: ARG001 - the organisation's own
    """Expire what is over, as far as nobody is answering it now. Days end on the hour, so this comes when one does."""
    for found in await (await tx.raw()).fetch(_OVER, actor.organization_id):
        call = Call(tx, actor, found["id"], {})
        if (await locked(call)).status in (ProposalStatus.SENT, ProposalStatus.VIEWED):
            await moved(call, ProposalStatus.EXPIRED, "proposal.expired")
