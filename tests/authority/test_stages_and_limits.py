"""Sales that leave a stage by approval, credit limits that are raised, and the mail and page of whoever is asked."""

import re
from typing import Any

import httpx
import pytest

from crm_graph.auth import sessions
from tests.auth.conftest import browser, form_token
from tests.authority.conftest import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

_LIMIT = """INSERT INTO authority_limits (organization_id, id, version, created_at, updated_at, role, action, currency, each,
  per_month) VALUES ($1, gen_random_uuid(), 1, now(), now(), $2, $3, 'EUR', $4, 1000000)"""
_SALE = """SELECT o.id, o.stage_id, s.pipeline_id, c.name AS customer, n.id AS next FROM opportunities o
  JOIN stages s ON s.id = o.stage_id JOIN customers c ON c.id = o.customer_id
  JOIN stages n ON n.pipeline_id = s.pipeline_id AND n.position = s.position + 1 AND n.outcome = 'OPEN'
 WHERE o.organization_id = $1 AND o.owner_id = $2 AND o.status = 'OPEN' ORDER BY s.position, o.id LIMIT 2"""


async def limits(world: World, action: str, **each: int) -> None:
    await world.connection.execute("DELETE FROM authority_limits WHERE action = $1", action)
    for role, amount in each.items():
        await world.connection.execute(_LIMIT, world.organization, role, action, amount)


async def do(world: World, persona: str, verb: str, shown: str, **given: object) -> tuple[Any, list[str]]:
    name = f"{verb[0].upper()}{verb[1:]}Input"
    text = f"mutation ($i: {name}!) {{ {verb}(input: $i) {{ {shown} userErrors {{ code }} }} }}"
    payload = (await world.ask(persona, text, i=given))[verb]
    return payload, [error["code"] for error in payload["userErrors"]]


async def signed_in(world: World, persona: str, client: httpx.AsyncClient) -> None:
    user = await world.user(persona)
    async with world.database.transaction(world.organization, user, "test") as tx:
        token = await sessions.create(tx, world.organization, user, hours=1, user_agent="test", address="::1")
    client.cookies.set("crm_session", token, domain="localhost.local")


async def test_a_sale_leaves_its_stage_by_the_own_limit_or_once_it_is_approved(world: World) -> None:
    await limits(world, "STAGE_EXIT", sales_rep=1_000, sales_manager=100_000)
    small, large = await world.connection.fetch(_SALE, world.organization, await world.user("sales_rep"))
    for sale, amount in ((small, 900), (large, 5_432)):
        await world.connection.execute(
            "UPDATE opportunities SET amount = $2, currency = 'EUR' WHERE id = $1", sale["id"], amount
        )
    for stage in {small["stage_id"], large["stage_id"]}:
        given = {"id": f"sta_{stage.hex}", "fields": [], "approval": True}
        shown, codes = await do(world, "administrator", "setStageConditions", "stage { exitApproval }", **given)
        assert (shown["stage"], codes) == ({"exitApproval": True}, [])

    async def move(sale: Any, persona: str = "sales_rep") -> list[str]:
        given = {"id": f"opp_{sale['id'].hex}", "stageId": f"sta_{sale['next'].hex}"}
        return (await do(world, persona, "moveOpportunityStage", "opportunity { id }", **given))[1]

    assert await move(small) == [], "within one's limit one decides alone"
    use = await world.connection.fetchrow("SELECT * FROM authority_uses WHERE row_id = $1", small["id"])
    assert (use["action"], use["amount"], use["user_id"]) == ("STAGE_EXIT", 900, await world.user("sales_rep"))
    before = await world.traces()
    assert await move(large) == ["STAGE_CONDITIONS_UNMET"]
    assert (await do(world, "sales_rep", "winOpportunity", "opportunity { id }", id=f"opp_{large['id'].hex}"))[1] == [
        "STAGE_CONDITIONS_UNMET"
    ]
    assert await world.traces() == before

    shown = "opportunity { approvalRequest { id state askedOf { name email } } }"
    asked, codes = await do(
        world, "sales_rep", "requestStageApproval", shown, id=f"opp_{large['id'].hex}", note="Please."
    )
    request = asked["opportunity"]["approvalRequest"]
    assert (codes, request["state"], request["askedOf"]["name"]) == ([], "PENDING", world.name("sales_manager"))
    mail = await world.connection.fetchrow("SELECT * FROM outgoing_mails ORDER BY created_at DESC, id DESC LIMIT 1")
    assert mail["recipient"] == request["askedOf"]["email"]
    assert f"/approvals/{request['id']}" in mail["body"]
    assert world.name("sales_rep") in mail["body"]
    assert not re.search(r"5.?432", mail["body"] + mail["subject"]), "no figure"
    assert large["customer"] not in mail["body"] + mail["subject"], "and no customer"
    assert await move(large) == ["STAGE_CONDITIONS_UNMET"]

    path = f"/approvals/{request['id']}"
    async with browser(world.api.app, "http://localhost") as client:
        assert (await client.get(path)).headers["location"] == f"/sign-in?next={path}"
        await signed_in(world, "service_agent", client)
        assert (await client.get(path)).status_code == 404
    async with browser(world.api.app, "http://localhost") as client:
        await signed_in(world, "sales_manager", client)
        page = await client.get(path)
        assert (page.status_code, "5432.00 EUR" in page.text, "Please." in page.text) == (200, True, True)
        token = form_token(page)
        blank = await client.post(path, data={"form_token": token, "decision": "refuse", "reason": " "})
        assert (blank.status_code, "cannot be blank" in blank.text) == (409, True)
        assert (await client.post(path, data={"decision": "approve"})).status_code == 403
        done = await client.post(path, data={"form_token": token, "decision": "approve", "reason": "Fine."})
        assert (done.status_code, done.headers["location"]) == (303, path)
        assert "approved" in (await client.get(path)).text
    await world.connection.execute("UPDATE opportunities SET amount = 6000 WHERE id = $1", large["id"])
    assert await move(large) == ["STAGE_CONDITIONS_UNMET"], "it was another amount that was approved"
    await world.connection.execute("UPDATE opportunities SET amount = 5432 WHERE id = $1", large["id"])
    assert await move(large) == []
    await world.connection.execute("UPDATE stages SET exit_approval = FALSE")


