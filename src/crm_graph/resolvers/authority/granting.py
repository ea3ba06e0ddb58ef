"""Granting something to a customer: at once within one's limit, else by asking who may."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from crm_graph import kinds
from crm_graph.jobs.timers import clear_timer, set_timer
from crm_graph.plan.changes import UserError, denied
from crm_graph.plan.mutations import Call
from crm_graph.plan.writes.write import insert_fields, update_fields
from crm_graph.resolvers.authority.circles import customer_of, too_close
from crm_graph.resolvers.authority.decisions import effect_of
from crm_graph.resolvers.authority.limits import room, sized, use
from crm_graph.resolvers.authority.nearest import nearest
from crm_graph.resolvers.authority.telling import tell_asked
from crm_graph.schema.authority import ApprovalState, AuthorityAction

REQUEST: Final = "ApprovalRequest"
OVERDUE: Final = "approval_request.overdue"
"""The timer that asks the next one (approvals.py)."""
DECIDED_WITHIN: Final = dt.timedelta(hours=24)
"""How long one person is asked, before the next one is."""
OWN: Final = UserError("AUTHORITY_OWN_CASE", "Nobody grants anything to themselves, nor to their own household.")

_OLDER: Final = """
SELECT id FROM approval_requests
 WHERE organization_id = $1 AND entity = $2 AND row_id = $3 AND state = 'PENDING' AND ($4::text IS NULL OR action = $4)
 ORDER BY id FOR UPDATE"""


@dataclass(frozen=True, slots=True)
class Granted:
    """It was within the caller's limit and is on record; it is for the caller of `decide_or_ask` to carry it out."""

    use: UUID


@dataclass(frozen=True, slots=True)
class Asked:
    """It waits for the decision of the person asked."""

    request: UUID
    asked_of: UUID


async def decide_or_ask(
    call: Call,
    action: AuthorityAction,
    size: Decimal,
    currency: str,
    *,
    about: tuple[str, UUID],
    note: str | None = None,
    customer: UUID | None = None,
) -> Granted | Asked | UserError:
    """Grant something by the caller's own authority, or ask the nearest person whose limit covers it.

    `size` is in percent for a discount, else an amount of `currency` in its minor units. `about` is the record, whose
    row the caller has locked or is making; `customer`, where the record does not exist yet, whom it is about. A pending
    request for the same is withdrawn. A `UserError` says why neither is possible.
    """
    actor = call.actor
    if actor.user_id is None or actor.customer_id is not None:
        return denied()
    effect_of(action, about[0])  # nobody asks for what nothing would follow from
    try:
        size = _fitting(action, size, currency)
    except ValueError as error:
        return UserError("VALUE_INVALID", f"{error}.".capitalize())
    customer = customer or await customer_of(call.tx, actor.organization_id, about)
    if await too_close(call.tx, actor.organization_id, actor.user_id, customer):
        return OWN
    await withdraw_requests(call, *about, action=action)
    if (granted := await _within(call, actor.user_id, action, size, currency, about)) is not None:
        return granted
    found = await nearest(
        call.tx, actor.organization_id, action, size, currency, requester=actor.user_id, customer=customer
    )
    if found is None:
        return UserError("AUTHORITY_MISSING", "This is beyond your limit, and nobody's limit covers it now.")
    expires_at = dt.datetime.now(dt.UTC) + DECIDED_WITHIN
    made = await insert_fields(
        call.tx,
        actor,
        REQUEST,
        {
            "action": action.value,
            **sized(action, size, currency),
            "entity": about[0],
            "row_id": about[1],
            "customer_id": customer,
            "requested_by_id": actor.user_id,
            "asked_of_id": found.asked,
            "authority_of_id": found.authority_of,
            "note": note,
            "expires_at": expires_at,
        },
        event="approval_request.asked",
        request_id=call.request_id,
    )
    assert made.id is not None, made.errors
    await set_timer(call.tx, actor.organization_id, OVERDUE, made.id, expires_at)
    await tell_asked(call.tx, actor.organization_id, made.id)
    return Asked(made.id, found.asked)


async def grant_at_once(
    call: Call, action: AuthorityAction, size: Decimal, currency: str, *, about: tuple[str, UUID], customer: UUID | None
) -> bool:
    """Grant something by the caller's own authority if that covers it, and ask nobody if it does not."""
    user = call.actor.user_id
    if user is None or call.actor.customer_id is not None:
        return False
    if await too_close(call.tx, call.actor.organization_id, user, customer):
        return False
    return await _within(call, user, action, _fitting(action, size, currency), currency, about) is not None


async def _within(
    call: Call, user: UUID, action: AuthorityAction, size: Decimal, currency: str, about: tuple[str, UUID]
) -> Granted | None:
    actor = call.actor
    if size > await room(call.tx, actor.organization_id, user, action, currency):
        return None
    return Granted(await use(call.tx, actor, user, action, size, currency, about, None, call.request_id))


async def withdraw_requests(call: Call, entity: str, row: UUID, *, action: AuthorityAction | None = None) -> int:
    """Withdraw what is pending about a record, which the caller has locked; nothing follows. Gives how many."""
    older = await (await call.tx.raw()).fetch(
        _OLDER, call.actor.organization_id, entity, row, action.value if action else None
    )
    for one in older:
        values = {"state": ApprovalState.WITHDRAWN.value, "decided_at": dt.datetime.now(dt.UTC)}
        event = "approval_request.withdrawn"
        await update_fields(call.tx, call.actor, REQUEST, one["id"], values, event, request_id=call.request_id)
        await clear_timer(call.tx, call.actor.organization_id, OVERDUE, one["id"])
    return len(older)


def _fitting(action: AuthorityAction, size: Decimal, currency: str) -> Decimal:
    """The size as it is kept. Raises ValueError with a sentence for the caller."""
    if action is AuthorityAction.DISCOUNT:
        if not 0 <= size <= 100:
            raise ValueError("a discount is from 0 to 100 percent")
        return size
    if size <= 0:
        raise ValueError("an amount above nothing is needed")
    return kinds.in_minor_units(size, currency)
