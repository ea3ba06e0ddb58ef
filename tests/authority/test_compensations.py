"""A loyal customer was charged a late fee: the first agent waives it, within the limit; beyond it the nearest is asked."""

import pytest

from tests.authority.conftest import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

_STORY = """mutation ($i: GrantCompensationInput!) { grantCompensation(input: $i) {
  compensation { state amount { amount currency } grantedBy { name } ticket { subject }
    customer { id stage createdAt openTickets keyAccounts { nodes { tier } }
      ordersAggregate { count sum { total { amount currency } } }
      compensations { nodes { kind state amount { amount } } } } }
  userErrors { code } } }"""
_SEEN = """query ($id: ID!) { customer(id: $id) { compensations { totalCount nodes {
  kind state granted amount { amount } reason grantedBy { name } hiddenFields } } } }"""
_CUSTOMERS = "SELECT id FROM customers WHERE organization_id = $1 AND id <> $2 AND currency = 'EUR' ORDER BY id LIMIT 1"


async def test_the_first_agent_waives_the_late_fee_in_one_mutation(world: World) -> None:
    ticket = await world.connection.fetchrow(
        "SELECT t.id, t.customer_id, t.subject FROM tickets t JOIN customers c ON c.id = t.customer_id"
        " WHERE t.organization_id = $1 AND c.stage = 'LOYAL' AND c.currency = 'EUR' ORDER BY t.id LIMIT 1",
        world.organization,
    )
    bought = await world.connection.fetchrow(
        "SELECT count(*) AS n, sum(total)::text AS total FROM orders WHERE customer_id = $1", ticket["customer_id"]
    )
    assert (await world.left())["now"] == "50.00"
    given = {
        "customerId": f"cus_{ticket['customer_id'].hex}",
        "ticketId": f"tic_{ticket['id'].hex}",
        "kind": "FEE_WAIVER",
        "amount": {"amount": "25.00", "currency": "EUR"},
        "reason": "Late fee, charged while the bill was disputed.",
    }
    events = await world.connection.fetchval("SELECT coalesce(max(sequence), 0) FROM outbox_events")
    answer = await world.api.as_("service_agent")(_STORY, {"i": given})
    found = answer.data["grantCompensation"]
    compensation = found["compensation"]
    assert found["userErrors"] == []
    assert (compensation["state"], compensation["amount"]) == ("GRANTED", {"amount": "25.00", "currency": "EUR"})
    assert compensation["grantedBy"]["name"] == world.name("service_agent")
    assert compensation["ticket"]["subject"] == ticket["subject"]
    # and sees why the customer is worth it
    worth = compensation["customer"]
    assert worth["stage"] == "LOYAL"
    assert worth["ordersAggregate"]["count"] == bought["n"] > 0
    assert worth["ordersAggregate"]["sum"]["total"] == [{"amount": bought["total"], "currency": "EUR"}]
    assert worth["compensations"]["nodes"] == [
        {"kind": "FEE_WAIVER", "state": "GRANTED", "amount": {"amount": "25.00"}}
    ]
    # on record: whose authority it was, what was written, what happened
    use = await world.connection.fetchrow("SELECT * FROM authority_uses")
    agent = await world.user("service_agent")
    assert (use["user_id"], use["granted_by_id"], str(use["amount"])) == (agent, agent, "25.00")
    told = await world.connection.fetch("SELECT type FROM outbox_events WHERE sequence > $1 ORDER BY sequence", events)
    assert [one["type"] for one in told] == ["authority.used", "compensation.granted"]
    left = await world.left()
    assert (left["now"], left["periods"][0]["period"], left["periods"][0]["left"]) == ("50.00", "DAY", "175.00")


async def test_beyond_the_limit_the_nearest_is_asked_and_approval_carries_it_out(world: World) -> None:
    found = (await world.grant("service_agent", "80.00"))["compensation"]
    request = found["approvalRequest"]
    assert (found["state"], found["granted"], found["grantedBy"]) == ("ASKED", False, None)
    assert (request["state"], request["askedOf"]["name"]) == ("PENDING", world.name("lead"))
    assert request["amount"] == {"amount": "80.00", "currency": "EUR"}
    assert (await world.left())["now"] == "50.00"
    assert await world.connection.fetchval("SELECT count(*) FROM timers WHERE kind = 'approval_request.overdue'") == 1
    assert await world.decide("lead", "approveRequest", request["id"]) == []
    row = await world.row("compensations", found["id"])
    assert (row["state"], row["granted"], row["granted_by_id"]) == ("GRANTED", True, await world.user("lead"))
    assert (await world.left("lead"))["periods"][0]["left"] == "920.00"
    assert (await world.left())["periods"][0]["left"] == "200.00"
    assert await world.connection.fetchval("SELECT count(*) FROM timers WHERE kind = 'approval_request.overdue'") == 0
    assert await world.decide("lead", "approveRequest", request["id"]) == ["REQUEST_NOT_PENDING"]
    assert await world.connection.fetchval("SELECT count(*) FROM authority_uses") == 1


