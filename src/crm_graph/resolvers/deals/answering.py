"""What a partner is told of a registration, and when: at fixed times after it came in, whatever was found and decided.

A refusal is one answer without a reason, so that none tells of another partner; the time of a decision does not show.
"""

import datetime as dt
from typing import Final
from uuid import UUID

import asyncpg

from crm_graph.auth.actor import Actor
from crm_graph.db.session import Transaction
from crm_graph.jobs.timers import set_timer, timer
from crm_graph.plan.changes import certain
from crm_graph.plan.mutations import Call
from crm_graph.plan.writes.write import update_fields
from crm_graph.resolvers.deals.states import MOVES
from crm_graph.resolvers.states import move
from crm_graph.schema.deals import DealAnswer, DealRegistration, DealRegistrationStatus

ANSWER: Final = "deal_registration.answer"
EXPIRE: Final = "deal_registration.expire"
EVERY: Final = dt.timedelta(days=2)
"""Answers are given so long after a registration came in, and in multiples of it while it is not decided."""

_ROW: Final = """
SELECT status, answer, protection_days, protected_until, created_at, now() AS now
  FROM deal_registrations WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE"""
_TOLD: Final = {
    DealRegistrationStatus.APPROVED: DealAnswer.PROTECTED,
    DealRegistrationStatus.REJECTED: DealAnswer.NOT_PROTECTED,
}


def answer_due(received: dt.datetime, now: dt.datetime) -> dt.datetime:
    """The next time that a registration received then is answered."""
    return received + ((now - received) // EVERY + 1) * EVERY


@timer(ANSWER)
async def answer(tx: Transaction, actor: Actor, row: UUID) -> None:
    """Tell the partner what was decided; nothing while it was not."""
    found = await _row(tx, actor, row)
    if found is None or found["answer"] != DealAnswer.RECEIVED.value:
        return
    told = _TOLD.get(DealRegistrationStatus(found["status"]))
    if told is None:
        await set_timer(tx, actor.organization_id, ANSWER, row, answer_due(found["created_at"], found["now"]))
        return
    values: dict[str, object] = {"answer": told.value, "answered_at": found["now"]}
    if told is DealAnswer.PROTECTED:
        until = found["now"] + dt.timedelta(days=found["protection_days"])
        values["protected_until"] = until
        await set_timer(tx, actor.organization_id, EXPIRE, row, until)
    certain(await update_fields(tx, actor, "DealRegistration", row, values, "deal_registration.answered"))


@timer(EXPIRE)
async def expire(tx: Transaction, actor: Actor, row: UUID) -> None:
    """The protection is over."""
    found = await _row(tx, actor, row)
    if found is None or found["protected_until"] is None or found["protected_until"] > found["now"]:
        return
    if DealRegistrationStatus.EXPIRED in MOVES.get(DealRegistrationStatus(found["status"]), ()):
        call, told = Call(tx, actor, row, {}), {"answer": DealAnswer.EXPIRED.value}
        to, event = DealRegistrationStatus.EXPIRED, "deal_registration.expired"
        certain(await move(call, DealRegistration, MOVES, to, event, told, needs=None))


async def _row(tx: Transaction, actor: Actor, row: UUID) -> asyncpg.Record | None:
    return await (await tx.raw()).fetchrow(_ROW, actor.organization_id, row)
