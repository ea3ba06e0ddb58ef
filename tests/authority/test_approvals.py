"""Who is asked, who may decide, who sees that; standing in, time-outs, and never about oneself."""

import asyncio
import datetime as dt
from typing import Any

import pytest

from crm_graph.jobs import due
from tests.authority.conftest import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

_REQUESTS = """{ approvalRequests { nodes { id action amount { amount } note entity requestedBy { name } askedOf { name }
  compensations { nodes { customer { name } } } uses { nodes { amount { amount } } } } } }"""
_DELEGATE = """mutation ($i: DelegateAuthorityInput!) { delegateAuthority(input: $i) {
  authorityDelegation { id fromUser { name } toUser { name } } userErrors { code field } } }"""
_END = """mutation ($i: EndDelegationInput!) { endDelegation(input: $i) {
  authorityDelegation { id } userErrors { code } } }"""


async def _asked(world: World, persona: str = "service_agent", amount: str = "80.00", **given: object) -> Any:
    return (await world.grant(persona, amount, **given))["compensation"]["approvalRequest"]


async def _delegate(world: World, persona: str, to: str, **given: object) -> Any:
    until = (dt.datetime.now(dt.UTC) + dt.timedelta(days=3)).isoformat()
    values = {"toUserId": f"usr_{(await world.user(to)).hex}", "validUntil": until, **given}
    return (await world.ask(persona, _DELEGATE, i=values))["delegateAuthority"]


async def test_the_nearest_is_asked_whose_limit_covers_it(world: World) -> None:
    own = await world.connection.fetchrow(
        "SELECT id FROM customers WHERE organization_id = $1 AND owner_id = $2 AND currency = 'EUR' LIMIT 1",
        world.organization,
        await world.user("sales_rep"),
    )
    rep = {"customerId": f"cus_{own['id'].hex}"}
    for persona, amount, given, nearest in (
        ("service_agent", "50.01", {}, "lead"),  # in the team above the desk
        ("service_agent", "300.00", {}, "administrator"),  # above both; the manager of sales is in another branch
        ("sales_rep", "20.00", rep, "sales_manager"),  # who has no limit of their own asks as well
        ("sales_rep", "600.00", rep, "administrator"),
        ("lead", "400.00", {}, "administrator"),
    ):
        found = await _asked(world, persona, amount, **given)
        assert found["askedOf"]["name"] == world.name(nearest), (persona, amount)
    # nobody is asked whose day is used up
    await world.connection.execute(
        "INSERT INTO authority_uses (organization_id, id, version, created_at, updated_at, user_id, granted_by_id,"
        " action, amount, currency, entity, row_id) SELECT $1, gen_random_uuid(), 1, now(), now(), $2, $2, 'FEE_WAIVER',"
        " 950, 'EUR', 'Customer', $3",
        world.organization,
        await world.user("lead"),
        world.customer["id"],
    )
    assert (await _asked(world))["askedOf"]["name"] == world.name("administrator")


async def test_only_who_is_concerned_sees_a_request_and_only_who_is_asked_decides(world: World) -> None:
    request = await _asked(world, reason="zq.note")
    for persona, sees in (
        ("service_agent", True),
        ("lead", True),
        ("administrator", True),
        ("colleague", False),
        ("sales_manager", False),
        ("sales_rep", False),
    ):
        answer = await world.api.as_(persona)(_REQUESTS)
        found = answer.data["approvalRequests"]["nodes"]
        assert [one["id"] for one in found] == ([request["id"]] if sees else []), persona
        assert (b"zq.note" in answer.body) is sees
    for persona in ("customer", "partner_rep", "storefront"):
        answer = await world.api.as_(persona)("{ approvalRequests { nodes { id } } }")
        assert request["id"].encode() not in answer.body
        schema = await world.api.as_(persona)("{ __schema { types { name } } }")
        assert b'"ApprovalRequest"' not in schema.body
    before = await world.traces()
    for persona, verb, given, code in (
        ("service_agent", "approveRequest", {}, "WRITE_ACCESS_DENIED"),
        ("service_agent", "rejectRequest", {"reason": "No."}, "WRITE_ACCESS_DENIED"),
        ("colleague", "approveRequest", {}, "NOT_FOUND"),
        ("sales_manager", "approveRequest", {}, "NOT_FOUND"),
        ("lead", "withdrawRequest", {}, "WRITE_ACCESS_DENIED"),
        ("lead", "rejectRequest", {"reason": " "}, "VALUE_INVALID"),
        ("lead", "approveRequest", {"ifMatch": "old"}, "ETAG_MISMATCH"),
    ):
        assert await world.decide(persona, verb, request["id"], **given) == [code], (persona, verb)
    assert await world.traces() == before
    assert (await world.row("approval_requests", request["id"]))["state"] == "PENDING"
    # an administrator who was not asked decides by their own limit
    assert await world.decide("administrator", "approveRequest", request["id"]) == []
    assert await world.connection.fetchval("SELECT user_id FROM authority_uses") == await world.user("administrator")


