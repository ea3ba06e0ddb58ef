"""When tokens were last used: noted together, after the requests that used them, at most once a minute each."""

import logging
from collections import defaultdict
from uuid import UUID

import sqlalchemy as sa

from crm_graph.auth.oauth.tables import oauth_families
from crm_graph.auth.tables import api_keys, sessions
from crm_graph.db.session import Database
from crm_graph.db.write_behind import WriteBehind
from crm_graph.errors import CrmError

logger = logging.getLogger("crm_graph.auth.last_used")


class LastUsed:
    """Collects uses for `seconds` and then writes them, one transaction per organisation."""

    def __init__(self, database: Database, seconds: float = 1.0) -> None:
        self._database = database
        self._used: defaultdict[UUID, set[UUID]] = defaultdict(set)
        self._behind = WriteBehind(self._write, seconds)

    def note(self, organization_id: UUID, credential_id: UUID) -> None:
        """Somebody used this session, key or family of tokens."""
        self._used[organization_id].add(credential_id)
        self._behind.ask()

    async def close(self) -> None:
        """Write what is left, now."""
        await self._behind.close()

    async def _write(self) -> bool:
        used, self._used = self._used, defaultdict(set)
        try:
            for organization_id, ids in used.items():
                async with self._database.transaction(organization_id, None, "sign_in") as tx:
                    connection = await tx.session.connection()
                    for table in (sessions, api_keys, oauth_families):
                        await connection.execute(_statement(table, organization_id, ids))
        except (sa.exc.SQLAlchemyError, OSError, CrmError) as error:
            # A time that is shown, not one that decides: the next use notes it again.
            logger.warning("could not note when tokens were last used: %s", type(error).__name__)
        return bool(self._used)


def _statement(table: sa.Table, organization_id: UUID, ids: set[UUID]) -> sa.Update:
    c, now = table.c, sa.func.now()
    unnoted = sa.or_(c.last_used_at.is_(None), c.last_used_at < now - sa.text("interval '1 minute'"))
    return sa.update(table).where(c.organization_id == organization_id, c.id.in_(ids), unnoted).values(last_used_at=now)
