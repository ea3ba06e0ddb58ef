"""How a proposal reaches people who do not sign in: links to its page, and what they ask there."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL, PARTNER
from crm_graph.auth.rows import Rows
from crm_graph.entity import Computed, Entity, Filter, Read, Ref, Sort, Unique, attr
from crm_graph.kinds import EmailAddress


class ProposalLink(Entity, table=True):
    """A link by which whoever has it reads a proposal, asks, accepts or declines, without signing in."""

    __prefix__ = "plk"
    __rows__ = Rows(parent="proposal_id")
    __unexposed__ = ("token_hash",)

    proposal_id: UUID = attr(Read(INTERNAL), Ref("Proposal", back="links", owned=True))
    """The proposal."""
    recipient: EmailAddress | None = attr(Read(INTERNAL), default=None)
    """Where it was mailed to; empty if it was handed over otherwise."""
    made_by_id: UUID | None = attr(Read(INTERNAL), Ref("User"), default=None)
    """Who made it."""
    expires_at: datetime = attr(Read(INTERNAL), Filter, Sort)
    """Until when it works."""
    revoked_at: datetime | None = attr(Read(INTERNAL), Filter, default=None)
    """When it was taken back."""
    opened_at: datetime | None = attr(Read(INTERNAL), default=None)
    """When a browser opened it first; programs that look through mails are not counted, as far as they can be told."""
    token_hash: str = attr(Unique)
    """SHA-256 of its secret, in hexadecimal."""

    live: ClassVar[Computed] = Computed(
        kinds.BOOLEAN, "{revoked_at} IS NULL AND {expires_at} > now()", "Whether it works now.", filter=True
    )


class ProposalQuestion(Entity, table=True):
    """What somebody asked about a proposal, and the answer."""

    __prefix__ = "prq"
    __rows__ = Rows(parent="proposal_id", delegated=True)

    proposal_id: UUID = attr(Read(PARTNER, subject=True), Ref("Proposal", back="questions", owned=True))
    """The proposal."""
    question: str = attr(Read(PARTNER, subject=True))
    """What was asked."""
    asked_by: str = attr(Read(PARTNER, subject=True))
    """Name that the person gave."""
    asked_at: datetime = attr(Read(PARTNER, subject=True), Filter, Sort)
    """When."""
    answer: str | None = attr(Read(PARTNER, subject=True), default=None)
    """The answer, once there is one."""
    answered_at: datetime | None = attr(Read(PARTNER, subject=True), Filter, default=None)
    """When it was answered."""
    answered_by_id: UUID | None = attr(Read(INTERNAL), Ref("User"), default=None)
    """Who answered."""
