"""When there is business: hours by weekday in a time zone, and the days on which there is none."""

from datetime import date
from uuid import UUID

import sqlalchemy as sa

from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL
from crm_graph.auth.rows import Rows
from crm_graph.entity import Entity, Filter, Read, Ref, Search, Sort, Write, attr, table_of
from crm_graph.kinds import BusinessHours, TimeZone


class BusinessCalendar(Entity, table=True):
    """Hours of business, by which times of service are counted."""

    __prefix__ = "cal"

    name: str = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, Sort, Search("A"))
    """Name of the calendar."""
    time_zone: TimeZone = attr(Read(INTERNAL), Write(CONFIDENTIAL))
    """Time zone whose wall clock the hours are of."""
    standard: bool = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, default=False)
    """Whether it holds for teams that have none of their own; one calendar does."""
    monday: BusinessHours | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=None)
    """Hours of Mondays; empty: none."""
    tuesday: BusinessHours | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=None)
    """Hours of Tuesdays."""
    wednesday: BusinessHours | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=None)
    """Hours of Wednesdays."""
    thursday: BusinessHours | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=None)
    """Hours of Thursdays."""
    friday: BusinessHours | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=None)
    """Hours of Fridays."""
    saturday: BusinessHours | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=None)
    """Hours of Saturdays."""
    sunday: BusinessHours | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=None)
    """Hours of Sundays."""


_calendars = table_of(BusinessCalendar).c
sa.Index(
    "uq_business_calendars_standard",
    _calendars.organization_id,
    unique=True,
    postgresql_where=sa.text("standard"),
)


class Holiday(Entity, table=True):
    """A day on which a calendar has no hours."""

    __prefix__ = "hol"
    __rows__ = Rows(parent="calendar_id")

    calendar_id: UUID = attr(
        Read(INTERNAL), Write(CONFIDENTIAL, create_only=True), Ref("BusinessCalendar", back="holidays", owned=True)
    )
    """The calendar."""
    day: date = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, Sort)
    """The day, in the calendar's time zone."""
    name: str | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=None)
    """What is celebrated."""
