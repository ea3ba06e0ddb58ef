"""Buckets of attempts, one row each: all there is to know of one is when it will be full again.

The table is not logged (a crash of the server forgets it, a commit waits for no disk), and a bucket that is full again
is as none: a chore removes it. Keys are hashes, so that no addresses lie about.
"""

import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import orjson
import sqlalchemy as sa

from crm_graph.db.lanes import Lane, Lanes
from crm_graph.db.session import Database, Transaction

_WAITS: Final = "least(greatest(coalesce(extract(epoch FROM max(full_at - most) - now()), 0), 0), 86400)"
# Of attempts at the same moment each sees those before it: rows that are there are locked, in one order; where several
# would make the first row of a bucket, the condition of the update counts.
_TAKE: Final = sa.text(f"""
WITH asked AS (
    SELECT key, make_interval(secs => seconds) AS each, make_interval(secs => most) AS most
      FROM unnest(CAST(:keys AS bytea[]), CAST(:seconds AS float8[]), CAST(:most AS float8[])) AS a(key, seconds, most)
), held AS (
    SELECT key, full_at FROM attempts WHERE organization_id = :organization AND key = ANY(:keys) ORDER BY key FOR UPDATE
), wait AS (
    SELECT {_WAITS} AS seconds FROM asked JOIN held USING (key)
), taken AS (
    INSERT INTO attempts AS t (organization_id, key, full_at)
    SELECT :organization, key, now() + each FROM asked, wait WHERE wait.seconds = 0 ORDER BY key
    ON CONFLICT (organization_id, key) DO UPDATE SET full_at = greatest(t.full_at, now()) + (excluded.full_at - now())
     WHERE t.full_at <= now() + (SELECT a.most FROM asked a WHERE a.key = t.key)
    RETURNING key
)
SELECT CASE WHEN (SELECT count(*) FROM taken) = cardinality(:keys) THEN 0
            ELSE greatest((SELECT seconds FROM wait), 0.001) END""")
_WAIT: Final = f"""
SELECT to_json({_WAITS})
  FROM (SELECT t.full_at, make_interval(secs => a.most) AS most
          FROM unnest($2::bytea[], $3::float8[]) AS a(key, most)
          JOIN attempts t ON t.organization_id = $1 AND t.key = a.key) b"""
_GIVE_BACK: Final = sa.text("""
WITH held AS (
    SELECT key FROM attempts WHERE organization_id = :organization AND key = ANY(:keys) ORDER BY key FOR UPDATE
)
UPDATE attempts t SET full_at = coalesce(t.full_at - make_interval(secs => a.back), 'epoch')
  FROM held JOIN unnest(CAST(:keys AS bytea[]), CAST(:back AS float8[])) AS a(key, back) USING (key)
 WHERE t.organization_id = :organization AND t.key = held.key""")


@dataclass(frozen=True, slots=True)
class Bucket:
    """`capacity` attempts, one given back every `seconds`."""

    key: bytes
    capacity: int
    seconds: float

    @classmethod
    def of(cls, name: str, what: Hashable, capacity: int, seconds: float) -> "Bucket":
        """That of a throttle (by its name) for a key."""
        return cls(hashlib.blake2b(repr((name, what)).encode(), digest_size=16).digest(), capacity, seconds)

    @property
    def most(self) -> float:
        """How far ahead, in seconds, it may be full again and still hold an attempt."""
        return (self.capacity - 1) * self.seconds


async def take(tx: Transaction, organization_id: UUID, buckets: Sequence[Bucket]) -> float:
    """As `Attempts.take`, in a transaction of the caller's: where that is rolled back, nothing was counted."""
    some = sorted(buckets, key=lambda bucket: bucket.key)
    values = {
        "organization": organization_id,
        "keys": [bucket.key for bucket in some],
        "seconds": [bucket.seconds for bucket in some],
        "most": [bucket.most for bucket in some],
    }
    found = await (await tx.session.connection()).execute(_TAKE, values)
    return float(found.scalar_one())


class Attempts:
    """Counts for all processes on one database. Each method is one statement, in a transaction of its own."""

    def __init__(self, lanes: Lanes, database: Database) -> None:
        self._lanes = lanes
        self._database = database

    async def take(self, organization_id: UUID, buckets: Sequence[Bucket]) -> float:
        """Count an attempt in each of them; seconds to wait where one of them holds none, and then none is counted."""
        async with self._database.transaction(organization_id, None, "attempts") as tx:
            return await take(tx, organization_id, buckets)

    async def wait(self, organization_id: UUID, buckets: Sequence[Bucket]) -> float:
        """Seconds until each of them holds an attempt; nothing is counted."""
        values = organization_id, [bucket.key for bucket in buckets], [bucket.most for bucket in buckets]
        found = await self._lanes.fetch(Lane.GENERIC, _WAIT, values, organization_id)
        return float(orjson.loads(found or b"0"))

    async def give_back(
        self, organization_id: UUID, buckets: Sequence[Bucket] = (), emptied: Sequence[Bucket] = ()
    ) -> None:
        """Uncount one attempt in each, and all attempts in those `emptied`."""
        every = sorted(
            [(bucket.key, bucket.seconds) for bucket in buckets] + [(bucket.key, None) for bucket in emptied],
            key=lambda one: one[0],
        )
        values = {"organization": organization_id, "keys": [one[0] for one in every], "back": [one[1] for one in every]}
        async with self._database.transaction(organization_id, None, "attempts") as tx:
            await (await tx.session.connection()).execute(_GIVE_BACK, values)
