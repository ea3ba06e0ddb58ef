"""Shares: one row of ours, for someone outside its team or at a partner, at a level, for a time."""

from datetime import UTC, datetime
from enum import auto
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL, Level
from crm_graph.auth.rows import Rows
from crm_graph.entity import Choice, Entity, Filter, Frozen, Read, Ref, Sort, Write, attr, table_of

FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
EVER = datetime(1970, 1, 1, tzinfo=UTC)


class ShareLevel(Choice):
    """Up to which level a share lets its grantee read."""

    PUBLIC = auto()
    PARTNER = auto()
    INTERNAL = auto()
    CONFIDENTIAL = auto()


class Share(Entity):
    """What every share has; each shareable entity has a table of its own, so that the lens can probe it by index."""

    __rows__ = Rows(partner="partner_id")
    __checks__ = {"grantee": "num_nonnulls(user_id, team_id, partner_id) = 1", "period": "valid_from < valid_until"}

    user_id: UUID | None = attr(Read(INTERNAL), Write(CONFIDENTIAL, create_only=True), Ref("User"), default=None)
    """The user it is shared with."""
    team_id: UUID | None = attr(Read(INTERNAL), Write(CONFIDENTIAL, create_only=True), Ref("Team"), default=None)
    """The team it is shared with, and those above it."""
    partner_id: UUID | None = attr(Read(INTERNAL), Write(CONFIDENTIAL, create_only=True), Ref("Partner"), default=None)
    """The partner it is shared with."""
    level: ShareLevel = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, default=ShareLevel.PARTNER)
    """Up to which level it may be read."""
    valid_from: datetime = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, Sort, default=EVER)
    """From when."""
    valid_until: datetime = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, Sort, default=FOREVER)
    """Until when, exclusively."""


def _clearance() -> str:
    return " ".join(f"WHEN '{name}' THEN {Level[name].value}" for name in ShareLevel.__members__)


_DERIVED: dict[str, tuple[Any, str]] = {
    "grantee_id": (sa.Uuid(), "coalesce(user_id, team_id, partner_id)"),
    "clearance": (sa.SmallInteger(), f"CASE level {_clearance()} END"),
}


def _complete(cls: type[Share], target: str) -> None:
    """Add what the lens probes: one grantee column, the level as a number, and an index that covers both."""
    table: Any = table_of(cls)
    for name, (column, sql) in _DERIVED.items():
        table.append_column(sa.Column(name, column, sa.Computed(sql, persisted=True)))
    covered = ["clearance", "valid_from", "valid_until"]
    c = table.c
    sa.Index(f"ix_{table.name}_probe", c.organization_id, c[target], c.grantee_id, postgresql_include=covered)
    sa.Index(f"ix_{table.name}_grantee", c.organization_id, c.grantee_id, c[target], postgresql_include=covered)
    table.append_column(sa.Column("row_created_at", sa.TIMESTAMP(timezone=True)))  # kept by a trigger (crm_share_dated)
    order = (c.row_created_at.desc(), c[target].desc())
    sa.Index(f"ix_{table.name}_newest", c.organization_id, c.grantee_id, *order, postgresql_include=covered)


class CustomerShare(Share, table=True):
    """A customer shared with a user, a team or a partner."""

    __prefix__ = "csh"
    __shares__ = "customer_id"
    __frozen__ = Frozen("{coverage_id} IS NOT NULL")

    customer_id: UUID = attr(
        Read(INTERNAL), Write(CONFIDENTIAL, create_only=True), Ref("Customer", back="shares", owned=True)
    )
    """The customer."""
    coverage_id: UUID | None = attr(
        Read(INTERNAL), Ref("PartnerCoverage", back="customerShares", owned=True), default=None
    )
    """The coverage that it comes of, with which it changes and ends; none: given by itself."""


class OpportunityShare(Share, table=True):
    """An opportunity shared with a user, a team or a partner."""

    __prefix__ = "osh"
    __shares__ = "opportunity_id"

    opportunity_id: UUID = attr(
        Read(INTERNAL), Write(CONFIDENTIAL, create_only=True), Ref("Opportunity", back="shares", owned=True)
    )
    """The opportunity."""


class KeyAccountShare(Share, table=True):
    """A key account shared with a user, a team or a partner."""

    __prefix__ = "ksh"
    __shares__ = "key_account_id"

    key_account_id: UUID = attr(
        Read(INTERNAL), Write(CONFIDENTIAL, create_only=True), Ref("KeyAccount", back="shares", owned=True)
    )
    """The key account."""


for _share in (CustomerShare, OpportunityShare, KeyAccountShare):
    _complete(_share, _share.__shares__)
_shares = table_of(CustomerShare).c
sa.Index(
    "uq_customer_shares_coverage_id_customer_id",
    *(_shares[name] for name in ("organization_id", "coverage_id", "customer_id")),
    unique=True,
)
