"""Reckoning what tickets were promised, in the transaction in which something about them changed.

    await reckon(tx, actor, [ticket])

The columns follow from others, as totals do: they are written without an audit entry or an event of their own, but for
what is late, or soon will be. The next moment at which something changes by itself is a timer.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import asyncpg
import orjson

from crm_graph.auth.actor import Actor
from crm_graph.auth.system import system_actor
from crm_graph.db.session import Transaction
from crm_graph.jobs.timers import clear_timer, set_timer
from crm_graph.plan.mutations import Call
from crm_graph.plan.writes.write import update_fields
from crm_graph.resolvers.sla.policies import Policies, load, matched_by
from crm_graph.resolvers.sla.record import MERGED, columns_of, facts_of, kept_of
from crm_graph.resolvers.sla.telling import tell
from crm_graph.resolvers.tickets.changed import TicketChange, What, on_ticket_change
from crm_graph.resolvers.tickets.states import locked
from crm_graph.resolvers.tickets.taking import to_queue
from crm_graph.schema.tickets import Ticket
from crm_graph.service.sla import Mark, Reckoned
from crm_graph.service.sla import reckon as reckoned

TIMER: Final = "sla.ticket"

TICKETS: Final = f"""
SELECT t.*, c.segment, m.calendar_id AS team_calendar_id, r.due_at AS timer, now() AS now,
       EXISTS (SELECT FROM key_accounts k
                WHERE k.organization_id = $1 AND k.customer_id = t.customer_id) AS key_account,
       CASE WHEN t.status IN ('RESOLVED', 'CLOSED') THEN (
         SELECT count(*) FROM ticket_messages a
          WHERE a.organization_id = $1 AND a.ticket_id = t.id AND a.public AND a.side = 'STAFF') END AS answers
  FROM tickets t
  JOIN customers c ON c.organization_id = $1 AND c.id = t.customer_id
  LEFT JOIN teams m ON m.organization_id = $1 AND m.id = t.team_id
  LEFT JOIN timers r ON r.organization_id = $1 AND r.kind = '{TIMER}' AND r.row_id = t.id AND r.failed_at IS NULL
 WHERE t.organization_id = $1 AND t.id = ANY($2::uuid[]) ORDER BY t.id FOR NO KEY UPDATE OF t"""


@on_ticket_change
async def heed(tx: Transaction, actor: Actor, change: TicketChange) -> None:
    """Reckon a ticket whenever it changes; a note among ourselves changes nothing."""
    if change.what is not What.NOTED:
        await reckon(tx, actor, [change.ticket])


async def reckon(tx: Transaction, actor: Actor, tickets: Sequence[UUID], *, wait: bool = True) -> list[UUID]:
    """Put on record what holds of some tickets now, and tell what is late or soon will be.

    Gives those that somebody else is writing, or that are gone: only without `wait`.
    """
    connection, organization = await tx.raw(), actor.organization_id
    rows = await connection.fetch(TICKETS if wait else f"{TICKETS} SKIP LOCKED", organization, list(tickets))
    policies = await load(connection, organization)
    quiet: list[tuple[UUID, dict[str, object]]] = []
    for row in rows:
        values, found, policy = on_record(row, policies)
        await _wake(tx, organization, row, found.next_at)
        if found.breached or found.warned:
            # whoever wrote what made us look, it is the organisation that says so
            ours = await system_actor(connection, organization, actor.channel)
            await _say(tx, ours, row, values, found)
            await _escalate(tx, ours, row, policy, found)
        elif any(row[name] != value for name, value in values.items()):
            quiet.append((row["id"], values))
    await write(connection, organization, quiet)
    locked = {row["id"] for row in rows}
    return [] if wait else [one for one in tickets if one not in locked]


def on_record(row: "asyncpg.Record", policies: Policies) -> "tuple[dict[str, object], Reckoned, asyncpg.Record | None]":
    """What is to be on record of a ticket, what was found, and by which policy."""
    now: dt.datetime = row["now"]
    policy = policies.of(row) if row["status"] != MERGED else None
    promise = policies.promise(policy, row) if policy else None
    facts = facts_of(row, now)
    found = reckoned(promise, facts, kept_of(row), now)
    why = {
        "sla_policy_id": policy["id"] if policy else None,
        "sla_matched_by": matched_by(policy) if policy else [],
    }
    return {**why, **columns_of(row, facts, promise, found, now)}, found, policy


async def write(
    connection: "asyncpg.Connection[asyncpg.Record]",
    organization: UUID,
    rows: Sequence[tuple[UUID, Mapping[str, object]]],
) -> None:
    """Write such columns of some tickets, in one statement."""
    if not rows:
        return
    names = ", ".join(rows[0][1])
    values = ", ".join(f"r.{name}" for name in rows[0][1])
    text = orjson.dumps([{"id": row, **given} for row, given in rows], default=str).decode()
    await connection.execute(
        f"UPDATE tickets t SET ({names}) = ROW({values}) FROM json_populate_recordset(NULL::tickets, $2::text::json) r"
        " WHERE t.organization_id = $1 AND t.id = r.id",
        organization,
        text,
    )


async def _say(
    tx: Transaction, actor: Actor, row: "asyncpg.Record", values: Mapping[str, object], found: Reckoned
) -> None:
    """Write it with an event, and mail whom it concerns."""
    event = "ticket.sla_breached" if found.breached else "ticket.sla_warned"
    outcome = await update_fields(tx, actor, Ticket.__name__, row["id"], values, event)
    if outcome.errors:
        raise RuntimeError(f"what follows from a ticket was refused: {outcome.errors}")
    await tell(await tx.raw(), actor.organization_id, row, found)


async def _escalate(
    tx: Transaction, actor: Actor, row: "asyncpg.Record", policy: "asyncpg.Record | None", found: Reckoned
) -> None:
    """Put a ticket that is late, and still owed, into the queue that its policy names, if it takes any."""
    owed = any(Mark.SETTLED not in found.targets[target].marks for target in found.breached)
    if owed and policy is not None and policy["escalates_to"] is not None:
        call = Call(tx, actor, row["id"], {})
        await to_queue(call, await locked(call), policy["escalates_to"])


async def _wake(tx: Transaction, organization: UUID, row: "asyncpg.Record", at: dt.datetime | None) -> None:
    if at is not None and at != row["timer"]:
        await set_timer(tx, organization, TIMER, row["id"], at)
    elif at is None and row["timer"] is not None:
        await clear_timer(tx, organization, TIMER, row["id"])
