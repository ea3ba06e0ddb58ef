"""Changes to the access policy as the API takes them."""

from dataclasses import dataclass, field
from typing import Annotated

from crm_graph.auth.classification import Levels
from crm_graph.auth.grants import Grant
from crm_graph.auth.levels import Category, Level
from crm_graph.auth.policy.changes import Edits, RoleEdit
from crm_graph.auth.rights import Right
from crm_graph.auth.rows import Rule


@dataclass(frozen=True, slots=True)
class AccessGrantInput:
    """What a row rule gives a role on an entity."""

    rule: Annotated[Rule, "Which rows."]
    read: Annotated[Level, "Up to which level their fields are read."]
    write: Annotated[Level | None, "Up to which level they are written; without it not at all."] = None
    create: Annotated[bool, "Whether such rows may be created."] = False
    delete: Annotated[bool, "Whether such rows may be deleted."] = False
    assign: Annotated[bool, "Whether what decides who sees such a row (owner, team, partner) may be changed."] = False
    without: Annotated[list[Category], "Categories of fields to leave out."] = field(default_factory=list)

    def grant(self) -> Grant:
        without = frozenset(self.without)
        return Grant(self.rule, self.read, self.write, self.create, self.delete, without=without, assign=self.assign)


@dataclass(frozen=True, slots=True)
class EntityGrantsInput:
    """A role's grants on an entity, which replace those it had."""

    entity: Annotated[str, "Name of the entity's type."]
    grants: Annotated[
        list[AccessGrantInput] | None,
        "All its grants; an empty list: none. Null or left out: as shipped, or as the role that it extends.",
    ] = None


@dataclass(frozen=True, slots=True)
class AccessRoleInput:
    """What is to change about a role; what is left out stays. A name that no role has makes a custom one."""

    name: Annotated[str, "The name that users have it by: small letters, digits and _."]
    label: Annotated[str | None, "What people call it."] = None
    description: Annotated[str | None, "What it is for."] = None
    extends: Annotated[str | None, "Of a custom role: the shipped role that it begins as."] = None
    rights: Annotated[list[Right] | None, "All its rights that are not about records."] = None
    grants: Annotated[list[EntityGrantsInput], "Entities whose grants change."] = field(default_factory=list)
    remove: Annotated[bool, "Forget all that was decided: a shipped role is as shipped, a custom one gone."] = False

    def edit(self) -> RoleEdit:
        grants = {
            one.entity: None if one.grants is None else tuple(g.grant() for g in one.grants) for one in self.grants
        }
        rights = None if self.rights is None else frozenset(self.rights)
        return RoleEdit(self.name, self.label, self.description, self.extends, rights, grants, self.remove)


@dataclass(frozen=True, slots=True)
class FieldLevelsInput:
    """The levels of a field in the whole organisation; without any they are as shipped."""

    coordinate: Annotated[str, "The field, such as Customer.creditLimit."]
    read: Annotated[Level | None, "Level for reading; without it as shipped."] = None
    write: Annotated[Level | None, "Level for writing; without it as shipped."] = None


@dataclass(frozen=True, slots=True)
class AccessPolicyChanges:
    """Changes to the access policy in force."""

    roles: Annotated[list[AccessRoleInput], "Roles to change, make or remove."] = field(default_factory=list)
    levels: Annotated[list[FieldLevelsInput], "Fields whose levels change."] = field(default_factory=list)

    def edits(self) -> Edits:
        levels = {one.coordinate: Levels(one.read, one.write) for one in self.levels}
        return Edits([one.edit() for one in self.roles], levels)
