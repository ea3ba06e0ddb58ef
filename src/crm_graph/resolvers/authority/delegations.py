"""Standing in for somebody: who is asked instead of them decides by their limit, for a while."""

import datetime as dt
from typing import Final
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.default_policy import ADMINISTRATOR
from crm_graph.auth.levels import INTERNAL
from crm_graph.plan.changes import Effect, Outcome, UserError, denied
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.writes.write import insert_fields, update_fields
from crm_graph.resolvers.authority.circles import too_close
from crm_graph.resolvers.authority.granting import REQUEST
from crm_graph.resolvers.authority.nearest import PERSON, stands_in
from crm_graph.schema.authority import AuthorityDelegation

LONGEST: Final = dt.timedelta(days=366)
"""How long somebody may stand in at most; it is easily done again."""

_PERSON: Final = f"SELECT EXISTS (SELECT FROM users u WHERE u.organization_id = $1 AND u.id = $2 AND {PERSON})"
_ASKED: Final = """
SELECT id, requested_by_id, customer_id FROM approval_requests
 WHERE organization_id = $1 AND asked_of_id = $2 AND authority_of_id IS NOT DISTINCT FROM $3 AND state = 'PENDING'
   AND expires_at > now() ORDER BY id FOR UPDATE"""
_GIVEN: Final = """
SELECT from_user_id, to_user_id, valid_from, valid_until FROM authority_delegations
 WHERE organization_id = $1 AND id = $2 FOR UPDATE"""


@mutation(
    AuthorityDelegation,
    Argument("to_user_id", kinds.ID, "Who decides for you: one of the staff.", required=True, ref="User"),
    Argument("valid_until", kinds.DATETIME, "Until when; at most a year.", required=True),
    Argument("valid_from", kinds.DATETIME, "From when on; now if it is left out."),
    Argument("from_user_id", kinds.ID, "For whom: administrators arrange it for others.", ref="User"),
    needs=INTERNAL,
    creates=True,
)
async def delegate_authority(call: Call) -> Outcome:
    """Let a colleague decide about what is asked of you, by your limit, for a while; their own limits stay as they are.

    What is asked of you and pending goes to them now, but for what they asked themselves.
    """
    actor, now = call.actor, dt.datetime.now(dt.UTC)
    whose, to = call.arguments.get("from_user_id") or actor.user_id, call.arguments["to_user_id"]
    begins, ends = call.arguments.get("valid_from") or now, call.arguments["valid_until"]
    assert isinstance(to, UUID)
    assert isinstance(begins, dt.datetime)
    assert isinstance(ends, dt.datetime)
    if not isinstance(whose, UUID) or (whose != actor.user_id and ADMINISTRATOR not in actor.roles):
        return Outcome.refused(denied())
    if not max(begins, now) < ends <= max(begins, now) + LONGEST:
        return _invalid("This lies in the past, before its begin, or beyond a year.", "validUntil")
    if to == whose or not await (await call.tx.raw()).fetchval(_PERSON, actor.organization_id, to):
        return _invalid("Only one of your colleagues can stand in.", "toUserId")
    made = await insert_fields(
        call.tx,
        actor,
        "AuthorityDelegation",
        {"from_user_id": whose, "to_user_id": to, "valid_from": begins, "valid_until": ends},
        event="authority.delegated",
        request_id=call.request_id,
    )
    if made.effect is not Effect.REFUSED and begins <= now:
        await _hand_over(call, whose, to)
    return made


@mutation(AuthorityDelegation, needs=INTERNAL)
async def end_delegation(call: Call) -> Outcome:
    """Decide for yourself again: what your stand-in has not decided comes back to you."""
    found = await (await call.tx.raw()).fetchrow(_GIVEN, call.actor.organization_id, call.row)
    assert found is not None, "the delegation was seen in this transaction"
    now = dt.datetime.now(dt.UTC)
    if found["valid_until"] <= now:
        return Outcome.refused(UserError("DELEGATION_OVER", "It is over already."))
    ended = await update_fields(
        call.tx,
        call.actor,
        "AuthorityDelegation",
        call.row,
        {"valid_from": min(found["valid_from"], now), "valid_until": now},
        "authority.delegation_ended",
        if_match=call.if_match,
        request_id=call.request_id,
    )
    if ended.effect is not Effect.REFUSED:
        await _take_back(call, found["from_user_id"], found["to_user_id"])
    return ended


async def _hand_over(call: Call, whose: UUID, to: UUID) -> None:
    organization = call.actor.organization_id
    for one in await (await call.tx.raw()).fetch(_ASKED, organization, whose, None):
        close = await too_close(call.tx, organization, to, one["customer_id"])
        if one["requested_by_id"] != to and not close:
            await _ask(call, one["id"], to, whose)


async def _take_back(call: Call, whose: UUID, to: UUID) -> None:
    organization = call.actor.organization_id
    if await stands_in(call.tx, organization, to, whose):
        return  # by another delegation
    for one in await (await call.tx.raw()).fetch(_ASKED, organization, to, whose):
        await _ask(call, one["id"], whose, None)


async def _ask(call: Call, request: UUID, asked: UUID, authority_of: UUID | None) -> None:
    values = {"asked_of_id": asked, "authority_of_id": authority_of}
    event = "approval_request.passed_on"
    await update_fields(call.tx, call.actor, REQUEST, request, values, event, request_id=call.request_id)


def _invalid(message: str, field: str) -> Outcome:
    return Outcome.refused(UserError("VALUE_INVALID", message, (field,)))
