"""Who lives in a household, and who of them decides for it."""

from enum import auto
from uuid import UUID

import sqlalchemy as sa

from crm_graph.auth.levels import INTERNAL
from crm_graph.auth.rows import Entrusts, Rows
from crm_graph.entity import Choice, Entity, Filter, Read, Ref, Write, attr, table_of


class HouseholdRole(Choice):
    """What part somebody has in a household."""

    ADULT = auto()
    CHILD = auto()


class HouseholdMember(Entity, table=True):
    """A person who belongs to a household, with their part in it. A person sees this of themselves, not of others."""

    __prefix__ = "hhm"
    __rows__ = Rows(
        self_="member_id",
        parent="household_id",
        entrusts=Entrusts(("member_id", "role", "may_act"), "{role} = 'ADULT' AND {may_act}"),
    )
    __checks__ = {"may_act": "role = 'ADULT' OR NOT may_act"}

    household_id: UUID = attr(
        Read(INTERNAL, subject=True), Write(INTERNAL, create_only=True), Ref("Customer", back="members", owned=True)
    )
    """The household."""
    member_id: UUID = attr(
        Read(INTERNAL, subject=True), Write(INTERNAL, create_only=True), Ref("Customer", back="households", owned=True)
    )
    """The person."""
    role: HouseholdRole = attr(Read(INTERNAL, subject=True), Write(INTERNAL), Filter, default=HouseholdRole.ADULT)
    """What part the person has in the household."""
    may_act: bool = attr(Read(INTERNAL, subject=True), Write(INTERNAL), Filter, default=False)
    """Whether the person, an adult, may act for the household where they sign in."""


_columns = table_of(HouseholdMember).c
sa.Index(
    "uq_household_members_member_id", _columns.organization_id, _columns.household_id, _columns.member_id, unique=True
)
