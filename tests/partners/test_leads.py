"""Leads offered to partners: accepted or declined in time, taken back, given to the next; and what partners learn of it."""

import asyncio
import datetime as dt
import json
import re

import pytest

from tests.partners.conftest import ONE, OTHER, Trade

pytestmark = pytest.mark.asyncio(loop_scope="session")

LEAD = "lead { id status acceptBy partner { name } }"
OWN = """{ leads(first: 50, orderBy: [{createdAt: DESC}]) { totalCount nodes { name status acceptBy hiddenFields } }
  leadOffers(first: 50, orderBy: [{offeredAt: DESC}]) { totalCount nodes { status offeredAt acceptBy respondedAt
    declineReason endedAt responseMinutes lead { name } hiddenFields } }
  leadAggregate { groups { count } } leadOfferAggregate { groups { count } } }"""
HISTORY = """query ($id: ID!) { lead(id: $id) { status partner { name } offers(first: 9, orderBy: [{offeredAt: ASC}]) {
  totalCount nodes { status byRule responseMinutes partner { name } offeredBy { name } } } } }"""


async def lead(trade: Trade, **given: object) -> str:
    return await trade.made("sales_manager", "createLead", "lead { id }", name="Ilse Roth", **given)


async def offered(trade: Trade, persona: str, **given: object) -> str:
    node = await lead(trade, **given)
    sent = {"id": node, "partnerId": await trade.partner(persona)}
    assert (await trade.send("sales_manager", "assignLeadToPartner", LEAD, **sent))[1] == []
    return node


async def offers(trade: Trade, node: str) -> list[dict[str, object]]:
    found = await trade.ask("administrator", HISTORY, id=node)
    nodes: list[dict[str, object]] = found.data["lead"]["offers"]["nodes"]
    return nodes


async def sees(trade: Trade, persona: str, node: str) -> bool:
    return bool((await trade.ask(persona, f'{{ lead(id: "{node}") {{ id }} }}')).json["data"]["lead"])


async def test_a_lead_is_offered_accepted_and_worked_on(trade: Trade) -> None:
    node = await offered(trade, ONE, company="Roth KG")
    assert (await sees(trade, ONE, node), await sees(trade, OTHER, node)) == (True, False)
    before = dict(await trade.row("leads", node))
    assert before["accept_by"] - dt.datetime.now(dt.UTC) > dt.timedelta(hours=47)
    for persona, verb, given, code in (
        (ONE, "workLead", {}, "STATE_REFUSED"),
        (ONE, "disqualifyLead", {"reason": "No."}, "STATE_REFUSED"),
        (ONE, "updateLead", {"interest": "Mine."}, "STATE_REFUSED"),
        ("sales_manager", "convertLead", {}, "STATE_REFUSED"),
        ("sales_manager", "acceptLead", {}, "WRITE_ACCESS_DENIED"),
        (OTHER, "acceptLead", {}, "NOT_FOUND"),
        (OTHER, "declineLead", {"reason": "No."}, "NOT_FOUND"),
        (ONE, "declineLead", {"reason": " "}, "VALUE_INVALID"),
        (ONE, "takeBackLead", {}, "WRITE_ACCESS_DENIED"),
        (ONE, "assignLeadToPartner", {}, "WRITE_ACCESS_DENIED"),
        ("sales_manager", "assignLeadToPartner", {"acceptBy": "2020-01-01T00:00:00Z"}, "VALUE_INVALID"),
    ):
        events = await trade.connection.fetchval("SELECT count(*) FROM outbox_events")
        assert (await trade.send(persona, verb, "lead { id }", id=node, **given))[1] == [code], (persona, verb)
        assert dict(await trade.row("leads", node)) == before
        assert await trade.connection.fetchval("SELECT count(*) FROM outbox_events") == events
    shown, errors = await trade.send(ONE, "acceptLead", "lead { status acceptBy }", id=node)
    assert (errors, shown) == ([], {"status": "WORKING", "acceptBy": None})
    assert (await trade.send(ONE, "acceptLead", LEAD, id=node))[1] == ["STATE_REFUSED"]
    assert (await trade.send(ONE, "updateLead", LEAD, id=node, interest="A roof."))[1] == []
    [one] = await offers(trade, node)
    assert (one["status"], one["byRule"], one["responseMinutes"]) == ("ACCEPTED", False, 0)
    timers = "SELECT count(*) FROM timers WHERE kind LIKE 'lead%' AND row_id IN (SELECT id FROM lead_offers WHERE lead_id = $1)"
    assert await trade.connection.fetchval(timers, before["id"]) == 0

    # given to another by hand: who had it has it no more, and keeps the record of its own offer
    sent = {"id": node, "partnerId": await trade.partner(OTHER)}
    shown, errors = await trade.send("sales_manager", "assignLeadToPartner", LEAD, **sent)
    assert (errors, shown["status"]) == ([], "NEW")
    assert (await sees(trade, ONE, node), await sees(trade, OTHER, node)) == (False, True)
    shown, errors = await trade.send("sales_manager", "takeBackLead", LEAD, id=node)
    assert (errors, shown["partner"], shown["acceptBy"]) == ([], None, None)
    assert [one["status"] for one in await offers(trade, node)] == ["ACCEPTED", "WITHDRAWN"]
    assert await sees(trade, OTHER, node) is False


