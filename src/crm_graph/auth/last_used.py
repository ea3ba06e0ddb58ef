"""When tokens were last used: noted together, after the requests that used them, at most once a minute each."""

import asyncio
import contextlib
import logging
from collections import defaultdict
from uuid import UUID

import sqlalchemy as sa

from crm_graph.auth.tables import api_keys, sessions
from crm_graph.db.session import Database
from crm_graph.errors import CrmError

logger = logging.getLogger("crm_graph.auth.last_used")


class LastUsed:
    """Collects uses for `seconds` and then writes them, one transaction per organisation."""

    def __init__(self, database: Database, seconds: float = 1.0) -> None:
        self._database = database
        self._seconds = seconds
        self._used: defaultdict[UUID, set[UUID]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    def note(self, organization_id: UUID, credential_id: UUID) -> None:
        """Somebody used this session or key."""
        self._used[organization_id].add(credential_id)
        if self._task is None:
            self._task = asyncio.create_task(self._write_soon())

    async def close(self) -> None:
        """Write what is left, now."""
        self._closing.set()
        if self._task is not None:
            await self._task

    async def _write_soon(self) -> None:
        try:
            while self._used:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._seconds):
                        await self._closing.wait()
                await self._write()
        finally:
            self._task = None

    async def _write(self) -> None:
        used, self._used = self._used, defaultdict(set)
        try:
            for organization_id, ids in used.items():
                async with self._database.transaction(organization_id, None, "sign_in") as tx:
                    connection = await tx.session.connection()
                    for table in (sessions, api_keys):
                        await connection.execute(_statement(table, organization_id, ids))
        except (sa.exc.SQLAlchemyError, OSError, CrmError) as error:
            # A time that is shown, not one that decides: the next use notes it again.
            logger.warning("could not note when tokens were last used: %s", type(error).__name__)


def _statement(table: sa.Table, organization_id: UUID, ids: set[UUID]) -> sa.Update:
    c, now = table.c, sa.func.now()
    unnoted = sa.or_(c.last_used_at.is_(None), c.last_used_at < now - sa.text("interval '1 minute'"))
    return sa.update(table).where(c.organization_id == organization_id, c.id.in_(ids), unnoted).values(last_used_at=now)
