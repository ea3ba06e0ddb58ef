"""What is to happen by itself in an organisation that was loaded: offers end, registrations are answered and expire."""

from typing import Final
from uuid import UUID

import asyncpg

from crm_graph.resolvers.deals import answering
from crm_graph.resolvers.lead_offers import offering

_SET: Final = """
INSERT INTO timers (organization_id, kind, row_id, due_at)
SELECT $1, $2, id,
       created_at + $5::interval
         * (floor(extract(epoch FROM now() - created_at) / extract(epoch FROM $5::interval)) + 1)
  FROM deal_registrations WHERE organization_id = $1 AND answer = 'RECEIVED'
 UNION ALL
SELECT $1, $3, id, protected_until FROM deal_registrations WHERE organization_id = $1 AND answer = 'PROTECTED'
 UNION ALL
SELECT $1, $4, id, accept_by FROM lead_offers WHERE organization_id = $1 AND status = 'OFFERED'"""


async def wait(connection: "asyncpg.Connection[asyncpg.Record]", organization: UUID) -> None:
    """Set the timers that those who register and offer would have set, in the transaction that loads."""
    kinds = answering.ANSWER, answering.EXPIRE, offering.EXPIRE
    await connection.execute(_SET, organization, *kinds, answering.EVERY)