async def blocked(trade: Trade, count: int) -> None:
    """Until so many wait for a lock."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(20):
        while await trade.connection.fetchval(waiting) < count:
            await asyncio.sleep(0.01)


async def test_of_accepting_and_expiring_at_once_one_is(trade: Trade) -> None:
    """Both wait for the lead's row: whoever asked for it first has it, and the other finds it gone."""
    for first, status in (("accept", "ACCEPTED"), ("expire", "EXPIRED")):
        node = await offered(trade, ONE)
        row = (await trade.row("leads", node))["id"]
        timer = "UPDATE timers SET due_at = now() WHERE row_id = (SELECT id FROM lead_offers WHERE lead_id = $1)"
        async with asyncio.TaskGroup() as both, trade.database.transaction(trade.organization, None, "test") as tx:
            connection = await tx.raw()
            over = "UPDATE leads SET accept_by = clock_timestamp() WHERE id = $1"
            await connection.execute("SELECT FROM leads WHERE id = $1 FOR UPDATE", row)
            if first == "accept":  # it began in time
                accepted = both.create_task(trade.send(ONE, "acceptLead", "lead { id }", id=node))
                await blocked(trade, 1)
            await connection.execute(over, row)
            await trade.connection.execute(timer, row)
            both.create_task(trade.work())
            await blocked(trade, 1 + (first == "accept"))
            if first == "expire":
                accepted = both.create_task(trade.send(ONE, "acceptLead", "lead { id }", id=node))
                await blocked(trade, 2)
        [one] = await offers(trade, node)
        assert (one["status"], await sees(trade, ONE, node)) == (status, first == "accept")
        assert accepted.result()[1] == ([] if first == "accept" else ["NOT_FOUND"])


async def test_the_time_to_accept_is_exact(trade: Trade) -> None:
    node = await offered(trade, ONE)
    row = (await trade.row("leads", node))["id"]
    await trade.connection.execute("UPDATE leads SET accept_by = now() WHERE id = $1", row)
    assert (await trade.send(ONE, "acceptLead", LEAD, id=node))[1] == ["STATE_REFUSED"]  # the worker was not there yet
    early = await offered(trade, ONE)
    await trade.days_pass("lead_offer.expire")  # due too early: it is not over, and stays
    assert [one["status"] for one in await offers(trade, node)] == ["EXPIRED"]
    assert (await sees(trade, ONE, node), await sees(trade, ONE, early)) == (False, True)


