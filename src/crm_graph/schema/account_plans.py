"""Plans for key accounts: what we mean to reach in a period, and with what."""

from datetime import date
from uuid import UUID

import sqlalchemy as sa

from crm_graph.auth.levels import INTERNAL, PARTNER
from crm_graph.auth.rows import Rows
from crm_graph.entity import Entity, Filter, Read, Ref, Search, Sort, Write, attr, table_of


class KeyAccountPlan(Entity, table=True):
    """What we mean to reach with a key account from a day to a day; of two plans of an account no days are the same."""

    __prefix__ = "kap"
    __rows__ = Rows(parent="key_account_id")
    __checks__ = {"days": "starts_on <= ends_on"}

    key_account_id: UUID = attr(
        Read(PARTNER), Write(INTERNAL, create_only=True), Ref("KeyAccount", back="plans", owned=True)
    )
    """The key account."""
    title: str = attr(Read(PARTNER), Write(INTERNAL), Filter, Sort, Search("A"))
    """What it is called."""
    starts_on: date = attr(Read(PARTNER), Write(INTERNAL), Filter, Sort)
    """First day."""
    ends_on: date = attr(Read(PARTNER), Write(INTERNAL), Filter, Sort)
    """Last day."""
    strategy: str | None = attr(Read(INTERNAL), Write(INTERNAL), Search("B"), default=None)
    """How it is to be reached."""


class PlanFocus(Entity, table=True):
    """What a plan concentrates on: a product, or an institution of the account."""

    __prefix__ = "pfo"
    __rows__ = Rows(parent="plan_id")
    __checks__ = {"one": "num_nonnulls(product_id, institution_id) = 1"}

    plan_id: UUID = attr(
        Read(PARTNER), Write(INTERNAL, create_only=True), Ref("KeyAccountPlan", back="focuses", owned=True)
    )
    """The plan."""
    product_id: UUID | None = attr(
        Read(PARTNER), Write(INTERNAL, create_only=True), Ref("Product", back="planFocuses"), default=None
    )
    """The product; the metric `PRODUCT_MIX` is about these."""
    institution_id: UUID | None = attr(
        Read(PARTNER), Write(INTERNAL, create_only=True), Ref("Customer", back="planFocuses"), default=None
    )
    """The institution: a customer, such as a subsidiary or a site."""
    note: str | None = attr(Read(INTERNAL), Write(INTERNAL), default=None)
    """Why, or how."""


_columns = table_of(PlanFocus).c
for _what in ("product_id", "institution_id"):
    sa.Index(
        f"uq_plan_focuses_{_what}",
        _columns.organization_id,
        _columns.plan_id,
        _columns[_what],
        unique=True,
    )
