"""What is to happen by itself in an organisation that was loaded: offers end, registrations are answered and expire."""

from typing import Final
from uuid import UUID

import asyncpg

from crm_graph.resolvers.deals import answering
from crm_graph.resolvers.lead_offers import offering

_UNANSWERED: Final = """
SELECT id, created_at, now() AS now FROM deal_registrations WHERE organization_id = $1 AND answer = 'RECEIVED'"""
_PROTECTED: Final = """
SELECT id, protected_until AS due_at FROM deal_registrations WHERE organization_id = $1 AND answer = 'PROTECTED'"""
_OFFERED: Final = "SELECT id, accept_by AS due_at FROM lead_offers WHERE organization_id = $1 AND status = 'OFFERED'"
_SET: Final = "INSERT INTO timers (organization_id, kind, row_id, due_at) VALUES ($1, $2, $3, $4)"


async def wait(connection: "asyncpg.Connection[asyncpg.Record]", organization: UUID) -> None:
    """Set the timers that those who register and offer would have set, in the transaction that loads."""
    unanswered = await connection.fetch(_UNANSWERED, organization)
    timers = [(answering.ANSWER, row["id"], answering.answer_due(row["created_at"], row["now"])) for row in unanswered]
    for kind, sql in ((answering.EXPIRE, _PROTECTED), (offering.EXPIRE, _OFFERED)):
        timers += [(kind, row["id"], row["due_at"]) for row in await connection.fetch(sql, organization)]
    await connection.executemany(_SET, [(organization, *one) for one in timers])
