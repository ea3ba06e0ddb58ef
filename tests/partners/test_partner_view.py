"""The one query of a portal: what a partner reads in one statement, what it does not, and what others notice of it."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from graphql import FieldNode, OperationDefinitionNode, SelectionSetNode, parse

from tests.conftest import ROOT
from tests.fixtures.api import Answer
from tests.partners.conftest import ONE, OTHER, Trade, deal

pytestmark = pytest.mark.asyncio(loop_scope="session")

VIEW = (ROOT / "examples/partner-portal/src/partner-view.graphql").read_text(encoding="utf-8")
SOON = datetime.now(UTC) + timedelta(days=30)
COMMON = """SELECT s.customer_id FROM customer_shares s JOIN partners p ON p.id = s.partner_id
 WHERE s.valid_until > now() GROUP BY 1 HAVING count(DISTINCT p.id) > 1 ORDER BY 1 LIMIT 1"""
RECORD = "recordPartnerActivity", "partnerActivity { id kind subject author { name } customer { id } }"
ACTIVITIES = """query ($customer: ID!) {
  customer(id: $customer) { partnerActivities(first: 9) { totalCount nodes { subject notes partner { name } } } }
  partnerActivities(first: 9, filter: { customer: { id: { eq: $customer } } }, search: "Kranich") { totalCount }
}"""


async def view(trade: Trade, persona: str) -> Answer:
    return await trade.ask(persona, VIEW, soon=SOON.isoformat(), soonOn=SOON.date().isoformat())


async def common(trade: Trade) -> str:
    return f"cus_{(await trade.connection.fetchval(COMMON)).hex}"


async def written(trade: Trade) -> list[int]:
    """How many activities, events and audit entries there are."""
    tables = ("partner_activities", "outbox_events", "audit_entries")
    return [await trade.connection.fetchval(f"SELECT count(*) FROM {table}") for table in tables]


async def test_the_document_shows_the_query_that_the_portal_sends():
    assert f"```graphql\n{VIEW}```" in (ROOT / "docs" / "partners.md").read_text(encoding="utf-8")


async def test_what_the_portal_declares_is_what_it_asks_for():
    """Names only: that the query is valid by the schema is held for the document, in tests/docs."""
    declared = (ROOT / "examples/partner-portal/src/partner-view.ts").read_text(encoding="utf-8")
    document = parse(VIEW)
    asked: set[str] = set()

    def note(selected: SelectionSetNode) -> None:
        for one in selected.selections:
            assert isinstance(one, FieldNode)
            asked.add((one.alias or one.name).value)
            if one.selection_set:
                note(one.selection_set)

    for operation in document.definitions:
        assert isinstance(operation, OperationDefinitionNode)
        note(operation.selection_set)
    assert set(re.findall(r"(\w+)\??: ", declared)) - asked == set()


async def test_a_partner_reads_all_of_it_in_one_statement(trade: Trade):
    person = await trade.connection.fetchrow("SELECT * FROM users WHERE email = $1", trade.api.people[ONE]["email"])
    account = await trade.connection.fetchval(
        "SELECT key_account_id FROM key_account_plans p JOIN goals g ON g.plan_id = p.id"
        " WHERE p.organization_id = $1 ORDER BY 1 LIMIT 1",
        trade.organization,
    )
    given = {"keyAccountId": f"key_{account.hex}", "partnerId": await trade.partner(ONE)}
    await trade.made("administrator", "createKeyAccountShare", "keyAccountShare { id }", **given)
    lead = await trade.made("administrator", "createLead", "lead { id }", name="Ylva Ek")
    given = {"id": lead, "partnerId": await trade.partner(ONE)}
    await trade.made("administrator", "assignLeadToPartner", "lead { id }", **given)
    answer = await view(trade, ONE)
    assert len(answer.sql) == 1
    data = answer.data
    (partner,) = data["partners"]["nodes"]
    assert data["viewer"]["partnerId"] == await trade.partner(ONE)
    assert partner["agreements"]["nodes"][0]["terms"].startswith("Sells")
    assert partner["certifications"]["nodes"]
    assert partner["priceLists"]["nodes"][0]["entries"]["nodes"]

    valid = """SELECT count(*) FROM customer_shares WHERE $1 IN (partner_id, user_id) AND now() >= valid_from
      AND now() < valid_until"""
    own = await trade.connection.fetchval(valid, person["partner_id"])
    assert data["customers"]["totalCount"] == own > 2
    for node in data["customers"]["nodes"]:
        assert [share["level"] for share in node["shares"]["nodes"]] != []
    assert any(node["partnerActivities"]["nodes"] for node in data["customers"]["nodes"])
    for name in (
        "keyAccounts",
        "partnerScorecards",
        "offers",
        "deals",
        "opportunities",
        "leads",
        "tickets",
        "tasks",
        "endingDeals",
    ):
        assert data[name]["nodes"], name
    (plan, *_) = data["keyAccounts"]["nodes"][0]["plans"]["nodes"]
    assert plan["goals"]["nodes"][0]["target"] is not None
    assert {one["answer"] for one in data["deals"]["nodes"]} >= {"RECEIVED", "PROTECTED"}
    assert "Ylva Ek" in [offer["lead"]["name"] for offer in data["offers"]["nodes"]]
    ending = """SELECT customer_name FROM deal_registrations WHERE partner_id = $1 AND answer = 'PROTECTED'
      AND protected_until < $2 ORDER BY protected_until"""
    wanted = [row[0] for row in await trade.connection.fetch(ending, person["partner_id"], SOON)]
    assert [one["customerName"] for one in data["endingDeals"]["nodes"]] == wanted != []
    shares = (await trade.ask(ONE, "{ customerShares(first: 200) { totalCount nodes { partner { id } } } }")).data
    assert {share["partner"]["id"] for share in shares["customerShares"]["nodes"]} == {data["viewer"]["partnerId"]}


async def test_hidden_fields_of_it_stay_hidden(trade: Trade):
    """What the view could be asked besides: words among ourselves, and decisions that were not told."""
    hidden = (
        "partners(first: 1) { nodes { agreements(first: 1) { nodes { notes } } } }",
        "dealRegistrations(first: 1) { nodes { status reason checkedAt } }",
        "tickets(first: 1) { nodes { priority assignee { id } } }",
        "leads(first: 1) { nodes { owner { name } } }",
    )
    for text in hidden:
        answer = await trade.ask(ONE, f"{{ {text} }}")
        assert set(answer.codes) == {"FIELD_ACCESS_DENIED"}, text
        assert leaves(answer.json["data"]) <= {None}, text


def leaves(value: Any) -> set[object]:
    if isinstance(value, dict):
        return set().union(*(leaves(one) for one in value.values()))
    return set().union(*(leaves(one) for one in value)) if isinstance(value, list) else {value}


async def test_tickets_of_its_customers_but_no_complaints_and_none_of_another_partner(trade: Trade):
    customer = await common(trade)
    opened = {}
    for persona, subject, more in (
        ("administrator", "Inverter hums", {"type": "PROBLEM"}),
        ("administrator", "Your distributor is late", {"type": "COMPLAINT"}),
        (OTHER, "Asked by the other", {"type": "QUESTION"}),
        (ONE, "Asked by the one", {"type": "COMPLAINT"}),
    ):
        given = {"customerId": customer, "subject": subject, "body": "Kranich", **more}
        opened[subject] = await trade.made(persona, "openTicket", "ticket { id }", **given)
    listed = """query ($f: TicketFilter) { tickets(first: 50, filter: $f) { totalCount nodes { subject } }
      ticketMessages(first: 50, search: "Kranich") { totalCount } }"""
    wanted = {ONE: {"Inverter hums", "Asked by the one"}, OTHER: {"Inverter hums", "Asked by the other"}}
    for persona, subjects in wanted.items():
        found = (await trade.ask(persona, listed, f={"id": {"in": list(opened.values())}})).data
        assert {node["subject"] for node in found["tickets"]["nodes"]} == subjects
        assert (found["tickets"]["totalCount"], found["ticketMessages"]["totalCount"]) == (2, 2)
    before = await trade.connection.fetchval("SELECT count(*) FROM ticket_messages")
    answer = await trade.ask(
        ONE,
        "mutation ($i: ReplyToTicketInput!) { replyToTicket(input: $i) { ticket { id } userErrors { code } } }",
        i={"id": opened["Inverter hums"], "body": "We come."},
    )
    assert '"code"' in answer.body.decode()
    assert await trade.connection.fetchval("SELECT count(*) FROM ticket_messages") == before


async def test_what_a_partner_adds_is_read_by_the_owner_at_once_and_by_no_other_partner(trade: Trade):
    customer = await common(trade)
    rep = await trade.connection.fetchval(
        "SELECT id FROM users WHERE email = $1", trade.api.people["sales_rep"]["email"]
    )
    await trade.made("administrator", "updateCustomer", "customer { id }", id=customer, ownerId=f"usr_{rep.hex}")
    before = {who: (await trade.ask(who, ACTIVITIES, customer=customer)).body for who in (OTHER, "customer")}
    seen = (await view(trade, OTHER)).body

    given = {"customerId": customer, "kind": "VISIT", "subject": "Seen on site", "notes": "The roof of Kranich holds."}
    made, errors = await trade.send(ONE, *RECORD, **given)
    assert errors == []
    assert (made["kind"], made["author"]["name"]) == ("VISIT", trade.api.people[ONE]["name"])
    found = (await trade.ask("sales_rep", ACTIVITIES, customer=customer)).data
    assert "Seen on site" in [one["subject"] for one in found["customer"]["partnerActivities"]["nodes"]]
    assert found["partnerActivities"]["totalCount"] == 1
    events = "SELECT type FROM outbox_events WHERE row_id = $1"
    row = (await trade.row("partner_activities", made["id"]))["id"]
    assert await trade.connection.fetchval(events, row) == "partner_activity.recorded"

    # the other partner of this customer, and the customer, read what they read before, byte by byte
    await trade.made(ONE, "updatePartnerActivity", "partnerActivity { id }", id=made["id"], subject="Seen twice")
    await trade.made(ONE, "registerDeal", "dealRegistration { id }", **deal("Kranich AG"))
    await trade.made(ONE, "openTicket", "ticket { id }", customerId=customer, subject="A word", body="Please call.")
    task, *_ = (await view(trade, ONE)).data["tasks"]["nodes"]
    await trade.made(ONE, "completeTask", "task { id doneAt }", id=task["id"])
    await trade.work()
    assert (await view(trade, OTHER)).body == seen
    for who, body in before.items():
        assert (await trade.ask(who, ACTIVITIES, customer=customer)).body == body
    absent = "pac_" + "0" * 32
    asked = [(await trade.ask(OTHER, f'{{ node(id: "{one}") {{ id }} }}')).body for one in (made["id"], absent)]
    assert asked[0] == asked[1]


async def test_what_a_partner_may_not_record(trade: Trade):
    unseen = await trade.connection.fetchval(
        """SELECT id FROM customers c WHERE organization_id = $1
           AND NOT EXISTS (SELECT FROM customer_shares s WHERE s.customer_id = c.id) ORDER BY id LIMIT 1""",
        trade.organization,
    )
    customer, before = await common(trade), await written(trade)
    for persona, given, code in (
        (ONE, {"customerId": f"cus_{unseen.hex}", "subject": "X"}, "REFERENCE_NOT_FOUND"),
        (ONE, {"customerId": "cus_" + "0" * 32, "subject": "X"}, "REFERENCE_NOT_FOUND"),
        (ONE, {"customerId": customer, "subject": " "}, "VALUE_INVALID"),
        (ONE, {"customerId": customer, "subject": "X", "partnerId": await trade.partner(OTHER)}, "REFERENCE_NOT_FOUND"),
        ("administrator", {"customerId": customer, "subject": "X"}, "VALUE_INVALID"),
    ):
        assert await trade.send(persona, *RECORD, **given) == (None, [code])
    assert await written(trade) == before


async def test_when_a_share_ends_the_partner_keeps_its_words_and_nothing_of_the_customer(trade: Trade):
    customer = await trade.made("administrator", "createCustomer", "customer { id }", name="Zz Kurzzeit")
    partner = await trade.partner(ONE)
    share = await trade.made(
        "administrator", "createCustomerShare", "customerShare { id }", customerId=customer, partnerId=partner
    )
    node, _ = await trade.send(ONE, *RECORD, customerId=customer, subject="Short visit")
    ended = {"id": share, "validUntil": "2001-01-01T00:00:00Z"}
    await trade.made("administrator", "updateCustomerShare", "customerShare { id }", **ended)
    query = f'{{ node(id: "{node["id"]}") {{ ... on PartnerActivity {{ subject customer {{ id name }} }} }} }}'
    assert (await trade.ask(ONE, query)).data["node"] == {"subject": "Short visit", "customer": None}
    assert (await trade.send(ONE, *RECORD, customerId=customer, subject="X"))[1] == ["REFERENCE_NOT_FOUND"]


async def test_a_task_that_is_done_moves_the_clock_of_the_partners_own_sales_alone(trade: Trade):
    """Another partner's sale that is shared with this one: its partner would see that there is somebody else."""
    find = """SELECT o.id, u.id AS user FROM opportunities o, users u
      WHERE o.organization_id = $3 AND u.organization_id = $3 AND o.status = 'OPEN' AND o.partner_id IS NOT NULL AND (o.partner_id = u.partner_id) = $2 AND u.email = $1
      ORDER BY o.id LIMIT 1"""
    for own in (True, False):
        found = await trade.connection.fetchrow(find, trade.api.people[ONE]["email"], own, trade.organization)
        given = {"opportunityId": f"opp_{found['id'].hex}", "ownerId": f"usr_{found['user'].hex}", "subject": "Call"}
        task = await trade.made("administrator", "createTask", "task { id }", **given)
        before = await trade.connection.fetchval("SELECT version FROM opportunities WHERE id = $1", found["id"])
        assert await trade.made(ONE, "completeTask", "task { id }", id=task) == task
        after = await trade.connection.fetchval("SELECT version FROM opportunities WHERE id = $1", found["id"])
        assert after - before == own