async def test_by_rule_it_goes_from_partner_to_partner_and_back_to_its_owner(trade: Trade) -> None:
    """Both look after Malta: the one with fewer leads is asked, then the other, then nobody is left."""
    malta = await trade.made("administrator", "createTerritory", "territory { id }", name="Malta", country="MT")
    both = [await trade.partner(persona) for persona in (ONE, OTHER)]
    for one in both:
        given = {"name": "Malta", "partnerId": one, "territoryId": malta, "level": "PARTNER"}
        await trade.made("sales_manager", "createPartnerCoverage", "partnerCoverage { id }", **given)
    nowhere = await lead(trade, country="IS")
    assert (await trade.send("sales_manager", "assignLeadToPartner", LEAD, id=nowhere))[1] == ["NO_PARTNER_FITS"]
    assert (await trade.row("leads", nowhere))["accept_by"] is None

    count = "SELECT count(*) FROM leads WHERE partner_id = $1 AND status IN ('NEW', 'WORKING')"
    busy = [await trade.connection.fetchval(count, (await trade.row("partners", one))["id"]) for one in both]
    less, more = (ONE, OTHER) if busy[0] < busy[1] else (OTHER, ONE)
    while len(set(busy)) == 1:
        await offered(trade, more)
        busy[0] += 1
    owner = await trade.connection.fetchval(
        "SELECT id FROM users WHERE email = $1", trade.api.people["sales_rep"]["email"]
    )
    node = await lead(trade, country="MT", ownerId=f"usr_{owner.hex}")
    until = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=5)).isoformat()
    shown, errors = await trade.send("sales_rep", "assignLeadToPartner", "lead { acceptBy }", id=node, acceptBy=until)
    assert errors == []
    assert (await sees(trade, less, node), await sees(trade, more, node)) == (True, False)
    shown, errors = await trade.send(less, "declineLead", "lead { id }", id=node, reason="No capacity.")
    assert (shown, errors) == (None, [])
    assert (await sees(trade, less, node), await sees(trade, more, node)) == (False, False)
    await trade.work()
    assert (await sees(trade, less, node), await sees(trade, more, node)) == (False, True)
    row = await trade.row("leads", node)
    assert dt.timedelta(hours=4.9) < row["accept_by"] - dt.datetime.now(dt.UTC) <= dt.timedelta(hours=5)
    assert (await trade.connection.fetchval("SELECT count(*) FROM leads_history WHERE id = $1", row["id"])) > 0

    await trade.connection.execute("UPDATE leads SET accept_by = now() WHERE id = $1", row["id"])
    mails = "SELECT count(*) FROM outgoing_mails WHERE subject = 'A lead is with you again' AND recipient = $1"
    told = await trade.connection.fetchval(mails, trade.api.people["sales_rep"]["email"])
    await trade.days_pass("lead_offer.expire")
    found = (await trade.ask("sales_rep", HISTORY, id=node)).data["lead"]
    assert (found["status"], found["partner"]) == ("NEW", None)
    assert [(one["status"], one["byRule"]) for one in found["offers"]["nodes"]] == [
        ("DECLINED", True),
        ("EXPIRED", True),
    ]
    assert [one["offeredBy"] is None for one in found["offers"]["nodes"]] == [False, True]
    assert await trade.connection.fetchval(mails, trade.api.people["sales_rep"]["email"]) == told + 1


def plain(answer: object) -> str:
    """What a partner reads, without the moments and ids that differ between any two leads."""
    text = json.dumps(answer, sort_keys=True, ensure_ascii=False)
    return re.sub(r'"(lea|lof)_\w+"|"\d{4}-\d\d-\d\dT[^"]+"', '"…"', text)


async def test_partners_learn_nothing_of_each_other_by_leads(trade: Trade) -> None:
    before = (await trade.ask(ONE, OWN)).body
    passed_on = await offered(trade, OTHER, interest="Roof")
    assert (await trade.ask(ONE, OWN)).body == before
    # one that another had accepted, and one that nobody had: each answer about them is the same, word for word
    assert (await trade.send(OTHER, "acceptLead", LEAD, id=passed_on))[1] == []
    fresh = await lead(trade, interest="Roof")
    told = {}
    for node in (passed_on, fresh):
        sent = {"id": node, "partnerId": await trade.partner(ONE)}
        assert (await trade.send("sales_manager", "assignLeadToPartner", LEAD, **sent))[1] == []
        query = """query ($id: ID!) { lead(id: $id) { __typename id name status acceptBy interest origin closedAt version updatedAt
          hiddenFields maskedFields partner { name } owner { name }
          offers(first: 5) { totalCount nodes { status byRule offeredBy { name } partner { name } endedAt } } } }"""
        steps: list[object] = [(await trade.ask(ONE, query, id=node)).json]
        mail = "SELECT body FROM outgoing_mails WHERE subject LIKE '%a lead for you' ORDER BY created_at DESC LIMIT 1"
        steps.append(re.sub(r"\d+", "", await trade.connection.fetchval(mail)))
        steps.append(await trade.send(ONE, "declineLead", LEAD, id=node, reason="No."))
        steps.append((await trade.ask(ONE, query, id=node)).json)
        steps.append(await trade.send(ONE, "acceptLead", LEAD, id=node))
        told[node] = plain(steps)
    assert told[passed_on] == told[fresh]
    assert '"totalCount": 1' in told[fresh]
    names = [row["name"] for row in await trade.connection.fetch("SELECT name FROM partners")]
    mine = json.loads((await trade.ask(ONE, "{ partners(first: 9) { nodes { name } } }")).body)["data"]["partners"][
        "nodes"
    ]
    text = (await trade.ask(ONE, OWN)).body.decode() + told[fresh]
    assert not [name for name in names if name in text and {"name": name} not in mine]
