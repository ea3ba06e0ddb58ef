"""Possible sales."""

from datetime import date, datetime
from decimal import Decimal
from enum import auto
from typing import ClassVar
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL, PARTNER, Category
from crm_graph.auth.rows import Rows
from crm_graph.declaration import choice_kind
from crm_graph.entity import (
    Choice,
    Computed,
    Entity,
    Filter,
    Read,
    Ref,
    RelatedCount,
    Search,
    Sort,
    Write,
    attr,
)
from crm_graph.kinds import CurrencyCode, Money


def days(since: str, until: str) -> str:
    """SQL of the days between two moments, by the calendar: it changes at midnight only."""
    return f"((({until}) AT TIME ZONE 'UTC')::date - (({since}) AT TIME ZONE 'UTC')::date)"


_QUIET_SINCE = "greatest(coalesce({entered_stage_at}, {created_at}), {last_activity_at})"


class OpportunityStatus(Choice):
    """How a possible sale stands."""

    OPEN = auto()
    WON = auto()
    LOST = auto()


class ForecastCategory(Choice):
    """How sure its seller is of an open sale."""

    PIPELINE = auto()
    BEST_CASE = auto()
    COMMIT = auto()
    OMITTED = auto()


class ForecastStanding(Choice):
    """What a sale counts as in a forecast."""

    PIPELINE = auto()
    BEST_CASE = auto()
    COMMIT = auto()
    CLOSED = auto()
    OMITTED = auto()


class Opportunity(Entity, table=True):
    """A possible sale to a customer."""

    __prefix__ = "opp"
    __rows__ = Rows(
        own="owner_id",
        team="team_id",
        partner="partner_id",
        shared=True,
        reaches=("OpportunityLine", "StageChange", "OpportunitySplit", "Task", "Proposal"),
    )
    __custom__ = True
    __checks__ = {"probability": "probability BETWEEN 0 AND 100"}

    name: str = attr(Read(PARTNER), Write(PARTNER), Filter, Sort, Search("A"))
    """What is to be sold, in a few words."""
    customer_id: UUID | None = attr(Read(PARTNER), Write(PARTNER), Ref("Customer", back="opportunities"), default=None)
    """To whom."""
    product_id: UUID | None = attr(Read(PARTNER), Write(PARTNER), Ref("Product", back="opportunities"), default=None)
    """The main product, where there is one."""
    pipeline_id: UUID | None = attr(
        Read(PARTNER), Write(INTERNAL, create_only=True), Ref("Pipeline", back="opportunities"), default=None
    )
    """The pipeline it goes through."""
    stage_id: UUID | None = attr(
        Read(PARTNER), Write(INTERNAL, create_only=True), Ref("Stage", back="opportunities"), default=None
    )
    """Where it stands there; moved by `moveOpportunityStage`."""
    entered_stage_at: datetime | None = attr(Read(INTERNAL), Filter, Sort, default=None)
    """When it entered this stage; null: it has been there since it was created."""
    approval_request_id: UUID | None = attr(Read(INTERNAL), Ref("ApprovalRequest", back="opportunities"), default=None)
    """The last request for approval to leave its stage, if it was beyond the limit of who wanted it to."""
    stalled_after_days: int | None = attr(Read(INTERNAL), default=None)
    """After how many quiet days it is stalled, as its stage says."""
    last_activity_at: datetime | None = attr(Read(INTERNAL), default=None)
    """When somebody last did something about it: completed a task, for example."""
    status: OpportunityStatus = attr(Read(PARTNER), Filter, default=OpportunityStatus.OPEN)
    """Open, won or lost; follows the stage."""
    currency: CurrencyCode = attr(Read(PARTNER), default="EUR")
    """Currency of the amounts."""
    amount: Money | None = attr(Read(PARTNER), Write(PARTNER), Filter, Sort, default=None)
    """What the sale is worth."""
    cost: Money | None = attr(Read(CONFIDENTIAL, category=Category.COMMERCIAL), Write(CONFIDENTIAL), default=None)
    """What it costs us to deliver."""
    probability: int | None = attr(Read(INTERNAL), Write(INTERNAL), Filter, Sort, default=None)
    """How likely the sale is, in percent."""
    forecast_category: ForecastCategory = attr(
        Read(INTERNAL), Write(INTERNAL), Filter, default=ForecastCategory.PIPELINE
    )
    """How sure the seller is of it while it is open; see `forecastAs`."""
    engaged_on: date | None = attr(Read(PARTNER), Write(PARTNER), Filter, Sort, default=None)
    """When talks began."""
    close_on: date | None = attr(Read(PARTNER), Write(PARTNER), Filter, Sort, default=None)
    """When the sale is expected to close, or closed."""
    loss_reason: str | None = attr(Read(INTERNAL), Filter, Search("D"), default=None)
    """Why it was lost, in words."""
    lost_because_id: UUID | None = attr(Read(INTERNAL), Ref("LossReason", back="opportunities"), default=None)
    """Why it was lost, of the organisation's reasons."""
    competitor_id: UUID | None = attr(
        Read(INTERNAL), Write(INTERNAL), Ref("Competitor", back="opportunities"), default=None
    )
    """Whom we are up against; of a lost sale, who has it."""
    next_step: str | None = attr(Read(INTERNAL), Write(INTERNAL), Search("C"), default=None)
    """What happens next."""
    owner_id: UUID | None = attr(Read(INTERNAL), Write(INTERNAL), Ref("User", back="opportunities"), default=None)
    """Who sells."""
    team_id: UUID | None = attr(Read(INTERNAL), Write(INTERNAL), Ref("Team", back="opportunities"), default=None)
    """Team that sells."""
    partner_id: UUID | None = attr(Read(PARTNER), Write(INTERNAL), Ref("Partner", back="opportunities"), default=None)
    """Partner that sells with us."""

    weighted_amount: ClassVar[Computed] = Computed(
        kinds.MONEY, "round({amount} * {probability} / 100, 2)", "Amount times probability, rounded to cents."
    )
    margin: ClassVar[Computed] = Computed(kinds.MONEY, "{amount} - {cost}", "Amount less cost.")
    forecast_as: ClassVar[Computed] = Computed(
        choice_kind(ForecastStanding),
        "CASE {status} WHEN 'WON' THEN 'CLOSED' WHEN 'LOST' THEN 'OMITTED' ELSE {forecast_category} END",
        "What it counts as in a forecast: a won sale is CLOSED, a lost one OMITTED, an open one what its seller says.",
        filter=True,
    )
    days_in_stage: ClassVar[Computed] = Computed(
        kinds.INT,
        f"CASE WHEN {{status}} = 'OPEN' THEN {days('coalesce({entered_stage_at}, {created_at})', 'now()')} END",
        "Days since it entered its stage, by the calendar (UTC); null once it is closed.",
        filter=True,
    )
    stalled: ClassVar[Computed] = Computed(
        kinds.BOOLEAN,
        f"coalesce({{status}} = 'OPEN' AND {days(_QUIET_SINCE, 'now()')} > {{stalled_after_days}}, FALSE)",
        "Whether it is open and had neither a move nor an activity for longer than its stage allows.",
        filter=True,
    )
    open_tasks: ClassVar[RelatedCount] = RelatedCount(
        "tasks", {"doneAt": {"isNull": True}}, "How many tasks about it are still to be done."
    )


