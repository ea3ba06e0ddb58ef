"""What tickets that were loaded with their past were promised: on record, and nobody is told of what is long over."""

from typing import Final
from uuid import UUID

import asyncpg

from crm_graph.resolvers.sla.policies import load
from crm_graph.resolvers.sla.reckoning import TICKETS, TIMER, on_record, write

_PAGE: Final = 500
_IDS: Final = "SELECT id FROM tickets WHERE organization_id = $1 ORDER BY id"
_NONE: Final = "DELETE FROM timers WHERE organization_id = $1 AND kind LIKE 'sla.%'"
_TIMERS: Final = """
INSERT INTO timers (organization_id, kind, row_id, due_at)
SELECT $1, $2, * FROM unnest($3::uuid[], $4::timestamptz[])"""


async def reckon_loaded(connection: "asyncpg.Connection[asyncpg.Record]", organization: UUID) -> None:
    """Reckon all tickets of an organisation in its transaction, and set the timers of what is still to come."""
    policies = await load(connection, organization)
    ids = [row["id"] for row in await connection.fetch(_IDS, organization)]
    await connection.execute(_NONE, organization)
    for start in range(0, len(ids), _PAGE):
        rows = await connection.fetch(TICKETS, organization, ids[start : start + _PAGE])
        found = [on_record(row, policies) for row in rows]
        await write(connection, organization, found)
        moments = {one.row["id"]: one.reckoned.next_at for one in found if one.reckoned.next_at is not None}
        await connection.execute(_TIMERS, organization, TIMER, list(moments), list(moments.values()))
