"""Who changes what of themselves, over HTTP; and that a refusal leaves nothing."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.resolvers.changes.conftest import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_one_refusal_refuses_all_of_it(world: World) -> None:
    before = await world.traces()
    done = await world.update(city="Kiel", email="new@example.com", name="X", notes="mine", creditLimit=EUR)
    assert {(e["code"], *e["field"]) for e in done["userErrors"]} == {
        ("WRITE_ACCESS_DENIED", "notes"),
        ("WRITE_ACCESS_DENIED", "creditLimit"),
    }
    assert done["pendingChanges"] == []
    done = await world.update(city="Kiel", email="j•••@example.com", name="X")
    assert [(e["code"], *e["field"]) for e in done["userErrors"]] == [("VALUE_INVALID", "email")]
    done = await world.update(city="Kiel", name="X", ifMatch="stale")
    assert [e["code"] for e in done["userErrors"]] == ["ETAG_MISMATCH"]
    assert await world.traces() == before


EUR = {"amount": "1", "currency": "EUR"}


@pytest_asyncio.fixture(loop_scope="session")
async def own_rep(world: World) -> AsyncIterator[World]:
    """The sales rep is the customer, and owns the record: they write it up to INTERNAL by their grants."""
    connection, me = world.connection, world.user["customer_id"]
    rep = await connection.fetchrow(
        "SELECT id, roles, customer_id FROM users WHERE name = $1 AND organization_id = $2",
        world.api.people["sales_rep"]["name"],
        world.user["o"],
    )
    was = (await world.customer())["owner_id"]
    person = "UPDATE users SET customer_id = $1, roles = $2 WHERE id = $3"
    owner = "UPDATE customers SET owner_id = $1 WHERE id = $2"
    await connection.execute(person, me, [*rep["roles"], "customer"], rep["id"])
    await connection.execute(owner, rep["id"], me)
    await asyncio.sleep(0.2)  # the caller that is remembered is forgotten on notification
    yield world
    await connection.execute(person, rep["customer_id"], rep["roles"], rep["id"])
    await connection.execute(owner, was, me)
    await asyncio.sleep(0.2)


async def test_what_grants_let_one_write_of_oneself_is_checked_as_ever(own_rep: World) -> None:
    """Beside a field that has to wait, a reference is still looked up, and money is in the record's currency."""
    world = own_rep
    foreign = await world.connection.fetchval(
        "SELECT id FROM customers WHERE organization_id <> $1 LIMIT 1", world.user["o"]
    )
    before = await world.traces()
    for field, value, code in (
        ("parentId", f"cus_{foreign.hex}", "REFERENCE_NOT_FOUND"),
        ("annualRevenue", {"amount": "1", "currency": "JPY"}, "VALUE_INVALID"),
    ):
        given = {"city": "Kiel", "taxNumber": "DE123456788", field: value}
        done = await world.update("sales_rep", **given)
        assert [(e["code"], e["field"][0]) for e in done["userErrors"]] == [(code, field)]
        assert await world.traces() == before
    done = await world.update("sales_rep", city="Kleve", annualRevenue=EUR, taxNumber="DE987654321")
    assert (done["userErrors"], [c["field"] for c in done["pendingChanges"]]) == ([], ["taxNumber"])
    row = await world.customer()
    assert (row["city"], row["annual_revenue"], row["version"]) == ("Kleve", 1, before[-2]["version"] + 1)
    assert row["tax_number"] == before[-2]["tax_number"]


