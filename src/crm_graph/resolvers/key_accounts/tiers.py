"""The class of a key account: it follows the score, or is held by hand until a moment; each change leaves a row."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from crm_graph.auth.actor import Actor
from crm_graph.db.session import Transaction
from crm_graph.entity import REGISTRY
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.changes import Outcome
from crm_graph.plan.signatures import Ask
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.plan.writes.write import insert_fields, update_fields
from crm_graph.schema.key_accounts import KeyAccount, KeyAccountTier, KeyAccountTierChange, TierCause
from crm_graph.schema.organizations import KEY_FROM, STRATEGIC_FROM

FREE: Final = "(k.tier_held_until IS NULL OR k.tier_held_until <= now())"
"""SQL of whether the class of a key account `k` follows its score."""

_ENDS: Final = "SELECT strategic_tier_from, key_tier_from FROM organizations WHERE organization_id = $1"


@dataclass(frozen=True, slots=True)
class Scored:
    """A key account with its score as it is now and was `before`; `free`: its class follows."""

    id: UUID
    tier: str
    before: int | None
    free: bool
    score: int | None


@dataclass(frozen=True, slots=True)
class KeyAccountTiers:
    """How many key accounts are in each class, of those that you see."""

    strategic: Annotated[int, "How many are strategic."]
    key: Annotated[int, "How many are key."]
    growth: Annotated[int, "How many are of growth."]


async def tier_counts(ask: Ask) -> KeyAccountTiers:
    """Through the caller's lens."""
    parameters = Parameters()
    lens = open_lens(REGISTRY[KeyAccount.__name__], ask.actor.policy, parameters, "k", as_set=True)
    tier = lens.column(lens.spec("tier")).sql if lens else None
    if lens is None or tier is None:
        return KeyAccountTiers(0, 0, 0)
    sql, sources = parameters.read(f"SELECT {tier} AS tier FROM {lens.source()} WHERE {lens.where()}")
    found = await (await ask.tx.raw()).fetch(sql, *[source((), ask.actor) for source in sources])
    tiers = [row["tier"] for row in found]
    return KeyAccountTiers(*(tiers.count(one.value) for one in KeyAccountTier))


async def classify(
    tx: Transaction,
    actor: Actor,
    one: Scored,
    cause: TierCause,
    values: Mapping[str, object] | None = None,
    *,
    if_match: str | None = None,
    request_id: str | None = None,
) -> Outcome:
    """Write a key account's score, with further `values`, and its class where that follows the score."""
    tier, reason = by_score(one, await ends(tx, actor))
    written: dict[str, object] = {**(values or {}), "score": one.score}
    if tier == one.tier:
        if reason:
            written["tier_reason"] = reason
        return await _update(tx, actor, one.id, written, "key_account.scored", if_match, request_id)
    return await put(tx, actor, one, tier, cause, reason, written, if_match=if_match, request_id=request_id)


async def put(
    tx: Transaction,
    actor: Actor,
    one: Scored,
    tier: str,
    cause: TierCause,
    reason: str,
    values: Mapping[str, object],
    *,
    if_match: str | None = None,
    request_id: str | None = None,
) -> Outcome:
    """Put a key account into a class, with its reason on the account and in a `KeyAccountTierChange`."""
    written = {**values, "tier": tier, "tier_reason": reason}
    outcome = await _update(tx, actor, one.id, written, "key_account.tier_changed", if_match, request_id)
    if outcome.is_refused:
        return outcome
    change: dict[str, object] = {
        "key_account_id": one.id,
        "from_tier": one.tier,
        "to_tier": tier,
        "cause": cause.value,
        "reason": reason,
        "score": one.score,
        "changed_at": dt.datetime.now(dt.UTC),
        "changed_by_id": actor.user_id,
    }
    noted = await insert_fields(tx, actor, KeyAccountTierChange.__name__, change, request_id=request_id)
    return noted if noted.is_refused else outcome


async def ends(tx: Transaction, actor: Actor) -> tuple[int, int]:
    """From which scores on the organisation's key accounts are strategic, and key."""
    found = await (await tx.raw()).fetchrow(_ENDS, actor.organization_id)
    assert found is not None, "the organisation is bound"
    strategic, key = found
    return STRATEGIC_FROM if strategic is None else strategic, KEY_FROM if key is None else key


def by_score(one: Scored, scale: tuple[int, int]) -> tuple[str, str]:
    """The class that the score leads to, and why; the one it is in where it does not follow, or has no score."""
    if one.score is None or not one.free:
        return one.tier, ""
    strategic, key = scale
    if one.score >= strategic:
        return KeyAccountTier.STRATEGIC.value, f"The score is {strategic} or more."
    if one.score >= key:
        return KeyAccountTier.KEY.value, f"The score is from {key} to below {strategic}."
    return KeyAccountTier.GROWTH.value, f"The score is below {key}."


async def _update(
    tx: Transaction,
    actor: Actor,
    row: UUID,
    values: Mapping[str, object],
    event: str,
    if_match: str | None,
    request_id: str | None,
) -> Outcome:
    """Whoever calls: who may was decided before."""
    return await update_fields(
        tx, actor, KeyAccount.__name__, row, values, event, if_match=if_match, request_id=request_id
    )
