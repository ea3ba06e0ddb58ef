"""From a draft to the customer's answer: legal moves only, each with its traces; the customer sees what was sent."""

import asyncio
from decimal import Decimal
from itertools import product

import pytest

from crm_graph.auth import api_keys
from crm_graph.db.session import Database
from crm_graph.resolvers.proposals.states import MOVES
from crm_graph.schema.proposals import ProposalStatus
from tests.resolvers.proposals.conftest import World, row_id

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_whole_way(world: World) -> None:
    draft = await world.draft({"productId": world.products[3], "quantity": "3"})
    assert (draft["status"], draft["revision"], draft["current"], draft["open"]) == ("DRAFT", 1, True, False)
    assert Decimal(draft["total"]["amount"]) == await world.price(world.products[3], "3") * 3
    one = {"id": draft["id"]}
    assert (await world.done("submitProposal", one))["status"] == "APPROVED"
    assert await world.seen(draft["id"]) is None
    sent = await world.done("sendProposal", one)
    assert (sent["status"], sent["open"]) == ("SENT", True)
    assert (await world.seen(draft["id"]))["total"] == draft["total"]
    assert (await world.done("viewProposal", one, by="customer"))["status"] == "VIEWED"
    accepted = await world.done("acceptProposal", one, by="customer")
    assert accepted["status"] == "ACCEPTED"
    [order] = accepted["orders"]["nodes"]
    assert order["total"] == draft["total"]
    assert (await world.events(draft["id"]))[-5:] == [
        "proposal.submitted", "proposal.approved", "proposal.sent", "proposal.viewed", "proposal.accepted",
    ]  # fmt: skip


async def test_declining(world: World) -> None:
    one = {"id": (await world.sent())["id"]}
    await world.refused("declineProposal", {**one, "reason": " "}, "VALUE_INVALID", by="customer")
    shown = "status declineReason decidedBy decidedAt"
    declined = await world.done("declineProposal", {**one, "reason": "Too dear"}, by="customer", shown=shown)
    assert (declined["status"], declined["declineReason"]) == ("DECLINED", "Too dear")
    assert declined["decidedBy"] == world.api.people["customer"]["name"]
    await world.refused("acceptProposal", one, "STATE_REFUSED", by="customer")


_VERBS = {
    "submitProposal": ({}, "IN_APPROVAL"),
    "sendProposal": ({}, "SENT"),
    "withdrawProposal": ({}, "WITHDRAWN"),
    "acceptProposal": ({"name": "Jo", "way": "PHONE"}, "ACCEPTED"),
    "declineProposal": ({"name": "Jo", "reason": "No"}, "DECLINED"),
}


async def test_every_other_move_is_refused(world: World) -> None:
    """Each verb in each state: it moves where the table says so, else it is refused and leaves nothing."""
    proposal = await world.sent()
    one, row = {"id": proposal["id"]}, row_id(proposal["id"])
    for status, (verb, (more, to)) in product(ProposalStatus, _VERBS.items()):
        if ProposalStatus(to) in MOVES.get(status, ()) or status == to:
            continue
        await world.connection.execute("UPDATE proposals SET status = $2 WHERE id = $1", row, status.value)
        await world.refused(verb, {**one, **more}, "STATE_REFUSED")


async def test_what_is_no_draft_is_frozen(world: World) -> None:
    proposal = await world.sent({"productId": world.products[0]}, {"productId": world.products[1]})
    one, line = {"id": proposal["id"]}, proposal["lines"]["nodes"][0]["id"]
    for verb, more in {
        "updateProposal": {"title": "Other"},
        "addProposalLine": {"productId": world.products[2]},
        "changeProposalLine": {"lineId": line, "quantity": "9"},
        "removeProposalLine": {"lineId": line},
    }.items():
        await world.refused(verb, {**one, **more}, "STATE_REFUSED")
    text = "mutation ($i: ID!) { deleteProposal(input: {id: $i}) { deletedId userErrors { code } } }"
    before = await world.state(row_id(proposal["id"]))
    answer = (await world.api.as_("sales_manager")(text, {"i": proposal["id"]})).data["deleteProposal"]
    assert answer == {"deletedId": None, "userErrors": [{"code": "STATE_REFUSED"}]}
    assert await world.state(row_id(proposal["id"])) == before
    await world.connection.execute(
        "UPDATE proposals SET source = 'old', external_id = number WHERE id = $1", row_id(proposal["id"])
    )
    text = "mutation ($i: UpsertProposalInput!) { upsertProposal(input: $i) { userErrors { code } } }"
    key = {"source": "old", "externalId": proposal["number"], "number": proposal["number"], "title": "Other"}
    answer = (await world.api.as_("sales_manager")(text, {"i": {**key, "customerId": world.customer}})).data
    assert answer["upsertProposal"]["userErrors"] == [{"code": "STATE_REFUSED"}]
    owner = f"usr_{(await world.value('SELECT owner_id FROM proposals WHERE owner_id IS NOT NULL LIMIT 1')).hex}"
    await world.done("updateProposal", {**one, "ownerId": owner})