async def test_a_request_does_not_tell_what_it_is_about_to_who_may_not_see_that(world: World) -> None:
    request = await _asked(world)
    answer = await world.api.as_("lead")(_REQUESTS)
    assert answer.data["approvalRequests"]["nodes"][0]["compensations"]["nodes"][0]["customer"]["name"]
    # the same request, asked of somebody whose role does not see the record
    await world.connection.execute(
        "UPDATE approval_requests SET asked_of_id = $1 WHERE state = 'PENDING'", await world.user("mate")
    )
    await world.connection.execute(
        "UPDATE customers SET owner_id = NULL, team_id = (SELECT id FROM teams WHERE name = 'Field Service'"
        " AND organization_id = $1) WHERE id = $2",
        world.organization,
        world.customer["id"],
    )
    answer = await world.api.as_("mate")(_REQUESTS)
    (found,) = answer.data["approvalRequests"]["nodes"]
    assert (found["id"], found["entity"]) == (request["id"], "Compensation")
    assert world.customer["id"].hex.encode() not in answer.body
    audit = await world.api.as_("mate")(
        "query ($id: ID!) { auditEntries(node: $id) { changes { field after } } }", {"id": request["id"]}
    )
    assert world.customer["id"].hex.encode() not in audit.body.replace(b"-", b"")
    await world.connection.execute(
        "UPDATE customers SET owner_id = $2, team_id = $3 WHERE id = $1",
        world.customer["id"],
        world.customer["owner_id"],
        world.customer["team_id"],
    )


async def test_nobody_grants_anything_to_themselves_or_their_household(world: World) -> None:
    connection, organization, agent = world.connection, world.organization, await world.user("service_agent")
    people = await connection.fetch(
        "SELECT id FROM customers WHERE organization_id = $1 AND kind = 'PERSON' AND currency = 'EUR' AND id <> $2"
        " AND parent_id IS NULL ORDER BY id DESC LIMIT 2",
        organization,
        world.customer["id"],
    )
    home, spouse = (row["id"] for row in people)
    await connection.execute("UPDATE customers SET kind = 'HOUSEHOLD' WHERE id = $1", home)
    await connection.execute("UPDATE customers SET parent_id = $2 WHERE id = $1", world.customer["id"], home)
    await connection.execute(
        "INSERT INTO contacts (organization_id, id, version, created_at, updated_at, customer_id, person_id, name, role)"
        " VALUES ($1, gen_random_uuid(), 1, now(), now(), $2, $3, 'Spouse', 'PAYER')",
        organization,
        home,
        spouse,
    )
    own, circle = "AUTHORITY_OWN_CASE", [world.customer["id"], home, spouse]
    try:
        await connection.execute("UPDATE users SET own_customer_id = $2 WHERE id = $1", agent, world.customer["id"])
        for customer in circle:
            for amount in ("5.00", "80.00"):  # not even asked for
                assert await world.refused("service_agent", amount, customerId=f"cus_{customer.hex}") == [own]
        assert (await world.grant("colleague", "5.00"))["compensation"]["state"] == "GRANTED"
        # by the address as well
        await connection.execute("UPDATE users SET own_customer_id = NULL WHERE id = $1", agent)
        mail = await connection.fetchval("SELECT email FROM users WHERE id = $1", agent)
        was = await connection.fetchval("SELECT email FROM customers WHERE id = $1", spouse)
        await connection.execute("UPDATE customers SET email = $2 WHERE id = $1", spouse, mail.upper())
        for customer in circle:
            assert await world.refused("service_agent", "5.00", customerId=f"cus_{customer.hex}") == [own]
        await connection.execute("UPDATE customers SET email = $2 WHERE id = $1", spouse, was)
        # who is asked is none of them either, nor who stands in, and a request that was asked before is not theirs
        lead = await world.user("lead")
        before = await _asked(world)
        assert before["askedOf"]["name"] == world.name("lead")
        await connection.execute("UPDATE users SET own_customer_id = $2 WHERE id = $1", lead, spouse)
        assert (await _asked(world))["askedOf"]["name"] == world.name("administrator")
        assert await world.decide("lead", "approveRequest", before["id"]) == ["WRITE_ACCESS_DENIED"]
    finally:
        await connection.execute("UPDATE users SET own_customer_id = NULL")
        await connection.execute("UPDATE customers SET kind = 'PERSON' WHERE id = $1", home)
        await connection.execute("UPDATE customers SET parent_id = NULL WHERE id = $1", world.customer["id"])


