"""Whom to ask: the nearest person whose limit covers it.

First the requester's own team, then the ones above it, step by step, then anybody. In a team their manager comes before
others, the manager's manager next; then who has the smallest limit that covers it, and who has been here longest.
"""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from crm_graph.db.session import Transaction
from crm_graph.resolvers.authority.circles import CLOSE, circle
from crm_graph.resolvers.authority.limits import ROOMS
from crm_graph.resolvers.people import OF_STAFF
from crm_graph.schema.authority import AuthorityAction

_DEEPEST: Final = 50
"""Steps up a tree; reporting lines may go in circles."""

PERSON: Final = f"""u.status = 'ACTIVE' AND {OF_STAFF}
   AND NOT EXISTS (SELECT FROM oauth_clients c WHERE c.organization_id = u.organization_id AND c.user_id = u.id)"""
"""Whether a user is one of the staff, and no app: only people approve."""

STANDS_IN: Final = f"""
SELECT u.id FROM authority_delegations d
  JOIN users u ON u.organization_id = d.organization_id AND u.id = d.to_user_id
 WHERE d.organization_id = $1 AND d.valid_from <= now() AND d.valid_until > now() AND {PERSON}"""

_NEAREST: Final = f"""
WITH RECURSIVE above AS (
  SELECT t.id, t.parent_id, 0 AS steps FROM users u JOIN teams t ON t.organization_id = $1 AND t.id = u.team_id
   WHERE u.organization_id = $1 AND u.id = $5
  UNION ALL
  SELECT t.id, t.parent_id, a.steps + 1 FROM above a JOIN teams t ON t.organization_id = $1 AND t.id = a.parent_id
   WHERE a.steps < {_DEEPEST}
), line AS (
  SELECT u.manager_id AS id, 0 AS steps FROM users u WHERE u.organization_id = $1 AND u.id = $5
  UNION ALL
  SELECT u.manager_id, l.steps + 1 FROM line l JOIN users u ON u.organization_id = $1 AND u.id = l.id
   WHERE l.steps < {_DEEPEST}
), {circle("$6::uuid")}, close AS ({CLOSE}), rooms AS (
  SELECT user_id, max(room) AS room FROM ({ROOMS}) r GROUP BY user_id
)
SELECT u.id AS authority_of, stands_in.id AS stand_in
  FROM rooms r
  JOIN users u ON u.organization_id = $1 AND u.id = r.user_id
  LEFT JOIN above a ON a.id = u.team_id
  LEFT JOIN (SELECT id, min(steps) AS steps FROM line GROUP BY id) l ON l.id = u.id
  LEFT JOIN LATERAL ({STANDS_IN} AND d.from_user_id = r.user_id AND d.to_user_id <> $5
     AND d.to_user_id NOT IN (SELECT id FROM close) ORDER BY d.created_at DESC, d.id DESC LIMIT 1) stands_in ON TRUE
 WHERE r.room >= $4 AND {PERSON} AND u.id <> $5 AND u.id NOT IN (SELECT id FROM close) AND u.id <> ALL($7::uuid[])
 ORDER BY a.steps NULLS LAST, l.steps NULLS LAST, r.room, u.created_at, u.id LIMIT 1"""


@dataclass(frozen=True, slots=True)
class Approver:
    """Who is asked, and whose limit covers it where they stand in for somebody."""

    asked: UUID
    authority_of: UUID | None


async def nearest(
    tx: Transaction,
    organization_id: UUID,
    action: AuthorityAction,
    size: Decimal,
    currency: str,
    *,
    requester: UUID,
    customer: UUID | None,
    passed_over: Collection[UUID] = (),
) -> Approver | None:
    """The nearest person whose limit covers it now; never the requester, the customer, or one of their household."""
    found = await (await tx.raw()).fetchrow(
        _NEAREST, organization_id, action.value, currency, size, requester, customer, list(passed_over)
    )
    if found is None:
        return None
    if found["stand_in"] is None:
        return Approver(found["authority_of"], None)
    return Approver(found["stand_in"], found["authority_of"])


async def stands_in(tx: Transaction, organization_id: UUID, user: UUID, whom: UUID) -> bool:
    """Whether a user decides for another one now."""
    sql = f"SELECT EXISTS ({STANDS_IN} AND d.from_user_id = $2 AND d.to_user_id = $3)"
    return bool(await (await tx.raw()).fetchval(sql, organization_id, whom, user))