async def test_the_status_is_no_input(world: World) -> None:
    for name in ("Create", "Update", "Upsert"):
        found = (
            await world.api.as_("administrator")(
                f'{{ __type(name: "{name}ProposalInput") {{ inputFields {{ name }} }} }}'
            )
        ).data
        names = {field["name"] for field in found["__type"]["inputFields"]}
        assert "title" in names
        assert not names & {"status", "addresseeId", "subtotal", "total", "cost", "current", "revision", "rootId"}


async def test_a_customer_sees_no_draft_on_any_way(world: World) -> None:
    """Neither by id, nor in lists, counts, sums, from the customer, from lines; once it was sent, everywhere."""
    proposal = await world.draft(
        {"productId": world.products[0], "unitPrice": {"amount": "12345.67", "currency": "EUR"}}
    )
    ask = world.api.as_("customer")
    text = """query ($n: String!, $c: ID!) {
      proposals(filter: {number: {eq: $n}}) { totalCount nodes { id } }
      proposalAggregate(filter: {number: {eq: $n}}) { groups { count } }
      proposalLines(filter: {proposal: {number: {eq: $n}}}) { totalCount }
      customer(id: $c) { proposals(filter: {number: {eq: $n}}) { totalCount } }
      search: proposals(search: $n) { totalCount }
    }"""
    variables = {"n": proposal["number"], "c": world.customer}
    for verb in ("submitProposal", "sendProposal"):
        assert await world.seen(proposal["id"]) is None
        found = (await ask(text, variables)).data
        assert found["proposals"] == {"totalCount": 0, "nodes": []}
        assert [g["count"] for g in found["proposalAggregate"]["groups"]] in ([], [0])
        assert found["proposalLines"]["totalCount"] == found["customer"]["proposals"]["totalCount"] == 0
        assert found["search"]["totalCount"] == 0
        node = (await ask("query ($i: ID!) { node(id: $i) { id } }", {"i": proposal["id"]})).data["node"]
        assert node is None
        assert (await world.do("acceptProposal", {"id": proposal["id"]}, by="customer"))[1] == ["NOT_FOUND"]
        await world.done(verb, {"id": proposal["id"]})
    found = (await ask(text, variables)).data
    assert found["proposals"]["totalCount"] == found["customer"]["proposals"]["totalCount"] == 1
    assert found["proposalLines"]["totalCount"] == 1


async def test_who_is_not_its_addressee_does_not_answer(world: World) -> None:
    proposal = await world.sent()
    one, row = {"id": proposal["id"]}, row_id(proposal["id"])
    other = await world.value(
        "SELECT id FROM customers WHERE organization_id = $1 AND id <> $2 LIMIT 1",
        world.organization,
        row_id(world.customer),
    )
    await world.connection.execute("UPDATE proposals SET customer_id = $2, addressee_id = $2 WHERE id = $1", row, other)
    await world.refused("acceptProposal", one, "NOT_FOUND", by="customer")
    await world.refused("acceptProposal", {**one, "name": "Jo", "way": "PHONE"}, "NOT_FOUND", by="partner_rep")
    await world.refused("acceptProposal", {**one, "name": "Jo"}, "VALUE_INVALID")
    await world.refused("acceptProposal", {**one, "name": "Jo", "way": "PAGE"}, "VALUE_INVALID")
    await world.refused("acceptProposal", {**one, "name": " ", "way": "PHONE"}, "VALUE_INVALID")
    await world.refused("viewProposal", one, "WRITE_ACCESS_DENIED")
    shown = "status decidedBy acceptedByWay"
    found = await world.done("acceptProposal", {**one, "name": "Jo Doe", "way": "PHONE"}, shown=shown)
    assert found == {"status": "ACCEPTED", "decidedBy": "Jo Doe", "acceptedByWay": "PHONE"}


