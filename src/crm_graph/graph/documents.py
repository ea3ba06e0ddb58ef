"""Documents: parsed, measured and validated once, then kept; each operation with its readers and plans."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Generic, TypeVar

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    validate,
    value_from_ast_untyped,
)
from graphql.validation.rules import overlapping_fields_can_be_merged

from crm_graph.errors import CrmError, GraphqlValidationFailed
from crm_graph.graph import variables
from crm_graph.graph.limits import Limits, check, measure, parse_document, select_operation
from crm_graph.graph.selection import Selector, page_size_variables
from crm_graph.graph.variables import ABSENT, Shape
from crm_graph.plan.selection import Selected, Value
from crm_graph.plan.sql.statement import Statement

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
MAX_DOCUMENTS, MAX_PLANS, MAX_ERRORS = 1000, 5000, 10
LONGEST_KEPT = 20_000
"""Characters of the longest document that is kept, and prepared without leaving the event loop."""
MAX_TEXT = 1_000_000
"""Characters of all documents that are kept: parsed, a document is some hundred times its text."""
# graphql-core's own knob: at its default, a hostile document of 10 kB costs a second before validation gives up.
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = 50_000


class Recent(Generic[K, V]):
    """A bounded cache that forgets what was not used for longest: at most `size` values, `most` by weight."""

    def __init__(self, size: int, most: int = 0) -> None:
        self._size, self._most, self._weight = size, most, 0
        self._kept = OrderedDict[K, tuple[V, int]]()

    def __len__(self) -> int:
        return len(self._kept)

    def keys(self) -> set[K]:
        return set(self._kept)

    def forget(self, key: K) -> None:
        """Drop a value, if it is here."""
        self._weight -= self._kept.pop(key, (None, 0))[1]

    def get(self, key: K) -> V | None:
        found = self._kept.get(key)
        if found is None:
            return None
        self._kept.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V, weight: int = 0) -> V:
        self._weight += weight - self._kept.pop(key, (value, 0))[1]
        self._kept[key] = value, weight
        while len(self._kept) > self._size or self._weight > self._most:
            self._weight -= self._kept.popitem(last=False)[1][1]
        return value


class ValidationFailed(GraphqlValidationFailed):
    """All that validation found, as GraphQL errors with their places."""

    def __init__(self, errors: Iterable[GraphQLError]) -> None:
        self.errors = list(errors)
        super().__init__(self.errors[0].message)

    def each(self) -> list[CrmError]:
        found: list[CrmError] = []
        for error in self.errors:
            one = GraphqlValidationFailed(error.message[:500])
            if error.locations:
                one.extensions["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
            found.append(one)
        return found


PlanKey = tuple[bytes, str, tuple[Shape, ...]]
"""An operation's identity, a policy's key, and the shape of variables (and, in a payload, the place)."""


@dataclass(slots=True)
class Operation:
    """One operation, ready to be planned for any shape of its variables."""

    node: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    schema: GraphQLSchema
    readers: tuple[tuple[str, variables.Read], ...]
    identity: bytes
    """The same for equal documents and names."""
    plans: Recent[PlanKey, Statement]
    """Shared with other operations."""

    @property
    def is_mutation(self) -> bool:
        return self.node.operation is OperationType.MUTATION

    def read(self, given: Mapping[str, object]) -> tuple[tuple[Shape, ...], list[object]]:
        """The shape and the leaves of a request's variables. Raises `VariableInvalid` or `IdInvalid`."""
        leaves: list[object] = []
        return tuple([read(given.get(name, ABSENT), leaves) for name, read in self.readers]), leaves

    def completed(self, given: Mapping[str, object]) -> dict[str, object]:
        """The variables as sent, with the defaults of those that were not."""
        defaults = {
            d.variable.name.value: value_from_ast_untyped(d.default_value)
            for d in self.node.variable_definitions or ()
            if d.default_value is not None
        }
        return {**defaults, **given}

    def selector(self, shape: tuple[Shape, ...]) -> Selector:
        """What reads this operation's selections for variables of this shape."""
        numbers, values = count(), dict[str, Value]()
        for (name, _), one in zip(self.readers, shape, strict=True):
            if one != ABSENT:
                values[name] = variables.rebuild(one, numbers)
        return Selector(self.schema, self.fragments, values)

    def roots(self, shape: tuple[Shape, ...]) -> tuple[Selected, ...]:
        """The root fields selected for variables of this shape."""
        root = "Mutation" if self.is_mutation else "Query"
        return self.selector(shape).fields([self.node.selection_set], root)


@dataclass(frozen=True, slots=True)
class Full:
    """A schema that documents are validated against; equal ones have equal keys, and the shipped one none."""

    key: str
    schema: GraphQLSchema


class Documents:
    """The documents this process has seen, by their text and the schema they were validated against."""

    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        self.shipped, self._limits = Full("", schema), limits
        self._known: Recent[tuple[str, str, str | None], Operation] = Recent(MAX_DOCUMENTS, MAX_TEXT)
        self._plans: Recent[PlanKey, Statement] = Recent(MAX_PLANS)
        self._one_thread = asyncio.Semaphore(1)

    def forget(self, schema: str) -> None:
        """Drop what was validated against the schema of this key."""
        for key in [k for k in self._known.keys() if k[0] == schema]:  # noqa: SIM118 - no dict
            self._known.forget(key)

    async def operation(self, text: str, name: str | None, full: Full | None = None) -> Operation:
        """The operation of a document. Raises typed errors for all that is wrong with it, and keeps only sound ones.

        Only a long document leaves the event loop; it is not kept, nor are its plans.
        """
        full = full or self.shipped
        if len(text) > LONGEST_KEPT:
            async with self._one_thread:
                return await asyncio.to_thread(self._prepare, text, name, full.schema, Recent(MAX_PLANS))
        key = full.key, text, name
        known = self._known.get(key)
        return known or self._known.put(key, self._prepare(text, name, full.schema, self._plans), len(text))

    def _prepare(
        self, text: str, name: str | None, schema: GraphQLSchema, plans: Recent[PlanKey, Statement]
    ) -> Operation:
        document = parse_document(text, self._limits)
        node = select_operation(document, name)
        check(measure(document, name), self._limits)
        errors = validate(schema, document, max_errors=MAX_ERRORS, hide_suggestions=True)
        if errors:
            raise ValidationFailed(errors)
        fragments = _fragments(document)
        sizes = page_size_variables([node.selection_set, *(f.selection_set for f in fragments.values())])
        readers = tuple(
            variables.reader(schema, d, decides=d.variable.name.value in sizes) for d in node.variable_definitions or ()
        )
        identity = hashlib.sha256(f"{name or ''}\0{text}".encode(errors="surrogatepass")).digest()
        return Operation(node, fragments, schema, readers, identity, plans)


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
