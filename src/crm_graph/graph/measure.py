"""How large an operation is, found in time linear in its text.

Every fragment is measured once and its totals are added wherever it is spread, even where the expansion has
2^1000 fields.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from graphql.language import (
    ConstDirectiveNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FloatValueNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    Node,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    SourceLocation,
    StringValueNode,
    ValueNode,
    get_location,
)

from crm_graph.errors import JSON, FragmentCycle, GraphqlParseFailed, OperationNotFound, ValueInvalid

INTROSPECTION = frozenset({"__schema", "__type"})
LISTS_OF_THE_SCHEMA = frozenset({"types", "fields", "inputFields", "interfaces", "possibleTypes"})
"""Fields of introspection whose lists, inside one another, multiply an answer."""
LONGEST_NUMBER = 40
LONGEST_ECHO = 200


class DocumentMalformed(GraphqlParseFailed):
    """GRAPHQL_PARSE_FAILED with the place in the document."""

    def __init__(self, message: str, locations: Iterable[SourceLocation] = ()) -> None:
        super().__init__(message)
        self.locations = list(locations)

    def to_graphql(self) -> dict[str, JSON]:
        """The error with `locations`, where it has any."""
        places: list[JSON] = [{"line": place.line, "column": place.column} for place in self.locations]
        return {**super().to_graphql(), "locations": places} if places else super().to_graphql()


@dataclass(frozen=True, slots=True)
class Measure:
    """Size of one operation with its fragments expanded; directives and literals are of the whole document."""

    depth: int
    """Fields above one another, outside introspection (`{ a { b } }` is 2)."""
    introspection_depth: int
    """The same below `__schema` and `__type`, those included."""
    nesting: int
    """Selection sets inside one another, counting inline fragments and spreads too."""
    root_fields: int
    fields: int
    aliases: int
    directives: int
    """Most directives at one place."""
    literal_depth: int
    """Lists and objects inside one another in one argument or default value."""
    literal_values: int
    """List items and object fields written out in the document."""
    visited: int
    """Selections looked at to find all this: never more than the document has."""
    introspection_fields: int = 0
    """Fields at and below `__schema` and `__type`."""
    introspection_aliases: int = 0
    introspection_lists: int = 0
    """Lists of types or fields inside one another there (`types { fields }` is 2)."""


class Spread(NamedTuple):
    fragment: str
    depth: int
    """Fields above it."""
    nesting: int
    introspected: int | None
    """Fields above the `__schema` or `__type` it is in."""
    lists: int
    """`LISTS_OF_THE_SCHEMA` above it."""


@dataclass(slots=True)
class Extent:
    """What one selection set adds, first alone, then with its spreads added."""

    depth: int = 0
    introspection_depth: int = 0
    whole_depth: int = 0
    nesting: int = 0
    root_fields: int = 0
    fields: int = 0
    aliases: int = 0
    introspection_fields: int = 0
    introspection_aliases: int = 0
    introspection_lists: int = 0
    whole_lists: int = 0
    spreads: list[Spread] = field(default_factory=list)


@dataclass(slots=True)
class Details:
    """What is counted over the whole document as it is written."""

    directives: int = 0
    literal_depth: int = 0
    literal_values: int = 0
    visited: int = 0


def measure(document: DocumentNode, operation_name: str | None) -> Measure:
    """Measure the selected operation and all it reaches; FRAGMENT_CYCLE for a cycle anywhere in the document."""
    operation = select_operation(document, operation_name)
    details = Details()
    fragments: dict[str, Extent] = {}
    selected = Extent()
    for definition in document.definitions:
        if isinstance(definition, FragmentDefinitionNode):
            _read(definition.directives, (), details)
            fragments.setdefault(definition.name.value, _extent(definition.selection_set, details))
        elif isinstance(definition, OperationDefinitionNode):
            _read(definition.directives, (), details)
            for variable in definition.variable_definitions or ():
                _read(variable.directives, (variable.default_value,) if variable.default_value else (), details)
            extent = _extent(definition.selection_set, details)
            if definition is operation:
                selected = extent
    for extent in _spreads_first(fragments):
        _add_spreads(extent, fragments)
    _add_spreads(selected, fragments)
    return Measure(
        selected.depth,
        selected.introspection_depth,
        selected.nesting,
        selected.root_fields,
        selected.fields,
        selected.aliases,
        details.directives,
        details.literal_depth,
        details.literal_values,
        details.visited,
        selected.introspection_fields,
        selected.introspection_aliases,
        selected.introspection_lists,
    )


def select_operation(document: DocumentNode, operation_name: str | None) -> OperationDefinitionNode:
    """The operation the request means, or OPERATION_NOT_FOUND."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if operation_name is None:
        if len(operations) == 1:
            return operations[0]
        if not operations:
            raise OperationNotFound("The document has no operation.")
        raise OperationNotFound("The document has several operations: say which with operationName.")
    for operation in operations:
        if operation.name is not None and operation.name.value == operation_name:
            return operation
    raise OperationNotFound(f'The document has no operation "{shorten(operation_name)}".')


