"""Companies with subsidiaries, and households: no circles, and what they come to together, as the caller sees them."""

import asyncio
from typing import Any

import pytest

from tests.resolvers.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROLL_UP = """query ($id: ID!, $since: Date, $until: Date) { customerRollUp(customerId: $id, since: $since, until: $until) {
 customers members { id name parentId } amounts { currency orders revenue openAmount } openOpportunities openTickets } }"""


async def made(world: World, verb: str, entity: str, **given: object) -> str:
    shown, errors = await world.send("administrator", verb, f"{entity} {{ id }}", given)
    assert errors == []
    return str(shown["id"])


async def company(world: World, name: str, parent: str | None = None, kind: str = "ORGANIZATION") -> str:
    return await made(world, "createCustomer", "customer", name=name, kind=kind, parentId=parent)


async def busy(world: World, customer: str, net: str, placed: str = "2026-05-04T10:00:00Z") -> None:
    """An order, an open opportunity of the same worth, and a ticket that waits."""
    world.numbered = getattr(world, "numbered", 0) + 1  # type: ignore[attr-defined]
    number = f"ROLL-{world.numbered}"  # type: ignore[attr-defined]
    price = {"amount": net, "currency": "EUR"}
    order = await made(world, "createOrder", "order", number=number, customerId=customer, placedAt=placed)
    await made(world, "createOrderLine", "orderLine", orderId=order, kind="FEE", unitPrice=price)
    await made(world, "createOpportunity", "opportunity", name="More", customerId=customer, amount=price)
    await made(world, "openTicket", "ticket", subject="Help", body="It does not start.", customerId=customer)


async def rolled(world: World, customer: str, persona: str = "administrator", **days: str) -> Any:
    answer = await world.api.as_(persona)(ROLL_UP, {"id": customer, **days})
    return answer.data["customerRollUp"]


async def test_no_company_is_above_itself(world: World) -> None:
    top = await company(world, "Top")
    middle = await company(world, "Middle", top)
    bottom = await company(world, "Bottom", middle)
    before = await world.traces()
    for child, parent in ((top, bottom), (top, middle), (middle, middle)):
        _, errors = await world.send(
            "administrator", "updateCustomer", "customer { id }", {"id": child, "parentId": parent}
        )
        assert errors == [("VALUE_INVALID", ["parentId"])]
    assert await world.traces() == before
    assert (await rolled(world, top))["customers"] == 3


async def test_nor_where_two_move_at_once(world: World) -> None:
    for _ in range(3):
        one, other = await company(world, "One"), await company(world, "Other")
        moves = ((one, other), (other, one))
        both = await asyncio.gather(
            *(
                world.send("administrator", "updateCustomer", "customer { id }", {"id": child, "parentId": parent})
                for child, parent in moves
            )
        )
        assert sorted(len(errors) for _, errors in both) == [0, 1]


async def test_a_group_comes_to_what_its_companies_come_to(world: World) -> None:
    top = await company(world, "Holding")
    middle = await company(world, "Subsidiary", top)
    bottom = await company(world, "Plant", middle)
    beside = await company(world, "Neighbour")
    for customer, net in ((top, "100"), (middle, "20"), (bottom, "3"), (beside, "5000")):
        await busy(world, customer, net)
    await busy(world, bottom, "7", "2025-12-31T23:59:59Z")
    found = await rolled(world, top)
    assert found["amounts"] == [{"currency": "EUR", "orders": 4, "revenue": "130.00", "openAmount": "130.00"}]
    assert (found["customers"], found["openOpportunities"], found["openTickets"]) == (3, 4, 4)
    assert [one["name"] for one in found["members"]] == ["Holding", "Subsidiary", "Plant"]
    assert [one["parentId"] for one in found["members"]] == [None, top, middle]
    this_year = await rolled(world, top, since="2026-01-01", until="2026-05-04")
    assert (this_year["amounts"][0]["revenue"], this_year["amounts"][0]["openAmount"]) == ("123.00", "130.00")
    assert (await rolled(world, middle))["amounts"][0]["revenue"] == "30.00"


async def test_a_household_counts_everybody_once(world: World) -> None:
    home = await company(world, "The Lovelaces", kind="HOUSEHOLD")
    ada = await company(world, "Ada", home, "PERSON")
    bob = await company(world, "Bob", None, "PERSON")
    for person in (ada, bob):
        await made(world, "createHouseholdMember", "householdMember", householdId=home, memberId=person)
        await busy(world, person, "10")
    found = await rolled(world, home)
    assert (found["customers"], found["amounts"][0]["revenue"], found["openTickets"]) == (3, "20.00", 2)


async def test_what_the_caller_does_not_see_is_not_there(world: World) -> None:
    """A partner to whom the parent is shared sees neither its subsidiary nor what that brings."""
    top = await company(world, "Shared parent")
    await busy(world, top, "100")
    await busy(world, await company(world, "Hidden child", top), "900")
    assert await rolled(world, top, "partner_rep") is None
    partner = (await world.user("partner_rep"))["partner_id"]
    given = {"customerId": top, "partnerId": f"par_{partner.hex}", "level": "INTERNAL"}
    await made(world, "createCustomerShare", "customerShare", **given)
    found = await rolled(world, top, "partner_rep")
    assert found["customers"] == 1
    assert [one["name"] for one in found["members"]] == ["Shared parent"]
    assert "900" not in str(found)
    assert "1000" not in str(found)
    nobody = await world.api.as_("storefront")(ROLL_UP, {"id": top})
    assert nobody.json.get("data") is None or nobody.json["data"]["customerRollUp"] is None
