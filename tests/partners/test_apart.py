"""Two distributors of one customer never learn of each other: nothing that one reads or is refused depends on the other."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest

from crm_graph.auth.system import system_actor
from crm_graph.db.ids import decode
from crm_graph.db.session import Transaction
from crm_graph.entity import REGISTRY
from crm_graph.resolvers.deals.checking import check
from crm_graph.resolvers.tickets import opening
from tests.access.asking import many_of, select
from tests.access.interpreter import fields, read_matrix
from tests.fixtures.api import Answer
from tests.partners.conftest import ONE, OTHER, Trade, deal

pytestmark = pytest.mark.asyncio(loop_scope="session")

COMMON = "Zweihändler Anlagenbau GmbH"
DEAL = "dealRegistration { id answer }"


def bare(answer: Answer) -> str:
    """An answer without what differs between any two requests: their ids, and signatures of links."""
    body = answer.body.decode().replace(answer.headers["x-request-id"], "")
    return re.sub(r"/files/[^\"]+", "", body)


async def common(trade: Trade) -> str:
    """A customer that both partners are given, at the level at which they see most."""
    customer = await trade.made("administrator", "createCustomer", "customer { id }", name=COMMON, kind="ORGANIZATION",
                                segment="MID_MARKET", country="IS", city="Hafnarfjörður", email="info@zweihaendler.example")  # fmt: skip
    for who in (ONE, OTHER):
        given = {"customerId": customer, "partnerId": await trade.partner(who), "level": "INTERNAL"}
        await trade.made("administrator", "createCustomerShare", "customerShare { id }", **given)
    return customer


async def everything(trade: Trade, customer: str) -> dict[str, str]:
    """All that the first partner can read, by what it asked."""
    matrix, seen = read_matrix(), {}
    for entity in REGISTRY:
        body = " ".join(map(select, fields(entity)))
        parts = f"totalCount nodes {{ id etag hiddenFields maskedFields {body} }} pageInfo {{ endCursor hasNextPage }}"
        asked = f"{{ {many_of(entity)}(first: 200) {{ {parts} }} }}"
        answer = await trade.ask(ONE, asked)
        assert set(answer.codes) <= {"FIELD_ACCESS_DENIED"}, answer.body
        if matrix.highest("partner_rep", entity) is not None:
            assert answer.json["data"][many_of(entity)]["nodes"] is not None
        seen[asked] = bare(answer)
        grouped = f"{{ {entity[0].lower() + entity[1:]}Aggregate {{ groups {{ count }} }} }}"
        seen[grouped] = bare(await trade.ask(ONE, grouped))
    counts = " ".join(select(one) for one in fields("Customer") if one.counted or one.listed)
    for asked in (
        f'{{ customer(id: "{customer}") {{ {counts} etag updatedAt version }} }}',
        f'{{ auditEntries(node: "{customer}") {{ at }} }}',
        f'{{ productSuggestions(customerId: "{customer}") {{ productId reason }} }}',
        f'{{ customerRollUp(customerId: "{customer}") {{ __typename }} }}',
        '{ customers(first: 50, search: "Anlagenbau") { totalCount nodes { id } } }',
        '{ dealRegistrations(first: 50, search: "Anlagenbau") { totalCount nodes { id } } }',
        '{ forecast(start: "2025-01-01", end: "2028-12-31", by: [PARTNER]) { name won weighted } }',
        "{ viewer { actsFor { id } } partners(first: 9) { nodes { name } } users(first: 99) { nodes { name } } }",
    ):
        answer = await trade.ask(ONE, asked)
        assert set(answer.codes) <= {"FIELD_ACCESS_DENIED"}, answer.body  # nothing here is misspelt
        seen[asked] = bare(answer)
    return seen


async def test_what_one_reads_changes_by_no_byte_whatever_the_other_does(trade: Trade) -> None:
    customer, partner = await common(trade), await trade.partner(OTHER)
    own = await trade.made(ONE, "registerDeal", DEAL, **deal(COMMON))
    await trade.made(ONE, "openTicket", "ticket { id }", customerId=customer, subject="Ours", body="A question.")
    await trade.made(ONE, "registerOpportunity", "opportunity { id }", name="Ours", customerId=customer)
    await trade.work()
    before = await everything(trade, customer)

    theirs = await trade.made(OTHER, "registerDeal", DEAL, **deal("Zweihaendler Anlagenbau"))
    ticket = await trade.made(OTHER, "openTicket", "ticket { id }", customerId=customer, subject="Theirs", body="Help.")
    await trade.made(OTHER, "registerOpportunity", "opportunity { id }", name="Theirs", customerId=customer)
    await trade.made("administrator", "answerTicket", "ticket { id }", id=ticket, body="With pleasure.")
    visit = {"customerId": customer, "subject": "Theirs", "kind": "VISIT"}
    await trade.made(OTHER, "recordPartnerActivity", "partnerActivity { id }", **visit)
    await trade.work()
    found = await trade.connection.fetch(
        "SELECT id FROM channel_conflicts WHERE registration_id = $1 AND resolved_at IS NULL", decode(theirs)[1]
    )
    assert len(found) > 1, "it collides with the registration and the sale of the first"
    for row in found:
        settled = {"id": f"ccf_{row['id'].hex}", "resolution": "The second goes on."}
        await trade.made("sales_manager", "resolveChannelConflict", "channelConflict { id }", **settled)
    await trade.made("sales_manager", "approveDealRegistration", "dealRegistration { id }", id=theirs, reason="Theirs.")
    made = "administrator"
    for verb, given in {
        "createPartnerCoverage": {"name": "Middling ones", "segment": "MID_MARKET"},
        "createPartnerAgreement": {"name": "Another", "startsOn": "2026-01-01"},
        "createPartnerCertification": {"name": "Another", "issuedOn": "2026-01-01"},
        "createPriceList": {"name": "Theirs"},
        "createLead": {"name": "Theirs", "company": COMMON},
    }.items():
        node = verb[6].lower() + verb[7:]
        await trade.made(made, verb, f"{node} {{ id }}", partnerId=partner, **given)
    await trade.made(made, "createTask", "task { id }", subject="Call both", customerId=customer)
    await trade.connection.execute("UPDATE timers SET due_at = now() WHERE row_id = $1", decode(theirs)[1])
    await trade.work()
    assert (await trade.row("deal_registrations", theirs))["answer"] == "PROTECTED"
    assert (await trade.row("deal_registrations", own))["answer"] == "RECEIVED"

    after = await everything(trade, customer)
    for asked, said in before.items():
        assert after[asked] == said, asked
    told = " ".join(after.values())
    assert COMMON in told
    assert "Theirs" not in told


async def test_what_is_another_partner_s_is_refused_like_what_never_was(trade: Trade) -> None:
    """Ids of the other's rows and made-up ones, in reads and in every mutation that takes them."""
    customer, partner = await common(trade), await trade.partner(OTHER)
    theirs = {
        "dgr": await trade.made(OTHER, "registerDeal", DEAL, **deal(COMMON)),
        "tkt": await trade.made(OTHER, "openTicket", "ticket { id }", customerId=customer, subject="T", body="T."),
        "opp": await trade.made(OTHER, "registerOpportunity", "opportunity { id }", name="T", customerId=customer),
        "led": await trade.made("administrator", "createLead", "lead { id }", name="T", partnerId=partner),
        "par": partner,
    }
    theirs["cov"] = await trade.made(
        "administrator",
        "createPartnerCoverage",
        "partnerCoverage { id }",
        name="T",
        partnerId=partner,
        segment="CONSUMER",
    )
    for table in ("partner_agreements", "customer_shares", "users", "price_lists", "channel_conflicts"):
        whose = "registration_id IN (SELECT id FROM deal_registrations WHERE partner_id = $1)"
        row = await trade.connection.fetchval(
            f"SELECT id FROM {table} WHERE {whose if table == 'channel_conflicts' else 'partner_id = $1'}"
            " ORDER BY created_at DESC LIMIT 1",
            decode(partner)[1],
        )
        [prefix] = [e.__prefix__ for e in REGISTRY.values() if e.__tablename__ == table]
        theirs[table] = f"{prefix}_{row.hex}"
    asked: list[tuple[str, str, str]] = [
        ("tkt", "answerTicket", "body: \"x\""), ("tkt", "confirmResolution", ""), ("tkt", "addressToManagement", ""),
        ("opp", "updateOpportunity", "name: \"x\""), ("opp", "winOpportunity", ""), ("led", "updateLead", "name: \"x\""),
        ("led", "workLead", ""), ("dgr", "reviewDealRegistration", ""),
    ]  # fmt: skip
    count = "SELECT (SELECT count(*) FROM audit_entries), (SELECT count(*) FROM outbox_events)"
    rows = await trade.connection.fetchrow(count)
    for kind, identifier in theirs.items():
        never = f"{identifier[:4]}{uuid4().hex}"
        texts = [
            '{ node(id: "%s") { id } nodes(ids: ["%s"]) { id } explainAccess(node: "%s", field: "id") { shown } auditEntries(node: "%s") { at } }'
        ]
        texts += [
            f'mutation {{ {verb}(input: {{id: "%s" {more}}}) {{ userErrors {{ code message field }} }} }}'
            for of, verb, more in asked
            if of == kind
        ]
        if kind == "par":
            said = 'customerName: "X", amount: {amount: "1", currency: EUR}, closeOn: "2027-01-01"'
            texts.append(
                f'mutation {{ registerDeal(input: {{partnerId: "%s", {said}}}) {{ userErrors {{ code message field }} }} }}'
            )
        for text in texts:
            answers = [await trade.ask(ONE, text.replace("%s", i)) for i in (identifier, never)]
            first, second = (bare(a).replace(i, "") for a, i in zip(answers, (identifier, never), strict=True))
            assert first == second, text
    assert await trade.connection.fetchrow(count) == rows


