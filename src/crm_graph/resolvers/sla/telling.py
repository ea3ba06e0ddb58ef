"""Who is told that a ticket is late, or soon will be: by mail, which names nothing but the ticket's number."""

import datetime as dt
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import asyncpg

from crm_graph.mail.outbox import Mail, post
from crm_graph.resolvers.people import MAILED, OF_STAFF
from crm_graph.service.sla import Reckoned, Target

_SAID: Final = {
    Target.FIRST_RESPONSE: "the first answer",
    Target.NEXT_RESPONSE: "an answer to what the customer wrote last",
    Target.RESOLUTION: "its resolution",
}
# late: its assignee and their manager, or without an assignee whom the team's members report to
_PEOPLE: Final = f"""
SELECT x.n, u.name, u.email
  FROM unnest($2::int[], $3::uuid[], $4::uuid[], $5::bool[]) x(n, assignee_id, team_id, late)
  CROSS JOIN LATERAL (
    SELECT x.assignee_id AS id
     UNION SELECT a.manager_id FROM users a WHERE a.organization_id = $1 AND x.late AND a.id = x.assignee_id
     UNION SELECT a.manager_id FROM users a
            WHERE a.organization_id = $1 AND x.late AND x.assignee_id IS NULL AND a.team_id = x.team_id
              AND a.status = 'ACTIVE') p
  JOIN users u ON u.organization_id = $1 AND u.id = p.id
 WHERE {MAILED} AND {OF_STAFF}
 ORDER BY x.n, u.id"""


async def tell(
    connection: "asyncpg.Connection[asyncpg.Record]",
    organization: UUID,
    found: "Sequence[tuple[asyncpg.Record, Reckoned]]",
) -> None:
    """Keep a mail to each who is told of a ticket, of all of it that is late or soon will be at once."""
    people = await connection.fetch(
        _PEOPLE,
        organization,
        list(range(len(found))),
        [ticket["assignee_id"] for ticket, _ in found],
        [ticket["team_id"] for ticket, _ in found],
        [bool(reckoned.breached) for _, reckoned in found],
    )
    for person in people:
        ticket, reckoned = found[person["n"]]
        await post(connection, organization, _mail(person["name"], person["email"], ticket["number"], reckoned))


def _mail(name: str, address: str, number: str, found: Reckoned) -> Mail:
    state = "is late" if found.breached else "is due soon"
    targets = found.breached or found.warned
    lines = [f"- {_SAID[target]}{_moment(found.targets[target].due_at)}" for target in targets]
    body = f"Hello {name},\n\nticket {number} {state}:\n\n" + "\n".join(lines) + "\n"
    return Mail(address, f"Ticket {number} {state}", body)


def _moment(at: dt.datetime | None) -> str:
    return f", due {at:%Y-%m-%d %H:%M} UTC" if at else ""
