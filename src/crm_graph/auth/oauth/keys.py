"""The keys that sign an organisation's tokens: made when first needed, changed in time, each published before it signs.

A key signs for `LIFE`. Its successor is published `LEAD` before it takes over, so that whoever keeps the key set has
it by then; and it stays published for `AFTER`, so that what it signed can be verified until it expires.
"""

import datetime as dt
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import orjson
import sqlalchemy as sa
from joserfc.jwk import ECKey
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_graph.auth.oauth.tables import oauth_keys
from crm_graph.auth.oauth.traces import KEY, SYSTEM, By, leave
from crm_graph.auth.sealing import Sealer
from crm_graph.db.ids import uuid7
from crm_graph.db.lanes import Lane, Lanes
from crm_graph.db.session import Database, Transaction
from crm_graph.errors import JSON

ALGORITHM: Final = "ES256"
LIFE: Final = dt.timedelta(days=90)
LEAD: Final = dt.timedelta(minutes=15)
AFTER: Final = dt.timedelta(days=1)
KEPT_SECONDS: Final = 4.0
ASKED_AGAIN_SECONDS: Final = 1.0
_PURPOSE: Final = "oauth signing key"
_ITSELF: Final = By(channel="oauth")

_PUBLISHED: Final = """
SELECT coalesce(json_agg(public_jwk ORDER BY signs_from DESC), '[]'::json) FROM oauth_keys
 WHERE organization_id = $1 AND (published_until IS NULL OR published_until > now())
"""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The key that signs now."""

    kid: str
    key: ECKey


class PublishedKeys:
    """The public keys of organisations, remembered for seconds; a key that is not among them is asked for again."""

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self._known: dict[UUID, tuple[float, Mapping[str, ECKey]]] = {}
        self._forgotten = 0

    def forget(self, organization_id: UUID | None) -> None:
        """Ask anew for an organisation's keys, or for everybody's: something about them may have changed."""
        self._forgotten += 1
        if organization_id is None:
            self._known.clear()
        else:
            self._known.pop(organization_id, None)

    async def find(self, organization_id: UUID, kid: str) -> ECKey | None:
        """The key of this id if the organisation publishes it now. Made-up ids ask at most once a second."""
        known = self._known.get(organization_id)
        age = time.monotonic() - known[0] if known else KEPT_SECONDS
        if known is None or age >= (KEPT_SECONDS if kid in known[1] else ASKED_AGAIN_SECONDS):
            asked, forgotten = time.monotonic(), self._forgotten
            known = asked, {str(jwk["kid"]): _key(jwk) for jwk in await self.jwks(organization_id)}
            if forgotten == self._forgotten:  # else they may be from before the change
                self._known[organization_id] = known
        return known[1].get(kid)

    async def jwks(self, organization_id: UUID) -> list[dict[str, JSON]]:
        """What is published now, the newest first."""
        found = await self._lanes.fetch(Lane.GENERIC, _PUBLISHED, (organization_id,), organization_id)
        keys: list[dict[str, JSON]] = orjson.loads(found or b"[]")
        return keys


class SigningKeys:
    """The private keys, opened here alone and remembered for seconds."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer
        self._known: dict[UUID, tuple[float, SigningKey]] = {}

    async def current(self, organization_id: UUID) -> SigningKey:
        """The key to sign with; makes the first one, and the next one when its time has come. Raises SealBroken."""
        known = self._known.get(organization_id)
        if known is not None and time.monotonic() - known[0] < KEPT_SECONDS:
            return known[1]
        async with self._database.transaction(organization_id, None, "oauth") as tx:
            connection = await tx.session.connection()
            found = await _current(connection, organization_id)
            if found is None or found.due:
                await rotate(tx, self._sealer, organization_id, only_if_due=True, by=_ITSELF)
                found = await _current(connection, organization_id)
        assert found is not None
        private = self._sealer.open(found.private_key, _PURPOSE, organization_id, found.id)
        signing = SigningKey(found.kid, ECKey.import_key(orjson.loads(private)))
        self._known[organization_id] = time.monotonic(), signing
        return signing


async def rotate(
    tx: Transaction,
    sealer: Sealer,
    organization_id: UUID,
    *,
    compromised: bool = False,
    only_if_due: bool = False,
    by: By = SYSTEM,
) -> str:
    """Make the next key and give its id. `compromised`: it signs at once, and what the others signed is void.

    It is on record as `by`'s. One writer at a time: of several processes that find it due, one makes it.
    """
    connection = await tx.session.connection()
    k, now = oauth_keys.c, sa.func.now()
    # taken anew for each transaction, so that the second one to get it sees what the first has committed
    await connection.execute(
        sa.text("SELECT pg_advisory_xact_lock(hashtext('crm_oauth_keys'), hashtext(:organization))"),
        {"organization": str(organization_id)},
    )
    current = await _current(connection, organization_id)
    if only_if_due and current is not None and not current.due:
        return current.kid
    starts = now if compromised or current is None else now + LEAD
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM}, private=True, auto_kid=True)
    id_, kid = uuid7(), str(key.kid)
    others = sa.update(oauth_keys).where(k.organization_id == organization_id)
    if compromised:
        await connection.execute(others.values(signs_until=now, published_until=now))
    else:
        await connection.execute(
            others.where(k.signs_until.is_(None)).values(signs_until=starts, published_until=starts + AFTER)
        )
    await connection.execute(
        sa.insert(oauth_keys).values(
            organization_id=organization_id,
            id=id_,
            kid=kid,
            public_jwk=key.as_dict(private=False),
            private_key=sealer.seal(orjson.dumps(key.as_dict(private=True)), _PURPOSE, organization_id, id_),
            signs_from=starts,
        )
    )
    changes: dict[str, tuple[JSON, JSON]] = {
        "kid": (None if current is None else current.kid, kid),
        "compromised": (None, compromised),
    }
    await leave(tx, organization_id, by, "signing_key.rotated", (KEY, id_), changes)
    return kid


@dataclass(frozen=True, slots=True)
class _Found:
    id: UUID
    kid: str
    private_key: bytes
    due: bool


async def _current(connection: AsyncConnection, organization_id: UUID) -> _Found | None:
    # not now(): who has waited for the lock began before the key that was made meanwhile signs
    k, now = oauth_keys.c, sa.func.clock_timestamp()
    row = (
        await connection.execute(
            sa.select(k.id, k.kid, k.private_key, (k.signs_until.is_(None) & (k.signs_from < now - LIFE)).label("due"))
            .where(
                k.organization_id == organization_id,
                k.signs_from <= now,
                sa.or_(k.signs_until.is_(None), k.signs_until > now),
            )
            .order_by(k.signs_from.desc(), k.id.desc())
            .limit(1)
        )
    ).one_or_none()
    return None if row is None else _Found(row.id, row.kid, row.private_key, row.due)


def _key(jwk: dict[str, JSON]) -> ECKey:
    return ECKey.import_key(jwk)  # type: ignore[arg-type]
