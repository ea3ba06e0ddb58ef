"""The daily job: counts, proposes, tells owners that there is something to look at, and releases what the rule says."""

import datetime as dt
from collections import Counter
from typing import Final
from uuid import UUID

from crm_graph.auth.actor import Actor
from crm_graph.db.session import Transaction
from crm_graph.jobs.timers import timer
from crm_graph.mail.outbox import Mail, post
from crm_graph.plan.writes.write import insert_fields
from crm_graph.resolvers.people import MAILED
from crm_graph.resolvers.suggestions.counting import count
from crm_graph.resolvers.suggestions.release import release
from crm_graph.schema.orders import COUNTS
from crm_graph.schema.suggestions import SaleSuggestion

MOST: Final = 200
"""Suggestions that an organisation gets in a day, the likeliest first."""
MOST_OPEN: Final = 3
"""Suggestions that wait for a decision, of a customer."""
LEAST_SHARE: Final = "0.2"
"""Of the buyers, so many must have bought the other product too, or so many of the segment."""

_CANDIDATES: Final = f"""
WITH bought AS MATERIALIZED (
  SELECT DISTINCT o.customer_id, l.product_id
    FROM orders o JOIN order_lines l ON l.organization_id = o.organization_id AND l.order_id = o.id
   WHERE o.organization_id = $1 AND o.status {COUNTS}
), likely AS (
  SELECT b.customer_id, a.other_id AS product_id, 'BOUGHT_TOGETHER' AS basis, a.product_id AS because_id,
         a.together AS bought, a.buyers AS out_of, a.confidence AS share
    FROM bought b JOIN product_associations a ON a.organization_id = $1 AND a.product_id = b.product_id
   WHERE a.lift > 1 AND a.confidence >= {LEAST_SHARE}
   UNION ALL
  SELECT c.id, s.product_id, 'SEGMENT', NULL, s.buyers, s.customers, s.share
    FROM customers c JOIN segment_purchases s ON s.organization_id = $1 AND s.segment = c.segment
   WHERE c.organization_id = $1 AND s.share >= {LEAST_SHARE}
), best AS (
  SELECT DISTINCT ON (l.customer_id, l.product_id) l.*, c.owner_id
    FROM likely l
    JOIN customers c ON c.organization_id = $1 AND c.id = l.customer_id AND c.owner_id IS NOT NULL
    JOIN products p ON p.organization_id = $1 AND p.id = l.product_id AND p.active
   WHERE NOT EXISTS (SELECT FROM bought b WHERE b.customer_id = l.customer_id AND b.product_id = l.product_id)
     AND NOT EXISTS (SELECT FROM sale_suggestions s
                      WHERE s.organization_id = $1 AND s.customer_id = l.customer_id AND s.product_id = l.product_id)
   ORDER BY l.customer_id, l.product_id, l.share DESC, l.because_id
), ranked AS (
  SELECT b.*, row_number() OVER (PARTITION BY b.customer_id ORDER BY b.share DESC, b.product_id)
         + (SELECT count(*) FROM sale_suggestions s
             WHERE s.organization_id = $1 AND s.customer_id = b.customer_id AND s.status = 'PROPOSED') AS place
    FROM best b
)
SELECT customer_id, product_id, basis, because_id, bought, out_of, share, owner_id
  FROM ranked WHERE place <= {MOST_OPEN} ORDER BY share DESC, customer_id, product_id LIMIT {MOST}"""

_OWNERS: Final = f"""SELECT u.id, u.name, u.email FROM users u
 WHERE u.organization_id = $1 AND u.id = ANY($2::uuid[]) AND {MAILED}"""
_ORGANIZATION: Final = "SELECT name, suggestions_released_from FROM organizations WHERE organization_id = $1"


@timer("suggestions.daily", every=dt.timedelta(days=1))
async def propose(tx: Transaction, actor: Actor, row: UUID) -> None:
    """Propose what customers may want, as of the orders of today."""
    connection, organization = await tx.raw(), row
    await count(connection, organization)
    about = await connection.fetchrow(_ORGANIZATION, organization)
    assert about is not None, "the organisation is bound"
    least, new = about["suggestions_released_from"], Counter[UUID]()
    for found in await connection.fetch(_CANDIDATES, organization):
        values = {name: found[name] for name in found.keys() if name != "owner_id"}  # noqa: SIM118 - a record
        outcome = await insert_fields(tx, actor, SaleSuggestion.__name__, values)
        assert outcome.id is not None, outcome.errors
        if least is not None and found["share"] >= least:
            await release(tx, actor, outcome.id)
        else:
            new[found["owner_id"]] += 1
    for owner in await connection.fetch(_OWNERS, organization, list(new)):
        await post(connection, organization, _mail(owner["name"], owner["email"], new[owner["id"]], about["name"]))


def _mail(name: str, email: str, number: int, organization: str) -> Mail:
    """It names no customer and no product: what the owner may see of them is for the API to say."""
    what = "is one new suggestion" if number == 1 else f"are {number} new suggestions"
    body = (
        f"Hello {name},\n\nthere {what} for sale among your customers at {organization}.\n"
        "Look through them under saleSuggestions: release what the customer may be told, dismiss the rest.\n"
    )
    return Mail(email, f"New suggestions for sale: {number}", body)
