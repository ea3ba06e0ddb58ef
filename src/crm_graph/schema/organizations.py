"""The tenant: everything else belongs to exactly one organisation."""

from decimal import Decimal
from typing import Final

import sqlalchemy as sa

from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL, PUBLIC, RESTRICTED
from crm_graph.entity import Entity, Read, Write, attr, table_of
from crm_graph.kinds import CurrencyCode

STRATEGIC_FROM: Final = 75
KEY_FROM: Final = 50
"""Scores from which on key accounts are strategic, and key, unless the organisation says otherwise."""


class Organization(Entity, table=True):
    """A business that runs its customer relations here."""

    __prefix__ = "org"
    __checks__ = {
        "itself": "organization_id = id",
        "suggestions_released_from": "suggestions_released_from BETWEEN 0 AND 1",
        "tiers": f"coalesce(key_tier_from, {KEY_FROM}) BETWEEN 0 AND coalesce(strategic_tier_from, {STRATEGIC_FROM})",
    }

    name: str = attr(Read(PUBLIC), Write(CONFIDENTIAL))
    """Name as customers know it."""
    currency: CurrencyCode = attr(Read(PUBLIC), Write(CONFIDENTIAL, create_only=True), default="EUR")
    """Currency that amounts without one are in."""
    hosts: list[str] = attr(Read(INTERNAL), Write(CONFIDENTIAL), default_factory=list)
    """Host names that select this organisation for anonymous callers."""
    customer_sign_up: bool = attr(Read(PUBLIC), Write(RESTRICTED), default=False)
    """Whether shoppers may sign up as customers by themselves."""
    suggestions_released_from: Decimal | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=None)
    """From which share on (0 to 1) a suggestion for sale is released by itself; none: people release each."""
    strategic_tier_from: int | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=None)
    """From which score on a key account is strategic; none: 75."""
    key_tier_from: int | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=None)
    """From which score on a key account is key, below that one of growth; none: 50."""


table_of(Organization).append_constraint(sa.UniqueConstraint("id", name="uq_organizations_id"))