@contextmanager
def statements() -> Iterator[list[str]]:
    """What transactions send to the database, in order."""
    sent: list[str] = []
    known: set[int] = set()
    raw = Transaction.raw

    async def heard(self: Transaction) -> Any:
        connection = await raw(self)
        if id(connection) not in known:
            known.add(id(connection))
            connection.add_query_logger(lambda query: sent.append(query.query))
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Transaction, "raw", heard)
        yield sent


async def test_registering_is_as_much_work_and_waits_for_nobody_whoever_was_first(trade: Trade) -> None:
    """The other's registration of the same customer changes neither what is sent nor what is waited for."""
    sent: dict[str, list[str]] = {}
    await trade.made(ONE, "registerDeal", DEAL, **deal("To warm up"))
    theirs = await trade.made(OTHER, "registerDeal", DEAL, **deal("Alleiniger Betrieb KG"))
    for name in ("Alleiniger Betrieb KG", "Niemand Betrieb KG"):
        with statements() as heard:
            await trade.made(ONE, "registerDeal", DEAL, **deal(name))
        sent[name] = [text for text in heard if "SAVEPOINT" not in text]
    assert len(sent[name]) > 3
    assert sent["Alleiniger Betrieb KG"] == sent["Niemand Betrieb KG"]
    # while the other's is being checked, with all locks that this takes
    async with trade.database.transaction(trade.organization, None, "test") as tx:
        await check(tx, await system_actor(await tx.raw(), trade.organization, "test"), decode(theirs)[1])
        await asyncio.wait_for(trade.made(ONE, "registerDeal", DEAL, **deal("Alleiniger Betrieb")), 30)
        await asyncio.wait_for(trade.ask(ONE, "{ dealRegistrations(first: 5) { nodes { answer } } }"), 30)


