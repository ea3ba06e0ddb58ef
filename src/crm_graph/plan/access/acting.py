"""Acting for a company or household: the caller is still who they are, and what is about them is what is about it.

The header `X-Acting-For` says for whom, in each request. What follows is an `Actor` whose customer is that one, with a
policy in which the view of oneself ends where it would be about another person.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from crm_graph.auth.actor import Actor, ActorKind
from crm_graph.auth.grants import Grant
from crm_graph.auth.levels import Level
from crm_graph.auth.policy import Policy
from crm_graph.auth.rows import ActorValue
from crm_graph.db.ids import decode_as
from crm_graph.entity import REGISTRY
from crm_graph.errors import CrmError

HEADER: Final = "X-Acting-For"
_MOST: Final = 1_000
_made = OrderedDict[tuple[str, bool], Policy]()


class ActingForRefused(CrmError):
    """The caller may not act for this customer, or there is no such customer: that is not told apart."""

    code = "ACTING_FOR_REFUSED"
    status = 403


class ActingForReads(CrmError):
    """A mutation was sent while acting for a customer for whom the caller changes nothing."""

    code = "ACTING_FOR_READS"
    status = 403


def acting_for(actor: Actor, headers: Iterable[tuple[bytes, bytes]]) -> Actor:
    """The caller, acting for the customer that the header names. Raises `ActingForRefused`, the same for all reasons.

    Only people who sign in as themselves act for others: a customer, by a session, a key of theirs or an app that
    they let in. What they may do so is known with them, so nothing is asked of the database here.
    """
    given = [value for name, value in headers if name == HEADER.lower().encode()]
    wanted = decode_as("cus", given[0].decode("ascii", "replace").strip()) if len(given) == 1 else None
    found = next((one for one in actor.acts_for if one.customer_id == wanted), None)
    if found is None or actor.kind is not ActorKind.CUSTOMER:
        raise ActingForRefused("You may not act for this customer.")
    return replace(
        actor,
        customer_id=found.customer_id,
        person_id=actor.customer_id,
        acting_for=found,
        policy=policy_acting(actor.policy, speaks=found.speaks),
    )


def policy_acting(policy: Policy, *, speaks: bool) -> Policy:
    """What a policy comes to for who acts for a customer, and `speaks` for it or only looks."""
    known = _made.get((policy.key, speaks))
    if known is not None:
        return known
    grants = {entity: tuple(_narrowed(entity, one, speaks) for one in found) for entity, found in policy.grants.items()}
    key = hashlib.sha256(f"{policy.key} {'speaking' if speaks else 'looking'} for".encode()).hexdigest()[:16]
    made = replace(policy, grants=grants, key=key, rights=frozenset(), looks=not speaks, speaks=speaks)
    _made[policy.key, speaks] = made
    while len(_made) > _MOST:
        _made.popitem(last=False)
    return made


def _narrowed(entity: str, grant: Grant, speaks: bool) -> Grant:
    rows = REGISTRY[entity].__rows__ if entity in REGISTRY else None
    if rows is None or not (rows.delegated or rows.subject is ActorValue.USER):
        # PUBLIC is what the grant reads anyhow: nothing is left of the view of oneself
        grant = replace(grant, subject=min(grant.subject, Level.PUBLIC), subject_write=None)
    if speaks:
        return grant
    return replace(grant, write=None, create=False, delete=False, assign=False, subject_write=None)
