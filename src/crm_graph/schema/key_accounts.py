"""Key accounts: the customers that get a plan of their own, and by what they are classified."""

from datetime import date, datetime
from decimal import Decimal
from enum import auto
from typing import ClassVar
from uuid import UUID

import sqlalchemy as sa

from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL, PARTNER, Category
from crm_graph.auth.rows import Rows
from crm_graph.entity import (
    Choice,
    Entity,
    Filter,
    Read,
    Ref,
    RelatedCount,
    Search,
    Sort,
    Write,
    attr,
    table_of,
)
from crm_graph.kinds import CurrencyCode, Money


def is_key_account(customer: str) -> str:
    """SQL of whether a customer of the organisation `$1` is a key account."""
    return f"EXISTS (SELECT FROM key_accounts k WHERE k.organization_id = $1 AND k.customer_id = {customer})"


class KeyAccountTier(Choice):
    """How much a key account matters to the business."""

    STRATEGIC = auto()
    KEY = auto()
    GROWTH = auto()


class KeyAccountMeasure(Choice):
    """What key accounts are measured by: see docs/accounts.md for how each is reckoned."""

    REVENUE = auto()
    REVENUE_GROWTH = auto()
    MARGIN = auto()
    SHARE_OF_WALLET = auto()
    STRATEGIC_FIT = auto()
    REFERENCES = auto()


class TierCause(Choice):
    """Why a key account changed its class."""

    SCORE = auto()
    OVERRIDE = auto()
    OVERRIDE_ENDED = auto()


class KeyAccount(Entity, table=True):
    """The classification of a customer as a key account, with its strategy."""

    __prefix__ = "key"
    __rows__ = Rows(own="manager_id", shared=True, reaches=("KeyAccountPlan",))
    __custom__ = True
    __checks__ = {
        "strategic_fit": "strategic_fit BETWEEN 0 AND 100",
        "reference_count": "reference_count >= 0",
        "wallet": "wallet > 0",
        "coverage_target": "coverage_target BETWEEN 0 AND 100",
    }

    customer_id: UUID = attr(
        Read(PARTNER), Write(CONFIDENTIAL, create_only=True), Ref("Customer", back="keyAccounts", owned=True)
    )
    """The customer."""
    tier: KeyAccountTier = attr(
        Read(PARTNER), Write(CONFIDENTIAL, create_only=True), Filter, default=KeyAccountTier.KEY
    )
    """How much the account matters: its class. It follows the score, or is set by `overrideKeyAccountTier`."""
    tier_reason: str | None = attr(Read(INTERNAL), default=None)
    """Why it is in this class."""
    tier_held_until: datetime | None = attr(Read(INTERNAL), Filter, Sort, default=None)
    """Until when it keeps a class given by hand; null: the class follows the score."""
    since: date | None = attr(Read(PARTNER), Write(CONFIDENTIAL), Filter, Sort, default=None)
    """Since when it is a key account."""
    manager_id: UUID | None = attr(
        Read(PARTNER), Write(CONFIDENTIAL), Ref("User", back="managedAccounts"), default=None
    )
    """The key account manager."""
    strategy: str | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), Search("B"), default=None)
    """What we mean to reach with this account, and how."""
    currency: CurrencyCode = attr(Read(PARTNER), Write(CONFIDENTIAL, create_only=True), default="EUR")
    """Currency that its figures are reckoned in: of orders in other ones nothing counts."""
    wallet: Money | None = attr(Read(CONFIDENTIAL), Write(CONFIDENTIAL), default=None)
    """What the customer spends in a year on what we sell, with all its suppliers, as far as we know."""
    strategic_fit: int | None = attr(Read(CONFIDENTIAL), Write(CONFIDENTIAL), default=None)
    """How well the account fits our strategy, from 0 to 100, as its manager judges it."""
    reference_count: int | None = attr(Read(CONFIDENTIAL), Write(CONFIDENTIAL), default=None)
    """How many other customers came by its word."""
    score: int | None = attr(Read(CONFIDENTIAL, category=Category.COMMERCIAL), Filter, Sort, default=None)
    """Weighted score of the criteria, 0 to 100; `scoreParts` explain it."""
    coverage_target: int = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=70)
    """How many percent of the key people are to be covered: coverage is thin below."""
    coverage_thin_since: datetime | None = attr(Read(INTERNAL), Filter, default=None)
    """Since when the manager has known that too few key people are covered."""

    key_people_known: ClassVar[RelatedCount] = RelatedCount("keyPeople", {}, "How many key people there are.")
    key_people_covered: ClassVar[RelatedCount] = RelatedCount(
        "keyPeople",
        {"covered": {"eq": True}},
        "How many of its key people are covered: somebody owns the relationship, and was in touch.",
    )