def _extent(selection_set: SelectionSetNode, details: Details) -> Extent:
    extent = Extent()
    stack: list[tuple[SelectionSetNode, int, int, int | None, int]] = [(selection_set, 0, 1, None, 0)]
    while stack:
        selections, depth, nesting, introspected, lists = stack.pop()
        extent.nesting = max(extent.nesting, nesting)
        if not selections.selections:
            raise DocumentMalformed("A selection set is empty: name at least one field.", _place(selections))
        for node in selections.selections:
            details.visited += 1
            if isinstance(node, FieldNode):
                _read(node.directives, (argument.value for argument in node.arguments or ()), details)
                extent.fields += 1
                extent.aliases += node.alias is not None
                extent.root_fields += depth == 0
                extent.whole_depth = max(extent.whole_depth, depth + 1)
                inside = lists + (node.name.value in LISTS_OF_THE_SCHEMA)
                extent.whole_lists = max(extent.whole_lists, inside)
                below = introspected  # fields above the introspection this is in
                if below is None:
                    extent.depth = max(extent.depth, depth + 1)
                    below = depth if node.name.value in INTROSPECTION else None
                if below is not None:
                    extent.introspection_depth = max(extent.introspection_depth, depth + 1 - below)
                    extent.introspection_fields += 1
                    extent.introspection_aliases += node.alias is not None
                    extent.introspection_lists = max(extent.introspection_lists, inside)
                if node.selection_set is not None:
                    stack.append((node.selection_set, depth + 1, nesting + 1, below, inside))
            elif isinstance(node, FragmentSpreadNode):
                _read(node.directives, (), details)
                extent.spreads.append(Spread(node.name.value, depth, nesting, introspected, lists))
            elif isinstance(node, InlineFragmentNode):
                _read(node.directives, (), details)
                stack.append((node.selection_set, depth, nesting + 1, introspected, lists))
    return extent


def _add_spreads(extent: Extent, fragments: dict[str, Extent]) -> None:
    for spread in extent.spreads:
        part = fragments.get(spread.fragment)
        if part is None:  # validation names it
            continue
        extent.fields += part.fields
        extent.aliases += part.aliases
        extent.nesting = max(extent.nesting, spread.nesting + part.nesting)
        extent.whole_depth = max(extent.whole_depth, spread.depth + part.whole_depth)
        extent.whole_lists = max(extent.whole_lists, spread.lists + part.whole_lists)
        if spread.depth == 0:
            extent.root_fields += part.root_fields
        if spread.introspected is None:
            extent.depth = max(extent.depth, spread.depth + part.depth)
            extent.introspection_depth = max(extent.introspection_depth, part.introspection_depth)
            extent.introspection_fields += part.introspection_fields
            extent.introspection_aliases += part.introspection_aliases
            extent.introspection_lists = max(extent.introspection_lists, part.introspection_lists)
        else:
            inner = spread.depth - spread.introspected + part.whole_depth
            extent.introspection_depth = max(extent.introspection_depth, inner)
            extent.introspection_fields += part.fields
            extent.introspection_aliases += part.aliases
            extent.introspection_lists = max(extent.introspection_lists, spread.lists + part.whole_lists)


def _spreads_first(fragments: dict[str, Extent]) -> Iterator[Extent]:
    """Every fragment once, after all it spreads; by an own stack, since a chain may be thousands long."""
    done: set[str] = set()
    for root in fragments:
        path: dict[str, Iterator[Spread]] = {}
        following: str | None = root if root not in done else None
        while following is not None or path:
            if following is not None:
                path[following] = iter(fragments[following].spreads)
            name = next(reversed(path))
            following = next(
                (s.fragment for s in path[name] if s.fragment in fragments and s.fragment not in done), None
            )
            if following is None:
                del path[name]
                done.add(name)
                yield fragments[name]
            elif following in path:
                names = list(path)
                cycle = [*names[names.index(following) :], following]
                shown = cycle if len(cycle) <= 6 else [*cycle[:5], "…"]
                raise FragmentCycle(f"A fragment spreads itself: {' → '.join(shorten(name) for name in shown)}.")


def _read(
    directives: Iterable[DirectiveNode | ConstDirectiveNode] | None, values: Iterable[ValueNode], details: Details
) -> None:
    stack = [(value, 0) for value in values]
    count = 0
    for directive in directives or ():
        count += 1
        stack.extend((argument.value, 0) for argument in directive.arguments or ())
    details.directives = max(details.directives, count)
    while stack:
        value, depth = stack.pop()
        if isinstance(value, StringValueNode):
            if "\0" in value.value:
                raise ValueInvalid("A string in the document has a NUL character.")
        elif isinstance(value, IntValueNode | FloatValueNode):
            if len(value.value) > LONGEST_NUMBER or not math.isfinite(float(value.value)):
                raise ValueInvalid(f"The number {value.value[:20]}… in the document is too large.")
        elif isinstance(value, ListValueNode | ObjectValueNode):
            inner = value.values if isinstance(value, ListValueNode) else [entry.value for entry in value.fields]
            details.literal_depth = max(details.literal_depth, depth + 1)
            details.literal_values += len(inner)
            stack.extend((item, depth + 1) for item in inner)


def _place(node: Node) -> list[SourceLocation]:
    return [get_location(node.loc.source, node.loc.start)] if node.loc else []


def shorten(text: str) -> str:
    """`text`, cut so that an error does not send a client's megabyte back."""
    return text if len(text) <= LONGEST_ECHO else f"{text[:LONGEST_ECHO]}…"
