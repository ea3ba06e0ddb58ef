"""Hand-written root queries: what is not the reading of records. Declared here, written in `resolvers/`.

The function gets an `Ask` whose transaction cannot write, and returns data or raises a `CrmError`, which becomes the
error of its field. Without the right, the field is not in the caller's schema, and null with FIELD_ACCESS_DENIED.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from crm_graph.auth.policy import Policy
from crm_graph.auth.rights import Right
from crm_graph.markers import DeclarationError
from crm_graph.plan.signatures import Signature, signature

F = TypeVar("F", bound=Callable[..., Awaitable[Any]])


@dataclass(frozen=True, slots=True)
class Query:
    """A root field of queries. `right`: what the caller must have; `of`: the entity they must see records of."""

    signature: Signature
    run: Callable[..., Awaitable[Any]]
    right: Right | None
    of: str | None = None

    def open_to(self, policy: Policy) -> bool:
        if self.of is not None and not policy.on(self.of):
            return False
        return self.right is None or self.right in policy.rights


QUERIES: dict[str, Query] = {}


def query(*, right: Right | None = None, of: str | None = None) -> Callable[[F], F]:
    """Make a function a query: `access_policy` becomes `accessPolicy`, its docstring the description.

    It is for callers who have the `right`, and to whom records of the entity `of` may show.
    """

    def declare(run: F) -> F:
        found = signature(run)
        if found.name in QUERIES:
            raise DeclarationError(f"{run.__module__}: the query {found.name} is declared twice. Rename one of them.")
        QUERIES[found.name] = Query(found, run, right, of)
        return run

    return declare
