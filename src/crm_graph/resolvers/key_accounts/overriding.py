"""A key account's class given by hand, with a reason, until a moment: then it follows the score again."""

import dataclasses
import datetime as dt
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.actor import Actor
from crm_graph.auth.levels import CONFIDENTIAL
from crm_graph.db.session import Transaction
from crm_graph.declaration import choice_kind
from crm_graph.jobs.timers import clear_timer, set_timer, timer
from crm_graph.plan.changes import Outcome, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.resolvers.key_accounts.scoring import scored
from crm_graph.resolvers.key_accounts.tiers import classify, put
from crm_graph.schema.key_accounts import KeyAccount, KeyAccountTier, TierCause

_ENDS = "key_account.override_ends"
_OVER = """SELECT id FROM key_accounts
 WHERE organization_id = $1 AND id = $2 AND tier_held_until <= now() FOR NO KEY UPDATE"""


@mutation(
    KeyAccount,
    Argument("tier", choice_kind(KeyAccountTier), "The class.", required=True),
    Argument("reason", kinds.STRING, "Why.", required=True),
    Argument("until", kinds.DATETIME, "Until when: then the class follows the score again.", required=True),
    needs=CONFIDENTIAL,
)
async def override_key_account_tier(call: Call) -> Outcome:
    """Give a key account a class by hand, whatever its score, for a time; the change is on record with its reason."""
    reason, until = str(call.arguments["reason"]).strip(), call.arguments["until"]
    assert isinstance(until, dt.datetime)
    if not reason:
        return refusal("VALUE_INVALID", "A reason is needed, and it cannot be blank.", "reason")
    if until <= dt.datetime.now(dt.UTC):
        return refusal("VALUE_INVALID", "This moment is over.", "until")
    (one,) = await scored(call.tx, call.actor, [call.row])
    outcome = await put(
        call.tx,
        call.actor,
        one,
        str(call.arguments["tier"]),
        TierCause.OVERRIDE,
        reason,
        {"tier_held_until": until, "score": one.score},
        if_match=call.if_match,
        request_id=call.request_id,
    )
    if not outcome.is_refused:
        await set_timer(call.tx, call.actor.organization_id, _ENDS, call.row, until)
    return outcome


@mutation(KeyAccount, needs=CONFIDENTIAL)
async def end_key_account_override(call: Call) -> Outcome:
    """Let the class of a key account follow its score again, before the time."""
    outcome = await _end(call.tx, call.actor, call.row, call.if_match, call.request_id)
    if not outcome.is_refused:
        await clear_timer(call.tx, call.actor.organization_id, _ENDS, call.row)
    return outcome


@timer(_ENDS)
async def override_ends(tx: Transaction, actor: Actor, row: UUID) -> None:
    """The class follows the score again, if it has not been held for longer by now."""
    if await (await tx.raw()).fetchval(_OVER, actor.organization_id, row) is not None:
        await _end(tx, actor, row)


async def _end(
    tx: Transaction, actor: Actor, row: UUID, if_match: str | None = None, request_id: str | None = None
) -> Outcome:
    (one,) = await scored(tx, actor, [row])
    free = dataclasses.replace(one, free=True)
    return await classify(
        tx,
        actor,
        free,
        TierCause.OVERRIDE_ENDED,
        {"tier_held_until": None, "tier_reason": None},
        if_match=if_match,
        request_id=request_id,
    )