async def test_who_stands_in_decides_by_the_others_limit_until_it_ends(world: World) -> None:
    waiting, own = await _asked(world), await _asked(world, "colleague")
    given = await _delegate(world, "lead", "colleague")
    assert given["userErrors"] == []
    # what was pending is handed over, but for what they asked themselves
    assert (await world.row("approval_requests", waiting["id"]))["asked_of_id"] == await world.user("colleague")
    assert (await world.row("approval_requests", own["id"]))["asked_of_id"] == await world.user("lead")
    later = await _asked(world)
    assert (later["askedOf"]["name"], later["authorityOf"]["name"]) == (world.name("colleague"), world.name("lead"))
    assert (await _asked(world, "colleague"))["askedOf"]["name"] == world.name("lead")
    assert await world.decide("colleague", "approveRequest", waiting["id"]) == []
    use = await world.connection.fetchrow("SELECT user_id, granted_by_id FROM authority_uses")
    assert tuple(use) == (await world.user("lead"), await world.user("colleague"))
    # no limit of their own by it
    assert (await world.left("colleague"))["now"] == "50.00"
    ended = await world.ask("lead", _END, i={"id": given["authorityDelegation"]["id"]})
    assert ended["endDelegation"]["userErrors"] == []
    assert await world.decide("colleague", "approveRequest", later["id"]) == ["NOT_FOUND"]
    assert await world.decide("lead", "approveRequest", later["id"]) == []
    again = await world.ask("lead", _END, i={"id": given["authorityDelegation"]["id"]})
    assert [e["code"] for e in again["endDelegation"]["userErrors"]] == ["DELEGATION_OVER"]
    # one that runs out gives back what is pending, by its timer; until then it is nobody's to approve
    third, _ = await _asked(world), await _delegate(world, "lead", "colleague")
    await world.connection.execute("UPDATE authority_delegations SET valid_until = now() WHERE valid_until > now()")
    assert await world.decide("colleague", "approveRequest", third["id"]) == ["WRITE_ACCESS_DENIED"]
    await world.connection.execute("UPDATE timers SET due_at = now() WHERE kind = 'authority_delegation.end'")
    await due.do_once(world.database)
    assert (await world.row("approval_requests", third["id"]))["asked_of_id"] == await world.user("lead")


async def test_delegations_that_make_no_sense_are_refused(world: World) -> None:
    before, past = await world.traces(), "2026-01-01T00:00:00Z"
    partner = f"usr_{(await world.user('partner_rep')).hex}"
    someone = f"usr_{(await world.user('sales_manager')).hex}"
    for persona, to, given, code in (
        ("lead", "lead", {}, "VALUE_INVALID"),
        ("lead", "colleague", {"validUntil": past}, "VALUE_INVALID"),
        ("lead", "colleague", {"validUntil": "9999-12-31T23:59:59Z"}, "VALUE_INVALID"),
        ("lead", "colleague", {"validFrom": "9999-12-31T23:59:59Z"}, "VALUE_INVALID"),
        ("lead", "colleague", {"toUserId": partner}, "VALUE_INVALID"),
        ("lead", "colleague", {"fromUserId": someone}, "WRITE_ACCESS_DENIED"),
        ("customer", "colleague", {}, "WRITE_ACCESS_DENIED"),
    ):
        found = await _delegate(world, persona, to, **given)
        assert found["authorityDelegation"] is None
        assert {e["code"] for e in found["userErrors"]} <= {code, "REFERENCE_NOT_FOUND"}, (persona, given)
        assert found["userErrors"]
    assert await world.traces() == before


async def test_time_out_asks_the_next_one_until_nobody_is_left(world: World) -> None:
    request = await _asked(world)

    async def run_out() -> Any:
        await world.connection.execute("UPDATE approval_requests SET expires_at = now() - interval '1 second'")
        assert await world.decide("administrator", "approveRequest", request["id"]) == ["REQUEST_OVERDUE"]
        await world.connection.execute("UPDATE timers SET due_at = now() WHERE kind = 'approval_request.overdue'")
        await due.do_once(world.database)
        return await world.row("approval_requests", request["id"])

    asked = [(await world.row("approval_requests", request["id"]))["asked_of_id"]]
    found = await run_out()
    while found["state"] == "PENDING":
        asked.append(found["asked_of_id"])
        assert found["expires_at"] > dt.datetime.now(dt.UTC)
        found = await run_out() if len(asked) < 9 else found
    names = [await world.connection.fetchval("SELECT name FROM users WHERE id = $1", one) for one in asked]
    # the team above the desk, the company's, then the rest
    assert names == [world.name("lead"), world.name("administrator"), world.name("sales_manager")]
    assert found["state"] == "EXPIRED"
    compensation = await world.connection.fetchrow("SELECT state, granted FROM compensations")
    assert tuple(compensation) == ("EXPIRED", False)
    assert await world.connection.fetchval("SELECT count(*) FROM timers WHERE kind = 'approval_request.overdue'") == 0


async def test_of_two_decisions_at_once_one_counts(world: World) -> None:
    request = await _asked(world)
    codes = await asyncio.gather(
        world.decide("lead", "approveRequest", request["id"]),
        world.decide("administrator", "approveRequest", request["id"]),
        world.decide("lead", "rejectRequest", request["id"], reason="No."),
        world.decide("service_agent", "withdrawRequest", request["id"]),
    )
    assert sorted(codes) == [[], *[["REQUEST_NOT_PENDING"]] * 3]
    state = (await world.row("approval_requests", request["id"]))["state"]
    uses = await world.connection.fetchval("SELECT count(*) FROM authority_uses")
    granted = await world.connection.fetchval("SELECT granted FROM compensations")
    assert (uses, granted) == ((1, True) if state == "APPROVED" else (0, False))