async def test_a_key_that_only_reads_answers_nothing(world: World) -> None:
    """Scopes narrow answers, too: reading proposals in a customer's name is not accepting them."""
    proposal = await world.sent()
    one, user = {"id": proposal["id"]}, world.api.people["customer"]["name"]
    customer = await world.value(
        "SELECT id FROM users WHERE name = $1 AND organization_id = $2", user, world.organization
    )
    database, tokens = Database(world.api.url, 1), dict(world.api.tokens)
    for scope in ("read", "write"):
        async with database.transaction(world.organization, customer, "test") as tx:
            key = await api_keys.create(
                tx, world.organization, customer, name=scope, days=1, scopes=[f"proposals:{scope}:restricted"]
            )
        assert key is not None
        tokens[scope] = key
    await database.dispose()
    world.api.tokens = tokens
    assert (await world.seen(proposal["id"], by="read"))["status"] == "SENT"
    for verb, more in (("acceptProposal", {}), ("declineProposal", {"reason": "No"}), ("viewProposal", {})):
        await world.refused(verb, {**one, **more}, "WRITE_ACCESS_DENIED", by="read")
    assert (await world.done("acceptProposal", one, by="write", shown="status"))["status"] == "ACCEPTED"


async def test_fifty_acceptances_make_one_order(world: World) -> None:
    proposal = await world.sent(
        {"productId": world.products[1], "quantity": "7"}, {"productId": world.products[2]}, discountPercent="12.5"
    )
    one, row = {"id": proposal["id"]}, row_id(proposal["id"])
    found = await asyncio.gather(*(world.do("acceptProposal", one, by="customer", shown="status") for _ in range(50)))
    assert {(shown["status"], *codes) for shown, codes in found} == {("ACCEPTED",)}
    orders = await world.connection.fetch("SELECT id, total FROM orders WHERE proposal_id = $1", row)
    assert len(orders) == 1
    assert str(orders[0]["total"]) == proposal["total"]["amount"]
    assert (await world.events(proposal["id"])).count("proposal.accepted") == 1
    await world.done("acceptProposal", {**one, "idempotencyKey": "again"}, by="customer")
    assert await world.value("SELECT count(*) FROM orders WHERE proposal_id = $1", row) == 1


async def test_acceptance_wins_the_opportunity(world: World) -> None:
    found = await world.value(
        "SELECT id FROM opportunities WHERE status = 'OPEN' AND organization_id = $1 AND stage_id IS NOT NULL ORDER BY id LIMIT 1",
        world.organization,
    )
    proposals = [await world.sent(opportunityId=f"opp_{found.hex}") for _ in range(2)]
    for proposal in proposals:  # the second finds it won
        await world.done("acceptProposal", {"id": proposal["id"]}, by="customer")
        assert await world.value("SELECT status FROM opportunities WHERE id = $1", found) == "WON"
    events = await world.connection.fetch("SELECT type FROM outbox_events WHERE row_id = $1", found)
    assert [event["type"] for event in events].count("opportunity.won") == 1


async def test_nothing_is_accepted_after_its_time(world: World) -> None:
    """Whether or not somebody has noticed that the time is over."""
    proposal = await world.sent(validUntil="2999-01-01")
    one, row = {"id": proposal["id"]}, row_id(proposal["id"])
    await world.connection.execute("UPDATE proposals SET valid_until = current_date - 2 WHERE id = $1", row)
    shown = await world.seen(proposal["id"])
    assert (shown["status"], shown["open"]) == ("SENT", False)
    text = "query ($n: String!) { proposals(filter: {number: {eq: $n}, open: {eq: true}}) { totalCount } }"
    assert (await world.api.as_("customer")(text, {"n": proposal["number"]})).data["proposals"]["totalCount"] == 0
    await world.refused("acceptProposal", one, "PROPOSAL_EXPIRED", by="customer")
    await world.refused("declineProposal", {**one, "reason": "No"}, "PROPOSAL_EXPIRED", by="customer")
