"""A request repeated under its caller's key has its effect once: the second answers what came of the first.

The key is inserted in the write's own transaction, so of two at once the second waits for the first to end. Only
the row's id and the effect are kept; what the answer shows is read again, through the lens of the day.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from uuid import UUID

import asyncpg
import orjson

from crm_graph.auth.actor import Actor
from crm_graph.db.ids import uuid7
from crm_graph.errors import IdempotencyKeyReused
from crm_graph.plan.changes import Change, Effect, Outcome, UserError, invalid

LONGEST_KEY = 200
KEPT = "24 hours"

_CLAIM = f"""
INSERT INTO idempotency_keys AS t (organization_id, id, caller_id, key, input_hash) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (organization_id, caller_id, key) DO UPDATE
SET id = excluded.id, input_hash = excluded.input_hash, row_id = NULL, effect = NULL, created_at = now()
WHERE t.created_at < now() - interval '{KEPT}' RETURNING t.id"""
_KNOWN = (
    "SELECT input_hash, row_id, effect FROM idempotency_keys WHERE organization_id = $1 AND caller_id = $2 AND key = $3"
)
_FORGET = "DELETE FROM idempotency_keys WHERE organization_id = $1 AND caller_id = $2 AND key = $3"
_REMEMBER = (
    "UPDATE idempotency_keys SET row_id = $4, effect = $5 WHERE organization_id = $1 AND caller_id = $2 AND key = $3"
)


def input_hash(name: str, value: Mapping[str, object]) -> bytes:
    """The same for equal inputs, however their keys are ordered."""
    return hashlib.sha256(
        orjson.dumps([name, value], default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    ).digest()


async def claim(connection: "asyncpg.Connection[asyncpg.Record]", actor: Actor, change: Change) -> Outcome | None:
    """Take the change's key; `None` when it is this request's to act on, else the answer. Waits for one acting now."""
    key = change.idempotency_key or ""
    facts = {name: value for name, value in asdict(change).items() if name != "idempotency_key"}
    return await claim_key(connection, actor, key, str(change.action), facts)


async def claim_key(
    connection: "asyncpg.Connection[asyncpg.Record]", actor: Actor, key: str, name: str, facts: Mapping[str, object]
) -> Outcome | None:
    """As `claim`, for a mutation of our own called `name` with these facts as its input."""
    refusal = _unusable(actor, key)
    if refusal is not None:
        return Outcome.refused(refusal)
    if actor.acting_for_id is not None:  # the same input for another customer is another request
        facts = {**facts, "_acting_for": actor.acting_for_id}
    digest = input_hash(name, facts)
    if await connection.fetchval(_CLAIM, actor.organization_id, uuid7(), actor.user_id, key, digest) is not None:
        return None
    known = await connection.fetchrow(_KNOWN, actor.organization_id, actor.user_id, key)
    if known is None:
        return Outcome.refused(invalid("This idempotency key is in use.", "idempotencyKey"))
    if known["input_hash"] != digest:
        return Outcome.refused(
            UserError(
                IdempotencyKeyReused.code, "This idempotency key was used with another input.", ("idempotencyKey",)
            )
        )
    return Outcome(Effect(known["effect"]), known["row_id"], replayed=True)


async def remember(
    connection: "asyncpg.Connection[asyncpg.Record]", actor: Actor, change: Change, outcome: Outcome
) -> None:
    """Keep what came of the change whose key was claimed. A refusal is not kept: its savepoint is rolled back."""
    await remember_key(connection, actor, change.idempotency_key or "", outcome.id, outcome.effect)


async def remember_key(
    connection: "asyncpg.Connection[asyncpg.Record]", actor: Actor, key: str, row: UUID | None, effect: Effect
) -> None:
    """As `remember`, for a mutation of our own."""
    if effect is not Effect.REFUSED:
        await connection.execute(_REMEMBER, actor.organization_id, actor.user_id, key, row, effect.value)


async def forget_key(connection: "asyncpg.Connection[asyncpg.Record]", actor: Actor, key: str) -> None:
    """Give back a key that was claimed by a request that came to nothing."""
    await connection.execute(_FORGET, actor.organization_id, actor.user_id, key)


def _unusable(actor: Actor, key: str) -> UserError | None:
    if actor.user_id is None:
        return invalid("An idempotency key needs a signed-in caller.", "idempotencyKey")
    if not key or len(key) > LONGEST_KEY or "\x00" in key or not key.isprintable():
        return invalid(f"An idempotency key has 1 to {LONGEST_KEY} printable characters.", "idempotencyKey")
    return None
