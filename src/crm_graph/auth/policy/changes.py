"""Changes to a policy document: which roles and fields it says something else about from then on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from crm_graph.auth.classification import Levels
from crm_graph.auth.default_policy import ROLES
from crm_graph.auth.grants import Grant
from crm_graph.auth.policy.document import Document, RoleChange
from crm_graph.auth.rights import Right


@dataclass(frozen=True, slots=True)
class RoleEdit:
    """What becomes of a role. What is `None` stays; `None` grants on an entity: as shipped, or as the role it extends.

    `remove` forgets all that was decided before: a shipped role is as shipped then, a custom one is gone.
    """

    name: str
    label: str | None = None
    description: str | None = None
    extends: str | None = None
    rights: frozenset[Right] | None = None
    grants: Mapping[str, tuple[Grant, ...] | None] = field(default_factory=dict)
    remove: bool = False


@dataclass(frozen=True, slots=True)
class Edits:
    """Changes to a document; levels without any: as shipped."""

    roles: Sequence[RoleEdit] = ()
    levels: Mapping[str, Levels] = field(default_factory=dict)


def edited(document: Document, edits: Edits) -> Document:
    """The document after the changes; whether it makes sense is for parsing to say."""
    roles, levels = dict(document.roles), dict(document.levels)
    for edit in edits.roles:
        known = roles.pop(edit.name, None)
        if not edit.remove:
            roles[edit.name] = _role(known or RoleChange(custom=edit.name not in ROLES), edit)
    for coordinate, one in edits.levels.items():
        levels.pop(coordinate, None)
        if one != Levels():
            levels[coordinate] = one
    return Document(roles, levels, document.broken)


def _role(known: RoleChange, edit: RoleEdit) -> RoleChange:
    grants = {**known.grants}
    for entity, given in edit.grants.items():
        grants.pop(entity, None)
        if given is not None:
            grants[entity] = given
    return replace(
        known,
        label=edit.label if edit.label is not None else known.label,
        description=edit.description if edit.description is not None else known.description,
        extends=edit.extends if edit.extends is not None else known.extends,
        rights=edit.rights if edit.rights is not None else known.rights,
        grants=grants,
    )
