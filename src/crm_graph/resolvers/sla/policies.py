"""Which policy holds for a ticket, and why; and what it promises, on which calendar."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from crm_graph.schema.sla_policies import SlaClock
from crm_graph.service.business_time import Calendar, around_the_clock
from crm_graph.service.hours import read_hours, time_zone
from crm_graph.service.sla import Promise, Target

CONDITIONS: Final = ("customer_id", "key_account", "segment", "type", "priority", "channel")
"""What policies ask of tickets, the weightiest first: by the first in which two differ, one is the more specific."""
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MINUTES: Final = {
    Target.FIRST_RESPONSE: "first_response_minutes",
    Target.NEXT_RESPONSE: "next_response_minutes",
    Target.RESOLUTION: "resolution_minutes",
}
_POLICIES: Final = """
SELECT p.*, q.id AS escalates_to
  FROM sla_policies p
  LEFT JOIN ticket_queues q ON q.organization_id = $1 AND q.id = p.escalation_queue_id AND q.active
 WHERE p.organization_id = $1 AND p.active ORDER BY p.created_at, p.id"""
_CALENDARS: Final = """
SELECT c.*, ARRAY(SELECT h.day FROM holidays h WHERE h.organization_id = $1 AND h.calendar_id = c.id) AS free
  FROM business_calendars c WHERE c.organization_id = $1"""


@dataclass(frozen=True, slots=True)
class Policies:
    """An organisation's policies and calendars, as they are in this transaction."""

    policies: "tuple[asyncpg.Record, ...]"
    calendars: Mapping[UUID, Calendar]
    standard: UUID | None

    def of(self, ticket: "asyncpg.Record") -> "asyncpg.Record | None":
        """The policy that holds for a ticket: the most specific, of equals the oldest."""
        fitting = [one for one in self.policies if all(one[c] is None or one[c] == ticket[c] for c in CONDITIONS)]
        return max(fitting, key=lambda one: [one[c] is not None for c in CONDITIONS], default=None)

    def promise(self, policy: "asyncpg.Record", ticket: "asyncpg.Record") -> Promise:
        """What a policy promises for a ticket."""
        named: UUID | None = policy["calendar_id"] or ticket["team_calendar_id"] or self.standard
        found = self.calendars[named] if named and policy["clock"] == SlaClock.BUSINESS else None
        pausing = {"WAITING": policy["pauses_waiting"], "ON_HOLD": policy["pauses_on_hold"]}
        return Promise(
            found or around_the_clock(),
            {t: dt.timedelta(minutes=policy[c]) for t, c in _MINUTES.items() if policy[c] is not None},
            frozenset(status for status, pauses in pausing.items() if pauses),
            policy["warning_percent"],
        )


def matched_by(policy: "asyncpg.Record") -> list[str]:
    """The conditions that a ticket fits by which a policy is as specific as it is."""
    return [name.removesuffix("_id").upper() for name in CONDITIONS if policy[name] is not None]


async def load(connection: "asyncpg.Connection[asyncpg.Record]", organization: UUID) -> Policies:
    """The policies that hold and all calendars of an organisation."""
    calendars = await connection.fetch(_CALENDARS, organization)
    return Policies(
        tuple(await connection.fetch(_POLICIES, organization)),
        {one["id"]: _calendar(one) for one in calendars},
        next((one["id"] for one in calendars if one["standard"]), None),
    )


def _calendar(row: "asyncpg.Record") -> Calendar:
    week = {n: read_hours(row[day]) for n, day in enumerate(_DAYS) if row[day]}
    return Calendar(time_zone(row["time_zone"]), week, frozenset(row["free"]))