async def test_nobody_else_is_the_very_person(world: World) -> None:
    """Neither another customer nor, where the customer is a company, those who sign in for it."""
    other = await world.connection.fetchval(
        "SELECT id FROM customers WHERE organization_id = $1 AND id <> $2 LIMIT 1",
        world.user["o"],
        world.user["customer_id"],
    )
    before = await world.traces()
    done = await world.update(id=f"cus_{other.hex}", city="Kiel")
    assert [e["code"] for e in done["userErrors"]] == ["NOT_FOUND"]
    kind = "UPDATE customers SET kind = $2 WHERE id = $1"
    await world.connection.execute(kind, world.user["customer_id"], "ORGANIZATION")
    try:
        for given in ({"city": "Kiel"}, {"name": "X"}, {"email": "new@example.com"}):
            done = await world.update(**given)
            assert [e["code"] for e in done["userErrors"]] == ["WRITE_ACCESS_DENIED"]
    finally:
        await world.connection.execute(kind, world.user["customer_id"], "PERSON")
    assert [*(await world.traces())[:6]] == before[:6]
    # a delegate, who acts in the role and is not that customer
    assert (await world.update("storefront", city="Kiel"))["userErrors"][0]["code"] == "NOT_FOUND"
    assert (await world.update("partner_rep", city="Kiel"))["userErrors"][0]["code"] == "NOT_FOUND"


async def test_scopes_narrow_it(world: World) -> None:
    reading = await world.scoped("customers:read:restricted")
    low = await world.scoped("customers:read:restricted", "customers:write:partner")
    before = await world.traces()
    assert (await world.update(reading, city="Kiel"))["userErrors"][0]["code"] == "WRITE_ACCESS_DENIED"
    assert (await world.update(low, city="Kiel"))["userErrors"][0]["code"] == "WRITE_ACCESS_DENIED"
    assert await world.traces() == before
    wide = await world.scoped("customers:read:internal", "customers:write:internal")
    assert (await world.update(wide, city="Kiel"))["userErrors"] == []
    answer = await world.api.as_(wide)(
        "mutation ($i: UpdateCustomerInput!) { updateCustomer(input: $i) { userErrors { code field } } }",
        {"i": {"id": world.me, "taxNumber": "DE1"}},
    )
    assert answer.data["updateCustomer"]["userErrors"] == [{"code": "WRITE_ACCESS_DENIED", "field": ["taxNumber"]}]


async def test_a_repeated_request_is_carried_out_once(world: World) -> None:
    first = await world.update(email="new@example.com", name="Jördis Einmal", idempotencyKey="once")
    again = await world.update(email="new@example.com", name="Jördis Einmal", idempotencyKey="once")
    assert first == again
    assert len(first["pendingChanges"]) == 2
    assert len(await world.mails()) == 1


async def test_staff_see_what_is_pending_and_write_as_before(world: World) -> None:
    await world.update(name="Jördis Wartet")
    answer = await world.api.as_("sales_manager")(
        '{ changeRequests(filter: {state: {eq: PENDING}, entity: {eq: "Customer"}}) { totalCount nodes { field after } } }'
    )
    assert answer.data["changeRequests"] == {"totalCount": 1, "nodes": [{"field": "name", "after": "Jördis Wartet"}]}
    done = await world.update("sales_manager", email="staff@example.com")
    assert done["customer"]["email"] == "staff@example.com"
    assert [c["after"] for c in done["pendingChanges"]] == ["Jördis Wartet"]


async def test_the_schema_shows_what_may_be_changed(world: World) -> None:
    def inputs(sdl: str, name: str) -> set[str]:
        body = re.search(rf"input {name} {{(.*?)\n}}", sdl, re.DOTALL)
        return set(re.findall(r"^  (\w+):", body[1], re.MULTILINE)) if body else set()

    sdl = (await world.api.request("GET", "/schema.graphql", headers=world.api.headers("customer"))).body.decode()
    assert inputs(sdl, "UpdateCustomerInput") == {
        *("id", "ifMatch", "idempotencyKey", "name", "email", "phone"),
        *("website", "city", "country", "locale", "bornOn", "taxNumber"),
    }
    assert inputs(sdl, "UpdateAddressInput") == {
        *("id", "ifMatch", "idempotencyKey", "street", "postalCode", "city", "country")
    }
    assert "verifyChange" in sdl
    assert "approveChange" not in sdl
    assert "createCustomer" not in sdl
    agent = (
        await world.api.request("GET", "/schema.graphql", headers=world.api.headers("service_agent"))
    ).body.decode()
    assert "approveChange" in agent
    assert "verifyChange" not in agent
    shop = (await world.api.request("GET", "/schema.graphql")).body.decode()
    assert "ChangeRequest" not in shop
    assert "updateCustomer" not in shop
