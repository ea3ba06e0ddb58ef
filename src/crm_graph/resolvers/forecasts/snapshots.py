"""Every night, what is expected of everybody is written down, so that it can be held against what came."""

import datetime as dt
from typing import Final
from uuid import UUID

from crm_graph.auth.actor import Actor
from crm_graph.db.session import Transaction
from crm_graph.jobs.timers import timer
from crm_graph.specs import TODAY

MONTHS: Final = 12
"""How many months ahead are written down, beside this one and the last, whose sales may still change."""

_TAKEN: Final = "SELECT 1 FROM forecast_snapshots WHERE organization_id = $1 AND taken_on = $2 LIMIT 1"
_TAKE: Final = f"""
INSERT INTO forecast_snapshots (organization_id, id, version, created_at, updated_at, taken_on, month, owner_id,
                                team_id, currency, won, commit, best_case, pipeline, weighted, opportunities)
SELECT $1, gen_random_uuid(), 1, now(), now(), $2::date, date_trunc('month', o.close_on::timestamp)::date, o.owner_id,
       o.team_id, o.currency,
       coalesce(sum(o.amount) FILTER (WHERE o.status = 'WON'), 0),
       coalesce(sum(o.amount) FILTER (WHERE o.status = 'OPEN' AND o.forecast_category = 'COMMIT'), 0),
       coalesce(sum(o.amount) FILTER (WHERE o.status = 'OPEN' AND o.forecast_category = 'BEST_CASE'), 0),
       coalesce(sum(o.amount) FILTER (WHERE o.status = 'OPEN' AND o.forecast_category = 'PIPELINE'), 0),
       coalesce(sum(o.amount) FILTER (WHERE o.status = 'WON'), 0) + coalesce(round(sum(o.amount * o.probability / 100)
           FILTER (WHERE o.status = 'OPEN' AND o.forecast_category <> 'OMITTED'), 2), 0),
       count(*)
  FROM opportunities o
 WHERE o.organization_id = $1 AND o.status IN ('OPEN', 'WON')
   AND NOT (o.status = 'OPEN' AND o.forecast_category = 'OMITTED')
   AND o.close_on >= date_trunc('month', $2::date::timestamp) - interval '1 month'
   AND o.close_on < date_trunc('month', $2::date::timestamp) + interval '{MONTHS + 1} months'
 GROUP BY 7, o.owner_id, o.team_id, o.currency"""


@timer("forecast.snapshot", every=dt.timedelta(days=1))
async def take_snapshot(tx: Transaction, actor: Actor, row: UUID) -> None:  # noqa: ARG001 - the organisation's own
    """Write down what is expected, for the day that has just ended; once, whoever comes."""
    connection = await tx.raw()
    today: dt.date = await connection.fetchval(f"SELECT {TODAY} - 1")
    if await connection.fetchval(_TAKEN, actor.organization_id, today) is None:
        await connection.execute(_TAKE, actor.organization_id, today)
