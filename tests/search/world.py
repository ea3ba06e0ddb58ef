"""Customers made for search tests, through the API, in an organisation that has many others."""

from typing import Any

import asyncpg

from tests.fixtures.api import Api

LIST = """query ($search: String, $first: Int, $after: String, $last: Int, $before: String, $filter: CustomerFilter) {
  customers(search: $search, first: $first, after: $after, last: $last, before: $before, filter: $filter) {
    totalCount
    edges { cursor rank highlights { field text } node { id name } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}"""


async def customer(api: Api, **values: Any) -> str:
    """A new customer's id."""
    answer = await api.as_("administrator")(
        "mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id } userErrors { message } } }",
        {"input": values},
    )
    assert not answer.data["createCustomer"]["userErrors"], answer.body
    return answer.data["createCustomer"]["customer"]["id"]


async def change(api: Api, row: str, **values: Any) -> None:
    answer = await api.as_("administrator")(
        "mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) { userErrors { message } } }",
        {"input": {"id": row, **values}},
    )
    assert not answer.data["updateCustomer"]["userErrors"], answer.body


async def find(api: Api, persona: str, search: str, **variables: Any) -> Any:
    """The connection of customers that match."""
    answer = await api.as_(persona)(LIST, {"search": search, "first": 50, **variables})
    assert len(answer.sql) == 1
    return answer.data["customers"]


async def names(api: Api, persona: str, search: str, **variables: Any) -> list[str]:
    return [e["node"]["name"] for e in (await find(api, persona, search, **variables))["edges"]]


def marked(connection: Any) -> dict[str, str]:
    """The highlights of the first edge, by field."""
    return {h["field"]: h["text"] for h in connection["edges"][0]["highlights"]}


async def user_id(url: str, name: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        found = await connection.fetchval(
            "SELECT u.id FROM users u JOIN organizations o ON o.id = u.organization_id"
            " WHERE u.name = $1 AND o.external_id = 'main' ORDER BY u.created_at DESC LIMIT 1",
            name,
        )
    finally:
        await connection.close()
    return f"usr_{found.hex}"
