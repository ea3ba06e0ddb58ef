"""A loyal customer was charged a late fee: the first agent waives it, within the limit; beyond it the nearest is asked."""

import asyncio
from decimal import Decimal

import pytest

from tests.authority.conftest import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

_STORY = """mutation ($i: GrantCompensationInput!) { grantCompensation(input: $i) {
  compensation { state amount { amount currency } grantedBy { name } ticket { subject }
    customer { name stage createdAt openTickets keyAccounts { nodes { tier } } lifetimeValue { amount } hiddenFields
      ordersAggregate { count sum { total { amount currency } } }
      compensations { nodes { kind state amount { amount } } } } }
  userErrors { code } } }"""


async def test_the_first_agent_waives_the_late_fee(world: World) -> None:
    ticket = await world.connection.fetchrow(
        "SELECT t.id, t.customer_id, t.subject FROM tickets t JOIN customers c ON c.id = t.customer_id"
        " WHERE t.organization_id = $1 AND c.stage = 'LOYAL' AND c.currency = 'EUR' ORDER BY t.id LIMIT 1",
        world.organization,
    )
    before = await world.left()
    answer = await world.api.as_("service_agent")(
        _STORY,
        {
            "i": {
                "customerId": f"cus_{ticket['customer_id'].hex}",
                "ticketId": f"tic_{ticket['id'].hex}",
                "kind": "FEE_WAIVER",
                "amount": {"amount": "25.00", "currency": "EUR"},
                "reason": "Late fee, charged while the bill was disputed.",
            }
        },
    )
    found = answer.json["data"]["grantCompensation"]
    assert found["userErrors"] == []
    assert found["compensation"]["state"] == "GRANTED"
    assert found["compensation"]["grantedBy"]["name"] == world.name("service_agent")
