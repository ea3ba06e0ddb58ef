"""Counting what is bought together, and by which segments: everything anew, in one statement each."""

from typing import Final
from uuid import UUID

import asyncpg

from crm_graph.plan.groups.benchmarks import FEWEST
from crm_graph.schema.orders import COUNTS

_BOUGHT: Final = f"""
WITH bought AS MATERIALIZED (
  SELECT DISTINCT o.customer_id, o.id AS order_id, l.product_id
    FROM orders o JOIN order_lines l ON l.organization_id = o.organization_id AND l.order_id = o.id
   WHERE o.organization_id = $1 AND o.status {COUNTS}
), """

_ASSOCIATIONS: Final = f"""{_BOUGHT}
buyers AS (SELECT b.product_id, count(DISTINCT b.customer_id) AS n FROM bought b GROUP BY 1),
everybody AS (SELECT count(DISTINCT b.customer_id) AS n FROM bought b),
pairs AS (
  SELECT a.product_id, b.product_id AS other_id, count(DISTINCT a.customer_id) AS n
    FROM bought a JOIN bought b ON b.order_id = a.order_id AND b.product_id <> a.product_id
   GROUP BY 1, 2 HAVING count(DISTINCT a.customer_id) >= {FEWEST}
), gone AS (
  DELETE FROM product_associations d WHERE d.organization_id = $1
     AND NOT EXISTS (SELECT FROM pairs p WHERE p.product_id = d.product_id AND p.other_id = d.other_id)
)
INSERT INTO product_associations
       (organization_id, product_id, other_id, together, buyers, other_buyers, customers, counted_at)
SELECT $1, p.product_id, p.other_id, p.n, x.n, y.n, e.n, now()
  FROM pairs p JOIN buyers x ON x.product_id = p.product_id JOIN buyers y ON y.product_id = p.other_id, everybody e
    ON CONFLICT (organization_id, product_id, other_id) DO UPDATE
   SET together = EXCLUDED.together, buyers = EXCLUDED.buyers, other_buyers = EXCLUDED.other_buyers,
       customers = EXCLUDED.customers, counted_at = EXCLUDED.counted_at"""

_SEGMENTS: Final = f"""{_BOUGHT}
members AS (
  SELECT DISTINCT c.segment, b.customer_id, b.product_id
    FROM bought b JOIN customers c ON c.organization_id = $1 AND c.id = b.customer_id AND c.segment IS NOT NULL
), sizes AS (SELECT m.segment, count(DISTINCT m.customer_id) AS n FROM members m GROUP BY 1),
shares AS (SELECT m.segment, m.product_id, count(*) AS n FROM members m GROUP BY 1, 2 HAVING count(*) >= {FEWEST}),
gone AS (
  DELETE FROM segment_purchases d WHERE d.organization_id = $1
     AND NOT EXISTS (SELECT FROM shares s WHERE s.segment = d.segment AND s.product_id = d.product_id)
)
INSERT INTO segment_purchases (organization_id, segment, product_id, buyers, customers, counted_at)
SELECT $1, s.segment, s.product_id, s.n, z.n, now() FROM shares s JOIN sizes z ON z.segment = s.segment
    ON CONFLICT (organization_id, segment, product_id) DO UPDATE
   SET buyers = EXCLUDED.buyers, customers = EXCLUDED.customers, counted_at = EXCLUDED.counted_at"""


async def count(connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID) -> None:
    """Count the bound organisation's purchases anew, in the caller's transaction."""
    await connection.execute(_ASSOCIATIONS, organization_id)
    await connection.execute(_SEGMENTS, organization_id)