class KeyAccountCriterion(Entity, table=True):
    """A measure by which key accounts are scored, with its weight."""

    __prefix__ = "kac"
    __checks__ = {"weight": "weight BETWEEN 1 AND 100", "scale": "none_at <> full_at"}

    measure: KeyAccountMeasure = attr(Read(INTERNAL), Write(CONFIDENTIAL, create_only=True), Filter)
    """What is measured; an organisation has one criterion for each measure."""
    weight: int = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=10)
    """How much it counts among the others, from 1 to 100."""
    none_at: Decimal = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=Decimal(0))
    """The value that earns no points."""
    full_at: Decimal = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=Decimal(100))
    """The value that earns all 100 points: points in between are linear."""


class KeyAccountScorePart(Entity, table=True):
    """What one criterion gives to the score of a key account, as it was last reckoned."""

    __prefix__ = "ksp"
    __rows__ = Rows(parent="key_account_id")
    __imported__ = False

    key_account_id: UUID = attr(Read(INTERNAL), Ref("KeyAccount", back="scoreParts", owned=True))
    """The key account."""
    measure: KeyAccountMeasure = attr(Read(INTERNAL), Filter)
    """What is measured."""
    weight: int = attr(Read(INTERNAL))
    """How much it counts."""
    none_at: Decimal = attr(Read(INTERNAL))
    """The value that earns no points."""
    full_at: Decimal = attr(Read(INTERNAL))
    """The value that earns all points."""
    value: Decimal | None = attr(Read(CONFIDENTIAL, category=Category.COMMERCIAL), default=None)
    """What was measured; null where it is not known, and then it counts for nothing."""
    points: Decimal | None = attr(Read(CONFIDENTIAL, category=Category.COMMERCIAL), default=None)
    """Points for it, from 0 to 100."""
    contribution: Decimal | None = attr(Read(CONFIDENTIAL, category=Category.COMMERCIAL), default=None)
    """What it gives to the score: points by its part of the weights of all that is known; these add up to the score."""


class KeyAccountTierChange(Entity, table=True):
    """A change of a key account's class, with its reason."""

    __prefix__ = "ktc"
    __rows__ = Rows(parent="key_account_id")
    __imported__ = False

    key_account_id: UUID = attr(Read(INTERNAL), Ref("KeyAccount", back="tierChanges", owned=True))
    """The key account."""
    from_tier: KeyAccountTier = attr(Read(INTERNAL))
    """The class it was in."""
    to_tier: KeyAccountTier = attr(Read(INTERNAL), Filter)
    """The class it came into."""
    cause: TierCause = attr(Read(INTERNAL), Filter)
    """What changed it."""
    reason: str = attr(Read(INTERNAL))
    """Why, in words."""
    score: int | None = attr(Read(CONFIDENTIAL, category=Category.COMMERCIAL), default=None)
    """The score at that time."""
    changed_at: datetime = attr(Read(INTERNAL), Filter, Sort)
    """When."""
    changed_by_id: UUID | None = attr(Read(INTERNAL), Ref("User"), default=None)
    """Who changed it by hand."""


_criteria, _parts = table_of(KeyAccountCriterion).c, table_of(KeyAccountScorePart).c
sa.Index("uq_key_account_criteria_measure", _criteria.organization_id, _criteria.measure, unique=True)
sa.Index(
    "uq_key_account_score_parts_measure", _parts.organization_id, _parts.key_account_id, _parts.measure, unique=True
)
