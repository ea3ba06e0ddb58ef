"""Answering a mutation: each root field is one transaction, its payload read again inside it, through the lens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg
import orjson

from crm_graph.auth.actor import Actor
from crm_graph.auth.denials import Denials
from crm_graph.auth.file_links import FileLinks
from crm_graph.auth.sealing import Sealer
from crm_graph.db import ids
from crm_graph.db.session import RETRYABLE, Database, Transaction
from crm_graph.entity import REGISTRY, Entity
from crm_graph.errors import (
    FieldAccessDenied,
    ServiceUnavailable,
    VariableInvalid,
    WriteAccessDenied,
)
from crm_graph.graph.answering import acted, check, user_error
from crm_graph.graph.building import payload_type
from crm_graph.graph.calling import Calls, generated, parts
from crm_graph.graph.documents import Operation
from crm_graph.graph.mutation_types import VERBS
from crm_graph.graph.variables import Shape
from crm_graph.plan.actions import ACTIONS
from crm_graph.plan.changes import Effect, Outcome
from crm_graph.plan.compile import Compiler
from crm_graph.plan.mutations import MUTATIONS
from crm_graph.plan.selection import Leaf, Selected
from crm_graph.plan.signatures import Ask
from crm_graph.plan.sql.fetch import refused
from crm_graph.plan.sql.statement import AccessIncomplete, Denial, Statement, errors_json
from crm_graph.plan.writes.pending import MOST_PENDING, REQUEST, pending_of
from crm_graph.plan.writes.write import write

ATTEMPTS = 4


@dataclass(frozen=True, slots=True)
class Request:
    """One mutation request: whose it is, its variables as sent and as the planner takes them, its id in the log."""

    actor: Actor
    operation: Operation
    variables: Mapping[str, object]
    request_id: str
    shape: tuple[Shape, ...]
    leaves: tuple[object, ...]
    strict: bool = False
    """Whether it is refused when a field of its payload may not be seen."""
    address: str = ""
    """Where it comes from, as attempts are counted."""

    @classmethod
    def of(
        cls,
        actor: Actor,
        operation: Operation,
        variables: Mapping[str, object],
        request_id: str,
        *,
        strict: bool = False,
        address: str = "",
    ) -> "Request":
        """A request with its variables read. Raises `VariableInvalid` or `IdInvalid`."""
        shape, leaves = operation.read(variables)
        return cls(actor, operation, operation.completed(variables), request_id, shape, tuple(leaves), strict, address)


class Writer:
    """Carries out mutations."""

    def __init__(self, database: Database, secret: bytes, max_nodes: int, refusals: Denials, sealer: Sealer) -> None:
        self._database, self._secret, self._max_nodes, self._refusals = database, secret, max_nodes, refusals
        self._sealer, self._links = sealer, FileLinks(secret)

    async def write(self, request: Request) -> bytes:
        """The whole response of a mutation. Raises a `CrmError` when it cannot run at all."""
        written, denials, roots = [], list[Denial](), request.operation.roots(request.shape)
        refused = [denial for root in roots for denial in self._prepare(request, root)]
        if refused:
            self._refusals.note(request.actor, FieldAccessDenied.code, [denial.coordinate for denial in refused])
            if request.strict:
                raise AccessIncomplete(refused)
        for root in roots:
            if root.name == "__typename":
                written.append(f'"{root.key}":"Mutation"'.encode())
                continue
            payload, denied = await self._field(request, root)
            written.append(b'"' + root.key.encode() + b'":' + payload)
            denials.extend(denied)
        return b'{"data":{' + b",".join(written) + b"}" + errors_json(denials) + b"}"

    def _prepare(self, request: Request, root: Selected) -> list[Denial]:
        """Refuse what cannot be answered before anything is written, by this field or one before it.

        Gives the places of the payload that will be hidden.
        """
        denials: list[Denial] = []
        if root.name == "__typename":
            return denials
        if not isinstance(root.plain(request.variables).get("input"), dict):
            raise VariableInvalid(f"The input of {root.name} cannot be null.")
        if root.name in ACTIONS:
            check(root, request.variables)
            return denials
        if root.name in MUTATIONS:
            parts(MUTATIONS[root.name], root.plain(request.variables)["input"])
        for selected in root.on(payload_type(root.name)):
            if selected.name not in (*_PLAIN, _once_field(root.name)):
                statement = self._statement(request, selected, _shown(root, selected))
                denials.extend(statement.denials)
                row: object = [] if _many(selected) else request.actor.organization_id
                for source in statement.sources:
                    source([*request.leaves, row], request.actor)
        return denials

    async def _field(self, request: Request, root: Selected) -> tuple[bytes, Sequence[Denial]]:
        """One root field, in one transaction; run again where it met another one."""
        actor = request.actor
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with self._database.transaction(actor.organization_id, actor.user_id, actor.channel) as tx:
                    if root.name in ACTIONS:
                        if not ACTIONS[root.name].open_to(actor.policy):
                            self._refusals.note(actor, WriteAccessDenied.code, [f"Mutation.{root.name}"])
                        ask = Ask(tx, actor, request.request_id, self._sealer)
                        return await acted(ask, root, request.variables), ()
                    entity, outcome = await self._act(tx, request, root)
                    return await self._payload(tx, request, root, entity, outcome)
            except RETRYABLE:
                if attempt == ATTEMPTS:
                    raise ServiceUnavailable("Others are writing the same records; try again.") from None
        raise AssertionError("the last attempt returns or raises")

    async def _act(self, tx: Transaction, request: Request, root: Selected) -> tuple[type[Entity], Outcome]:
        given = root.plain(request.variables)["input"]
        assert isinstance(given, dict)
        declared = MUTATIONS.get(root.name)
        if declared is not None:
            calls = Calls(tx, request.actor, request.request_id, request.address, self._links)
            return declared.entity, await calls.run(declared, given)
        verb, entity = _verb(root), _entity(root)
        return entity, await write(tx, request.actor, generated(entity, verb, given), request_id=request.request_id)

    async def _payload(
        self,
        tx: Transaction,
        request: Request,
        root: Selected,
        entity: type[Entity],
        outcome: Outcome,
    ) -> tuple[bytes, Sequence[Denial]]:
        written, denials = [], list[Denial]()
        payload = payload_type(root.name)
        self._note(request, root, entity, outcome)
        for selected in root.on(payload):
            match selected.name:
                case "userErrors":
                    value = orjson.dumps([user_error(e, selected) for e in outcome.errors])
                case "deletedId":
                    gone = outcome.effect is Effect.DELETED and outcome.id is not None
                    value = orjson.dumps(ids.encode(entity.__prefix__, outcome.id) if gone and outcome.id else None)
                case "effect":
                    value = orjson.dumps(outcome.effect.name)
                case "__typename":
                    value = orjson.dumps(payload)
                case name if name == _once_field(root.name):
                    value = orjson.dumps(outcome.once)
                case "pendingChanges":
                    value, denied = await self._pending(tx, request, selected, entity, outcome)
                    denials.extend(denied)
                case _:
                    value, denied = await self._record(tx, request, selected, entity, outcome)
                    denials.extend(denied)
            written.append(b'"' + selected.key.encode() + b'":' + value)
        return b"{" + b",".join(written) + b"}", denials

    def _note(self, request: Request, root: Selected, entity: type[Entity], outcome: Outcome) -> None:
        """Count what was refused for want of access: by field where one is to blame, else by mutation."""
        refused = [e for e in outcome.errors if e.code == WriteAccessDenied.code]
        if refused:
            coordinates = [f"{entity.__name__}.{e.field[0]}" if e.field else f"Mutation.{root.name}" for e in refused]
            self._refusals.note(request.actor, WriteAccessDenied.code, coordinates)

    async def _pending(
        self, tx: Transaction, request: Request, selected: Selected, entity: type[Entity], outcome: Outcome
    ) -> tuple[bytes, Sequence[Denial]]:
        """What waits of the record after it was written; nothing of one that was refused."""
        requests, refused = REGISTRY[REQUEST], outcome.is_refused or outcome.id is None
        statement = self._statement(request, selected, requests)
        if refused or outcome.id is None:
            return b"[]", statement.denials
        found = await pending_of(await tx.raw(), request.actor, entity, outcome.id)
        pairs = [(requests.__prefix__, one) for one in found]
        return await _read(tx, request, statement, pairs) if pairs else b"[]", statement.denials

    async def _record(
        self,
        tx: Transaction,
        request: Request,
        selected: Selected,
        entity: type[Entity],
        outcome: Outcome,
    ) -> tuple[bytes, Sequence[Denial]]:
        """The written record, read by the planner's statement on the transaction's own connection."""
        statement = self._statement(request, selected, entity)
        if outcome.id is None or outcome.effect is Effect.DELETED:
            return b"null", statement.denials
        return await _read(tx, request, statement, outcome.id), statement.denials

    def _statement(self, request: Request, selected: Selected, entity: type[Entity]) -> Statement:
        """What reads a payload's record, or its pending changes; their ids come after the request's leaves."""
        policy, plans = request.actor.policy, request.operation.plans
        key = (request.operation.identity, policy.key, (*request.shape, selected.place.path))
        known = plans.get(key)
        if known is not None:
            return known
        compiler, many = Compiler(policy, self._secret, self._max_nodes), _many(selected)
        row = Leaf(len(request.leaves), (entity.__prefix__,), many)
        return plans.put(key, compiler.records(selected, row) if many else compiler.record(entity, selected, row))


_PLAIN = ("userErrors", "deletedId", "effect", "__typename")


def _once_field(mutation: str) -> str | None:
    """The field of a mutation's payload that holds a secret, if it has one."""
    declared = MUTATIONS.get(mutation)
    return declared.once if declared else None


def _verb(root: Selected) -> str:
    return next(v for v in VERBS if root.name.startswith(v))


def _entity(root: Selected) -> type[Entity]:
    declared = MUTATIONS.get(root.name)
    return declared.entity if declared else REGISTRY[root.name.removeprefix(_verb(root))]


def _many(selected: Selected) -> int:
    """At most how many records a payload's field shows; 0 where it shows one."""
    return MOST_PENDING if selected.name == "pendingChanges" else 0


async def _read(tx: Transaction, request: Request, statement: Statement, row: object) -> bytes:
    """What the planner's statement answers for a row, or rows, on the transaction's own connection."""
    bound, connection = [*request.leaves, row], await tx.raw()
    try:
        found: bytes | None = await connection.fetchval(
            statement.sql, *[source(bound, request.actor) for source in statement.sources]
        )
    except asyncpg.PostgresError as error:
        raise refused(error) from None
    return found or b"null"


def _shown(root: Selected, selected: Selected) -> type[Entity]:
    """The kind of the records that a payload's field shows."""
    return REGISTRY[REQUEST] if _many(selected) else _entity(root)
