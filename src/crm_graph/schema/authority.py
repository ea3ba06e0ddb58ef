"""Who may give away how much: limits, what was granted by them, requests to whose limit covers more, stand-ins."""

from datetime import datetime
from decimal import Decimal
from enum import auto
from uuid import UUID

import sqlalchemy as sa

from crm_graph.auth.levels import INTERNAL, PUBLIC, RESTRICTED
from crm_graph.auth.rows import ActorValue, Rows
from crm_graph.entity import Choice, Entity, Filter, Read, Ref, Sort, Write, attr, table_of
from crm_graph.kinds import CurrencyCode, Money

_SIZE = "CASE WHEN action = 'DISCOUNT' THEN percent IS NOT NULL ELSE percent IS NULL AND amount IS NOT NULL END"
_POSITIVE = "amount > 0"
_PERCENT = "percent BETWEEN 0 AND 100"


class AuthorityAction(Choice):
    """What somebody grants to a customer: a discount in percent, anything else as an amount.

    LIMIT_RAISE raises a credit limit, STAGE_EXIT lets a sale of some amount go on to the next stage.
    """

    FEE_WAIVER = auto()
    CREDIT = auto()
    REFUND = auto()
    DISCOUNT = auto()
    LIMIT_RAISE = auto()
    STAGE_EXIT = auto()


class AuthorityLimit(Entity, table=True):
    """How much a role, or one person, may grant of their own accord. A person's own limit replaces those of roles."""

    __prefix__ = "aul"
    __rows__ = Rows(
        policy=("role", "user_id", "action", "currency", "percent", "each", "per_day", "per_week", "per_month")
    )
    __checks__ = {
        "holder": "(role IS NULL) <> (user_id IS NULL)",
        # without a period it would be none: a sum is split into many
        "size": "CASE WHEN action = 'DISCOUNT' THEN percent IS NOT NULL ELSE percent IS NULL AND each IS NOT NULL"
        " AND num_nonnulls(per_day, per_week, per_month) > 0 END",
        "percent": _PERCENT,
        "amounts": "least(each, per_day, per_week, per_month) >= 0",
    }

    role: str | None = attr(Read(PUBLIC), Write(RESTRICTED), Filter, default=None)
    """The role of the access policy whose holders have it."""
    user_id: UUID | None = attr(Read(INTERNAL), Write(RESTRICTED), Ref("User"), default=None)
    """The one person who has it."""
    action: AuthorityAction = attr(Read(INTERNAL), Write(RESTRICTED), Filter)
    """What it is for."""
    currency: CurrencyCode = attr(Read(INTERNAL), Filter, default="EUR")
    """Currency of the amounts: each currency has limits of its own. A percentage holds in all of them."""
    percent: Decimal | None = attr(Read(INTERNAL), Write(RESTRICTED), default=None)
    """The highest discount, in percent."""
    each: Money | None = attr(Read(INTERNAL), Write(RESTRICTED), default=None)
    """The most that may be granted at a time."""
    per_day: Money | None = attr(Read(INTERNAL), Write(RESTRICTED), default=None)
    """The most in a calendar day (UTC), to all customers together."""
    per_week: Money | None = attr(Read(INTERNAL), Write(RESTRICTED), default=None)
    """The most in a week from Monday (UTC)."""
    per_month: Money | None = attr(Read(INTERNAL), Write(RESTRICTED), default=None)
    """The most in a calendar month (UTC)."""


_limits = table_of(AuthorityLimit).c
for _holder in (_limits.role, _limits.user_id):
    sa.Index(
        f"uq_authority_limits_{_holder.name}",
        _limits.organization_id,
        _holder,
        _limits.action,
        _limits.currency,
        unique=True,
        postgresql_where=_holder.is_not(None),
    )


class ApprovalState(Choice):
    """How a request for approval stands."""

    PENDING = auto()
    APPROVED = auto()
    REJECTED = auto()
    WITHDRAWN = auto()
    EXPIRED = auto()


