"""Where a new ticket goes, and whom it is given to: in the transaction that opens it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from crm_graph.db.session import Transaction
from crm_graph.schema.customers import LifecycleStage
from crm_graph.schema.key_accounts import is_key_account
from crm_graph.schema.ticket_queues import TicketAssignment
from crm_graph.schema.ticket_states import IS_OPEN
from crm_graph.schema.tickets import CustomerValue

_LOYAL: Final = (LifecycleStage.LOYAL.value, LifecycleStage.WON_BACK.value)
_KEY: Final = is_key_account("c.id")
_VALUE: Final = f"""
SELECT CASE WHEN {_KEY} THEN 'KEY' WHEN c.stage = ANY($3::text[]) THEN 'HIGH' ELSE 'STANDARD' END
  FROM customers c WHERE c.organization_id = $1 AND c.id = $2"""
_RULE: Final = f"""
SELECT r.queue_id, q.team_id, r.raise_by, r.tags, r.skills
  FROM routing_rules r
  JOIN ticket_queues q ON q.organization_id = $1 AND q.id = r.queue_id AND q.active
  JOIN customers c ON c.organization_id = $1 AND c.id = $2
 WHERE r.organization_id = $1 AND r.active
   AND (r.channel IS NULL OR r.channel = $3) AND (r.type IS NULL OR r.type = $4)
   AND (r.segment IS NULL OR r.segment = c.segment)
   AND (r.language IS NULL OR $5 = r.language OR starts_with($5, r.language || '-'))
   AND (r.product_id IS NULL OR r.product_id = $6 OR EXISTS (SELECT FROM order_lines l
        WHERE l.organization_id = $1 AND l.order_id = $7 AND l.product_id = r.product_id))
   AND (r.key_account IS NULL OR r.key_account = {_KEY})
 ORDER BY r.position, r.id LIMIT 1"""
_MANAGEMENT: Final = """
SELECT id AS queue_id, team_id FROM ticket_queues WHERE organization_id = $1 AND to_management AND active
 ORDER BY created_at, id LIMIT 1"""
_QUEUE: Final = "SELECT team_id, active FROM ticket_queues WHERE organization_id = $1 AND id = $2"
# one at a time is given away of a queue: the next one sees who was given what
_ALONE: Final = "SELECT assignment FROM ticket_queues WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE"
_MEMBERS: Final = f"""
SELECT m.id, m.user_id
  FROM queue_members m
  JOIN users u ON u.organization_id = $1 AND u.id = m.user_id AND u.status = 'ACTIVE'
  CROSS JOIN LATERAL (SELECT count(*) AS open FROM tickets t WHERE t.organization_id = $1 AND t.assignee_id = m.user_id
     AND t.status {IS_OPEN}) has
 WHERE m.organization_id = $1 AND m.queue_id = $2 AND m.available AND (m.capacity IS NULL OR has.open < m.capacity)
   AND ($3::text[] IS NULL OR m.skills @> $3) AND m.user_id IS DISTINCT FROM $5
 ORDER BY CASE WHEN $4 THEN has.open ELSE 0 END, m.last_given_at NULLS FIRST, m.id LIMIT 1"""
_GIVEN: Final = "UPDATE queue_members SET last_given_at = clock_timestamp() WHERE organization_id = $1 AND id = $2"


@dataclass(frozen=True, slots=True)
class Asked:
    """What rules look at."""

    customer_id: UUID
    channel: str
    type: str
    language: str | None
    product_id: UUID | None
    order_id: UUID | None
    to_management: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """Where a ticket goes. Without a rule that holds, nowhere: then it is in no queue."""

    queue_id: UUID | None = None
    team_id: UUID | None = None
    raise_by: int = 0
    tags: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()


async def value_of(tx: Transaction, organization: UUID, customer: UUID) -> CustomerValue:
    """Whom we speak to, by what agents may know of a customer."""
    found = await (await tx.raw()).fetchval(_VALUE, organization, customer, list(_LOYAL))
    return CustomerValue(found)


async def route(tx: Transaction, organization: UUID, asked: Asked) -> Route:
    """Where a ticket goes: a complaint to the management to its queue, else as the first rule says that holds."""
    connection = await tx.raw()
    found = await connection.fetchrow(
        _RULE,
        organization,
        asked.customer_id,
        asked.channel,
        asked.type,
        asked.language,
        asked.product_id,
        asked.order_id,
    )
    rule = Route()
    if found is not None:
        rule = Route(
            found["queue_id"], found["team_id"], found["raise_by"], tuple(found["tags"]), tuple(found["skills"])
        )
    above = await management(tx, organization) if asked.to_management else None
    return rule if above is None else replace(rule, queue_id=above[0], team_id=above[1])


@dataclass(frozen=True, slots=True)
class Queue:
    """What a ticket that goes into a queue needs to know of it."""

    team_id: UUID | None
    active: bool


async def queue_of(tx: Transaction, organization: UUID, queue: UUID) -> Queue:
    """A queue that was seen in this transaction."""
    found = await (await tx.raw()).fetchrow(_QUEUE, organization, queue)
    assert found is not None, "the queue was seen in this transaction"
    return Queue(**dict(found))


async def management(tx: Transaction, organization: UUID) -> tuple[UUID, UUID | None] | None:
    """The queue of complaints to the management, and its team; `None` where there is none."""
    found = await (await tx.raw()).fetchrow(_MANAGEMENT, organization)
    return None if found is None else (found["queue_id"], found["team_id"])


async def give(
    tx: Transaction, organization: UUID, queue: UUID | None, skills: Sequence[str], but: UUID | None = None
) -> UUID | None:
    """Whom a ticket of a queue is given to, which counts as given; `None` where it is left to be taken.

    `but`: not to this one.
    """
    connection = await tx.raw()
    assignment = await connection.fetchval(_ALONE, organization, queue) if queue is not None else None
    if assignment in (None, TicketAssignment.MANUAL):
        return None
    wanted = list(skills) if assignment == TicketAssignment.SKILLS else None
    by_load = assignment != TicketAssignment.ROUND_ROBIN
    found = await connection.fetchrow(_MEMBERS, organization, queue, wanted, by_load, but)
    if found is None:
        return None
    await connection.execute(_GIVEN, organization, found["id"])
    user: UUID = found["user_id"]
    return user