async def test_a_key_of_one_is_free_for_the_other(trade: Trade) -> None:
    """Idempotency keys are each caller's own; what one has used neither answers nor refuses the other."""
    given = deal("Schlüsselwerk AG", idempotencyKey="the very same key")
    first, second = [await trade.made(who, "registerDeal", DEAL, **given) for who in (ONE, OTHER)]
    assert first != second
    assert await trade.made(ONE, "registerDeal", DEAL, **given) == first


async def test_tickets_of_one_leave_the_other_room(trade: Trade, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many may be open of a customer is counted for each partner: a refusal would tell of the other's."""
    customer = await common(trade)
    monkeypatch.setattr(opening, "MOST", 2)
    given = {"customerId": customer, "subject": "Again", "body": "And again."}
    for _ in range(2):
        await trade.made(OTHER, "openTicket", "ticket { id }", **given)
    assert (await trade.send(OTHER, "openTicket", "ticket { id }", **given))[1] == ["TOO_MANY_TICKETS"]
    for _ in range(2):
        await trade.made(ONE, "openTicket", "ticket { id }", **given)
    assert (await trade.send(ONE, "openTicket", "ticket { id }", **given))[1] == ["TOO_MANY_TICKETS"]


async def test_shares_and_cursors_of_the_other_are_nothing(trade: Trade) -> None:
    """A partner reads its own shares and no others; and a cursor of the other's leads nowhere."""
    customer = await common(trade)
    for name in ("channelConflicts", "territories"):
        answer = await trade.ask(ONE, f"{{ {name}(first: 5) {{ totalCount nodes {{ id }} }} }}")
        assert (answer.json["data"][name], answer.codes) == (None, ["FIELD_ACCESS_DENIED"])
    one = decode(await trade.partner(ONE))[1]
    for name, table in (("customerShares", "customer_shares"), ("keyAccountShares", "key_account_shares")):
        shown = (await trade.ask(ONE, f"{{ {name}(first: 200) {{ totalCount nodes {{ id }} }} }}")).data[name]
        own = await trade.connection.fetch(f"SELECT id FROM {table} WHERE partner_id = $1", one)
        assert {node["id"][4:] for node in shown["nodes"]} == {row["id"].hex for row in own}, name
        assert shown["totalCount"] == len(own) < await trade.connection.fetchval(f"SELECT count(*) FROM {table}")
    listed = "query ($after: String) { customers(first: 1, after: $after) { nodes { id } pageInfo { endCursor } } }"
    cursor = (await trade.ask(OTHER, listed)).data["customers"]["pageInfo"]["endCursor"]
    assert (await trade.ask(ONE, listed, after=cursor)).codes == ["CURSOR_INVALID"]
    etags = [
        (await trade.ask(who, f'{{ customer(id: "{customer}") {{ etag }} }}')).data["customer"] for who in (ONE, OTHER)
    ]
    assert etags[0] == etags[1], "made of the row as both see it, not of who sees it"
