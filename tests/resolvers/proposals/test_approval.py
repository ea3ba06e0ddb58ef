"""Discounts within the author's authority are approved at once; beyond it, by somebody whose authority covers them."""

from decimal import Decimal
from typing import Any

import pytest

from tests.resolvers.proposals.conftest import World, row_id

pytestmark = pytest.mark.asyncio(loop_scope="session")

SHOWN = "id status approvalRequest { id state percent note askedOf { name } }"


async def asked(world: World, **more: object) -> Any:
    """A proposal of the rep's with a fifth off, which their manager is asked about."""
    line = {"productId": world.products[5], "quantity": "10"}
    draft = await world.draft(line, by="sales_rep", discountPercent="20", **more)
    found = await world.done("submitProposal", {"id": draft["id"], "note": "A loyal one"}, by="sales_rep", shown=SHOWN)
    assert (found["status"], found["approvalRequest"]["state"]) == ("IN_APPROVAL", "PENDING")
    assert (found["approvalRequest"]["percent"], found["approvalRequest"]["note"]) == ("20.00", "A loyal one")
    assert found["approvalRequest"]["askedOf"]["name"] == world.api.people["sales_manager"]["name"]
    return found


async def decide(world: World, verb: str, request: str, by: str, **more: object) -> list[str]:
    name = verb[0].upper() + verb[1:]
    text = f"mutation ($i: {name}Input!) {{ {verb}(input: $i) {{ userErrors {{ code }} }} }}"
    payload = (await world.api.as_(by)(text, {"i": {"id": request, **more}})).json["data"][verb]
    return [error["code"] for error in payload["userErrors"]]


@pytest.mark.parametrize(
    "given",
    [
        ({"discountPercent": "10"}, {}),
        ({}, {"discountPercent": "10"}),
        ({"discountPercent": "5"}, {"discountPercent": "5"}),
    ],
    ids=["on the whole", "on the line", "on both"],
)
async def test_within_ones_authority_it_is_approved_at_once(world: World, given: tuple[dict[str, object], ...]) -> None:
    whole, line = given
    draft = await world.draft({"productId": world.products[5], **line}, by="sales_rep", **whole)
    found = await world.done("submitProposal", {"id": draft["id"]}, by="sales_rep", shown=SHOWN)
    assert (found["status"], found["approvalRequest"]) == ("APPROVED", None)
    assert (await world.events(draft["id"]))[-2:] == ["proposal.submitted", "proposal.approved"]


async def test_beyond_it_somebody_else_approves(world: World) -> None:
    found = await asked(world)
    one, request = {"id": found["id"]}, found["approvalRequest"]["id"]
    assert await decide(world, "approveRequest", request, "sales_rep") == ["WRITE_ACCESS_DENIED"]
    await world.refused("sendProposal", one, "STATE_REFUSED", by="sales_rep")
    await world.refused("addProposalLine", {**one, "productId": world.products[0]}, "STATE_REFUSED", by="sales_rep")
    assert await decide(world, "approveRequest", request, "sales_manager") == []
    assert (await world.events(found["id"]))[-1] == "proposal.approved"
    assert (await world.done("sendProposal", one, by="sales_rep"))["status"] == "SENT"


async def test_a_rejected_one_is_a_draft_again(world: World) -> None:
    found = await asked(world)
    one = {"id": found["id"]}
    request = found["approvalRequest"]["id"]
    assert await decide(world, "rejectRequest", request, "sales_manager", reason="Too much") == []
    assert (await world.seen(found["id"], by="sales_rep"))["status"] == "DRAFT"
    assert (await world.events(found["id"]))[-1] == "proposal.returned"
    await world.done("updateProposal", {**one, "discountPercent": "10"}, by="sales_rep")
    assert (await world.done("submitProposal", one, by="sales_rep"))["status"] == "APPROVED"


async def test_what_is_withdrawn_or_revised_is_asked_about_no_longer(world: World) -> None:
    for verb in ("withdrawProposal", "reviseProposal"):
        found = await asked(world)
        await world.done(verb, {"id": found["id"]}, by="sales_rep")
        request = row_id(found["approvalRequest"]["id"])
        assert await world.value("SELECT state FROM approval_requests WHERE id = $1", request) == "WITHDRAWN"
        assert (await world.seen(found["id"], by="sales_rep"))["status"] == "WITHDRAWN"
        assert await decide(world, "approveRequest", found["approvalRequest"]["id"], "sales_manager") != []
        assert (await world.seen(found["id"], by="sales_rep"))["status"] == "WITHDRAWN"


async def test_a_low_price_is_a_discount_too(world: World) -> None:
    """And one above the list makes no room for it."""
    listed = await world.price(world.products[5])
    offers = [(listed / 2).quantize(Decimal("0.01")), listed * 2]
    lines = [{"productId": world.products[5], "unitPrice": {"amount": str(one), "currency": "EUR"}} for one in offers]
    draft = await world.draft(*lines, by="sales_rep")
    found = await world.done("submitProposal", {"id": draft["id"]}, by="sales_rep", shown=SHOWN)
    assert found["status"] == "IN_APPROVAL"
    assert Decimal(found["approvalRequest"]["percent"]) == round((listed - offers[0]) * 100 / (listed * 3), 2)
