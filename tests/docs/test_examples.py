"""Every GraphQL operation that a document shows is one that the API takes."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    parse,
    print_ast,
    validate,
)

from tests.conftest import ROOT

_BLOCK = re.compile(r"```graphql\n(.*?)```", re.DOTALL)
_OWN_FIELD = re.compile(r"\bx[A-Z]\w*")
"""Fields that the reader has added, which the shipped schema does not have: what is said of their places is not held."""

DOCUMENTS = [
    path for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))] if _BLOCK.search(path.read_text())
]


@pytest.fixture(scope="module")
def shipped() -> GraphQLSchema:
    return build_schema((ROOT / "docs" / "schema.graphql").read_text(encoding="utf-8"), assume_valid=True)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_operations_are_valid(shipped: GraphQLSchema, path: Path) -> None:
    faults = [fault for block in _BLOCK.findall(path.read_text(encoding="utf-8")) for fault in _faults(shipped, block)]
    assert faults == []


def test_a_wrong_operation_would_be_found(shipped: GraphQLSchema) -> None:
    assert _faults(shipped, "{ customers(first: 1) { nodes { shoeSize } } }")
    assert not _faults(shipped, "{ customers(first: 1) { nodes { xShoeSize } } }")


def _places(error: GraphQLError) -> Iterator[str]:
    return (print_ast(node) for node in error.nodes or ())


def _faults(schema: GraphQLSchema, block: str) -> list[str]:
    """What is wrong with the operations of a block, each with the block's fragments."""
    definitions = parse(block).definitions
    fragments = [one for one in definitions if isinstance(one, FragmentDefinitionNode)]
    return [
        error.message
        for one in definitions
        if isinstance(one, OperationDefinitionNode)
        for error in validate(schema, DocumentNode(definitions=(one, *fragments)))
        if not any(_OWN_FIELD.search(text) for text in (error.message, *_places(error)))
    ]