async def test_what_was_not_approved_is_not_given(world: World) -> None:
    for persona, verb, given, state in (
        ("lead", "rejectRequest", {"reason": "The fee was right."}, "REJECTED"),
        ("service_agent", "withdrawRequest", {}, "WITHDRAWN"),
    ):
        found = (await world.grant("service_agent", "80.00"))["compensation"]
        assert await world.decide(persona, verb, found["approvalRequest"]["id"], **given) == []
        row = await world.row("compensations", found["id"])
        assert (row["state"], row["granted"]) == (state, False)
    assert await world.connection.fetchval("SELECT count(*) FROM authority_uses") == 0


async def test_the_customer_sees_what_was_given_and_nothing_of_what_is_asked(world: World) -> None:
    customer = await world.connection.fetchrow(
        "SELECT c.id, c.currency FROM users u JOIN customers c ON c.id = u.customer_id"
        " WHERE u.organization_id = $1 AND u.name = $2",
        world.organization,
        world.name("customer"),
    )
    whom = {"customerId": f"cus_{customer['id'].hex}", "currency": customer["currency"]}
    assert (await world.grant("service_agent", "10.00", **whom))["userErrors"] == []
    asked = (await world.grant("service_agent", "90.00", reason="zq.reason", **whom))["compensation"]
    answer = await world.api.as_("customer")(_SEEN, {"id": whom["customerId"]})
    shown = answer.json["data"]["customer"]["compensations"]
    assert shown["totalCount"] == 1
    assert [(one["state"], one["amount"]["amount"], one["reason"]) for one in shown["nodes"]] == [
        ("GRANTED", "10.00", None)
    ]
    assert b"zq.reason" not in answer.body
    direct = await world.api.as_("customer")("query ($id: ID!) { node(id: $id) { id } }", {"id": asked["id"]})
    assert direct.json["data"]["node"] is None


async def test_refusals_leave_nothing(world: World) -> None:
    other = await world.connection.fetchval(_CUSTOMERS, world.organization, world.customer["id"])
    order = await world.connection.fetchval(
        "SELECT id FROM orders WHERE customer_id <> $1 LIMIT 1", world.customer["id"]
    )
    ticket = await world.connection.fetchval("SELECT id FROM tickets WHERE customer_id = $1 LIMIT 1", other)
    ticket = ticket or await world.connection.fetchval(
        "SELECT id FROM tickets WHERE organization_id = $1 AND customer_id <> $2 LIMIT 1",
        world.organization,
        world.customer["id"],
    )
    foreign = await world.connection.fetchval(
        "SELECT id FROM customers WHERE organization_id <> $1 LIMIT 1", world.organization
    )
    cases: tuple[tuple[str, str, dict[str, object], list[str]], ...] = (
        ("service_agent", "-5.00", {}, ["VALUE_INVALID"]),
        ("service_agent", "0", {}, ["VALUE_INVALID"]),
        ("service_agent", "5.001", {}, ["VALUE_INVALID"]),
        ("service_agent", "5.00", {"currency": "CHF"}, ["VALUE_INVALID"]),
        ("service_agent", "5.00", {"reason": " "}, ["VALUE_INVALID"]),
        ("service_agent", "5.00", {"orderId": f"ord_{order.hex}"}, ["VALUE_INVALID", "REFERENCE_NOT_FOUND"]),
        ("service_agent", "5.00", {"ticketId": f"tic_{ticket.hex}"}, ["VALUE_INVALID"]),
        ("service_agent", "5.00", {"customerId": f"cus_{foreign.hex}"}, ["REFERENCE_NOT_FOUND"]),
        ("service_agent", "30000.00", {}, ["AUTHORITY_MISSING"]),
    )
    for persona, amount, given, codes in cases:
        found = await world.refused(persona, amount, **given)
        assert found, (amount, given)
        assert set(found) <= set(codes), (amount, given, found)
    strange = await world.connection.fetchval(
        "SELECT c.id FROM customers c WHERE c.organization_id = $1 AND c.currency = 'EUR' AND c.owner_id IS DISTINCT FROM"
        " $2 AND c.team_id <> (SELECT team_id FROM users WHERE id = $2) ORDER BY c.id LIMIT 1",
        world.organization,
        await world.user("sales_rep"),
    )
    assert await world.refused("sales_rep", "5.00", customerId=f"cus_{strange.hex}") == ["WRITE_ACCESS_DENIED"]
    for persona in ("customer", "partner_rep", "storefront"):  # whom the shipped policy lets make none
        assert await world.refused(persona, "5.00") in (["WRITE_ACCESS_DENIED"], ["REFERENCE_NOT_FOUND"]), persona
