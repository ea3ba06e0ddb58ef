"""Which partner a lead is offered to where nobody says which: docs/partners.md has the rule in words."""

from typing import Final
from uuid import UUID

from crm_graph.db.session import Transaction

_NEXT: Final = """
WITH RECURSIVE held AS (
  SELECT c.partner_id, c.segment, c.territory_id FROM partner_coverages c
   WHERE c.organization_id = $1 AND c.valid_from <= now() AND c.valid_until > now()
   UNION
  SELECT h.partner_id, h.segment, t.id FROM held h
    JOIN territories t ON t.organization_id = $1 AND t.parent_id = h.territory_id
), lead AS (
  SELECT id, partner_id, country, crm_fold(city) AS city, segment FROM leads WHERE organization_id = $1 AND id = $2
)
SELECT p.id FROM partners p, lead l
 WHERE p.organization_id = $1 AND p.id IS DISTINCT FROM l.partner_id
   AND EXISTS (
     SELECT FROM held h LEFT JOIN territories t ON t.organization_id = $1 AND t.id = h.territory_id
      WHERE h.partner_id = p.id AND (h.segment IS NULL OR h.segment = l.segment)
        AND (t.id IS NULL OR num_nonnulls(t.country, t.city, t.segment) > 0
             AND (t.country IS NULL OR t.country = l.country) AND (t.segment IS NULL OR t.segment = l.segment)
             AND (t.city IS NULL OR crm_fold(t.city) = l.city)))
   AND EXISTS (SELECT FROM users u WHERE u.organization_id = $1 AND u.partner_id = p.id AND u.status = 'ACTIVE')
   AND NOT EXISTS (SELECT FROM lead_offers o
                    WHERE o.organization_id = $1 AND o.lead_id = l.id AND o.partner_id = p.id)
 ORDER BY (SELECT count(*) FROM leads w
            WHERE w.organization_id = $1 AND w.partner_id = p.id AND w.status IN ('NEW', 'WORKING')),
          (SELECT avg(coalesce(o.responded_at, o.accept_by) - o.offered_at) FROM lead_offers o
            WHERE o.organization_id = $1 AND o.partner_id = p.id AND o.status IN ('ACCEPTED', 'DECLINED', 'EXPIRED')
              AND o.offered_at > now() - interval '365 days') NULLS LAST,
          p.id
 LIMIT 1"""


async def next_candidate(tx: Transaction, organization_id: UUID, lead: UUID) -> UUID | None:
    """The partner that fits a lead best of those that do not have it, and were not offered it yet."""
    found: UUID | None = await (await tx.raw()).fetchval(_NEXT, organization_id, lead)
    return found
