"""How often signing in failed: counted by user and hour, and written after the answer.

Not an entry for each: whoever guesses would fill the audit trail. And not on the way of the answer, which has to be the
same work whether or not there is such a user.
"""

import logging
import time
from collections import Counter
from typing import Final
from uuid import UUID

import asyncpg
import sqlalchemy as sa

from crm_graph.db.ids import uuid7
from crm_graph.db.session import Database
from crm_graph.db.write_behind import WriteBehind
from crm_graph.errors import CrmError

logger = logging.getLogger("crm_graph.auth.trail")

MOST: Final = 10_000
"""Counters kept in memory; failures of further users are not counted until these are written."""
_Key = tuple[UUID, UUID, int]

_WRITE: Final = """
INSERT INTO sign_in_failures AS f (organization_id, id, user_id, hour, times, last_at)
SELECT $1, $2, u.id, to_timestamp($4::bigint * 3600), $5, now() FROM users u WHERE u.organization_id = $1 AND u.id = $3
ON CONFLICT (organization_id, user_id, hour)
DO UPDATE SET times = f.times + excluded.times, last_at = excluded.last_at"""


class Failures:
    """Counts, and writes the counts every `seconds`. What a killed process had not yet written is lost."""

    def __init__(self, database: Database, seconds: float = 2.0) -> None:
        self._database = database
        self._counts: Counter[_Key] = Counter()
        self._behind = WriteBehind(self._write, seconds)

    def note(self, organization_id: UUID, user_id: UUID) -> None:
        """Somebody has just failed to sign in as this user."""
        key = organization_id, user_id, int(time.time() // 3600)
        if key in self._counts or len(self._counts) < MOST:
            self._counts[key] += 1
            self._behind.ask()

    async def close(self) -> None:
        """Write what is left, now."""
        await self._behind.close()

    async def _write(self) -> bool:
        counts, self._counts = self._counts, Counter()
        try:
            # in one order, so that processes never deadlock
            for (organization_id, user_id, hour), times in sorted(counts.items()):
                async with self._database.transaction(organization_id, None, "sign_in") as tx:
                    await (await tx.raw()).execute(_WRITE, organization_id, uuid7(), user_id, hour, times)
        except (sa.exc.SQLAlchemyError, asyncpg.PostgresError, OSError, CrmError) as error:
            logger.warning("could not write how often signing in failed: %s", type(error).__name__)
        return bool(self._counts)
