"""Versions of a proposal, what is different between them, templates, and what time does; margins are CONFIDENTIAL."""

import asyncio
from typing import Any

import pytest

from crm_graph.auth.system import system_actor
from crm_graph.db.session import Database
from crm_graph.resolvers.proposals.expiry import expire
from tests.resolvers.proposals.conftest import World, row_id

pytestmark = pytest.mark.asyncio(loop_scope="session")

COMPARE = """query ($a: ID!, $b: ID!) { compareProposals(a: $a, b: $b) { hidden fields { field before after }
  lines { change productId productName fields { field before after } } } }"""


async def compare(world: World, a: str, b: str, by: str = "sales_manager") -> Any:
    answer = await world.api.as_(by)(COMPARE, {"a": a, "b": b})
    assert len(answer.sql) <= 1
    return answer.data["compareProposals"]


async def test_a_revision_leaves_the_version_before_to_be_read(world: World) -> None:
    first = await world.sent({"productId": world.products[0], "quantity": "2"}, terms="Cash", discountPercent="3")
    second = await world.done("reviseProposal", {"id": first["id"]})
    assert (second["status"], second["revision"], second["current"]) == ("DRAFT", 2, True)
    assert (second["number"], second["total"]) == (f"{first['number']}/2", first["total"])
    old = await world.seen(first["id"])
    assert (old["status"], old["current"], old["total"]) == ("WITHDRAWN", False, first["total"])
    assert await world.seen(second["id"]) is None, "the customer sees the next one when it is sent"
    await world.refused("acceptProposal", {"id": first["id"]}, "STATE_REFUSED", by="customer")
    await world.refused("reviseProposal", {"id": first["id"]}, "STATE_REFUSED")
    third = await world.done("reviseProposal", {"id": second["id"]})
    assert (third["number"], third["revision"]) == (f"{first['number']}/3", 3)
    text = "revisions(first: 9) { nodes { id revision current terms } }"
    found = (await world.seen(first["id"], by="sales_manager", shown=text))["revisions"]["nodes"]
    assert {(n["revision"], n["current"], n["terms"]) for n in found} == {(2, False, "Cash"), (3, True, "Cash")}


async def test_two_who_revise_make_one_version(world: World) -> None:
    first = await world.sent()
    found = await asyncio.gather(*(world.do("reviseProposal", {"id": first["id"]}) for _ in range(5)))
    assert sorted(codes for _, codes in found) == [[], *[["STATE_REFUSED"]] * 4]
    assert await world.value("SELECT count(*) FROM proposals WHERE root_id = $1", row_id(first["id"])) == 1


async def test_what_was_ordered_is_not_revised(world: World) -> None:
    one = {"id": (await world.sent())["id"]}
    await world.done("acceptProposal", one, by="customer")
    await world.refused("reviseProposal", one, "STATE_REFUSED")
    declined = {"id": (await world.sent())["id"]}
    await world.done("declineProposal", {**declined, "reason": "No"}, by="customer")
    assert (await world.done("reviseProposal", declined))["revision"] == 2
    assert (await world.seen(declined["id"]))["status"] == "DECLINED"


