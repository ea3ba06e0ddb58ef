"""`crm-graph schema`: the whole schema, a role's share of it, and the committed copy."""

from functools import cache
from pathlib import Path

import pytest
from graphql import (
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    build_schema,
    parse,
)

from crm_graph.auth.default_policy import ROLES
from crm_graph.cli.policy_asked import RoleUnknown
from crm_graph.cli.schema import sdl
from tests.cli.commands import command


def test_the_whole_schema_is_printed_and_is_a_schema() -> None:
    done = command("schema")
    assert done.exit_code == 0
    assert done.stdout == sdl()
    whole = build_schema(done.stdout)
    assert whole.mutation_type is not None
    assert "winOpportunity" in whole.mutation_type.fields


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_shown_a_part_of_the_whole(role: str) -> None:
    whole, part = _fields(sdl()), _fields(command("schema", "--as", role).stdout)
    assert part["Query"]
    for name, found in part.items():
        assert found <= whole[name]
    assert ("riskNote" in sdl(role)) == (role == "administrator")


@cache
def _fields(text: str) -> dict[str, set[str]]:
    """The names of each type's fields, values or arguments, from the text alone."""
    kinds = (ObjectTypeDefinitionNode, InputObjectTypeDefinitionNode, InterfaceTypeDefinitionNode)
    return {
        one.name.value: {field.name.value for field in one.fields}
        for one in parse(text, no_location=True).definitions
        if isinstance(one, kinds)
    }


def test_the_storefront_is_shown_neither_customers_nor_costs_nor_mutations() -> None:
    shop = build_schema(sdl("storefront"))
    assert "Customer" not in shop.type_map
    assert shop.mutation_type is None
    assert "unitCost" not in sdl("storefront")
    assert "listPrice" in sdl("storefront")


def test_an_unknown_role_is_refused_with_those_there_are() -> None:
    found = command("schema", "--as", "emperor").exception
    assert isinstance(found, RoleUnknown)
    assert "emperor" in str(found)
    assert "storefront" in str(found)


def test_out_writes_what_check_accepts_and_a_difference_is_shown_with_the_remedy(tmp_path: Path) -> None:
    file = tmp_path / "schema.graphql"
    assert command("schema", "--check", str(file)).exit_code == 1
    assert command("schema", "--out", str(file)).exit_code == 0
    assert command("schema", "--check", str(file)).exit_code == 0
    file.write_text(file.read_text().replace("creditLimit: Money", "creditLimit: String", 1))
    done = command("schema", "--check", str(file))
    assert done.exit_code == 1
    assert "-  creditLimit: String" in done.stdout
    assert "+  creditLimit: Money" in done.stdout
    assert "make schema" in done.stdout
