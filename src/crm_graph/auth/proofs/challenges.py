"""What a passkey signs: random, good for minutes, for one purpose, in one browser, once.

A challenge carries its own proof, so nothing is kept for strangers who only ask for one; kept is that one was answered.
"""

import datetime as dt
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from crm_graph.auth.proofs.tables import spent_challenges
from crm_graph.db.ids import uuid7
from crm_graph.db.session import Transaction

SECONDS: Final = 15 * 60
_RANDOM, _TIME, _PROOF = 16, 8, 32


class Challenges:
    """Makes challenges and knows its own again. `bound_to` is a secret that only this browser sends along."""

    def __init__(self, secret: bytes, *, clock: Callable[[], float] = time.time) -> None:
        self._key = hmac.digest(secret, b"crm-graph challenges", hashlib.sha256)
        self._clock = clock

    def new(self, purpose: str, bound_to: str) -> bytes:
        """A challenge of 56 bytes."""
        made = secrets.token_bytes(_RANDOM) + int(self._clock() + SECONDS).to_bytes(_TIME)
        return made + self._proof(made, purpose, bound_to)

    def is_good(self, challenge: bytes, purpose: str, bound_to: str) -> bool:
        """Whether it was made here for this purpose and browser, and its time is not over."""
        made, proof = challenge[: _RANDOM + _TIME], challenge[_RANDOM + _TIME :]
        right = hmac.compare_digest(self._proof(made, purpose, bound_to), proof)
        return right and int.from_bytes(made[_RANDOM:]) > self._clock()

    def _proof(self, made: bytes, purpose: str, bound_to: str) -> bytes:
        return hmac.digest(self._key, b"\0".join((made, purpose.encode(), bound_to.encode())), hashlib.sha256)


async def spend(tx: Transaction, organization_id: UUID, challenge: bytes) -> bool:
    """Note that it was answered; False when it was before."""
    row = insert(spent_challenges).values(
        organization_id=organization_id,
        id=uuid7(),
        challenge_hash=hashlib.sha256(challenge).digest(),
        expires_at=sa.func.now() + dt.timedelta(seconds=SECONDS + 60),
    )
    spent = await (await tx.session.connection()).execute(
        row.on_conflict_do_nothing(index_elements=["organization_id", "challenge_hash"])
    )
    return spent.rowcount > 0
