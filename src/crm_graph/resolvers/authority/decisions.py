"""What follows from a decision: each action's functions, run in the transaction of the decision."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import asyncpg

from crm_graph.entity import DeclarationError
from crm_graph.plan.changes import Outcome
from crm_graph.plan.mutations import Call
from crm_graph.schema.authority import ApprovalState, AuthorityAction


@dataclass(frozen=True, slots=True)
class Request:
    """A request for approval, as it is now. `size` is in percent for a discount, else in the currency."""

    id: UUID
    action: AuthorityAction
    size: Decimal
    currency: str
    entity: str
    row: UUID
    customer: UUID | None
    requested_by: UUID
    asked_of: UUID
    authority_of: UUID | None
    state: ApprovalState
    overdue: bool
    passed_over: tuple[UUID, ...]
    gone: bool = False
    """Whether there is no such record any more."""

    @classmethod
    def of(cls, row: asyncpg.Record, *, gone: bool) -> "Request":
        action = AuthorityAction(row["action"])
        return cls(
            row["id"],
            action,
            row["percent" if action is AuthorityAction.DISCOUNT else "amount"],
            row["currency"],
            row["entity"],
            row["row_id"],
            row["customer_id"],
            row["requested_by_id"],
            row["asked_of_id"],
            row["authority_of_id"],
            ApprovalState(row["state"]),
            row["overdue"],
            tuple(map(UUID, row["passed_over"])),
            gone,
        )


Effect = Callable[[Call, Request, bool], Awaitable[Outcome | None]]
"""Does what follows; a refused outcome takes the decision back. Of what was not approved, `state` says why."""

_EFFECTS: dict[tuple[AuthorityAction, str | None], Effect] = {}


def on_decision(*actions: AuthorityAction, about: str | None = None) -> Callable[[Effect], Effect]:
    """Make a function the one that carries out decisions about these actions; `about`: on such records only."""

    def declare(effect: Effect) -> Effect:
        for action in actions:
            if (action, about) in _EFFECTS:
                raise DeclarationError(
                    f"{effect.__module__}: decisions about {action.value} have their effect already."
                )
            _EFFECTS[action, about] = effect
        return effect

    return declare


def effect_of(action: AuthorityAction, entity: str) -> Effect:
    """What follows from a decision about an action on such a record. Raises KeyError where nothing was declared."""
    return _EFFECTS.get((action, entity)) or _EFFECTS[action, None]
