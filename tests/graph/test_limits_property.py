"""The memoised measure against a naive expansion, on random documents."""

from dataclasses import dataclass, field

from graphql import parse
from graphql.language import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_graph.errors import FragmentCycle
from crm_graph.graph.limits import measure

FRAGMENTS = 4


def selections(first_fragment: int, depth: int) -> st.SearchStrategy[str]:
    """Text of a selection set that spreads only fragments numbered from `first_fragment`: no cycles."""
    names = st.sampled_from(["a", "b", "__typename", "__schema", "__type"])
    leaf = st.one_of(names, names.map(lambda name: f"x: {name}"))
    options = [leaf]
    if first_fragment < FRAGMENTS:
        options.append(st.integers(first_fragment, FRAGMENTS - 1).map(lambda number: f"...f{number}"))
    if depth:
        inner = selections(first_fragment, depth - 1)
        options.append(st.builds(lambda name, body: f"{name} {body}", leaf, inner))
        options.append(inner.map(lambda body: f"... {body}"))
    return st.lists(st.one_of(options), min_size=1, max_size=4).map(lambda parts: "{ " + " ".join(parts) + " }")


documents = st.tuples(
    selections(0, 3),
    *[selections(number + 1, 2).map(f"fragment f{number} on Q ".__add__) for number in range(FRAGMENTS)],
).map("\n".join)


@dataclass
class Naive:
    """What expanding every spread in place finds."""

    depth: int = 0
    introspection_depth: int = 0
    nesting: int = 0
    root_fields: int = 0
    fields: int = 0
    aliases: int = 0
    fragments: dict[str, FragmentDefinitionNode] = field(default_factory=dict)

    def expand(self, node: SelectionSetNode, depth: int, introspection: int, nesting: int) -> None:
        """`introspection` is the number of fields from `__schema` or `__type` down, 0 outside."""
        self.nesting = max(self.nesting, nesting)
        for selection in node.selections:
            if isinstance(selection, FieldNode):
                self.fields += 1
                self.aliases += selection.alias is not None
                self.root_fields += depth == 0
                below = introspection
                if introspection or selection.name.value in ("__schema", "__type"):
                    below = introspection + 1
                if not introspection:
                    self.depth = max(self.depth, depth + 1)
                self.introspection_depth = max(self.introspection_depth, below)
                if selection.selection_set:
                    self.expand(selection.selection_set, depth + 1, below, nesting + 1)
            elif isinstance(selection, InlineFragmentNode):
                self.expand(selection.selection_set, depth, introspection, nesting + 1)
            elif isinstance(selection, FragmentSpreadNode):
                fragment = self.fragments[selection.name.value]
                self.expand(fragment.selection_set, depth, introspection, nesting + 1)


def naive(document: DocumentNode) -> Naive:
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    result = Naive(fragments=fragments)
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            result.expand(node.selection_set, 0, 0, 1)
    return result


@settings(max_examples=300, deadline=None)
@given(documents)
def test_measure_equals_the_naive_expansion(text: str) -> None:
    document = parse(text)
    found, expected = measure(document, None), naive(document)
    for name in ("fields", "aliases", "root_fields", "depth", "nesting", "introspection_depth"):
        assert getattr(found, name) == getattr(expected, name), name


edges = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=14)


@settings(max_examples=300, deadline=None)
@given(edges)
def test_a_cycle_is_found_exactly_where_the_graph_has_one(pairs: list[tuple[int, int]]) -> None:
    parts = [
        f"fragment f{number} on Q {{ a {' '.join(f'...f{to}' for start, to in pairs if start == number)} }}"
        for number in range(8)
    ]
    reach = {number: {to for start, to in pairs if start == number} for number in range(8)}
    for _ in range(8):
        reach = {number: set().union(to, *(reach[one] for one in to)) for number, to in reach.items()}
    circular = any(number in to for number, to in reach.items())
    try:
        measure(parse("{ a }\n" + "\n".join(parts)), None)
    except FragmentCycle:
        assert circular
    else:
        assert not circular
