"""What a ticket was promised by an SLA policy, as it stands: kept with the ticket, so that lists filter and sort by it.

Nobody writes these: they follow from the ticket, its policy and its calendar (resolvers/sla), and what is promised is
for us to know.
"""

from datetime import datetime
from uuid import UUID

from crm_graph.auth.levels import INTERNAL
from crm_graph.entity import Choice, Entity, Filter, Read, Ref, Sort, attr
from crm_graph.service.sla import Standing


class SlaStatus(Choice):
    """How a ticket stands by what was promised: of what is still owed, or, once nothing is, of all.

    BREACHED: something owed is late, or was when all is done. DUE_SOON: so much of the time for it is gone that
    somebody was warned. ON_TRACK: there is time. PAUSED: the clock stands still. MET: all was in time. NONE: nothing
    was promised.
    """

    BREACHED = Standing.BREACHED.value
    DUE_SOON = Standing.DUE_SOON.value
    MET = Standing.MET.value
    NONE = Standing.NONE.value
    ON_TRACK = Standing.ON_TRACK.value
    PAUSED = Standing.PAUSED.value


class Promised(Entity):
    """The columns of a ticket that say what it was promised."""

    __unexposed__ = ("sla_stays", "sla_marks", "sla_reckoned_at")  # what the others are reckoned from

    sla_policy_id: UUID | None = attr(Read(INTERNAL), Ref("SlaPolicy", back="tickets"), default=None)
    """The policy that says what was promised: the most specific of those that fit the ticket."""
    sla_matched_by: list[str] = attr(Read(INTERNAL), default_factory=list)
    """Why this policy: the conditions by which it is the most specific one, the weightiest first."""
    sla_status: SlaStatus = attr(Read(INTERNAL), Filter, Sort, default=SlaStatus.NONE)
    """How it stands by what was promised; moved at the very moment, by a timer."""
    sla_due_at: datetime | None = attr(Read(INTERNAL), Filter, Sort, default=None)
    """When the next thing that is owed is due, or was; empty while the clock stands still, and where nothing is."""
    first_response_due_at: datetime | None = attr(Read(INTERNAL), Filter, Sort, default=None)
    """When our first answer is due, or was."""
    next_response_due_at: datetime | None = attr(Read(INTERNAL), Filter, Sort, default=None)
    """When the answer to what the customer wrote last is due."""
    resolution_due_at: datetime | None = attr(Read(INTERNAL), Filter, Sort, default=None)
    """When it is to be resolved, or was."""
    first_response_breached_at: datetime | None = attr(Read(INTERNAL), Filter, default=None)
    """When our first answer was missed, if it was."""
    next_response_breached_at: datetime | None = attr(Read(INTERNAL), Filter, default=None)
    """When a further answer was last missed, if one was."""
    resolution_breached_at: datetime | None = attr(Read(INTERNAL), Filter, default=None)
    """When its resolution was missed, if it was."""
    unanswered_since: datetime | None = attr(Read(INTERNAL), Filter, Sort, default=None)
    """Since when the customer waits for an answer of ours; empty where they do not."""
    first_response_minutes: int | None = attr(Read(INTERNAL), default=None)
    """Minutes until our first answer that count: hours of business, without pauses, as the policy has it."""
    resolution_minutes: int | None = attr(Read(INTERNAL), default=None)
    """Minutes until it was resolved that count."""
    first_contact_resolution: bool | None = attr(Read(INTERNAL), default=None)
    """Whether it was resolved by our first answer, and stayed so; empty while it is not resolved."""
    sla_stays: list[str] = attr(default_factory=list)
    sla_marks: list[str] = attr(default_factory=list)
    sla_reckoned_at: datetime | None = attr(default=None)
