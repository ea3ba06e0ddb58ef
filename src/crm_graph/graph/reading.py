"""Answering a query: its plan from the cache or made now, one statement, the response's bytes."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import orjson
from graphql import ExecutionResult, GraphQLSchema, execute_sync, print_schema
from graphql.language import DocumentNode, OperationDefinitionNode

from crm_graph.auth.actor import Actor
from crm_graph.auth.denials import Denials
from crm_graph.auth.policy import Policy
from crm_graph.db.lanes import Lanes
from crm_graph.db.session import Database
from crm_graph.errors import FieldAccessDenied
from crm_graph.graph.answering import answered
from crm_graph.graph.documents import Operation, Recent
from crm_graph.graph.pruned import hidden, prune
from crm_graph.graph.selection import INTROSPECTION, introspection
from crm_graph.graph.variables import Shape
from crm_graph.plan.compile import Compiler
from crm_graph.plan.queries import QUERIES
from crm_graph.plan.selection import Selected
from crm_graph.plan.sql.fetch import fetch
from crm_graph.plan.sql.proof import NOTHING
from crm_graph.plan.sql.statement import AccessIncomplete, Statement

MAX_SCHEMAS = 100
MAX_INTROSPECTED, MAX_INTROSPECTED_BYTES = 100, 20_000_000


class Reader:
    """Answers queries for callers of any policy. Plans are kept with their operation, schemas by policy."""

    def __init__(self, lanes: Lanes, database: Database, secret: bytes, max_nodes: int, refusals: Denials) -> None:
        self._lanes, self._database, self._secret, self._max_nodes = lanes, database, secret, max_nodes
        self._refusals = refusals
        self._schemas: Recent[str, GraphQLSchema] = Recent(MAX_SCHEMAS)
        self._sdl: Recent[str, str] = Recent(MAX_SCHEMAS)
        self._introspected: Recent[tuple[str, bytes, str], bytes] = Recent(MAX_INTROSPECTED, MAX_INTROSPECTED_BYTES)
        self._one_thread = asyncio.Semaphore(1)

    async def read(
        self, actor: Actor, operation: Operation, variables: Mapping[str, object], *, strict: bool = False
    ) -> bytes:
        """The whole response of a query. Raises a `CrmError` when the request cannot run; if `strict`, also when a
        field of it may not be seen.
        """
        shape, leaves = operation.read(variables)
        key = (operation.identity, actor.policy.key, shape)
        statement = operation.plans.get(key)
        if statement is None:
            statement = operation.plans.put(key, self.compile(actor.policy, operation, shape))
        if statement.denials:
            self._refusals.note(actor, FieldAccessDenied.code, [d.coordinate for d in statement.denials])
            if strict:
                raise AccessIncomplete(statement.denials)
        answer = statement.response(await fetch(self._lanes, statement, leaves, actor))
        if statement.by_hand:
            given = operation.completed(variables)
            answer = await answered(answer, self._database, actor, operation.roots(shape), given)
        if not statement.introspects:
            return answer
        alone = not statement.sql and not statement.by_hand
        return await self._introspect(answer, actor.policy, operation, variables, alone=alone)

    def compile(self, policy: Policy, operation: Operation, shape: tuple[Shape, ...]) -> Statement:
        """The statement of a query for one policy and shape of variables."""
        roots = operation.roots(shape)
        introspects = any(r.name in INTROSPECTION for r in roots)
        by_hand = any(_answered_by_hand(r, policy) for r in roots)
        planned = [r for r in roots if r.name not in INTROSPECTION and not _answered_by_hand(r, policy)]
        if not planned:
            return Statement(NOTHING, (), b'{"data":{}}', b"", introspects=introspects, by_hand=by_hand)
        statement = Compiler(policy, self._secret, self._max_nodes).query(planned)
        return replace(statement, introspects=introspects, by_hand=by_hand)

    def schema(self, policy: Policy, full: GraphQLSchema) -> GraphQLSchema:
        """The schema as a policy allows it, out of the one its callers are validated against; made once for each."""
        return self._schemas.get(policy.key) or self._schemas.put(policy.key, prune(full, *hidden(policy)))

    def sdl(self, policy: Policy, full: GraphQLSchema) -> str:
        """The schema as a policy allows it, as text."""
        return self._sdl.get(policy.key) or self._sdl.put(policy.key, print_schema(self.schema(policy, full)))

    async def _introspect(
        self, answer: bytes, policy: Policy, operation: Operation, variables: Mapping[str, object], *, alone: bool
    ) -> bytes:
        """The response completed, in a thread; kept where there is nothing but introspection."""
        part = introspection(operation.node, operation.fragments)
        names = [d.variable.name.value for d in part.variable_definitions or ()]
        given = {name: variables[name] for name in names if name in variables}
        key = (policy.key, operation.identity, repr(given))
        known = self._introspected.get(key) if alone else None
        if known is not None:
            return known
        keys = [r.key for r in operation.roots(operation.read(variables)[0])]
        async with self._one_thread:
            known = self._introspected.get(key) if alone else None
            if known is not None:
                return known
            schema = self.schema(policy, operation.schema)
            found = await asyncio.to_thread(_completed, answer, schema, part, operation, given, keys)
        return self._introspected.put(key, found, len(found) + len(key[2])) if alone else found


def _answered_by_hand(root: Selected, policy: Policy) -> bool:
    """Whether a hand-written query answers the field; where the caller may not ask it, the planner denies it."""
    return root.name in QUERIES and QUERIES[root.name].open_to(policy)


def _completed(
    answer: bytes,
    schema: GraphQLSchema,
    part: OperationDefinitionNode,
    operation: Operation,
    variables: Mapping[str, object],
    keys: list[str],
) -> bytes:
    """A response completed by graphql-core's own executor, which answers `__schema` and `__type`."""
    document = DocumentNode(definitions=(part, *operation.fragments.values()))
    result = execute_sync(schema, document, variable_values=dict(variables))
    assert isinstance(result, ExecutionResult)
    response = orjson.loads(answer)
    data = {**response["data"], **(result.data or {})}
    response["data"] = {key: data[key] for key in keys if key in data}
    if result.errors:
        response.setdefault("errors", []).extend(
            {"message": e.message, "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}} for e in result.errors
        )
    return orjson.dumps(response)
