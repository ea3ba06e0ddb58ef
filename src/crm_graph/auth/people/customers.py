"""Whom an e-mail address stands for: a user who signs in, and a customer's record that nobody signs in as yet."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

_USER: Final = """
SELECT id, status = 'ACTIVE' AND customer_id IS NOT NULL AS enters FROM users
 WHERE organization_id = $1 AND email_match = crm_match_email($2)
 ORDER BY email = $2 DESC, created_at, id LIMIT 1"""
_UNCLAIMED: Final = """
SELECT c.id FROM customers c
 WHERE c.organization_id = $1 AND c.email_match = crm_match_email($2) AND c.kind = 'PERSON'
   AND NOT EXISTS (SELECT FROM users u WHERE u.organization_id = c.organization_id AND u.customer_id = c.id)
 LIMIT 2"""


@dataclass(frozen=True, slots=True)
class Known:
    """A user with an address. `enters`: they sign in by a code, which active customers do."""

    id: UUID
    enters: bool


async def by_email(connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID, email: str) -> Known | None:
    """The user who signs in with this address."""
    found = await connection.fetchrow(_USER, organization_id, email)
    return None if found is None else Known(found["id"], found["enters"])


async def unclaimed(connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID, email: str) -> UUID | None:
    """The one record of a person with this address, if there is exactly one that nobody signs in as."""
    found = await connection.fetch(_UNCLAIMED, organization_id, email)
    return found[0]["id"] if len(found) == 1 else None


async def one_at_a_time(connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID) -> None:
    """Wait for others who become customers: two who prove the same address at once are not both that person."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"customers {organization_id}")