async def test_what_is_different_is_told(world: World) -> None:
    first = await world.sent(
        {"productId": world.products[0]}, {"productId": world.products[1], "quantity": "4"}, terms="Cash"
    )
    second = await world.done("reviseProposal", {"id": first["id"]})
    kept, gone = (line["id"] for line in second["lines"]["nodes"])
    one = {"id": second["id"]}
    await world.done("changeProposalLine", {**one, "lineId": kept, "quantity": "3"})
    await world.done("removeProposalLine", {**one, "lineId": gone})
    await world.done("addProposalLine", {**one, "productId": world.products[2]})
    await world.done("updateProposal", {**one, "terms": "30 days"})
    found = await compare(world, first["id"], second["id"])
    fields = {f["field"]: (f["before"], f["after"]) for f in found["fields"]}
    assert fields["terms"] == ("Cash", "30 days")
    assert fields["status"] == ("WITHDRAWN", "DRAFT")
    assert {"total", "subtotal", "margin", "cost"} <= set(fields)
    assert "title" not in fields
    assert found["hidden"] == []
    lines = {line["productId"]: line for line in found["lines"]}
    assert {product: line["change"] for product, line in lines.items()} == {
        world.products[0]: "CHANGED", world.products[1]: "REMOVED", world.products[2]: "ADDED",
    }  # fmt: skip
    changed = {f["field"]: (f["before"], f["after"]) for f in lines[world.products[0]]["fields"]}
    assert changed["quantity"] == ("1", "3")
    assert set(changed) == {"quantity", "total", "cost"}
    assert ("quantity", "4", None) in {tuple(f.values()) for f in lines[world.products[1]]["fields"]}
    assert await compare(world, first["id"], second["id"], "customer") is None, "they do not see the draft"
    await world.done("submitProposal", one)
    await world.done("sendProposal", one)
    seen = await compare(world, first["id"], second["id"], "customer")
    names = {f["field"] for f in seen["fields"]} | {f["field"] for line in seen["lines"] for f in line["fields"]}
    assert {"terms", "total"} <= names
    assert not names & {"margin", "cost", "unitCost", "owner"}
    assert {"margin", "cost"} <= set(seen["hidden"])
    assert await compare(world, first["id"], first["id"]) == {"hidden": [], "fields": [], "lines": []}
    for by in ("service_agent", "partner_rep", "storefront"):
        assert await compare(world, first["id"], second["id"], by) is None
    assert await compare(world, world.customer, second["id"]) is None


async def test_margins_show_at_confidential_alone(world: World) -> None:
    """The rep sees a colleague's proposal through the opportunity of their team: no channel tells its margin."""
    rep = await world.connection.fetchrow(
        "SELECT id, team_id FROM users WHERE name = $1 AND organization_id = $2",
        world.api.people["sales_rep"]["name"],
        world.organization,
    )
    found = await world.value(
        "SELECT o.id FROM opportunities o WHERE o.organization_id = $1 AND o.team_id = $2 AND o.owner_id <> $3"
        " AND NOT EXISTS (SELECT FROM opportunity_shares s WHERE s.opportunity_id = o.id) ORDER BY o.id LIMIT 1",
        world.organization, rep["team_id"], rep["id"],
    )  # fmt: skip
    first = await world.draft({"productId": world.products[0]}, opportunityId=f"opp_{found.hex}")
    second = await world.done("reviseProposal", {"id": first["id"]})
    await world.done("addProposalLine", {"id": second["id"], "productId": world.products[1]})
    whole = await world.seen(second["id"], by="sales_manager")
    assert whole["margin"] is not None
    hidden = "margin { amount } cost { amount } total { amount } hiddenFields lines(first: 9) { nodes { unitCost { amount } cost { amount } } }"
    answer = await world.api.as_("sales_rep")(
        f"query ($i: ID!) {{ proposal(id: $i) {{ {hidden} }} }}", {"i": second["id"]}
    )
    seen = answer.json["data"]["proposal"]
    assert (seen["margin"], seen["cost"], seen["total"]) == (None, None, whole["total"])
    assert {"margin", "cost"} <= set(seen["hiddenFields"])
    assert all(line == {"unitCost": None, "cost": None} for line in seen["lines"]["nodes"])
    text = """query ($n: [String!]!, $m: Decimal!) {
      filtered: proposals(filter: {number: {in: $n}, margin: {gte: $m}}) { totalCount }
      none: proposals(filter: {number: {in: $n}, margin: {isNull: true}}) { totalCount }
      up: proposals(filter: {number: {in: $n}}, orderBy: [{margin: ASC}]) { nodes { id } }
      down: proposals(filter: {number: {in: $n}}, orderBy: [{margin: DESC}]) { nodes { id } }
      proposalAggregate(filter: {number: {in: $n}}) { groups { sum { margin { amount } cost { amount } } } } }"""
    variables = {"n": [first["number"], second["number"]], "m": "-1000000000"}
    told = await world.api.as_("sales_rep")(text, variables)
    assert told.codes == ["PREDICATE_ACCESS_DENIED"]
    known = (await world.api.as_("sales_manager")(text, variables)).data
    assert (known["filtered"]["totalCount"], known["none"]["totalCount"]) == (2, 0)
    given_away = {"id": second["id"], "discountPercent": "100"}
    assert (await world.done("updateProposal", given_away))["margin"]["amount"].startswith("-")
    known_now = (await world.api.as_("sales_manager")(text, variables)).data
    assert known_now["up"] == known["down"] != known["up"], "the order of the margins is another one now"
    assert (await world.api.as_("sales_rep")(text, variables)).codes == told.codes
    compared = await compare(world, first["id"], second["id"], "sales_rep")
    assert {"margin", "cost"} <= set(compared["hidden"])
    assert "unitCost" not in str(compared["lines"])
    assert {f["field"] for f in compared["fields"]} & {"margin", "cost"} == set()
    assert "margin" in {f["field"] for f in (await compare(world, first["id"], second["id"]))["fields"]}


