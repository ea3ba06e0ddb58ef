"""Who was refused what: counted by caller, coordinate and minute, and written after the requests that were refused."""

import datetime as dt
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import sqlalchemy as sa

from crm_graph.auth.actor import Actor
from crm_graph.db.ids import uuid7
from crm_graph.db.session import Database
from crm_graph.db.write_behind import WriteBehind
from crm_graph.errors import CrmError

logger = logging.getLogger("crm_graph.auth.denials")

MOST = 10_000
"""Counters kept in memory; what goes beyond is counted under the coordinate `*`."""
NOBODY = UUID(int=0)
"""Stands for callers who are not signed in, so that they have one counter."""

_WRITE = """
INSERT INTO access_denials AS d (organization_id, id, minute, actor_id, coordinate, code, times)
SELECT $1, * FROM unnest($2::uuid[], $3::timestamptz[], $4::uuid[], $5::text[], $6::text[], $7::integer[])
ON CONFLICT (organization_id, minute, actor_id, coordinate, code) DO UPDATE SET times = d.times + excluded.times"""


@dataclass(frozen=True, slots=True)
class _Key:
    organization_id: UUID
    minute: int
    actor_id: UUID
    coordinate: str
    code: str


class Denials:
    """Counts refusals and writes the counts every `seconds`, one transaction an organisation.

    What a killed process had not yet written is lost; the counts say where to look, they are no audit.
    """

    def __init__(self, database: Database, seconds: float = 2.0) -> None:
        self._database = database
        self._counts: Counter[_Key] = Counter()
        self._behind = WriteBehind(self._write, seconds)

    def note(self, actor: Actor, code: str, coordinates: Iterable[str]) -> None:
        """This caller was refused these, now."""
        minute, caller = int(time.time() // 60), actor.user_id or NOBODY
        for coordinate in coordinates:
            key = _Key(actor.organization_id, minute, caller, coordinate, code)
            if key not in self._counts and len(self._counts) >= MOST:
                key = _Key(actor.organization_id, minute, caller, "*", code)
            self._counts[key] += 1
        self._behind.ask()

    async def close(self) -> None:
        """Write what is left, now."""
        await self._behind.close()

    async def _write(self) -> bool:
        counts, self._counts = self._counts, Counter()
        of_each: defaultdict[UUID, list[tuple[_Key, int]]] = defaultdict(list)
        for key, times in counts.items():
            of_each[key.organization_id].append((key, times))
        try:
            for organization_id, found in of_each.items():
                async with self._database.transaction(organization_id, None, "denials") as tx:
                    await (await tx.raw()).execute(_WRITE, organization_id, *_columns(found))
        except (sa.exc.SQLAlchemyError, asyncpg.PostgresError, OSError, CrmError) as error:
            logger.warning("could not write how often callers were refused: %s", type(error).__name__)
        return bool(self._counts)


def _columns(found: list[tuple[_Key, int]]) -> tuple[list[object], ...]:
    rows = [
        (uuid7(), dt.datetime.fromtimestamp(k.minute * 60, dt.UTC), k.actor_id, k.coordinate, k.code, times)
        for k, times in sorted(found, key=lambda one: repr(one[0]))  # in one order, so that processes never deadlock
    ]
    return tuple(list(column) for column in zip(*rows, strict=True))
