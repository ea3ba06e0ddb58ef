"""How much people may still grant, by their limits and by what was granted by their authority in the period.

A person's own limits count instead of those of their roles. Of several roles any one limit is enough, wholly: the
amount at a time of one and the day of another are not put together.
"""

from decimal import Decimal
from typing import Final
from uuid import UUID

import asyncpg

from crm_graph.auth.actor import Actor
from crm_graph.db.session import Transaction
from crm_graph.plan.writes.write import insert_fields
from crm_graph.schema.authority import AuthorityAction

ROOMS: Final = """
SELECT u.id AS user_id, l.id AS limit_id, l.percent, l.each, l.per_day, l.per_week, l.per_month,
       used.of_day, used.of_week, used.of_month,
       greatest(CASE WHEN l.action = 'DISCOUNT' THEN l.percent ELSE least(
           l.each, l.per_day - used.of_day, l.per_week - used.of_week, l.per_month - used.of_month) END, 0) AS room
  FROM users u
  JOIN authority_limits l ON l.organization_id = u.organization_id AND l.action = $2
   AND (l.currency = $3 OR l.action = 'DISCOUNT')
   AND (l.user_id = u.id OR l.role = ANY(u.roles) AND NOT EXISTS (
       SELECT FROM authority_limits p
        WHERE p.organization_id = u.organization_id AND p.user_id = u.id AND p.action = $2
          AND (p.currency = $3 OR p.action = 'DISCOUNT')))
 CROSS JOIN (SELECT date_trunc('day', now(), 'UTC') AS day, date_trunc('week', now(), 'UTC') AS week,
                    date_trunc('month', now(), 'UTC') AS month) began
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(s.amount) FILTER (WHERE s.created_at >= began.day), 0) AS of_day,
              coalesce(sum(s.amount) FILTER (WHERE s.created_at >= began.week), 0) AS of_week,
              coalesce(sum(s.amount) FILTER (WHERE s.created_at >= began.month), 0) AS of_month
         FROM authority_uses s
        WHERE s.organization_id = u.organization_id AND s.user_id = u.id AND s.action = $2 AND s.currency = $3
          AND s.created_at >= least(began.week, began.month)) used
 WHERE u.organization_id = $1"""
"""A row for each person and limit of an action ($2) and currency ($3); `room` is what may be granted right now."""

_ROOM: Final = f"SELECT max(room) FROM ({ROOMS} AND u.id = $4) r"
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('crm_graph.authority'), hashtext($1))"


async def room(tx: Transaction, organization_id: UUID, user: UUID, action: AuthorityAction, currency: str) -> Decimal:
    """What somebody may grant at once, which nobody else counts until the transaction ends: 0 without a limit.

    In percent for a discount, else in the currency.
    """
    connection = await tx.raw()
    if action is not AuthorityAction.DISCOUNT:
        # the sum is read by a statement of its own, begun once the lock is had: it sees what others have committed
        await connection.execute(_LOCK, f"{organization_id}/{user}/{action}/{currency}")
    return await _room(connection, organization_id, user, action, currency)


async def _room(
    connection: "asyncpg.Connection[asyncpg.Record]",
    organization_id: UUID,
    user: UUID,
    action: AuthorityAction,
    currency: str,
) -> Decimal:
    found: Decimal | None = await connection.fetchval(_ROOM, organization_id, action.value, currency, user)
    return found if found is not None else Decimal(0)


async def use(
    tx: Transaction,
    actor: Actor,
    whose: UUID,
    action: AuthorityAction,
    size: Decimal,
    currency: str,
    about: tuple[str, UUID],
    request: UUID | None,
    request_id: str | None,
) -> UUID:
    """Put on record what the caller grants by somebody's authority; there is room for it."""
    made = await insert_fields(
        tx,
        actor,
        "AuthorityUse",
        {
            "user_id": whose,
            "granted_by_id": actor.user_id,
            "action": action.value,
            **sized(action, size, currency),
            "entity": about[0],
            "row_id": about[1],
            "approval_request_id": request,
        },
        event="authority.used",
        request_id=request_id,
    )
    assert made.id is not None, made.errors
    return made.id


def sized(action: AuthorityAction, size: Decimal, currency: str) -> dict[str, object]:
    """The columns that hold a size: percent of a discount, else an amount."""
    return {"percent" if action is AuthorityAction.DISCOUNT else "amount": size, "currency": currency}
