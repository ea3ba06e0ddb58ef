"""What a change of the access policy would come to, and what it comes to now: the effective matrix."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from crm_graph.auth.rows import Rule
from crm_graph.plan.changes import UserError
from crm_graph.plan.policies.effective import AccessAction, AccessOutcome, Cell, CellChange
from crm_graph.plan.policies.judge import Judgement


@dataclass(frozen=True, slots=True)
class AccessCell:
    """What a role may do with a field, or with records of an entity."""

    role: Annotated[str, "The role."]
    entity: Annotated[str, "Name of the entity's type."]
    field: Annotated[str | None, "The field; null for records as a whole (create, delete, assign)."]
    action: Annotated[AccessAction, "What is done."]
    outcome: Annotated[AccessOutcome, "On which of the rows that the role sees."]
    rules: Annotated[list[Rule], "The row rules that give it in full where they reach a row."]


@dataclass(frozen=True, slots=True)
class AccessCellChange:
    """A cell of the matrix that would change."""

    role: Annotated[str, "The role."]
    entity: Annotated[str, "Name of the entity's type."]
    field: Annotated[str | None, "The field; null for records as a whole (create, delete, assign)."]
    action: Annotated[AccessAction, "What is done."]
    before: Annotated[AccessOutcome, "On which rows now."]
    after: Annotated[AccessOutcome, "On which rows then."]
    rules_before: Annotated[list[Rule], "The row rules that give it now."]
    rules_after: Annotated[list[Rule], "The row rules that would give it."]
    widens: Annotated[bool, "Whether the role would have more."]


@dataclass(frozen=True, slots=True)
class TouchedRole:
    """A role for which something would change."""

    role: Annotated[str, "The role."]
    active_users: Annotated[int, "How many users who may sign in have it."]


@dataclass(frozen=True, slots=True)
class PolicyWarning:
    """Something to know before the change is made."""

    code: Annotated[str, "Stable code."]
    message: Annotated[str, "What to know, for people."]


@dataclass(frozen=True, slots=True)
class PolicyRefusal:
    """Why the change would be refused."""

    code: Annotated[str, "Stable code of the refusal."]
    message: Annotated[str, "What is wrong, for people."]
    field: Annotated[list[str], "Path of what it is about."]


@dataclass(frozen=True, slots=True)
class PolicyPreview:
    """What a change of the access policy would come to."""

    version: Annotated[int, "The version in force that it was held against; for `ifVersion`."]
    refusals: Annotated[list[PolicyRefusal], "Why it would be refused; empty if it would not."]
    warnings: Annotated[list[PolicyWarning], "What to know before."]
    roles: Annotated[list[TouchedRole], "The roles for which something would change."]
    total: Annotated[int, "How many cells would change."]
    cells: Annotated[list[AccessCellChange], "Cells that would change, as many as were asked for."]


def cells(role: str, found: Iterable[Cell], entities: frozenset[str] | None) -> list[AccessCell]:
    """The cells of a role as the API shows them, of some entities or all."""
    return [
        AccessCell(role, c.entity, c.field, c.action, c.outcome, list(c.rules))
        for c in found
        if entities is None or c.entity in entities
    ]


def preview(version: int, judged: Judgement, users: list[TouchedRole], most: int) -> PolicyPreview:
    return PolicyPreview(
        version,
        [refusal(one) for one in judged.errors],
        [PolicyWarning(one.code, one.message) for one in judged.warnings],
        users,
        len(judged.changes),
        [_change(one) for one in judged.changes[:most]],
    )


def refusal(error: UserError) -> PolicyRefusal:
    return PolicyRefusal(error.code, error.message, list(error.field))


def _change(one: CellChange) -> AccessCellChange:
    before, after = one.before, one.after
    return AccessCellChange(
        one.role,
        after.entity,
        after.field,
        after.action,
        before.outcome,
        after.outcome,
        list(before.rules),
        list(after.rules),
        one.widens,
    )
