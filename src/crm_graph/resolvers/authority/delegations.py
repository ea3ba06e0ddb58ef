"""Standing in for somebody: who is asked instead of them decides by their limit, for a while."""

import datetime as dt
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.actor import Actor
from crm_graph.auth.default_policy import ADMINISTRATOR
from crm_graph.auth.levels import INTERNAL
from crm_graph.db.session import Transaction
from crm_graph.jobs.timers import clear_timer, set_timer, timer
from crm_graph.plan.changes import Outcome, denied, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.writes.write import insert_fields, update_fields
from crm_graph.resolvers.authority.circles import too_close
from crm_graph.resolvers.authority.granting import REQUEST
from crm_graph.resolvers.authority.nearest import PERSON, stands_in
from crm_graph.schema.authority import AuthorityDelegation

LONGEST: Final = dt.timedelta(days=366)
"""How far ahead a delegation may end; it is easily made again."""
_BEGINS: Final = "authority_delegation.begin"
_ENDS: Final = "authority_delegation.end"

_PERSON: Final = f"SELECT EXISTS (SELECT FROM users u WHERE u.organization_id = $1 AND u.id = $2 AND {PERSON})"
_ASKED: Final = """
SELECT id, requested_by_id, customer_id FROM approval_requests
 WHERE organization_id = $1 AND asked_of_id = $2 AND authority_of_id IS NOT DISTINCT FROM $3 AND state = 'PENDING'
   AND expires_at > now() ORDER BY id FOR UPDATE"""
_GIVEN: Final = """
SELECT from_user_id AS from_user, to_user_id AS to_user, valid_from, valid_until, now() AS now
  FROM authority_delegations WHERE organization_id = $1 AND id = $2 FOR UPDATE"""


@dataclass(frozen=True, slots=True)
class _Given:
    """A delegation, locked."""

    from_user: UUID
    to_user: UUID
    valid_from: dt.datetime
    valid_until: dt.datetime
    now: dt.datetime
    """When the transaction began: what begins or ends now, does so then."""


@mutation(
    AuthorityDelegation,
    Argument("to_user_id", kinds.ID, "Who decides for you: one of the staff.", required=True, ref="User"),
    Argument("valid_until", kinds.DATETIME, "Until when; at most a year ahead.", required=True),
    Argument("valid_from", kinds.DATETIME, "From when on; now if it is left out."),
    Argument("from_user_id", kinds.ID, "For whom: administrators arrange it for others.", ref="User"),
    needs=INTERNAL,
    creates=True,
)
async def delegate_authority(call: Call) -> Outcome:
    """Let a colleague decide about what is asked of you, by your limit, for a while; their own limits stay as they are.

    What is asked of you and pending goes to them now, but for what they asked themselves.
    """
    actor, now = call.actor, await (await call.tx.raw()).fetchval("SELECT now()")
    whose, to = call.arguments.get("from_user_id") or actor.user_id, call.arguments["to_user_id"]
    begins, ends = call.arguments.get("valid_from") or now, call.arguments["valid_until"]
    assert isinstance(to, UUID)
    assert isinstance(begins, dt.datetime)
    assert isinstance(ends, dt.datetime)
    if not isinstance(whose, UUID) or (whose != actor.user_id and ADMINISTRATOR not in actor.roles):
        return Outcome.refused(denied())
    if not max(begins, now) < ends <= now + LONGEST:
        return _invalid("This lies in the past, before its begin, or more than a year ahead.", "validUntil")
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
    if made.id is not None and not made.is_refused:
        await set_timer(call.tx, actor.organization_id, _ENDS, made.id, ends)
        if begins > now:
            await set_timer(call.tx, actor.organization_id, _BEGINS, made.id, begins)
        else:
            await _begun(call.tx, actor, made.id)
    return made


@mutation(AuthorityDelegation, needs=INTERNAL)
async def end_delegation(call: Call) -> Outcome:
    """Decide for yourself again: what your stand-in has not decided comes back to you."""
    given = await _given(call.tx, call.actor, call.row)
    assert given is not None, "the delegation was seen in this transaction"
    now = given.now
    if given.valid_until <= now:
        return refusal("DELEGATION_OVER", "It is over already.")
    ended = await update_fields(
        call.tx,
        call.actor,
        "AuthorityDelegation",
        call.row,
        {"valid_from": min(given.valid_from, now), "valid_until": now},
        "authority.delegation_ended",
        if_match=call.if_match,
        request_id=call.request_id,
    )
    if not ended.is_refused:
        for kind in (_BEGINS, _ENDS):
            await clear_timer(call.tx, call.actor.organization_id, kind, call.row)
        await _ended(call.tx, call.actor, call.row)
    return ended


@timer(_BEGINS)
async def _begun(tx: Transaction, actor: Actor, row: UUID) -> None:
    """What is asked of somebody goes to who stands in for them now, but for what those asked, or what is about them."""
    given = await _given(tx, actor, row)
    if given is None or not await stands_in(tx, actor.organization_id, given.to_user, given.from_user):
        return
    whose, to = given.from_user, given.to_user
    for one in await (await tx.raw()).fetch(_ASKED, actor.organization_id, whose, None):
        close = await too_close(tx, actor.organization_id, to, one["customer_id"])
        if one["requested_by_id"] != to and not close:
            await _ask(tx, actor, one["id"], to, whose)


@timer(_ENDS)
async def _ended(tx: Transaction, actor: Actor, row: UUID) -> None:
    """What who stood in has not decided goes back."""
    given = await _given(tx, actor, row)
    if given is None or await stands_in(tx, actor.organization_id, given.to_user, given.from_user):
        return  # they still stand in, by another delegation
    whose, to = given.from_user, given.to_user
    for one in await (await tx.raw()).fetch(_ASKED, actor.organization_id, to, whose):
        await _ask(tx, actor, one["id"], whose, None)


async def _ask(tx: Transaction, actor: Actor, request: UUID, asked: UUID, authority_of: UUID | None) -> None:
    values = {"asked_of_id": asked, "authority_of_id": authority_of}
    await update_fields(tx, actor, REQUEST, request, values, "approval_request.passed_on")


async def _given(tx: Transaction, actor: Actor, row: UUID) -> _Given | None:
    found = await (await tx.raw()).fetchrow(_GIVEN, actor.organization_id, row)
    return None if found is None else _Given(**dict(found))


def _invalid(message: str, field: str) -> Outcome:
    return refusal("VALUE_INVALID", message, field)
