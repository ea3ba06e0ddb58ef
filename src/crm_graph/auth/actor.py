"""The caller of one request, as everything below authentication knows them."""

import enum
from dataclasses import dataclass, field
from uuid import UUID

from crm_graph.auth.delegations import Delegation
from crm_graph.auth.policy import Policy

SESSION_AGAIN, KEY_AGAIN, TOKEN_AGAIN = b"s", b"k", b"t"
"""What an `Actor.credential` begins with; of the first two a token's digest follows, of the last what it says."""


class ActorKind(enum.StrEnum):
    """Which sort of caller this is; `SYSTEM` is the organisation itself, when something falls due."""

    STAFF = "staff"
    PARTNER = "partner"
    CUSTOMER = "customer"
    APP = "app"
    STOREFRONT = "storefront"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who calls, for which organisation, with which policy. The organisation's currency is the default one for money.

    `team_ids` holds the caller's team and all below it; `grantee_ids` whatever a share may name to reach them.
    """

    organization_id: UUID
    kind: ActorKind
    policy: Policy
    currency: str = "EUR"
    user_id: UUID | None = None
    team_ids: tuple[UUID, ...] = ()
    partner_id: UUID | None = None
    customer_id: UUID | None = None
    roles: tuple[str, ...] = ()
    channel: str = "api"
    seen_as: "Actor | None" = None
    """The person whom the caller views as: they see what both may see."""
    acts_for: tuple[Delegation, ...] = ()
    """For whom they may act, when they say so (`plan/access/acting.py`)."""
    acting_for: Delegation | None = None
    """For whom they act now: `customer_id` is that customer then, and `person_id` the one they are themselves."""
    person_id: UUID | None = None
    credential: bytes | None = field(default=None, repr=False, compare=False)
    """By what they are found again without their token (`Authenticator.again`); `None`: not at all."""
    grantee_ids: tuple[UUID, ...] = field(init=False)

    @property
    def acting_for_id(self) -> UUID | None:
        """The customer for whom they act; `None` where they are themselves."""
        return self.acting_for.customer_id if self.acting_for is not None else None

    def __post_init__(self) -> None:
        named = (self.user_id, self.partner_id, *self.team_ids)
        object.__setattr__(self, "grantee_ids", tuple(g for g in named if g is not None))
