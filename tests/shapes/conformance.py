"""Whether a response's data is what the operation selected: its keys, in order, their types and what may be null."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    is_abstract_type,
    is_leaf_type,
    parse,
    value_from_ast_untyped,
)


def _matches(pattern: str) -> Callable[[Any], bool]:
    compiled = re.compile(pattern, re.DOTALL)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


LEAVES: Mapping[str, Callable[[Any], bool]] = {
    "ID": _matches(r"[a-z]{3}_[0-9a-f]{32}"),
    "String": lambda v: isinstance(v, str),
    "Int": lambda v: type(v) is int,
    "Float": lambda v: type(v) in (int, float),
    "Boolean": lambda v: type(v) is bool,
    "Decimal": _matches(r"-?\d+(\.\d+)?"),
    "DateTime": _matches(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(\+00:00|Z)"),
    "Date": _matches(r"\d{4}-\d\d-\d\d"),
    "EmailAddress": _matches(r"[^@]+@[^@]+"),
    "PhoneNumber": _matches(r"[+•].*\d\d"),
    "CountryCode": _matches(r"[A-Z]{2}"),
    "CurrencyCode": _matches(r"[A-Z]{3}"),
    "Locale": _matches(r"[a-z]{2,3}(-.*)?"),
    "URL": _matches(r"https?://.+"),
}


class NotConforming(AssertionError):
    """The data is not what was asked for; the message names the place."""


def conform(schema: GraphQLSchema, query: str, variables: Mapping[str, Any], data: Any) -> None:
    """Raise `NotConforming` unless `data` is a possible answer to the operation."""
    document = parse(query)
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    [operation] = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    root = schema.mutation_type if operation.operation.value == "mutation" else schema.query_type
    assert root is not None
    _Walk(schema, fragments, variables).object([operation.selection_set], root, data, "data")


class _Walk:
    def __init__(
        self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any]
    ) -> None:
        self.schema, self.fragments, self.variables = schema, fragments, variables

    def object(self, sets: list[SelectionSetNode], of: GraphQLObjectType, data: Any, where: str) -> None:
        if not isinstance(data, dict):
            raise NotConforming(f"{where}: an object is needed, not {data!r}")
        wanted: dict[str, list[FieldNode]] = {}
        for one in sets:
            self._collect(one, of, wanted)
        if list(data) != list(wanted):
            raise NotConforming(f"{where}: the keys are {list(data)}, selected were {list(wanted)}")
        for key, nodes in wanted.items():
            name = nodes[0].name.value
            if name == "__typename":
                if data[key] != of.name:
                    raise NotConforming(f"{where}.{key}: {data[key]!r} is not {of.name}")
            elif name not in ("__schema", "__type"):
                inner = [n.selection_set for n in nodes if n.selection_set]
                self.value(inner, of.fields[name].type, data[key], f"{where}.{key}")

    def value(self, sets: list[SelectionSetNode], of: Any, data: Any, where: str) -> None:
        if isinstance(of, GraphQLNonNull):
            if data is None:
                raise NotConforming(f"{where}: null, but it is {of}")
            self.value(sets, of.of_type, data, where)
        elif data is None:
            return
        elif isinstance(of, GraphQLList):
            if not isinstance(data, list):
                raise NotConforming(f"{where}: a list is needed, not {data!r}")
            for number, item in enumerate(data):
                self.value(sets, of.of_type, item, f"{where}[{number}]")
        elif isinstance(of, GraphQLEnumType):
            if data not in of.values:
                raise NotConforming(f"{where}: {data!r} is no {of.name}")
        elif is_leaf_type(of):
            if not LEAVES[of.name](data):
                raise NotConforming(f"{where}: {data!r} is no {of.name}")
        else:
            concrete = self.schema.get_type(data["__typename"]) if is_abstract_type(of) else of
            assert isinstance(concrete, GraphQLObjectType)
            self.object(sets, concrete, data, where)

    def _collect(self, selections: SelectionSetNode, of: GraphQLObjectType, wanted: dict[str, list[FieldNode]]) -> None:
        for node in selections.selections:
            if not all(self._holds(d) for d in node.directives or ()):
                continue
            if isinstance(node, FieldNode):
                wanted.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
                continue
            inner = self.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            assert isinstance(inner, InlineFragmentNode | FragmentDefinitionNode)
            condition = inner.type_condition.name.value if inner.type_condition else of.name
            if condition == of.name or condition in [i.name for i in of.interfaces]:
                self._collect(inner.selection_set, of, wanted)

    def _holds(self, directive: Any) -> bool:
        if directive.name.value not in ("skip", "include"):
            return True
        truth = value_from_ast_untyped(directive.arguments[0].value, dict(self.variables))
        return bool(truth) == (directive.name.value == "include")
