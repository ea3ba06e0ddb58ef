"""Key accounts: the customers that get a plan of their own."""

from datetime import date
from enum import auto
from uuid import UUID

from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL, PARTNER
from crm_graph.auth.rows import Rows
from crm_graph.entity import Choice, Entity, Filter, Read, Ref, Search, Sort, Write, attr


class KeyAccountTier(Choice):
    """How much a key account matters to the business."""

    STRATEGIC = auto()
    KEY = auto()
    GROWTH = auto()


class KeyAccount(Entity, table=True):
    """The classification of a customer as a key account, with its strategy."""

    __prefix__ = "key"
    __rows__ = Rows(own="manager_id", shared=True)
    __custom__ = True

    customer_id: UUID = attr(
        Read(PARTNER), Write(CONFIDENTIAL, create_only=True), Ref("Customer", back="keyAccounts", owned=True)
    )
    """The customer."""
    tier: KeyAccountTier = attr(Read(PARTNER), Write(CONFIDENTIAL), Filter, default=KeyAccountTier.KEY)
    """How much the account matters."""
    since: date | None = attr(Read(PARTNER), Write(CONFIDENTIAL), Filter, Sort, default=None)
    """Since when it is a key account."""
    manager_id: UUID | None = attr(
        Read(PARTNER), Write(CONFIDENTIAL), Ref("User", back="managedAccounts"), default=None
    )
    """The key account manager."""
    strategy: str | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), Search("B"), default=None)
    """What we mean to reach with this account, and how."""
    score: int | None = attr(Read(CONFIDENTIAL), Write(CONFIDENTIAL), Filter, Sort, default=None)
    """Weighted score of the criteria, 0 to 100."""
