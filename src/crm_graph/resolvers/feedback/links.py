"""Links by which somebody answers who does not sign in: secrets, kept as their hash; they end, or are taken back."""

import datetime as dt
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from crm_graph.auth import tokens

PATH: Final = "/f"
WORKS: Final = dt.timedelta(days=30)
"""How long a link works."""

_OPENED: Final = """
SELECT r.id, r.ticket_id, t.customer_id, r.score FROM ticket_ratings r
  JOIN tickets t ON t.organization_id = r.organization_id AND t.id = r.ticket_id
 WHERE r.organization_id = $1 AND r.token_hash = $2 AND r.revoked_at IS NULL AND r.expires_at > now()
 UNION ALL
SELECT s.id, NULL, s.customer_id, s.score FROM relationship_ratings s
 WHERE s.organization_id = $1 AND s.token_hash = $2 AND s.revoked_at IS NULL AND s.expires_at > now()"""


@dataclass(frozen=True, slots=True)
class Opened:
    """A link that works: the rating or survey it is about, whose it is, and what was answered already."""

    id: UUID
    ticket_id: UUID | None
    customer_id: UUID
    score: int | None


def new_link(pages: str, hosts: list[str]) -> tuple[str, str]:
    """Where a new link leads, and the hash by which its secret is kept."""
    token = tokens.link_token()
    return f"{pages.replace('{host}', next(iter(hosts), 'localhost'))}{PATH}/{token}", hashed(token)


def hashed(token: str) -> str:
    return tokens.digest(token.encode()).hex()


async def opened(connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID, token: str) -> Opened | None:
    """What the link of this secret is about, if it works."""
    found = await connection.fetchrow(_OPENED, organization_id, hashed(token))
    return None if found is None else Opened(found["id"], found["ticket_id"], found["customer_id"], found["score"])
