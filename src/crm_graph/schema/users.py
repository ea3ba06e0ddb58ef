"""People who sign in, and the teams staff work in."""

from enum import auto
from uuid import UUID

from crm_graph.auth.levels import INTERNAL, PARTNER, PUBLIC, RESTRICTED
from crm_graph.auth.rows import ActorValue, Rows
from crm_graph.entity import Choice, Entity, Filter, Matching, Read, Ref, Search, Sort, Unique, Write, attr
from crm_graph.kinds import EmailAddress


class Team(Entity, table=True):
    """A group of staff; teams form a tree, and who leads a team sees those below it."""

    __prefix__ = "tea"
    __rows__ = Rows(policy=("parent_id",))

    name: str = attr(Read(PUBLIC), Write(RESTRICTED), Filter, Sort, Search("A"))
    """Name of the team."""
    parent_id: UUID | None = attr(Read(INTERNAL), Write(RESTRICTED), Ref("Team", back="children"), default=None)
    """The team above this one."""
    calendar_id: UUID | None = attr(
        Read(INTERNAL), Write(RESTRICTED), Ref("BusinessCalendar", back="teams"), default=None
    )
    """Its hours of business; empty: the standard ones."""


class UserStatus(Choice):
    """Whether someone may sign in."""

    ACTIVE = auto()
    SUSPENDED = auto()


class User(Entity, table=True):
    """Someone who signs in: staff, a partner's employee, a customer, or an integration."""

    __prefix__ = "usr"
    __rows__ = Rows(
        self_="id",
        subject=ActorValue.USER,
        team="team_id",
        partner="partner_id",
        clears=("team_id", "partner_id", "customer_id", "own_customer_id"),
    )
    __checks__ = {"one_side": "partner_id IS NULL OR customer_id IS NULL"}

    name: str = attr(Read(PUBLIC, subject=True), Write(RESTRICTED), Filter, Sort, Search("A"))
    """Full name."""
    email: EmailAddress | None = attr(
        Read(INTERNAL, subject=True), Write(RESTRICTED), Filter, Unique, Matching.EMAIL, Search("B"), default=None
    )
    """Address the person signs in with; unique within the organisation."""
    status: UserStatus = attr(Read(INTERNAL), Write(RESTRICTED), Filter, default=UserStatus.ACTIVE)
    """Whether the person may sign in."""
    roles: list[str] = attr(Read(INTERNAL, subject=True), Write(RESTRICTED), default_factory=list)
    """Roles of the access policy that the person has."""
    job_title: str | None = attr(Read(PARTNER, subject=True), Write(RESTRICTED), Search("C"), default=None)
    """What the person does."""
    region: str | None = attr(Read(INTERNAL), Write(RESTRICTED), Filter, Search("C"), default=None)
    """Sales region or regional office."""
    team_id: UUID | None = attr(Read(INTERNAL), Write(RESTRICTED), Ref("Team", back="members"), default=None)
    """Team the person works in."""
    manager_id: UUID | None = attr(Read(INTERNAL), Write(RESTRICTED), Ref("User", back="reports"), default=None)
    """Whom the person reports to."""
    partner_id: UUID | None = attr(Read(INTERNAL), Write(RESTRICTED), Ref("Partner", back="users"), default=None)
    """Partner the person works for."""
    customer_id: UUID | None = attr(Read(INTERNAL), Write(RESTRICTED), Ref("Customer", back="users"), default=None)
    """Customer the person is."""
    own_customer_id: UUID | None = attr(Read(RESTRICTED), Write(RESTRICTED), Ref("Customer"), default=None)
    """Their record among our customers, where someone of the staff is one: they grant nothing to it."""