class ApprovalRequest(Entity, table=True):
    """What somebody wants to grant beyond their own limit: it is asked of the nearest person whose limit covers it."""

    __prefix__ = "apr"
    __rows__ = Rows(own="asked_of_id", self_="requested_by_id", subject=ActorValue.USER)
    __unexposed__ = ("row_id", "customer_id", "passed_over")
    __imported__ = False
    __checks__ = {"size": _SIZE, "amount": _POSITIVE, "percent": _PERCENT}

    action: AuthorityAction = attr(Read(INTERNAL), Filter)
    """What is to be granted."""
    amount: Money | None = attr(Read(INTERNAL), Filter, Sort, default=None)
    """How much; of a discount the percentage counts."""
    percent: Decimal | None = attr(Read(INTERNAL), default=None)
    """The discount, in percent."""
    currency: CurrencyCode = attr(Read(INTERNAL), default="EUR")
    """Currency of the amount."""
    entity: str = attr(Read(INTERNAL), Filter)
    """Kind of the record it is about. The record itself refers to the request, for those who see it."""
    row_id: UUID
    customer_id: UUID | None = attr(default=None)
    requested_by_id: UUID = attr(Read(INTERNAL), Ref("User"))
    """Who asks."""
    asked_of_id: UUID = attr(Read(INTERNAL), Ref("User"))
    """Who is to decide."""
    authority_of_id: UUID | None = attr(Read(INTERNAL), Ref("User"), default=None)
    """Whose limit covers it, where the one asked stands in for somebody."""
    state: ApprovalState = attr(Read(INTERNAL), Filter, default=ApprovalState.PENDING)
    """How it stands."""
    note: str | None = attr(Read(INTERNAL), default=None)
    """Why it is asked, in the words of who asks."""
    reason: str | None = attr(Read(INTERNAL), default=None)
    """What who decided says about it."""
    expires_at: datetime = attr(Read(INTERNAL), Filter, Sort)
    """Until when it may be decided by who is asked; then the next one is asked, if there is one."""
    decided_by_id: UUID | None = attr(Read(INTERNAL), Ref("User"), default=None)
    """Who decided."""
    decided_at: datetime | None = attr(Read(INTERNAL), Filter, Sort, default=None)
    """When it was decided, withdrawn or came to nothing."""
    passed_over: list[str] = attr(default_factory=list)


_requests = table_of(ApprovalRequest).c
sa.Index(
    "uq_approval_requests_pending",
    _requests.organization_id,
    _requests.entity,
    _requests.row_id,
    _requests.action,
    unique=True,
    postgresql_where=sa.text("state = 'PENDING'"),
)


class AuthorityUse(Entity, table=True):
    """One grant by somebody's authority; those of a period are counted against its limit."""

    __prefix__ = "auu"
    __rows__ = Rows(own="user_id")
    __unexposed__ = ("row_id",)
    __imported__ = False
    __indexes__ = (("user_id", "action", "currency", "-created_at"), ("row_id",))
    __checks__ = {"size": _SIZE, "amount": _POSITIVE, "percent": _PERCENT}

    user_id: UUID = attr(Read(INTERNAL), Ref("User"))
    """Whose authority it was: it counts against their limits."""
    granted_by_id: UUID = attr(Read(INTERNAL), Ref("User"))
    """Who granted it: that person, or who stood in for them."""
    action: AuthorityAction = attr(Read(INTERNAL), Filter)
    """What was granted."""
    amount: Money | None = attr(Read(INTERNAL), Filter, Sort, default=None)
    """How much; of a discount the percentage counts."""
    percent: Decimal | None = attr(Read(INTERNAL), default=None)
    """The discount, in percent."""
    currency: CurrencyCode = attr(Read(INTERNAL), default="EUR")
    """Currency of the amount."""
    entity: str = attr(Read(INTERNAL), Filter)
    """Kind of the record it is about."""
    row_id: UUID
    approval_request_id: UUID | None = attr(Read(INTERNAL), Ref("ApprovalRequest", back="uses"), default=None)
    """The request that was approved by it, where it was asked for."""


class AuthorityDelegation(Entity, table=True):
    """Somebody decides for somebody else about what is asked of them, for a while. It gives no limit of one's own."""

    __prefix__ = "aud"
    __rows__ = Rows(own="from_user_id", self_="to_user_id", subject=ActorValue.USER)
    __imported__ = False
    __checks__ = {"two_people": "from_user_id <> to_user_id", "order": "valid_from <= valid_until"}

    from_user_id: UUID = attr(Read(INTERNAL), Ref("User"))
    """Whose requests they are."""
    to_user_id: UUID = attr(Read(INTERNAL), Ref("User"))
    """Who decides about them."""
    valid_from: datetime = attr(Read(INTERNAL), Filter, Sort)
    """From when on."""
    valid_until: datetime = attr(Read(INTERNAL), Filter, Sort)
    """Until when."""
