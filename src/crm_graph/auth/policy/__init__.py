"""Policies: what each role is granted, and what that comes to for one caller.

A policy is data: grants of role × entity × row rule. `resolve` narrows it to what one set of roles and
scopes comes to, once per distinct set; everything that is compiled from it is cached by its `key`.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from types import MappingProxyType

from crm_graph.auth.classification import SHIPPED, Classification
from crm_graph.auth.default_policy import RIGHTS, ROLES
from crm_graph.auth.grants import Grant
from crm_graph.auth.levels import Category
from crm_graph.auth.rights import Right, within
from crm_graph.auth.rows import Rule
from crm_graph.auth.scopes import Scopes

_SIMPLE = tuple(one.name for one in fields(Grant) if one.name != "without")
Roles = Mapping[str, Mapping[str, tuple[Grant, ...]]]
"""Grants by role and entity."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The grants one caller has, by entity name, and the classification they hold for; equal ones have equal keys.

    `rights` are about no entity.
    """

    grants: Mapping[str, tuple[Grant, ...]]
    key: str = field(default="")
    classification: Classification = SHIPPED
    rights: frozenset[Right] = frozenset()
    beside: "Policy | None" = None
    """What must allow it too: the policy of the person whom the caller views as."""
    looks: bool = False
    """Whether the caller only looks, as somebody else or for a customer, and writes nothing."""
    speaks: bool = False
    """Whether the caller acts for a customer and changes what a person changes about themselves."""

    def viewing_as(self, other: "Policy") -> "Policy":
        """What both see, with nothing to write."""
        grants = {
            entity: tuple(
                replace(g, write=None, create=False, delete=False, assign=False, subject_write=None) for g in granted
            )
            for entity, granted in self.grants.items()
        }
        key = hashlib.sha256(f"{self.key} as {other.key}".encode()).hexdigest()[:16]
        rights = self.rights & other.rights & {Right.POLICY_READ}
        return replace(self, grants=grants, key=key, beside=other, rights=rights, looks=True)

    def on(self, entity: str) -> tuple[Grant, ...]:
        """The caller's grants on an entity; empty when no row of it exists for them."""
        return self.grants.get(entity, ())


@lru_cache(maxsize=1024)
def resolve(roles: frozenset[str], scopes: Scopes | None = None) -> Policy:
    """What a caller with these roles may do under the shipped policy, narrowed by scopes (`None`: not narrowed)."""
    return resolved(ROLES, roles, scopes, rights_by=RIGHTS)


def resolved(
    granted_by: Roles,
    roles: frozenset[str],
    scopes: Scopes | None = None,
    classification: Classification = SHIPPED,
    rights_by: Mapping[str, frozenset[Right]] = MappingProxyType({}),
) -> Policy:
    """What a caller with these roles may do under an organisation's grants, classification and rights by role.

    An unknown role grants nothing, so that a role removed from the policy fails closed.
    """
    merged: dict[str, dict[tuple[Rule, frozenset[Category]], Grant]] = {}
    for role in sorted(roles):
        for entity, granted in granted_by.get(role, {}).items():
            for grant in granted:
                same = grant.rule, grant.without  # what leaves out a category is not widened by what does not
                known = merged.setdefault(entity, {}).get(same)
                merged[entity][same] = grant if known is None else known.union(grant)
    narrowed = {entity: _narrow(entity, by_rule.values(), scopes) for entity, by_rule in sorted(merged.items())}
    grants = {entity: found for entity, found in narrowed.items() if found}
    rights = frozenset().union(*(rights_by.get(role, frozenset()) for role in roles))
    rights = rights if scopes is None else within(rights, scopes.texts)
    # not the grants' own repr: a set's order differs from process to process, and cursors are made with the key
    text = repr(
        [
            (e, [(*(getattr(g, name) for name in _SIMPLE), sorted(g.without)) for g in found])
            for e, found in grants.items()
        ]
        + [classification.key, *sorted(rights)]
    )
    return Policy(grants, hashlib.sha256(text.encode()).hexdigest()[:16], classification, rights)


def _narrow(entity: str, grants: Iterable[Grant], scopes: Scopes | None) -> tuple[Grant, ...]:
    ordered = sorted(grants, key=lambda g: (-g.read, g.rule, sorted(g.without)))
    if scopes is None:
        return tuple(ordered)
    read, write = scopes.level(entity, "read"), scopes.level(entity, "write")
    if read is None:
        return ()
    return tuple(
        replace(
            g,
            read=min(g.read, read),
            subject=min(g.subject, read),
            write=min(g.write, write) if g.write is not None and write is not None else None,
            create=g.create and write is not None,
            delete=g.delete and write is not None,
            assign=g.assign and write is not None,
            subject_write=min(g.subject_write, write) if g.subject_write is not None and write is not None else None,
        )
        for g in ordered
    )
