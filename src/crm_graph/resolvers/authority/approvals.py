"""Deciding about requests for approval: approve, reject, withdraw; and asking the next one when time is out."""

import datetime as dt
from dataclasses import replace
from typing import Final
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.actor import Actor
from crm_graph.auth.levels import INTERNAL
from crm_graph.db.session import Transaction
from crm_graph.entity import REGISTRY, table_name
from crm_graph.jobs.timers import clear_timer, set_timer, timer
from crm_graph.plan.changes import Outcome, denied, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.writes.write import update_fields
from crm_graph.resolvers.authority.circles import too_close
from crm_graph.resolvers.authority.decisions import Request, effect_of
from crm_graph.resolvers.authority.granting import DECIDED_WITHIN, OVERDUE, OWN, REQUEST
from crm_graph.resolvers.authority.limits import room, use
from crm_graph.resolvers.authority.nearest import nearest, stands_in
from crm_graph.resolvers.authority.telling import tell_asked
from crm_graph.schema.authority import ApprovalRequest, ApprovalState

_KNOWN: Final = "SELECT *, expires_at <= now() AS overdue FROM approval_requests WHERE organization_id = $1 AND id = $2"
_REASON: Final = Argument("reason", kinds.STRING, "A word to who asked.")


@mutation(ApprovalRequest, _REASON, needs=INTERNAL)
async def approve_request(call: Call) -> Outcome:
    """Approve what somebody asked for, by your limit or that of whom you stand in for; it is carried out at once."""
    request = await _seen(call)
    whose = await _authority(call, request)
    if whose is None:
        return Outcome.refused(denied())
    if await too_close(call.tx, call.actor.organization_id, whose, request.customer):
        return Outcome.refused(OWN)
    refused = _undecidable(request)
    if refused is not None:
        return refused
    if request.gone:
        return refusal("RECORD_GONE", "What it is about has been deleted.")
    if request.size > await room(call.tx, call.actor.organization_id, whose, request.action, request.currency):
        return refusal("AUTHORITY_EXCEEDED", "This is more than may be granted by this authority now.")
    about = (request.entity, request.row)
    await use(
        call.tx, call.actor, whose, request.action, request.size, request.currency, about, request.id, call.request_id
    )
    return await _decided(call, request, ApprovalState.APPROVED)


@mutation(
    ApprovalRequest,
    Argument("reason", kinds.STRING, "Why; who asked reads it.", required=True),
    needs=INTERNAL,
)
async def reject_request(call: Call) -> Outcome:
    """Refuse what somebody asked for, with the reason."""
    request = await _seen(call)
    if await _authority(call, request) is None:
        return Outcome.refused(denied())
    refused = _undecidable(request)
    if refused is not None:
        return refused
    if not str(call.arguments["reason"]).strip():
        return refusal("VALUE_INVALID", "The reason cannot be blank.", "reason")
    return await _decided(call, request, ApprovalState.REJECTED)


@mutation(ApprovalRequest, needs=INTERNAL)
async def withdraw_request(call: Call) -> Outcome:
    """Take back what you asked for, before it is decided."""
    request = await _seen(call)
    if request.requested_by != call.actor.user_id:
        return Outcome.refused(denied())
    if request.state is not ApprovalState.PENDING:
        return _not_pending()
    return await _decided(call, request, ApprovalState.WITHDRAWN)


@timer(OVERDUE)
async def pass_on(tx: Transaction, actor: Actor, row: UUID) -> None:
    """Ask the next one whose limit covers it, where time is out; without one the request comes to nothing."""
    request = await locked(tx, actor, row)
    if request is None or request.state is not ApprovalState.PENDING or not request.overdue:
        return
    passed = dict.fromkeys([*request.passed_over, request.authority_of or request.asked_of])
    found = await nearest(
        tx,
        actor.organization_id,
        request.action,
        request.size,
        request.currency,
        requester=request.requested_by,
        customer=request.customer,
        passed_over=list(passed),
    )
    if found is None or request.gone:
        ended = await _decided(Call(tx, actor, row, {}), request, ApprovalState.EXPIRED)
        if ended.is_refused:
            raise RuntimeError(f"what follows from it was refused: {ended.errors}")  # all is undone, and tried again
        return
    expires_at = dt.datetime.now(dt.UTC) + DECIDED_WITHIN
    values = {
        "asked_of_id": found.asked,
        "authority_of_id": found.authority_of,
        "expires_at": expires_at,
        "passed_over": [str(one) for one in passed],
    }
    await update_fields(tx, actor, REQUEST, row, values, "approval_request.passed_on")
    await set_timer(tx, actor.organization_id, OVERDUE, row, expires_at)
    await tell_asked(tx, actor.organization_id, row)


async def locked(tx: Transaction, actor: Actor, row: UUID) -> Request | None:
    """The request and its record, locked until the transaction ends: the record first, as whoever asks anew does."""
    connection, organization = await tx.raw(), actor.organization_id
    known = await connection.fetchrow(_KNOWN, organization, row)
    if known is None:
        return None
    there = await connection.fetchval(
        f"SELECT TRUE FROM {table_name(REGISTRY[known['entity']])} WHERE organization_id = $1 AND id = $2"
        " FOR NO KEY UPDATE",
        organization,
        known["row_id"],
    )
    found = await connection.fetchrow(f"{_KNOWN} FOR UPDATE", organization, row)
    return None if found is None else Request.of(found, gone=there is None)


async def _seen(call: Call) -> Request:
    found = await locked(call.tx, call.actor, call.row)
    assert found is not None, "the request was seen in this transaction"
    return found


async def _authority(call: Call, request: Request) -> UUID | None:
    """By whose authority the caller would decide; `None`: they may not. Never who asked, nor whom it is about.

    Who was asked decides by their own or, while they stand in for somebody, by that person's; any other who may write
    the request by their own.
    """
    user, organization = call.actor.user_id, call.actor.organization_id
    if user is None or call.actor.customer_id is not None or call.actor.partner_id is not None:
        return None
    if user == request.requested_by or await too_close(call.tx, organization, user, request.customer):
        return None
    if user != request.asked_of or request.authority_of is None:
        return user
    return request.authority_of if await stands_in(call.tx, organization, user, request.authority_of) else None


def _undecidable(request: Request) -> Outcome | None:
    """Why it is not decided now, if so."""
    if request.state is not ApprovalState.PENDING:
        return _not_pending()
    if request.overdue:
        return refusal("REQUEST_OVERDUE", "It was to be decided before now: the next one is asked.")
    return None


async def _decided(call: Call, request: Request, state: ApprovalState) -> Outcome:
    """Close the request, and do what follows."""
    reason = str(call.arguments.get("reason") or "").strip() or None
    values: dict[str, object] = {
        "state": state.value,
        "decided_by_id": call.actor.user_id if state is not ApprovalState.EXPIRED else None,
        "decided_at": dt.datetime.now(dt.UTC),
        "reason": reason,
    }
    closed = await update_fields(
        call.tx,
        call.actor,
        REQUEST,
        request.id,
        values,
        f"approval_request.{state.value.lower()}",
        if_match=call.if_match,
        request_id=call.request_id,
    )
    if closed.is_refused:
        return closed
    await clear_timer(call.tx, call.actor.organization_id, OVERDUE, request.id)
    if request.gone:
        return closed
    follow = effect_of(request.action, request.entity)
    followed = await follow(call, replace(request, state=state), state is ApprovalState.APPROVED)
    return followed if followed is not None and followed.is_refused else closed


def _not_pending() -> Outcome:
    return refusal("REQUEST_NOT_PENDING", "This is decided already.")
