"""When what tickets were promised is reckoned without anybody writing them: at a moment, or as policies change.

Triggers in the database set these timers for whatever is written past `reckon` (imports, generated mutations): a
ticket, the customer it is of, or a policy, a calendar, a holiday, a team's calendar.
"""

from typing import Final
from uuid import UUID

from crm_graph.auth.actor import Actor
from crm_graph.db.session import Transaction
from crm_graph.jobs.timers import set_timer, timer
from crm_graph.resolvers.sla.reckoning import TIMER, reckon
from crm_graph.schema.ticket_states import IS_OPEN

ALL: Final = "sla.all"
CUSTOMER: Final = "sla.customer"
PAGE: Final = 100
"""Tickets that are reckoned in one transaction."""

_OPEN: Final = f"status {IS_OPEN}"
# what has failed before is left to a transaction of its own
_ALSO: Final = f"""
DELETE FROM timers r USING (
  SELECT row_id FROM timers WHERE organization_id = $1 AND kind = '{TIMER}' AND due_at <= now() AND failed_at IS NULL
     AND attempts = 0 ORDER BY due_at LIMIT {PAGE} FOR UPDATE SKIP LOCKED) d
 WHERE r.organization_id = $1 AND r.kind = '{TIMER}' AND r.row_id = d.row_id RETURNING r.row_id"""
_AFTER: Final = f"SELECT id FROM tickets WHERE organization_id = $1 AND id > $2 AND {_OPEN} ORDER BY id LIMIT {PAGE}"
_THEIRS: Final = (
    f"SELECT id, now() AS now FROM tickets WHERE organization_id = $1 AND customer_id = $2 AND {_OPEN} ORDER BY id"
)
_BEATEN: Final = """
SELECT id, clock_timestamp() + interval '200 milliseconds' AS at FROM tickets
 WHERE organization_id = $1 AND id = ANY($2::uuid[]) ORDER BY id"""


@timer(TIMER)
async def at_its_moment(tx: Transaction, actor: Actor, row: UUID) -> None:
    """Reckon a ticket whose moment has come, and with it others whose has: at nine o'clock there are many."""
    also = await (await tx.raw()).fetch(_ALSO, actor.organization_id)
    await _reckon(tx, actor, [row, *(one["row_id"] for one in also if one["row_id"] != row)])


@timer(CUSTOMER)
async def of_a_customer(tx: Transaction, actor: Actor, row: UUID) -> None:
    """Reckon the open tickets of a customer who is another now: of a segment, or a key account."""
    found = await (await tx.raw()).fetch(_THEIRS, actor.organization_id, row)
    await _reckon(tx, actor, [one["id"] for one in found[:PAGE]])
    for one in found[PAGE:]:
        await set_timer(tx, actor.organization_id, TIMER, one["id"], one["now"])


@timer(ALL)
async def of_all(tx: Transaction, actor: Actor, row: UUID) -> None:
    """Reckon a page of all open tickets, those after `row`, and set the timer of the next page."""
    connection, organization = await tx.raw(), actor.organization_id
    found = [one["id"] for one in await connection.fetch(_AFTER, organization, row)]
    await _reckon(tx, actor, found)
    if len(found) == PAGE:
        await set_timer(tx, organization, ALL, found[-1], await connection.fetchval("SELECT now()"))


async def _reckon(tx: Transaction, actor: Actor, tickets: list[UUID]) -> None:
    """Reckon tickets but those that somebody is writing now: it is tried again in a moment, without holding them up."""
    missed = await reckon(tx, actor, tickets, wait=False)
    for one in await (await tx.raw()).fetch(_BEATEN, actor.organization_id, missed) if missed else ():
        await set_timer(tx, actor.organization_id, TIMER, one["id"], one["at"])
