"""Hand-written mutations: what create, update and delete cannot express. Declared here, written in `resolvers/`."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from crm_graph.entity import DeclarationError, Entity
from crm_graph.kinds import Kind

if TYPE_CHECKING:
    from crm_graph.auth.actor import Actor
    from crm_graph.db.session import Transaction
    from crm_graph.plan.changes import Outcome


@dataclass(frozen=True, slots=True)
class Argument:
    """One field of a mutation's input. With `ref`, the id of a record of that entity, which the caller must see."""

    name: str
    kind: Kind
    description: str
    required: bool = False
    ref: str | None = None


Run = Callable[["Call"], Awaitable["Outcome"]]
"""Does the work on one record inside the transaction. A refused outcome undoes all of it."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request for a hand-written mutation: the record, and its arguments as columns take them (ids as uuids)."""

    tx: "Transaction"
    actor: "Actor"
    row: UUID
    arguments: Mapping[str, object]
    if_match: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Mutation:
    """A verb on one record of an entity. Its input: the record's id, these arguments, `ifMatch`, `idempotencyKey`."""

    name: str
    entity: type[Entity]
    description: str
    arguments: tuple[Argument, ...]
    run: Run


MUTATIONS: dict[str, Mutation] = {}


def mutation(entity: type[Entity], *arguments: Argument) -> Callable[[Run], Run]:
    """Make a function a mutation: `win_opportunity` becomes `winOpportunity`, its docstring the description."""

    def declare(run: Run) -> Run:
        head, *rest = run.__name__.split("_")
        name = head + "".join(word.title() for word in rest)
        if name in MUTATIONS:
            raise DeclarationError(
                f"{run.__module__}.{run.__name__}: the mutation is declared twice. Rename one of them."
            )
        MUTATIONS[name] = Mutation(name, entity, (run.__doc__ or name).strip(), arguments, run)
        return run

    return declare
