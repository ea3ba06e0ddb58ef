"""What callers are refused is counted by caller, coordinate and minute, after the request."""

import asyncpg
import pytest

from crm_graph.auth.denials import MOST, NOBODY, Denials
from crm_graph.db.session import Database
from tests.fixtures.api import Api

pytestmark = pytest.mark.asyncio(loop_scope="session")

SELECTED = "{ customers(first: 1) { nodes { riskNote } } }"


async def counted(api: Api, persona: str = "sales_rep") -> dict[tuple[str, str], int]:
    """Times by code and coordinate, once all are written."""
    await api.app.endpoint._refusals.close()
    connection = await asyncpg.connect(api.url)
    try:
        email = api.people[persona].get("email")
        user = await connection.fetchval("SELECT id FROM users WHERE email = $1", email) if email else NOBODY
        found = await connection.fetch(
            "SELECT code, coordinate, sum(times)::int AS times FROM access_denials WHERE actor_id = $1 GROUP BY 1, 2",
            user,
        )
        return {(one["code"], one["coordinate"]): one["times"] for one in found}
    finally:
        await connection.close()


async def test_denials_of_all_sorts_are_counted(writable_api: Api) -> None:
    ask = writable_api.as_("service_agent")
    for _ in range(3):
        await ask(SELECTED)
    await ask('{ customers(first: 1, filter: {lifetimeValue: {gt: "1"}}) { nodes { id } } }')
    [customer] = (await ask("{ customers(first: 1) { nodes { id } } }")).data["customers"]["nodes"]
    refusal = await ask(
        'mutation ($id: ID!) { updateCustomer(input: {id: $id, riskNote: "x"}) { userErrors { code } } }', customer
    )
    assert refusal.data["updateCustomer"]["userErrors"] == [{"code": "WRITE_ACCESS_DENIED"}]
    assert await counted(writable_api, "service_agent") == {
        ("FIELD_ACCESS_DENIED", "Customer.riskNote"): 3,
        ("PREDICATE_ACCESS_DENIED", "Customer.lifetimeValue"): 1,
        ("WRITE_ACCESS_DENIED", "Customer.riskNote"): 1,
    }


async def test_callers_without_a_name_share_a_counter(writable_api: Api) -> None:
    await writable_api.as_("storefront")("{ customers { totalCount } }")
    assert await counted(writable_api, "storefront") == {("FIELD_ACCESS_DENIED", "Query.customers"): 1}


async def test_what_is_allowed_is_not_counted_and_costs_no_write(writable_api: Api) -> None:
    await writable_api.as_("administrator")(SELECTED)
    assert await counted(writable_api, "administrator") == {}


async def test_counters_are_bounded(writable_api: Api) -> None:
    """Coordinates come from the schema, callers do not: a flood of them is counted together."""
    ask = writable_api.as_("sales_rep")
    await ask(SELECTED)
    actor = await writable_api.app.endpoint._authenticator.actor(
        {"type": "http", "headers": [(b"authorization", f"Bearer {writable_api.tokens['sales_rep']}".encode())]}
    )
    database = Database(writable_api.url, 1)
    flooded = Denials(database, seconds=60)
    flooded.note(actor, "FIELD_ACCESS_DENIED", (f"Customer.field{n}" for n in range(MOST + 50)))
    assert len(flooded._counts) == MOST + 1
    await flooded.close()
    await database.dispose()
    assert (await counted(writable_api))["FIELD_ACCESS_DENIED", "*"] == 50
