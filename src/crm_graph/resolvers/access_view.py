"""The access policy as the API shows it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from crm_graph.auth import access_policy
from crm_graph.auth.access_policy import Role
from crm_graph.auth.grants import Grant
from crm_graph.auth.levels import Category, Level
from crm_graph.auth.policy.document import Document
from crm_graph.auth.rights import Right
from crm_graph.auth.rows import Rule
from crm_graph.plan.signatures import Id


@dataclass(frozen=True, slots=True)
class AccessGrant:
    """What a row rule gives a role on an entity."""

    rule: Annotated[Rule, "Which rows."]
    read: Annotated[Level, "Up to which level their fields are read."]
    write: Annotated[Level | None, "Up to which level they are written; null: not at all."]
    create: Annotated[bool, "Whether such rows may be created."]
    delete: Annotated[bool, "Whether such rows may be deleted."]
    assign: Annotated[bool, "Whether what decides who sees such a row (owner, team, partner) may be changed."]
    without: Annotated[list[Category], "Categories of fields left out, whatever their level."]


@dataclass(frozen=True, slots=True)
class EntityGrants:
    """A role's grants on an entity."""

    entity: Annotated[str, "Name of the entity's type."]
    grants: Annotated[list[AccessGrant], "Its grants; where several reach a row the highest level counts."]
    changed: Annotated[bool, "Whether the organisation has decided this, and not the shipped policy."]


@dataclass(frozen=True, slots=True)
class AccessRole:
    """A role of the access policy."""

    name: Annotated[str, "The name that users have it by."]
    label: Annotated[str, "What people call it."]
    description: Annotated[str | None, "What it is for."]
    custom: Annotated[bool, "Whether the organisation has made it."]
    extends: Annotated[str | None, "The shipped role that it begins as, if it is custom."]
    rights: Annotated[list[Right], "Rights that are not about records."]
    grants: Annotated[list[EntityGrants], "Grants by entity; others do not exist for the role."]


@dataclass(frozen=True, slots=True)
class FieldLevels:
    """Levels of a field that the organisation has decided."""

    coordinate: Annotated[str, "The field, such as Customer.creditLimit."]
    read: Annotated[Level | None, "Level for reading; null: as shipped."]
    write: Annotated[Level | None, "Level for writing; null: as shipped."]


@dataclass(frozen=True, slots=True)
class PolicyProblem:
    """Something the policy says that is not understood any more. It grants nothing."""

    path: Annotated[list[str], "Where in the policy."]
    message: Annotated[str, "What is wrong."]


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One version of the access policy in its history."""

    version: Annotated[int, "Counts up; 0 is the shipped policy."]
    note: Annotated[str | None, "Why it was made."]
    created_by: Annotated[Id | None, "The user who made it; null where you do not see them."]
    created_at: Annotated[dt.datetime | None, "When it was made."]


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """The access policy of the organisation: roles with their grants, and levels of fields."""

    version: Annotated[int, "Counts up; 0 is the shipped policy."]
    note: Annotated[str | None, "Why it was made."]
    created_by: Annotated[Id | None, "The user who made it; null where you do not see them."]
    created_at: Annotated[dt.datetime | None, "When it was made."]
    roles: Annotated[list[AccessRole], "All roles, shipped ones first."]
    levels: Annotated[list[FieldLevels], "Levels of fields that are not as shipped."]
    problems: Annotated[list[PolicyProblem], "What it says that is not understood any more."]


def shown(policy: access_policy.AccessPolicy, at: PolicyVersion) -> AccessPolicy:
    """A policy as the API shows it."""
    return AccessPolicy(
        at.version,
        at.note,
        at.created_by,
        at.created_at,
        [_role(role, policy.document) for role in policy.roles.values()],
        [FieldLevels(name, one.read, one.write) for name, one in sorted(policy.document.levels.items())],
        [PolicyProblem(list(one.path), one.message) for one in policy.problems],
    )


def _role(role: Role, document: Document) -> AccessRole:
    said = document.roles.get(role.name)
    decided: Mapping[str, object] = said.grants if said else {}
    return AccessRole(
        role.name,
        role.label,
        role.description,
        role.custom,
        role.extends,
        sorted(role.rights),
        [
            EntityGrants(entity, [_grant(one) for one in granted], entity in decided)
            for entity, granted in sorted(role.grants.items())
        ],
    )


def _grant(grant: Grant) -> AccessGrant:
    return AccessGrant(
        grant.rule, grant.read, grant.write, grant.create, grant.delete, grant.assign, sorted(grant.without)
    )
