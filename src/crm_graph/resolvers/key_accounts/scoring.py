"""Scoring key accounts by the organisation's criteria: every day, and when asked; the parts are kept with the score.

A weighted sum (Fishburn, 1967, additive utilities): each value becomes 0 to 100 points between two ends, linearly, and
the score is their mean, weighted. What is not known has no points, and its weight does not count.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from crm_graph.auth.actor import Actor
from crm_graph.auth.levels import CONFIDENTIAL
from crm_graph.auth.rights import Right
from crm_graph.db.session import Transaction
from crm_graph.jobs.timers import timer
from crm_graph.plan.actions import action
from crm_graph.plan.changes import Effect, Outcome
from crm_graph.plan.mutations import Call, mutation
from crm_graph.plan.signatures import Ask
from crm_graph.resolvers.key_accounts.tiers import FREE, KeyAccountTiers, Scored, by_score, classify, ends, tier_counts
from crm_graph.schema.key_account_measures import MEASURES
from crm_graph.schema.key_accounts import KeyAccount, TierCause

_VALUE: Final = " ".join(f"WHEN '{name.value}' THEN {one.sql}" for name, one in MEASURES.items())
_LOCK: Final = """SELECT id FROM key_accounts
 WHERE organization_id = $1 AND ($2::uuid[] IS NULL OR id = ANY($2)) ORDER BY id FOR NO KEY UPDATE"""
_PARTS: Final = f"""
WITH measured AS (
  SELECT k.id AS key_account_id, c.measure, c.weight, c.none_at, c.full_at,
         round(CASE c.measure {_VALUE} END, 2) AS value
    FROM key_accounts k JOIN key_account_criteria c ON c.organization_id = k.organization_id
   WHERE k.organization_id = $1 AND k.id = ANY($2::uuid[])
), pointed AS (
  SELECT m.*, CASE WHEN m.value IS NOT NULL THEN
           round(greatest(0, least(100, 100 * (m.value - m.none_at) / (m.full_at - m.none_at))), 2) END AS points
    FROM measured m
), weighed AS (
  SELECT p.*, round(p.points * p.weight / sum(p.weight) FILTER (WHERE p.points IS NOT NULL)
                                          OVER (PARTITION BY p.key_account_id), 2) AS contribution
    FROM pointed p
), gone AS (
  DELETE FROM key_account_score_parts s WHERE s.organization_id = $1 AND s.key_account_id = ANY($2::uuid[])
     AND NOT EXISTS (SELECT FROM weighed w WHERE w.key_account_id = s.key_account_id AND w.measure = s.measure)
), kept AS (
  INSERT INTO key_account_score_parts AS s (organization_id, id, version, created_at, updated_at, key_account_id,
                                            measure, weight, none_at, full_at, value, points, contribution)
  SELECT $1, gen_random_uuid(), 1, now(), now(), w.* FROM weighed w
  ON CONFLICT (organization_id, key_account_id, measure) DO UPDATE
     SET weight = EXCLUDED.weight, none_at = EXCLUDED.none_at, full_at = EXCLUDED.full_at, value = EXCLUDED.value,
         points = EXCLUDED.points, contribution = EXCLUDED.contribution,
         version = s.version + 1, updated_at = now()
   WHERE (s.weight, s.none_at, s.full_at, s.value, s.points)
         IS DISTINCT FROM (EXCLUDED.weight, EXCLUDED.none_at, EXCLUDED.full_at, EXCLUDED.value, EXCLUDED.points)
      OR s.contribution IS DISTINCT FROM EXCLUDED.contribution
)
SELECT k.id, k.tier, k.score AS before, {FREE} AS free,
       (SELECT round(sum(w.contribution))::integer FROM weighed w WHERE w.key_account_id = k.id) AS score
  FROM key_accounts k WHERE k.organization_id = $1 AND k.id = ANY($2::uuid[]) ORDER BY k.id"""


async def scored(tx: Transaction, actor: Actor, rows: Sequence[UUID] | None) -> list[Scored]:
    """Reckon the parts of these key accounts' scores, or of all, and keep them; the accounts are locked."""
    connection = await tx.raw()
    found = await connection.fetch(_LOCK, actor.organization_id, rows)
    parts = await connection.fetch(_PARTS, actor.organization_id, [row["id"] for row in found])
    return [Scored(**dict(row)) for row in parts]


@timer("key_account.score", every=dt.timedelta(days=1))
async def score_daily(tx: Transaction, actor: Actor, row: UUID) -> None:  # noqa: ARG001 - the organisation's own
    """Score all key accounts; those that come into another class say so by an event."""
    await _classify_all(tx, actor)


@mutation(KeyAccount, needs=CONFIDENTIAL)
async def rescore_key_account(call: Call) -> Outcome:
    """Score a key account now, by the criteria as they are; `scoreParts` say what the score is made of."""
    (found,) = await scored(call.tx, call.actor, [call.row])
    return await classify(
        call.tx, call.actor, found, TierCause.SCORE, if_match=call.if_match, request_id=call.request_id
    )


async def key_account_tiers(ask: Ask, row: UUID) -> KeyAccountTiers:  # noqa: ARG001
    """How many key accounts are in each class."""
    return await tier_counts(ask)


@action(shows=key_account_tiers, right=Right.RECORDS_ASSIGN)
async def classify_key_accounts(ask: Ask) -> Outcome:
    """Score all key accounts now, after criteria were changed: those in another class change it."""
    await _classify_all(ask.tx, ask.actor, ask.request_id)
    return Outcome(Effect.UPDATED, ask.actor.organization_id)


async def _classify_all(tx: Transaction, actor: Actor, request_id: str | None = None) -> None:
    scale = await ends(tx, actor)
    for one in await scored(tx, actor, None):
        if one.score != one.before or one.tier != by_score(one, scale)[0]:
            await classify(tx, actor, one, TierCause.SCORE, request_id=request_id)
