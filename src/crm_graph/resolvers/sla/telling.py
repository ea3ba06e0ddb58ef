"""Who is told that a ticket is late, or soon will be: by mail, which names nothing but the ticket's number."""

import datetime as dt
from typing import Final
from uuid import UUID

import asyncpg

from crm_graph.mail.outbox import Mail, post
from crm_graph.service.sla import Reckoned, Target

_SAID: Final = {
    Target.FIRST_RESPONSE: "the first answer",
    Target.NEXT_RESPONSE: "an answer to what the customer wrote last",
    Target.RESOLUTION: "its resolution",
}
# late: its assignee and their manager, or without an assignee whom the team's members report to
_PEOPLE: Final = """
SELECT DISTINCT u.id, u.name, u.email FROM users u
 WHERE u.organization_id = $1 AND u.status = 'ACTIVE' AND u.email IS NOT NULL
   AND u.partner_id IS NULL AND u.customer_id IS NULL AND (
     u.id = $2
     OR $4 AND u.id IN (SELECT a.manager_id FROM users a WHERE a.organization_id = $1 AND a.id = $2)
     OR $4 AND $2::uuid IS NULL AND u.id IN (
          SELECT a.manager_id FROM users a
           WHERE a.organization_id = $1 AND a.team_id = $3 AND a.status = 'ACTIVE'))
 ORDER BY u.id"""


async def tell(
    connection: "asyncpg.Connection[asyncpg.Record]", organization: UUID, ticket: "asyncpg.Record", found: Reckoned
) -> None:
    """Keep a mail to each who is told, of all that is late or soon will be at once."""
    whose = ticket["assignee_id"], ticket["team_id"]
    for person in await connection.fetch(_PEOPLE, organization, *whose, bool(found.breached)):
        await post(connection, organization, _mail(person["name"], person["email"], ticket["number"], found))


def _mail(name: str, address: str, number: str, found: Reckoned) -> Mail:
    state = "is late" if found.breached else "is due soon"
    targets = found.breached or found.warned
    lines = [f"- {_SAID[target]}{_moment(found.targets[target].due_at)}" for target in targets]
    body = f"Hello {name},\n\nticket {number} {state}:\n\n" + "\n".join(lines) + "\n"
    return Mail(address, f"Ticket {number} {state}", body)


def _moment(at: dt.datetime | None) -> str:
    return f", due {at:%Y-%m-%d %H:%M} UTC" if at else ""
