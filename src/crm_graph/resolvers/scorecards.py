"""A scorecard for each partner and quarter, made as the quarter begins, or on the day after the partner came."""

import datetime as dt
from typing import Final
from uuid import UUID

from crm_graph.auth.actor import Actor
from crm_graph.db.session import Transaction
from crm_graph.jobs.timers import timer
from crm_graph.plan.changes import certain
from crm_graph.plan.writes.write import insert_rows
from crm_graph.resolvers.feedback.surveys import period
from crm_graph.specs import TODAY

_WITHOUT: Final = """
SELECT p.id FROM partners p
 WHERE p.organization_id = $1 AND NOT EXISTS (
   SELECT FROM partner_scorecards s WHERE s.organization_id = $1 AND s.partner_id = p.id AND s.period = $2)
 ORDER BY p.id"""


def quarter(day: dt.date) -> tuple[dt.date, dt.date]:
    """The first and the last day of a day's quarter."""
    first = dt.date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
    after = first + dt.timedelta(days=95)
    return first, after.replace(day=1) - dt.timedelta(days=1)


@timer("partner_scorecard.begin", every=dt.timedelta(days=1))
async def begin(tx: Transaction, actor: Actor, row: UUID) -> None:
    """Give each partner the scorecard of this quarter."""
    connection = await tx.raw()
    today = await connection.fetchval(f"SELECT {TODAY}")
    name, (first, last) = period(today), quarter(today)
    values = {"period": name, "starts_on": first, "ends_on": last, "currency": actor.currency}
    partners = [found["id"] for found in await connection.fetch(_WITHOUT, row, name)]
    cards = [{"partner_id": partner, **values} for partner in partners]
    certain(*await insert_rows(tx, actor, "PartnerScorecard", cards))
