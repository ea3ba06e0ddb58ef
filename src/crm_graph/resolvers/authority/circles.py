"""Who is too close to a customer to grant them anything: themselves, and whoever lives in the same household."""

from typing import Final
from uuid import UUID

from crm_graph.auth.rows import ActorValue
from crm_graph.db.session import Transaction
from crm_graph.entity import REGISTRY, table_name

# Someone of the staff is the customer of their own record, if it is known, and of every record with their address.
CLOSE: Final = """
SELECT u.id FROM users u
 WHERE u.organization_id = $1 AND (u.customer_id IN (SELECT id FROM circle)
    OR u.own_customer_id IN (SELECT id FROM circle) OR u.email_match IN (SELECT email FROM addresses_of_circle))"""
"""The ids of such users; after `CIRCLE`."""


def circle(customer: str) -> str:
    """CTEs that CLOSE looks at, for the SQL of a customer's id (null: of nobody)."""
    return f"""
homes AS (
  SELECT h.id FROM customers c JOIN customers h ON h.organization_id = c.organization_id AND h.kind = 'HOUSEHOLD'
     AND (h.id IN (c.id, c.parent_id) OR EXISTS (SELECT FROM contacts k
          WHERE k.organization_id = c.organization_id AND k.customer_id = h.id AND k.person_id = c.id))
   WHERE c.organization_id = $1 AND c.id = {customer}),
circle AS (
  SELECT {customer} AS id
  UNION SELECT id FROM homes
  UNION SELECT c.id FROM customers c WHERE c.organization_id = $1 AND c.parent_id IN (SELECT id FROM homes)
  UNION SELECT k.person_id FROM contacts k
   WHERE k.organization_id = $1 AND k.customer_id IN (SELECT id FROM homes) AND k.person_id IS NOT NULL),
addresses_of_circle AS (
  SELECT c.email_match AS email FROM customers c
   WHERE c.organization_id = $1 AND c.id IN (SELECT id FROM circle) AND c.email_match IS NOT NULL
  UNION SELECT crm_match_email(k.email) FROM contacts k
   WHERE k.organization_id = $1 AND k.customer_id IN (SELECT id FROM homes) AND k.email IS NOT NULL)"""


async def too_close(tx: Transaction, organization_id: UUID, user: UUID, customer: UUID | None) -> bool:
    """Whether a user is this customer, or of their household."""
    if customer is None:
        return False
    sql = f"WITH {circle('$3::uuid')} SELECT $2 IN ({CLOSE})"
    return bool(await (await tx.raw()).fetchval(sql, organization_id, user, customer))


async def customer_of(tx: Transaction, organization_id: UUID, about: tuple[str, UUID]) -> UUID | None:
    """The customer whom a record is about, as its row rules say; `None`: none."""
    entity = REGISTRY[about[0]]
    column = next((name for name, spec in entity.__specs__.items() if spec.ref and spec.ref.entity == "Customer"), None)
    if entity.__name__ == "Customer":
        column = "id"
    elif entity.__rows__.self_ is not None and entity.__rows__.subject is ActorValue.CUSTOMER:
        column = entity.__rows__.self_
    if column is None:
        return None
    found: UUID | None = await (await tx.raw()).fetchval(
        f"SELECT {column} FROM {table_name(entity)} WHERE organization_id = $1 AND id = $2", organization_id, about[1]
    )
    return found
