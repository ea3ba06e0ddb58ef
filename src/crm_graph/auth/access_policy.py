"""The access policy of one organisation: the shipped one with what its document says instead."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import orjson

from crm_graph.auth.classification import Classification, CustomField
from crm_graph.auth.default_policy import RIGHTS, ROLES
from crm_graph.auth.grants import Grant
from crm_graph.auth.policy import Policy, resolved
from crm_graph.auth.policy import document as policy_document
from crm_graph.auth.policy.document import Document, Problem, RoleChange
from crm_graph.auth.rights import Right
from crm_graph.auth.scopes import Scopes


@dataclass(frozen=True, slots=True)
class Role:
    """A role as it is in an organisation. `extends`: the shipped role that a custom one begins as."""

    name: str
    label: str
    description: str | None
    grants: Mapping[str, tuple[Grant, ...]]
    rights: frozenset[Right]
    custom: bool = False
    extends: str | None = None


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """All roles of an organisation and how it classifies fields; equal ones have equal keys.

    `version` 0 is the shipped policy. `problems`: what its document says that is not understood, and was left out.
    """

    roles: Mapping[str, Role]
    classification: Classification
    version: int
    document: Document
    problems: tuple[Problem, ...]
    key: str

    def resolve(self, roles: frozenset[str], scopes: Scopes | None = None) -> Policy:
        """What a caller with these roles may do, narrowed by scopes (`None`: not narrowed)."""
        return _resolve(self, roles, scopes)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AccessPolicy) and other.key == self.key


def access_policy(raw: object, custom: tuple[CustomField, ...] = (), version: int = 0) -> AccessPolicy:
    """The policy that a document (as JSON gives it) and the organisation's own fields come to."""
    document, problems = policy_document.parse(raw)
    return of_document(document, custom, version, problems)


def of_document(
    document: Document, custom: tuple[CustomField, ...] = (), version: int = 0, problems: tuple[Problem, ...] = ()
) -> AccessPolicy:
    """As `access_policy`, of a document that was parsed already."""
    shipped = {name: _shipped(name, document.roles.get(name, RoleChange())) for name in ROLES}
    own = {name: _custom(name, said, shipped) for name, said in document.roles.items() if said.custom}
    roles = {name: _unless_broken(role, document) for name, role in {**shipped, **own}.items()}
    classification = Classification.of(document.levels, custom)
    text = orjson.dumps([version, document.to_json(), classification.key, [list(p.path) for p in problems]])
    key = hashlib.sha256(text).hexdigest()
    return AccessPolicy(roles, classification, version, document, problems, key)


def _unless_broken(role: Role, document: Document) -> Role:
    said = document.roles.get(role.name)
    base = document.roles.get(role.extends or "")
    if document.broken or (said and said.broken) or (base and base.broken):
        return replace(role, grants={}, rights=frozenset())
    return role


def _shipped(name: str, said: RoleChange) -> Role:
    rights = RIGHTS.get(name, frozenset()) if said.rights is None else said.rights
    label = said.label or name.replace("_", " ").capitalize()
    return Role(name, label, said.description, {**ROLES[name], **said.grants}, rights)


def _custom(name: str, said: RoleChange, shipped: Mapping[str, Role]) -> Role:
    """A custom role begins empty, or as the role it extends is in this organisation."""
    base = shipped.get(said.extends or "")
    grants = {**(base.grants if base else {}), **said.grants}
    rights = said.rights if said.rights is not None else base.rights if base else frozenset()
    label = said.label or name.replace("_", " ").capitalize()
    return Role(name, label, said.description, grants, rights, custom=True, extends=said.extends)


@lru_cache(maxsize=4096)
def _resolve(policy: AccessPolicy, roles: frozenset[str], scopes: Scopes | None) -> Policy:
    granted = {name: policy.roles[name].grants for name in roles if name in policy.roles}
    rights = {name: policy.roles[name].rights for name in granted}
    return resolved(granted, roles, scopes, policy.classification, rights)


SHIPPED_POLICY = of_document(Document())
"""The policy of an organisation that has said nothing."""
