"""Reckoning what tickets were promised, in the transaction in which something about them changed.

    await reckon(tx, actor, [ticket])

The columns follow from others, as totals do: they are written without an audit entry or an event of their own, but for
what is late, or soon will be. The next moment at which something changes by itself is a timer.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg
import orjson

from crm_graph.auth.actor import Actor
from crm_graph.auth.system import system_actor
from crm_graph.db.session import Transaction
from crm_graph.jobs.timers import clear_timer, set_timer
from crm_graph.plan.mutations import Call
from crm_graph.plan.writes.write import update_rows
from crm_graph.resolvers.sla.policies import Policies, load, matched_by
from crm_graph.resolvers.sla.record import MERGED, columns_of, facts_of, kept_of
from crm_graph.resolvers.sla.telling import tell
from crm_graph.resolvers.tickets.changed import TicketChange, Turn, What, on_ticket_change
from crm_graph.resolvers.tickets.states import locked
from crm_graph.resolvers.tickets.taking import to_queue
from crm_graph.schema.key_accounts import is_key_account
from crm_graph.schema.tickets import Ticket
from crm_graph.service.sla import Mark, Reckoned
from crm_graph.service.sla import reckon as reckoned

TIMER: Final = "sla.ticket"
LATE: Final = "ticket.sla_breached"
SOON: Final = "ticket.sla_warned"

TICKETS: Final = f"""
SELECT t.*, c.segment, m.calendar_id AS team_calendar_id, r.due_at AS timer, now() AS now,
       {is_key_account("t.customer_id")} AS key_account,
       CASE WHEN t.status IN ('RESOLVED', 'CLOSED') THEN (
         SELECT count(*) FROM ticket_messages a
          WHERE a.organization_id = $1 AND a.ticket_id = t.id AND a.public AND a.side = 'STAFF') END AS answers
  FROM tickets t
  JOIN customers c ON c.organization_id = $1 AND c.id = t.customer_id
  LEFT JOIN teams m ON m.organization_id = $1 AND m.id = t.team_id
  LEFT JOIN timers r ON r.organization_id = $1 AND r.kind = '{TIMER}' AND r.row_id = t.id AND r.failed_at IS NULL
 WHERE t.organization_id = $1 AND t.id = ANY($2::uuid[]) ORDER BY t.id FOR NO KEY UPDATE OF t"""


@on_ticket_change(Turn.PROMISES)
async def heed(tx: Transaction, actor: Actor, change: TicketChange) -> None:
    """Reckon a ticket whenever it changes; a note among ourselves changes nothing."""
    if change.what is not What.NOTED:
        await reckon(tx, actor, [change.ticket])


@dataclass(frozen=True, slots=True)
class Found:
    """A ticket, what is to be on record of it, what was found, and by which policy."""

    row: "asyncpg.Record"
    values: Mapping[str, object]
    reckoned: Reckoned
    policy: "asyncpg.Record | None"

    @property
    def event(self) -> str | None:
        """What is said of it, if anything has come to pass."""
        return LATE if self.reckoned.breached else SOON if self.reckoned.warned else None

    @property
    def escalates_to(self) -> UUID | None:
        """The queue that its policy names for what is late and still owed, if that takes any."""
        targets = self.reckoned.targets
        owed = any(Mark.SETTLED not in targets[target].marks for target in self.reckoned.breached)
        return self.policy["escalates_to"] if owed and self.policy is not None else None


async def reckon(tx: Transaction, actor: Actor, tickets: Sequence[UUID], *, wait: bool = True) -> list[UUID]:
    """Put on record what holds of some tickets now, and tell what is late or soon will be.

    Gives those that somebody else is writing, or that are gone: only without `wait`.
    """
    connection, organization = await tx.raw(), actor.organization_id
    rows = await connection.fetch(TICKETS if wait else f"{TICKETS} SKIP LOCKED", organization, list(tickets))
    policies = await load(connection, organization)
    found = [on_record(row, policies) for row in rows]
    for one in found:
        await _wake(tx, organization, one.row, one.reckoned.next_at)
    await write(connection, organization, [one for one in found if one.event is None])
    said = [one for one in found if one.event is not None]
    if said:
        # whoever wrote what made us look, it is the organisation that says so
        await _say(tx, await system_actor(connection, organization, actor.channel), said)
    had = {row["id"] for row in rows}
    return [] if wait else [one for one in tickets if one not in had]


def on_record(row: "asyncpg.Record", policies: Policies) -> Found:
    """What is to be on record of a ticket."""
    now: dt.datetime = row["now"]
    policy = policies.of(row) if row["status"] != MERGED else None
    promise = policies.promise(policy, row) if policy else None
    facts = facts_of(row, now)
    found = reckoned(promise, facts, kept_of(row), now)
    why = {
        "sla_policy_id": policy["id"] if policy else None,
        "sla_matched_by": matched_by(policy) if policy else [],
    }
    return Found(row, {**why, **columns_of(row, facts, promise, found, now)}, found, policy)


async def write(connection: "asyncpg.Connection[asyncpg.Record]", organization: UUID, found: Sequence[Found]) -> None:
    """Write what is another than it was, in one statement."""
    some = [one for one in found if any(one.row[name] != value for name, value in one.values.items())]
    if not some:
        return
    names = ", ".join(some[0].values)
    values = ", ".join(f"r.{name}" for name in some[0].values)
    text = orjson.dumps([{"id": one.row["id"], **one.values} for one in some], default=str).decode()
    await connection.execute(
        f"UPDATE tickets t SET ({names}) = ROW({values}) FROM json_populate_recordset(NULL::tickets, $2::text::json) r"
        " WHERE t.organization_id = $1 AND t.id = r.id",
        organization,
        text,
    )


async def _say(tx: Transaction, ours: Actor, said: Sequence[Found]) -> None:
    """Write with an event what is late or soon will be, mail whom it concerns, and escalate."""
    for event in (LATE, SOON):
        rows = [(one.row["id"], one.values) for one in said if one.event == event]
        for outcome in await update_rows(tx, ours, Ticket.__name__, rows, needs=None, event=event):
            if outcome.errors:
                raise RuntimeError(f"what follows from a ticket was refused: {outcome.errors}")
    await tell(await tx.raw(), ours.organization_id, [(one.row, one.reckoned) for one in said])
    # queues are locked in one order, whichever tickets are reckoned together
    above = [(queue, one.row["id"]) for one in said if (queue := one.escalates_to) is not None]
    for queue, ticket in sorted(above):
        call = Call(tx, ours, ticket, {})
        await to_queue(call, await locked(call), queue)


async def _wake(tx: Transaction, organization: UUID, row: "asyncpg.Record", at: dt.datetime | None) -> None:
    if at is not None and at != row["timer"]:
        await set_timer(tx, organization, TIMER, row["id"], at)
    elif at is None and row["timer"] is not None:
        await clear_timer(tx, organization, TIMER, row["id"])