async def test_a_template_gives_its_texts(world: World) -> None:
    text = """mutation ($i: CreateProposalTemplateInput!) { createProposalTemplate(input: $i) {
      proposalTemplate { id } userErrors { code } } }"""
    given = {"name": "Roofs", "language": "de", "title": "Ihr Dach", "terms": "Bar", "closing": "Gruß", "validDays": 30}
    made = (await world.api.as_("sales_manager")(text, {"i": given})).data["createProposalTemplate"]
    template = made["proposalTemplate"]["id"]
    shown = "title language terms closing introduction validUntil status"
    one = {"templateId": template, "number": "T-T1", "customerId": world.customer}
    found = await world.done("createProposalFromTemplate", one, by="sales_rep", shown=shown)
    until = await world.value("SELECT (current_date + 30)::text")
    assert found == {
        "title": "Ihr Dach", "language": "de", "terms": "Bar", "closing": "Gruß", "introduction": None,
        "validUntil": until, "status": "DRAFT",
    }  # fmt: skip
    for by in ("customer", "partner_rep"):
        assert (await world.do("createProposalFromTemplate", {**one, "number": "T-T2"}, by=by))[1] == [
            "WRITE_ACCESS_DENIED"
        ]
    assert (await world.do("createProposalFromTemplate", one))[1] == ["KEY_TAKEN"]
    await world.connection.execute("UPDATE proposal_templates SET active = FALSE WHERE id = $1", row_id(template))
    assert (await world.do("createProposalFromTemplate", {**one, "number": "T-T3"}))[1] == ["STATE_REFUSED"]
    assert await world.value("SELECT count(*) FROM proposals WHERE number = ANY('{T-T2,T-T3}')") == 0


async def test_time_expires_what_is_over(world: World) -> None:
    over, open_, answered = [await world.sent(validUntil="2999-01-01") for _ in range(3)]
    await world.done("acceptProposal", {"id": answered["id"]}, by="customer")
    rows = [row_id(one["id"]) for one in (over, answered)]
    await world.connection.execute("UPDATE proposals SET valid_until = current_date - 2 WHERE id = ANY($1)", rows)
    database = Database(world.api.url, 1)
    for _ in range(2):  # the second time there is nothing left to do
        async with database.transaction(world.organization, None, "test") as tx:
            await expire(tx, await system_actor(await tx.raw(), world.organization, "test"), world.organization)
    await database.dispose()
    states = [(await world.seen(one["id"]))["status"] for one in (over, open_, answered)]
    assert states == ["EXPIRED", "SENT", "ACCEPTED"]
    assert (await world.events(over["id"])).count("proposal.expired") == 1
    assert "proposal.expired" not in await world.events(answered["id"])
