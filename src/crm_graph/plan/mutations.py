"""Hand-written mutations: what create, update and delete cannot express. Declared here, written in `resolvers/`."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from crm_graph.auth.levels import Category, Level
from crm_graph.auth.policy import Policy
from crm_graph.auth.rights import Right
from crm_graph.entity import DeclarationError, Entity, table_name
from crm_graph.kinds import Kind
from crm_graph.markers import camel
from crm_graph.plan.access.write_access import write_access
from crm_graph.plan.sql.parameters import Parameters

if TYPE_CHECKING:
    from crm_graph.auth.actor import Actor
    from crm_graph.auth.file_links import FileLinks
    from crm_graph.db.session import Transaction
    from crm_graph.plan.changes import Change, Outcome


@dataclass(frozen=True, slots=True)
class Argument:
    """One field of a mutation's input. With `ref`, the id of a record of that entity, which the caller must see.

    Of money the call has a `kinds.Amount`; of `parts`, a dataclass as signatures.py has them, that one, or a list of it
    where there are `many`.
    """

    name: str
    kind: Kind | None
    description: str
    required: bool = False
    ref: str | None = None
    parts: type[Any] | None = None
    many: bool = False


Offered = Callable[[Policy], bool]
Run = Callable[["Call"], Awaitable["Outcome"]]
"""Does the work on one record inside the transaction. A refused outcome undoes all of it."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request for a hand-written mutation: the record, and its arguments as columns take them (ids as uuids).

    Where the mutation makes the record, `row` is an id that is free for it.
    """

    tx: "Transaction"
    actor: "Actor"
    row: UUID
    arguments: Mapping[str, object]
    if_match: str | None = None
    request_id: str | None = None
    upserted: "Change | None" = None
    """Of a mutation that `upserts`: what the generated one would write."""
    address: str = ""
    """Where the request comes from, as attempts are counted."""
    links: "FileLinks | None" = None
    """For links by which files are sent; there are none where nobody has asked."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """A verb on one record of an entity. Its input: the record's id, these arguments, `ifMatch`, `idempotencyKey`."""

    name: str
    entity: type[Entity]
    description: str
    arguments: tuple[Argument, ...]
    run: Run
    needs: Level | None
    """The clearance for writing that the caller must have on the record; `None`: it decides itself who may."""
    offered: Offered
    """Whether a caller with this policy is shown it."""
    creates: bool = False
    """It makes the record: its input names none, and its caller must be one who may make such records."""
    right: Right | None = None
    """What the caller must have besides."""
    upserts: bool = False
    """It takes the place of the generated upsert: its input has that one's fields, too, and its payload the effect."""
    once: str | None = None
    """The field of the payload that holds `Outcome.once`, if it has one."""

    def open_to(self, policy: Policy) -> bool:
        """Whether callers of this policy may run it on any record."""
        lacks = self.right is not None and self.right not in policy.rights
        if policy.looks or lacks or not self.offered(policy):
            return False
        needs, grants = self.needs, [g for g in policy.on(self.entity.__name__) if g.create or not self.creates]
        return needs is None or any(g.write is not None and g.write >= needs for g in grants)


MUTATIONS: dict[str, Mutation] = {}


def mutation(
    entity: type[Entity],
    *arguments: Argument,
    needs: Level | None,
    offered: Offered = lambda _policy: True,
    creates: bool = False,
    right: Right | None = None,
    upserts: bool = False,
    once: str | None = None,
) -> Callable[[Run], Run]:
    """Make a function a mutation: `win_opportunity` becomes `winOpportunity`, its docstring the description.

    It runs only where the caller sees the record and has `needs` for writing on it (without it looks itself); where it
    `creates` one, if they may make such records on which they have `needs`; and in all cases, if they have the `right`.
    `once`: a field of the payload, for a secret that is told this once (`Outcome.once`).
    """

    def declare(run: Run) -> Run:
        name = camel(run.__name__)
        if name in MUTATIONS:
            raise DeclarationError(
                f"{run.__module__}.{run.__name__}: the mutation is declared twice. Rename one of them."
            )
        description = inspect.getdoc(run) or name
        makes = creates or upserts
        MUTATIONS[name] = Mutation(
            name, entity, description, arguments, run, needs, offered, makes, right, upserts, once
        )
        return run

    return declare


async def may_write(
    tx: "Transaction",
    actor: "Actor",
    entity: type[Entity],
    row: UUID,
    needs: Level,
    category: Category | None = None,
) -> bool:
    """Whether the caller has this clearance for writing on a row; with `category`, for its fields of that category."""
    parameters = Parameters()
    access = write_access(entity, actor.policy, parameters, "t", category)
    wanted = parameters.constant(row, "uuid")
    sql, sources = parameters.finish(
        f"SELECT coalesce({access.write} >= {needs.value}, FALSE) FROM {table_name(entity)} t"
        f" WHERE t.organization_id = {parameters.organization} AND t.id = {wanted}"
    )
    return bool(await (await tx.raw()).fetchval(sql, *[source((), actor) for source in sources]))
