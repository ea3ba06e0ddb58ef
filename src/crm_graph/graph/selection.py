"""From the document's AST to what the planner takes; nothing else reads the AST of a selection.

Fields are merged by response key as the specification says (CollectFields), fragments opened where their type
condition holds, `@skip` and `@include` decided: their variables are part of the shape a plan is made for.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from graphql import (
    DirectiveNode,
    EnumValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLAbstractType,
    GraphQLSchema,
    InlineFragmentNode,
    ListValueNode,
    Node,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    is_abstract_type,
    value_from_ast_untyped,
)

from crm_graph.errors import VariableInvalid
from crm_graph.plan.refusals import ArgumentInvalid
from crm_graph.plan.selection import Const, Place, Selected, Value

INTROSPECTION = frozenset({"__schema", "__type"})
"""Root fields that graphql-core answers, not the planner."""
LONGEST_KEY = 200
_LISTS = frozenset({"nodes", "edges", "groups"})
_ABSENT = object()


class Selector:
    """Reads the selections of one document for one shape of its variables."""

    def __init__(
        self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Value]
    ) -> None:
        self._schema, self._fragments, self._variables = schema, fragments, variables

    def fields(self, sets: list[SelectionSetNode], type_name: str, at: Place | None = None) -> tuple[Selected, ...]:
        """The fields selected on an object type, merged, in the order of their first appearance."""
        grouped: dict[str, list[FieldNode]] = {}
        for one in sets:
            self._collect(one, type_name, grouped, set())
        return tuple(self._selected(key, nodes, at) for key, nodes in grouped.items())

    def _selected(self, key: str, nodes: list[FieldNode], at: Place | None) -> Selected:
        first = nodes[0]
        if len(key) > LONGEST_KEY:
            raise ArgumentInvalid(f"An alias has at most {LONGEST_KEY} characters: each is repeated for every record.")
        # the token knows its place; looking for it in the source would read the document again for every field
        line, column = (first.loc.start_token.line, first.loc.start_token.column) if first.loc else (0, 0)
        place = Place((*(at.path if at else ()), key), line, column, at is not None and at.in_list)
        below = replace(place, in_list=place.in_list or first.name.value in _LISTS)
        inner = [n.selection_set for n in nodes if n.selection_set]
        arguments = {a.name.value: v for a in first.arguments or () for v in [self.value(a.value)] if v is not _ABSENT}
        return Selected(
            key,
            first.name.value,
            place,
            arguments,
            lambda name: self.fields(inner, name, below),
            lambda variables: {
                a.name.value: v for a in first.arguments or () for v in [plain(a.value, variables)] if v is not _ABSENT
            },
        )

    def _collect(
        self, selections: SelectionSetNode, type_name: str, grouped: dict[str, list[FieldNode]], seen: set[str]
    ) -> None:
        for node in selections.selections:
            if not self._included(node.directives):
                continue
            if isinstance(node, FieldNode):
                grouped.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                if node.type_condition is None or self._applies(node.type_condition.name.value, type_name):
                    self._collect(node.selection_set, type_name, grouped, seen)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                fragment = self._fragments[node.name.value]
                if self._applies(fragment.type_condition.name.value, type_name):
                    self._collect(fragment.selection_set, type_name, grouped, seen)

    def _applies(self, condition: str, type_name: str) -> bool:
        if condition == type_name:
            return True
        abstract = self._schema.get_type(condition)
        if not is_abstract_type(abstract):
            return False
        assert isinstance(abstract, GraphQLAbstractType)
        return any(t.name == type_name for t in self._schema.get_possible_types(abstract))

    def _included(self, directives: tuple[DirectiveNode, ...] | None) -> bool:
        for directive in directives or ():
            if directive.name.value not in ("skip", "include"):
                continue
            value = self.value((directive.arguments or ())[0].value)
            if not isinstance(value, Const) or not isinstance(value.value, bool):
                raise VariableInvalid(f"@{directive.name.value} needs true or false.")
            if value.value == (directive.name.value == "skip"):
                return False
        return True

    def value(self, node: ValueNode) -> Value:
        """An argument's value; `_ABSENT` for a variable that was not given."""
        if isinstance(node, VariableNode):
            return self._variables.get(node.name.value, _ABSENT)  # type: ignore[arg-type]
        if isinstance(node, NullValueNode):
            return None
        if isinstance(node, ListValueNode):
            return [v for v in map(self.value, node.values) if v is not _ABSENT]
        if isinstance(node, ObjectValueNode):
            return {f.name.value: v for f in node.fields for v in [self.value(f.value)] if v is not _ABSENT}
        if isinstance(node, EnumValueNode):
            return Const(node.value)
        return Const(value_from_ast_untyped(node))


def plain(node: ValueNode, variables: Mapping[str, object]) -> object:
    """A value as JSON; `_ABSENT` for a variable that was not given."""
    if isinstance(node, VariableNode):
        return variables.get(node.name.value, _ABSENT)
    if isinstance(node, ListValueNode):
        return [None if v is _ABSENT else v for v in (plain(item, variables) for item in node.values)]
    if isinstance(node, ObjectValueNode):
        return {f.name.value: v for f in node.fields for v in [plain(f.value, variables)] if v is not _ABSENT}
    return value_from_ast_untyped(node)


def page_size_variables(sets: list[SelectionSetNode]) -> frozenset[str]:
    """Names of the variables that give a page size somewhere below; their values are part of the statement."""
    found: set[str] = set()
    pending = list(sets)
    while pending:
        for node in pending.pop().selections:
            if isinstance(node, FieldNode):
                found |= {
                    a.value.name.value
                    for a in node.arguments or ()
                    if a.name.value in ("first", "last") and isinstance(a.value, VariableNode)
                }
            inner = getattr(node, "selection_set", None)
            if inner is not None:
                pending.append(inner)
    return frozenset(found)


def introspection(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> OperationDefinitionNode:
    """The operation with `INTROSPECTION` alone at its root, fragments there opened, and the variables that it uses."""
    selected = SelectionSetNode(selections=tuple(_introspecting(operation.selection_set, fragments)))
    used = _variables(selected, fragments)
    return OperationDefinitionNode(
        operation=operation.operation,
        name=operation.name,
        variable_definitions=tuple(d for d in operation.variable_definitions or () if d.variable.name.value in used),
        directives=(),
        selection_set=selected,
    )


def _introspecting(
    selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Iterator[SelectionNode]:
    for node in selections.selections:
        if isinstance(node, FieldNode):
            if node.name.value in INTROSPECTION:
                yield node
        elif isinstance(node, InlineFragmentNode | FragmentSpreadNode):
            opened = fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            inner = tuple(_introspecting(opened.selection_set, fragments))
            if inner:
                yield InlineFragmentNode(
                    type_condition=None, directives=node.directives, selection_set=SelectionSetNode(selections=inner)
                )


def _variables(root: Node, fragments: Mapping[str, FragmentDefinitionNode]) -> set[str]:
    """Names of the variables used below, in the fragments that are spread there too."""
    found: set[str] = set()
    spread: set[str] = set()
    pending = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, VariableNode):
            found.add(node.name.value)
        elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
            spread.add(node.name.value)
            pending.append(fragments[node.name.value])
        for key in node.keys:
            below = getattr(node, key, None)
            pending.extend(n for n in (below if isinstance(below, tuple | list) else (below,)) if isinstance(n, Node))
    return found
