"""Links by which customers answer what they are asked: what a link that works is about."""

import datetime as dt
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from crm_graph.resolvers.secret_links import linked, works

PATH: Final = "/f"
WORKS: Final = dt.timedelta(days=30)
"""How long a link works."""

_OPENED: Final = f"""
SELECT r.id, r.ticket_id, t.customer_id, r.score FROM ticket_ratings r
  JOIN tickets t ON t.organization_id = r.organization_id AND t.id = r.ticket_id
 WHERE {works("r")}
 UNION ALL
SELECT s.id, NULL, s.customer_id, s.score FROM relationship_ratings s WHERE {works("s")}"""


@dataclass(frozen=True, slots=True)
class Opened:
    """A link that works: the rating or survey it is about, whose it is, and what was answered already."""

    id: UUID
    ticket_id: UUID | None
    customer_id: UUID
    score: int | None


async def opened(connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID, token: str) -> Opened | None:
    """What the link of this secret is about, if it works."""
    found = await linked(connection, _OPENED, organization_id, token)
    return None if found is None else Opened(**dict(found))