class OpportunityLine(Entity, table=True):
    """One product of an opportunity."""

    __prefix__ = "opl"
    __rows__ = Rows(parent="opportunity_id")
    __checks__ = {"quantity": "quantity > 0"}

    opportunity_id: UUID = attr(
        Read(PARTNER), Write(PARTNER, create_only=True), Ref("Opportunity", back="lines", owned=True)
    )
    """The opportunity."""
    product_id: UUID = attr(Read(PARTNER), Write(PARTNER), Ref("Product", back="opportunityLines"))
    """The product."""
    position: int = attr(Read(PARTNER), Write(PARTNER), Sort, default=1)
    """Place on the list, from 1."""
    quantity: Decimal = attr(Read(PARTNER), Write(PARTNER), default=Decimal(1))
    """How many."""
    currency: CurrencyCode = attr(Read(PARTNER), default="EUR")
    """Currency of the price."""
    unit_price: Money | None = attr(Read(PARTNER), Write(PARTNER), default=None)
    """Price of one."""

    total: ClassVar[Computed] = Computed(
        kinds.MONEY, "round({quantity} * {unit_price}, 2)", "Quantity times unit price."
    )


class StageChange(Entity, table=True):
    """One move of an opportunity from a stage to another."""

    __prefix__ = "stc"
    __rows__ = Rows(parent="opportunity_id")

    opportunity_id: UUID = attr(Read(INTERNAL), Ref("Opportunity", back="stageChanges", owned=True))
    """The opportunity."""
    from_stage_id: UUID | None = attr(Read(INTERNAL), Ref("Stage"), default=None)
    """The stage it left."""
    to_stage_id: UUID | None = attr(Read(INTERNAL), Ref("Stage"), default=None)
    """The stage it entered."""
    changed_at: datetime = attr(Read(INTERNAL), Filter, Sort)
    """When it moved."""
    changed_by_id: UUID | None = attr(Read(INTERNAL), Ref("User"), default=None)
    """Who moved it."""
    note: str | None = attr(Read(INTERNAL), default=None)
    """Why, in the mover's words."""
    entered_at: datetime | None = attr(Read(INTERNAL), default=None)
    """When it had entered the stage it left."""

    days_in_stage: ClassVar[Computed] = Computed(
        kinds.INT, days("{entered_at}", "{changed_at}"), "Days it was in the stage it left, by the calendar (UTC)."
    )


class OpportunitySplit(Entity, table=True):
    """What one of several people has of a sale; the splits of an opportunity come to 100 percent."""

    __prefix__ = "ops"
    __rows__ = Rows(parent="opportunity_id")
    __imported__ = False
    __checks__ = {"percent": "percent > 0 AND percent <= 100"}

    opportunity_id: UUID = attr(Read(INTERNAL), Ref("Opportunity", back="splits", owned=True))
    """The opportunity."""
    user_id: UUID = attr(Read(INTERNAL), Ref("User", back="opportunitySplits"))
    """Who has this part."""
    percent: Decimal = attr(Read(INTERNAL), Filter)
    """How much of the sale, in percent."""
