"""The service desk's hours, and what it promises; what became of that is reckoned once all is loaded."""

from datetime import date, timedelta
from typing import Final

from crm_graph.demo.business import Business
from crm_graph.demo.rows import Row
from crm_graph.schema.calendars import BusinessCalendar, Holiday
from crm_graph.schema.sla_policies import SlaClock, SlaPolicy
from crm_graph.schema.tickets import TicketPriority
from crm_graph.schema.users import Team

OFFICE: Final = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday"), "08:00-12:00, 13:00-17:30")
HOLIDAYS: Final = {
    "New Year's Day": (1, 1),
    "Labour Day": (5, 1),
    "German Unity Day": (10, 3),
    "Christmas Day": (12, 25),
}
YEARS: Final = 366 * 24 * 60
"""Minutes; the demo's tickets grow old, and some of them are still to be in time."""

POLICIES: Final[tuple[Row, ...]] = (
    {
        "name": "Everybody",
        "first_response_minutes": 8 * 60,
        "next_response_minutes": 16 * 60,
        "resolution_minutes": 5 * 8 * 60,
    },
    {
        "name": "Urgent",
        "priority": TicketPriority.URGENT,
        "clock": SlaClock.ELAPSED,
        "first_response_minutes": 60,
        "next_response_minutes": 120,
        "resolution_minutes": 24 * 60,
    },
    {
        "name": "Low: within a year or two",
        "priority": TicketPriority.LOW,
        "clock": SlaClock.ELAPSED,
        "resolution_minutes": 2 * YEARS,
        "pauses_on_hold": True,
    },
    {
        "name": "Key accounts",
        "key_account": True,
        "first_response_minutes": 2 * 60,
        "next_response_minutes": 4 * 60,
        "resolution_minutes": 2 * 8 * 60,
    },
    {
        "name": "Key accounts, of low priority: warned early",
        "key_account": True,
        "priority": TicketPriority.LOW,
        "clock": SlaClock.ELAPSED,
        "resolution_minutes": 8 * YEARS,
        "warning_percent": 1,
    },
)


def promise(business: Business) -> None:
    """Add the desk's calendar with the holidays of these years, a second one, and policies."""
    rows, since = business.rows, business.calendar.start
    desk = rows.add(
        BusinessCalendar, since, name="Service Desk", time_zone="Europe/Berlin", standard=True, **OFFICE,
        friday="08:00-12:00, 13:00-16:00",
    )  # fmt: skip
    for year in range(since.year, business.today.year + 2):
        for name, (month, day) in HOLIDAYS.items():
            rows.add(Holiday, since, calendar_id=desk, day=date(year, month, day), name=name)
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    standby = rows.add(
        BusinessCalendar, since, name="Standby", time_zone="Europe/Berlin", **dict.fromkeys(days, "06:00-24:00")
    )
    for team in rows.of[Team.__name__]:
        if team["name"] == "Field Service":
            team["calendar_id"] = standby
    for place, policy in enumerate(POLICIES):
        rows.add(SlaPolicy, since + timedelta(minutes=place), **policy)
