"""The people who matter at a key account, and how we stand with them."""

from datetime import date, datetime
from enum import auto
from typing import ClassVar
from uuid import UUID

import sqlalchemy as sa

from crm_graph import kinds
from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL, Category
from crm_graph.auth.rows import Rows
from crm_graph.entity import Choice, Computed, Entity, Filter, Read, Ref, Sort, Write, attr, table_of
from crm_graph.specs import TODAY


class KeyPersonRole(Choice):
    """What part a person plays when the account decides to buy (Webster and Wind, 1972)."""

    DECIDER = auto()
    INFLUENCER = auto()
    BUYER = auto()
    USER = auto()
    GATEKEEPER = auto()


class Influence(Choice):
    """How much a person's word counts at the account."""

    HIGH = auto()
    MEDIUM = auto()
    LOW = auto()


class Attitude(Choice):
    """How a person stands to us."""

    SUPPORTER = auto()
    NEUTRAL = auto()
    OPPONENT = auto()


_SILENT = f"coalesce({TODAY} - {{last_contact_on}} > {{silent_after_days}}, {{last_contact_on}} IS NULL)"


class KeyPerson(Entity, table=True):
    """A person who matters at a key account."""

    __prefix__ = "kpe"
    __rows__ = Rows(parent="key_account_id")
    __checks__ = {"silent_after_days": "silent_after_days BETWEEN 1 AND 3650"}

    key_account_id: UUID = attr(
        Read(INTERNAL), Write(INTERNAL, create_only=True), Ref("KeyAccount", back="keyPeople", owned=True)
    )
    """The key account."""
    contact_id: UUID = attr(
        Read(INTERNAL), Write(INTERNAL, create_only=True), Ref("Contact", back="keyRoles", owned=True)
    )
    """The person, as a contact of a customer."""
    role: KeyPersonRole = attr(Read(INTERNAL), Write(INTERNAL), Filter, default=KeyPersonRole.USER)
    """What part the person plays when the account buys."""
    influence: Influence = attr(Read(INTERNAL), Write(INTERNAL), Filter, default=Influence.MEDIUM)
    """How much the person's word counts."""
    attitude: Attitude | None = attr(
        Read(CONFIDENTIAL, category=Category.PERSONAL), Write(CONFIDENTIAL), Filter, default=None
    )
    """How the person stands to us, as we judge it."""
    relationship_owner_id: UUID | None = attr(
        Read(INTERNAL), Write(INTERNAL), Ref("User", back="keyRelationships"), default=None
    )
    """Who of us looks after the relationship."""
    last_contact_on: date | None = attr(Read(INTERNAL), Write(INTERNAL), Filter, Sort, default=None)
    """When somebody of us was last in touch."""
    silent_after_days: int = attr(Read(INTERNAL), Write(INTERNAL), default=60)
    """After how many days without contact the person counts as silent."""
    silent_since: datetime | None = attr(Read(INTERNAL), Filter, default=None)
    """Since when the account's manager has known that the person is silent."""

    silent: ClassVar[Computed] = Computed(
        kinds.BOOLEAN,
        _SILENT,
        "Whether nobody was in touch for longer than that, by the calendar (UTC); or ever.",
        filter=True,
    )
    covered: ClassVar[Computed] = Computed(
        kinds.BOOLEAN,
        f"{{relationship_owner_id}} IS NOT NULL AND NOT {_SILENT}",
        "Whether somebody owns the relationship, and the person is not silent.",
        filter=True,
    )


_columns = table_of(KeyPerson).c
sa.Index(
    "uq_key_people_contact_id", _columns.organization_id, _columns.key_account_id, _columns.contact_id, unique=True
)