async def test_a_credit_limit_is_raised_within_ones_limit_or_once_it_is_approved(world: World) -> None:
    await limits(world, "LIMIT_RAISE", service_agent=100, sales_manager=10_000)
    row, customer = world.customer["id"], world.customer_id
    await world.connection.execute("UPDATE customers SET credit_limit = 200 WHERE id = $1", row)
    shown = "customer { creditLimit { amount } limitRequest { id state } hiddenFields }"

    async def raised(amount: str, persona: str = "service_agent", **given: object) -> tuple[Any, list[str]]:
        by = {"amount": amount, "currency": given.pop("currency", "EUR")}
        given = {"id": customer, "by": by, "reason": "Large order.", **given}
        return await do(world, persona, "raiseCreditLimit", shown, **given)

    async def limit() -> int:
        found: int = await world.connection.fetchval("SELECT credit_limit FROM customers WHERE id = $1", row)
        return found

    payload, codes = await raised("50.00")
    assert (codes, payload["customer"]["creditLimit"]) == ([], None), "whoever raises it need not see it"
    assert await limit() == 250
    before = await world.traces()
    for given, code in (({"currency": "CHF"}, "VALUE_INVALID"), ({"reason": " "}, "VALUE_INVALID")):
        assert (await raised("50.00", **given))[1] == [code]
    assert (await raised("0.00"))[1] == ["VALUE_INVALID"]
    assert await world.traces() == before
    payload, codes = await raised("500.00")
    request = payload["customer"]["limitRequest"]
    assert (codes, request["state"], await limit()) == ([], "PENDING", 250)
    assert await world.decide("sales_manager", "approveRequest", request["id"]) == []
    assert await limit() == 750
    await world.connection.execute(
        "UPDATE users SET own_customer_id = $2 WHERE id = $1", await world.user("service_agent"), row
    )
    before = await world.traces()
    assert (await raised("1.00"))[1] == ["AUTHORITY_OWN_CASE"]
    assert (await world.traces(), await limit()) == (before, 750)
    await world.connection.execute("UPDATE users SET own_customer_id = NULL WHERE own_customer_id = $1", row)
    await world.connection.execute("UPDATE customers SET credit_limit = NULL WHERE id = $1", row)
    assert (await raised("1.00"))[1] == ["STATE_REFUSED"], "what is not limited is not limited by raising it"
    assert (await world.traces(), await limit()) == (before, None)
