"""What sellers are to bring in, and what was expected of them, day by day."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL
from crm_graph.auth.rows import Rows
from crm_graph.entity import Entity, Filter, Read, Ref, Sort, Write, attr
from crm_graph.kinds import CurrencyCode, Money


class Quota(Entity, table=True):
    """What a person or a team is to sell from a day to a day."""

    __prefix__ = "quo"
    __rows__ = Rows(own="owner_id", team="team_id")
    __checks__ = {
        "whose": "num_nonnulls(owner_id, team_id) = 1",
        "days": "starts_on <= ends_on",
        "amount": "amount >= 0",
    }

    owner_id: UUID | None = attr(
        Read(INTERNAL), Write(CONFIDENTIAL, create_only=True), Ref("User", back="quotas"), default=None
    )
    """Whose it is; null where it is a team's."""
    team_id: UUID | None = attr(
        Read(INTERNAL), Write(CONFIDENTIAL, create_only=True), Ref("Team", back="quotas"), default=None
    )
    """The team whose it is, those below it included; null where it is a person's."""
    starts_on: date = attr(Read(INTERNAL), Write(CONFIDENTIAL, create_only=True), Filter, Sort)
    """First day. `forecast` sets a quota against the figures of exactly these days: a month, a quarter, or others."""
    ends_on: date = attr(Read(INTERNAL), Write(CONFIDENTIAL, create_only=True), Filter, Sort)
    """Last day."""
    currency: CurrencyCode = attr(Read(INTERNAL), default="EUR")
    """Currency of the amount."""
    amount: Money = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, Sort)
    """What is to be sold."""


class ForecastSnapshot(Entity, table=True):
    """What was expected of one seller for one month, as it stood at the end of a day; taken every night."""

    __prefix__ = "fsn"
    __rows__ = Rows(own="owner_id", team="team_id")
    __indexes__ = (("taken_on", "month"),)

    taken_on: date = attr(Read(INTERNAL), Filter, Sort)
    """The day that it is about (UTC)."""
    month: date = attr(Read(INTERNAL), Filter, Sort)
    """First day of the month in which the sales are to close."""
    owner_id: UUID | None = attr(Read(INTERNAL), Ref("User", back="forecastSnapshots"), default=None)
    """Who sells; null for sales that were nobody's."""
    team_id: UUID | None = attr(Read(INTERNAL), Ref("Team", back="forecastSnapshots"), default=None)
    """Team that sells."""
    currency: CurrencyCode = attr(Read(INTERNAL), default="EUR")
    """Currency of the amounts."""
    won: Money = attr(Read(INTERNAL), Filter, Sort, default=Decimal(0))
    """Won."""
    commit: Money = attr(Read(INTERNAL), Filter, Sort, default=Decimal(0))
    """Open, and promised."""
    best_case: Money = attr(Read(INTERNAL), Filter, Sort, default=Decimal(0))
    """Open, and possible if all goes well."""
    pipeline: Money = attr(Read(INTERNAL), Filter, Sort, default=Decimal(0))
    """Open, and neither promised nor left out."""
    weighted: Money = attr(Read(INTERNAL), Filter, Sort, default=Decimal(0))
    """Won, and of what is open (but left out) the amount times its probability."""
    opportunities: int = attr(Read(INTERNAL), Filter, Sort, default=0)
    """How many sales these are."""
