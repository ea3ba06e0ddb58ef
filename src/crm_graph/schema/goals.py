"""What a key account plan is to reach, with how far it got; and what is done for it."""

from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL, PARTNER, Category
from crm_graph.auth.rows import Rows
from crm_graph.declaration import choice_kind
from crm_graph.entity import Computed, Entity, Figure, Filter, Read, Ref, Search, Sort, Write, attr
from crm_graph.kinds import CurrencyCode
from crm_graph.schema import goal_metrics
from crm_graph.schema.goal_metrics import METRICS, GoalMetric, GoalStatus, GoalUnit
from crm_graph.specs import TODAY

_PLAN = (
    "FROM key_account_plans fp"
    " JOIN key_accounts fk ON fk.organization_id = {organization} AND fk.id = fp.key_account_id"
    " WHERE fp.organization_id = {organization} AND fp.id = {plan_id}"
)
_PLAN_TABLES = (("key_account_plans", "fp", "fp.id = {plan_id}"), ("key_accounts", "fk", "fk.id = fp.key_account_id"))
_OF_PLAN = (
    "KeyAccountPlan.starts_on",
    "KeyAccountPlan.ends_on",
    "KeyAccountPlan.key_account_id",
    "KeyAccount.customer_id",
)

_ACTUAL = f"CASE {{metric}} {' '.join(f'WHEN {name.value!r} THEN ({one.sql})' for name, one in METRICS.items())} END"
_START = f"CASE WHEN {{metric}} IN {goal_metrics.ACCUMULATING} THEN 0 ELSE coalesce({{baseline}}, {{target}}) END"
_GONE = f"least(1, ({TODAY} - fp.starts_on)::numeric / (fp.ends_on - fp.starts_on + 1))"


class Goal(Entity, table=True):
    """What a plan is to reach in one metric; its actual value is reckoned when it is asked for."""

    __prefix__ = "goa"
    __rows__ = Rows(parent="plan_id")
    __checks__ = {"tolerance_percent": "tolerance_percent BETWEEN 0 AND 100"}

    plan_id: UUID = attr(
        Read(PARTNER), Write(INTERNAL, create_only=True), Ref("KeyAccountPlan", back="goals", owned=True)
    )
    """The plan."""
    title: str = attr(Read(PARTNER), Write(INTERNAL), Filter, Sort, Search("A"))
    """The goal, in words."""
    metric: GoalMetric = attr(Read(PARTNER), Write(INTERNAL, create_only=True), Filter)
    """What it is measured by."""
    currency: CurrencyCode = attr(Read(PARTNER), Write(INTERNAL, create_only=True), default="EUR")
    """Currency of its amounts, and the only one that counts."""
    target: Decimal = attr(Read(PARTNER), Write(INTERNAL))
    """What is to be reached by the end of the plan: an amount, a number or percents, as `unit` says."""
    baseline: Decimal | None = attr(Read(INTERNAL), Write(INTERNAL), default=None)
    """Where it stood before. Metrics that are a state (`PRODUCT_MIX`) start there; others start at nothing."""
    tolerance_percent: int = attr(Read(INTERNAL), Write(INTERNAL), default=15)
    """How many percent of what is due by now it may be behind and is AMBER, not yet RED."""
    red_since: datetime | None = attr(Read(CONFIDENTIAL, category=Category.COMMERCIAL), Filter, default=None)
    """Since when the account's manager has known that it is red."""

    unit: ClassVar[Computed] = Computed(
        choice_kind(GoalUnit), goal_metrics.unit(), "What `target`, `baseline`, `expected` and `actual` are."
    )
    actual: ClassVar[Figure] = Figure(
        kinds.DECIMAL,
        f"SELECT {_ACTUAL} {_PLAN}",
        Read(CONFIDENTIAL, category=Category.COMMERCIAL),
        tuple(dict.fromkeys((*_OF_PLAN, *(field for one in METRICS.values() for field in one.of)))),
        tuple(dict.fromkeys((*_PLAN_TABLES, *(table for one in METRICS.values() for table in one.tables)))),
        "What was reached so far, over all records of the customer in the days of the plan.",
    )
    expected: ClassVar[Figure] = Figure(
        kinds.DECIMAL,
        f"SELECT CASE WHEN {TODAY} >= fp.starts_on THEN"
        f" {goal_metrics.by_unit(f'({_START} + ({{target}} - {_START}) * {_GONE})')} END {_PLAN}",
        Read(INTERNAL),
        _OF_PLAN,
        _PLAN_TABLES,
        "What is due after the days of the plan that are over, if it goes at an even pace; null before it begins.",
    )
    status: ClassVar[Computed] = Computed(
        choice_kind(GoalStatus),
        f"crm_goal_status({{actual}}, {{expected}}, {{tolerance_percent}}, {{metric}} IN {goal_metrics.FEWER})",
        "How it stands by its pace; null before the plan begins, and while there is nothing to measure.",
        filter=True,
    )


class Tactic(Entity, table=True):
    """Something that is done for a plan, by somebody, by a day."""

    __prefix__ = "tac"
    __rows__ = Rows(parent="plan_id")

    plan_id: UUID = attr(
        Read(PARTNER), Write(INTERNAL, create_only=True), Ref("KeyAccountPlan", back="tactics", owned=True)
    )
    """The plan."""
    goal_id: UUID | None = attr(Read(PARTNER), Write(INTERNAL), Ref("Goal", back="tactics", owned=True), default=None)
    """The goal it serves."""
    title: str = attr(Read(PARTNER), Write(INTERNAL), Filter, Sort, Search("A"))
    """What is done."""
    owner_id: UUID | None = attr(Read(PARTNER), Write(INTERNAL), Ref("User", back="tactics"), default=None)
    """Who does it."""
    due_on: date | None = attr(Read(PARTNER), Write(INTERNAL), Filter, Sort, default=None)
    """By when."""
    done_on: date | None = attr(Read(PARTNER), Write(INTERNAL), Filter, Sort, default=None)
    """When it was done."""
    notes: str | None = attr(Read(INTERNAL), Write(INTERNAL), default=None)
    """How it goes."""

    overdue: ClassVar[Computed] = Computed(
        kinds.BOOLEAN,
        f"coalesce({{done_on}} IS NULL AND {{due_on}} < {TODAY}, FALSE)",
        "Whether it should have been done by now (UTC).",
        filter=True,
    )
