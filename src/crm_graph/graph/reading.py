"""Answering a query: its plan from the cache or made now, one statement, the response's bytes."""

from collections.abc import Mapping
from dataclasses import replace

import orjson
from graphql import (
    ExecutionResult,
    FieldNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    execute_sync,
    print_schema,
)
from graphql.language import DocumentNode

from crm_graph.auth.actor import Actor
from crm_graph.auth.policy import Policy
from crm_graph.db.lanes import Lanes
from crm_graph.graph.documents import Operation, Recent
from crm_graph.graph.pruned import hidden, prune
from crm_graph.graph.variables import Shape
from crm_graph.plan.compile import Compiler
from crm_graph.plan.fetch import fetch
from crm_graph.plan.statement import Statement

MAX_SCHEMAS = 100
_INTROSPECTION = ("__schema", "__type")


class Reader:
    """Answers queries for callers of any policy. Plans are kept with their operation, schemas by policy."""

    def __init__(self, schema: GraphQLSchema, lanes: Lanes, secret: bytes, max_nodes: int) -> None:
        self._schema, self._lanes, self._secret, self._max_nodes = schema, lanes, secret, max_nodes
        self._schemas: Recent[str, GraphQLSchema] = Recent(MAX_SCHEMAS)
        self._sdl: Recent[str, str] = Recent(MAX_SCHEMAS)

    async def read(self, actor: Actor, operation: Operation, variables: Mapping[str, object]) -> bytes:
        """The whole response of a query. Raises a `CrmError` when the request cannot run."""
        shape, leaves = operation.read(variables)
        key = (actor.policy.key, shape)
        statement = operation.plans.get(key)
        if statement is None:
            statement = operation.plans.put(key, self.compile(actor.policy, operation, shape))
        answer = statement.response(await fetch(self._lanes, statement, leaves, actor))
        return self._introspected(answer, actor.policy, operation, variables) if statement.introspects else answer

    def compile(self, policy: Policy, operation: Operation, shape: tuple[Shape, ...]) -> Statement:
        """The statement of a query for one policy and shape of variables."""
        roots = operation.roots(shape)
        planned = [r for r in roots if r.name not in _INTROSPECTION]
        if not planned:
            return Statement("", (), b'{"data":{}}', b"", introspects=True)
        statement = Compiler(policy, self._secret, self._max_nodes).query(planned)
        return replace(statement, introspects=len(planned) < len(roots))

    def schema(self, policy: Policy) -> GraphQLSchema:
        """The schema as a policy allows it; made once for each."""
        return self._schemas.get(policy.key) or self._schemas.put(policy.key, prune(self._schema, *hidden(policy)))

    def sdl(self, policy: Policy) -> str:
        """The schema as a policy allows it, as text."""
        return self._sdl.get(policy.key) or self._sdl.put(policy.key, print_schema(self.schema(policy)))

    def _introspected(
        self, answer: bytes, policy: Policy, operation: Operation, variables: Mapping[str, object]
    ) -> bytes:
        """The response completed by graphql-core's own executor, which answers `__schema` and `__type`."""
        document = DocumentNode(definitions=(_only_introspection(operation), *operation.fragments.values()))
        result = execute_sync(self.schema(policy), document, variable_values=dict(variables))
        assert isinstance(result, ExecutionResult)
        response = orjson.loads(answer)
        data = {**response["data"], **(result.data or {})}
        keys = [r.key for r in operation.roots(operation.read(variables)[0])]
        response["data"] = {key: data[key] for key in keys if key in data}
        if result.errors:
            response.setdefault("errors", []).extend(
                {"message": e.message, "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}} for e in result.errors
            )
        return orjson.dumps(response)


def _only_introspection(operation: Operation) -> OperationDefinitionNode:
    """The operation with the root fields that the planner does not answer, fragments opened."""
    found: list[SelectionNode] = []

    def collect(selections: SelectionSetNode) -> None:
        for node in selections.selections:
            if isinstance(node, FieldNode):
                if node.name.value in _INTROSPECTION:
                    found.append(node)
            elif isinstance(node, InlineFragmentNode):
                inner = InlineFragmentNode(
                    type_condition=None, directives=node.directives, selection_set=_set(node.selection_set)
                )
                found.append(inner)
            elif isinstance(node, FragmentSpreadNode):
                fragment = operation.fragments[node.name.value]
                found.append(
                    InlineFragmentNode(
                        type_condition=None, directives=node.directives, selection_set=_set(fragment.selection_set)
                    )
                )

    def _set(selections: SelectionSetNode) -> SelectionSetNode:
        outer = found.copy()
        found.clear()
        collect(selections)
        inner = SelectionSetNode(selections=tuple(found))
        found[:] = outer
        return inner

    collect(operation.node.selection_set)
    node = operation.node
    return OperationDefinitionNode(
        operation=node.operation,
        name=node.name,
        variable_definitions=node.variable_definitions,
        directives=node.directives,
        selection_set=SelectionSetNode(selections=tuple(found)),
    )
