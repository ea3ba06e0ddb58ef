"""How key account plans were judged on the way, with their goals as they stood."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL, Category
from crm_graph.auth.rows import Rows
from crm_graph.entity import Entity, Filter, Read, Ref, Search, Sort, attr
from crm_graph.kinds import CurrencyCode
from crm_graph.schema.goal_metrics import GoalMetric, GoalStatus


class PlanReview(Entity, table=True):
    """How a plan was judged on a day; made by `reviewKeyAccountPlan`, and never changed."""

    __prefix__ = "prv"
    __rows__ = Rows(parent="plan_id")
    __imported__ = False

    plan_id: UUID = attr(Read(INTERNAL), Ref("KeyAccountPlan", back="reviews", owned=True))
    """The plan."""
    held_on: date = attr(Read(INTERNAL), Filter, Sort)
    """The day (UTC); the figures are those of that moment."""
    summary: str = attr(Read(INTERNAL), Search("B"))
    """How the plan was judged."""
    decisions: str | None = attr(Read(INTERNAL), Search("C"), default=None)
    """What was decided."""
    held_by_id: UUID | None = attr(Read(INTERNAL), Ref("User"), default=None)
    """Who held it."""


class GoalSnapshot(Entity, table=True):
    """A goal as it stood at a review; what becomes of the goal afterwards changes nothing here."""

    __prefix__ = "gsn"
    __rows__ = Rows(parent="review_id")
    __imported__ = False

    review_id: UUID = attr(Read(INTERNAL), Ref("PlanReview", back="goals", owned=True))
    """The review."""
    goal_id: UUID | None = attr(Read(INTERNAL), Ref("Goal", back="snapshots"), default=None)
    """The goal."""
    title: str = attr(Read(INTERNAL))
    """Its title then."""
    metric: GoalMetric = attr(Read(INTERNAL), Filter)
    """What it was measured by."""
    currency: CurrencyCode = attr(Read(INTERNAL), default="EUR")
    """Currency of its amounts."""
    target: Decimal = attr(Read(INTERNAL))
    """What was to be reached."""
    expected: Decimal | None = attr(Read(INTERNAL), default=None)
    """What was due by then."""
    actual: Decimal | None = attr(Read(CONFIDENTIAL, category=Category.COMMERCIAL), default=None)
    """What was reached by then."""
    status: GoalStatus | None = attr(Read(CONFIDENTIAL, category=Category.COMMERCIAL), Filter, default=None)
    """How it stood."""
