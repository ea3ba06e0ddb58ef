"""For whom a person may act: companies at which they have a portal role, and households that they decide for.

It is known with the caller (`auth/callers.py`), so that asking to act for somebody asks the database nothing, and it
ends as callers are forgotten: by triggers on what it comes from, in every process.
"""

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID


class ActingRole(enum.StrEnum):
    """As what somebody acts for a company or household."""

    PORTAL_USER = "PORTAL_USER"
    """Of a company; sees what it sees, and changes nothing."""
    PORTAL_ADMIN = "PORTAL_ADMIN"
    """Of a company; changes, too, what a person changes about themselves."""
    ADULT = "ADULT"
    """Of a household, who may act for it; changes as a portal admin does."""


@dataclass(frozen=True, slots=True)
class Delegation:
    """A customer for whom somebody may act, and as what. `kind` is that of the customer."""

    customer_id: UUID
    name: str
    kind: str
    role: ActingRole

    @property
    def speaks(self) -> bool:
        """Whether they may also change what people change about themselves."""
        return self.role is not ActingRole.PORTAL_USER


ACTS_FOR: Final = """
(SELECT coalesce(json_agg(json_build_array(d.id, d.name, d.kind, a.role) ORDER BY d.name_fold, d.id), '[]'::json)
   FROM customers me
  CROSS JOIN LATERAL (
       SELECT k.customer_id, k.role, 'ORGANIZATION' AS kind FROM contacts k
        WHERE k.organization_id = me.organization_id AND k.person_id = me.id
          AND k.role IN ('PORTAL_USER', 'PORTAL_ADMIN')
       UNION ALL
       SELECT m.household_id, m.role, 'HOUSEHOLD' FROM household_members m
        WHERE m.organization_id = me.organization_id AND m.member_id = me.id AND m.role = 'ADULT' AND m.may_act
       ) a
   JOIN customers d ON d.organization_id = me.organization_id AND d.id = a.customer_id AND d.kind = a.kind
  WHERE me.organization_id = {caller}.organization_id AND me.id = {caller}.customer_id AND me.kind = 'PERSON')
"""
"""The delegations of a row of `users`, as JSON."""


def read(found: Iterable[Sequence[str]]) -> tuple[Delegation, ...]:
    """What `ACTS_FOR` answered, each customer once: of two roles the one that may more."""
    best: dict[UUID, Delegation] = {}
    for customer, name, kind, role in found:
        one = Delegation(UUID(customer), name, kind, ActingRole(role))
        if one.customer_id not in best or one.speaks:
            best[one.customer_id] = one
    return tuple(best.values())
