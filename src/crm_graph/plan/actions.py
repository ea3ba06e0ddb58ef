"""Hand-written mutations that are about no record of an entity. Declared here, written in `resolvers/`.

    @action(shows=policy_view, right=Right.POLICY_WRITE)
    async def update_access_policy(ask: Ask, changes: Annotated[…, "…"], …) -> Outcome:

The input has the function's arguments and `idempotencyKey`; the payload what `shows` gives for the outcome's id, read
in the same transaction (and again when a repeated request is answered), and `userErrors`. A refused outcome undoes all.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from crm_graph.auth.policy import Policy
from crm_graph.auth.rights import Right
from crm_graph.markers import DeclarationError
from crm_graph.plan.changes import Outcome
from crm_graph.plan.signatures import Signature, signature, unwrapped

F = TypeVar("F", bound=Callable[..., Awaitable[Outcome]])


@dataclass(frozen=True, slots=True)
class Action:
    """A root field of mutations. `shows(ask, id)` gives what the payload holds under `field`."""

    signature: Signature
    run: Callable[..., Awaitable[Outcome]]
    shows: Callable[..., Awaitable[Any]]
    shown: Any
    field: str
    right: Right
    once: str | None = None
    """The field of the payload that holds `Outcome.once`, if it has one."""

    def open_to(self, policy: Policy) -> bool:
        return self.right in policy.rights


ACTIONS: dict[str, Action] = {}


def action(*, shows: Callable[..., Awaitable[Any]], right: Right, once: str | None = None) -> Callable[[F], F]:
    """Make a function a mutation: `update_access_policy` becomes `updateAccessPolicy`.

    `once`: a field of the payload, for a secret that is told this once (`Outcome.once`).
    """

    def declare(run: F) -> F:
        found = signature(run)
        if found.name in ACTIONS:
            raise DeclarationError(f"{run.__module__}: {found.name} is declared twice. Rename one of them.")
        shown, _ = unwrapped(shows.__annotations__["return"])
        name: str = shown.__name__
        ACTIONS[found.name] = Action(found, run, shows, shown, name[0].lower() + name[1:], right, once)
        return run

    return declare
