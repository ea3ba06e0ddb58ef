"""Registrations of deals: what they collide with, who decides, and what partners learn of each other, which is nothing."""

import asyncio
import datetime as dt
import json
import re

import pytest

from crm_graph.db.ids import decode
from tests.partners.conftest import ONE, OTHER, Trade, deal

pytestmark = pytest.mark.asyncio(loop_scope="session")

DEAL = "dealRegistration { id customerName answer answeredAt protectedUntil hiddenFields }"
OWN = """{ dealRegistrations(first: 50, orderBy: [{createdAt: DESC}]) { totalCount nodes {
  customerName answer answeredAt protectedUntil amount { amount currency } hiddenFields maskedFields } }
  dealRegistrationAggregate { groups { count } }
}"""


async def conflicts(trade: Trade, registration: str) -> list[dict[str, str]]:
    found = await trade.ask(
        "administrator",
        "query ($id: ID!) { channelConflicts(first: 20, filter: {registration: {id: {eq: $id}}}, orderBy: [{createdAt: ASC}])"
        " { nodes { id kind matchedBy otherRegistration { partner { name } } opportunity { id } order { id } } } }",
        id=registration,
    )
    nodes: list[dict[str, str]] = found.data["channelConflicts"]["nodes"]
    return nodes


async def test_a_deal_is_received_decided_and_answered_at_its_time(trade: Trade):
    node = await trade.made(ONE, "registerDeal", DEAL, **deal("Quirrel Turbinen GmbH"))
    row = await trade.row("deal_registrations", node)
    assert (row["status"], row["answer"], row["answered_at"]) == ("SUBMITTED", "RECEIVED", None)
    refused = {"id": node, "reason": "New to us."}
    _, unchecked = await trade.send("sales_manager", "approveDealRegistration", DEAL, **refused)
    assert unchecked == ["REGISTRATION_UNCHECKED"]
    await trade.work()
    assert await conflicts(trade, node) == []

    given = {"id": node, "reason": "New to us.", "protectionDays": 30}
    _, errors = await trade.send("sales_manager", "approveDealRegistration", DEAL, **given)
    assert errors == []
    before = (await trade.ask(ONE, OWN)).data["dealRegistrations"]["nodes"][0]
    assert (before["answer"], before["protectedUntil"]) == ("RECEIVED", None)  # decided, and not told

    await trade.days_pass("deal_registration.answer")
    row = await trade.row("deal_registrations", node)
    assert (row["answer"], (row["protected_until"] - row["answered_at"]).days) == ("PROTECTED", 30)
    _, errors = await trade.send(
        "sales_manager", "extendDealRegistration", DEAL, id=node, days=10, reason="Slow customer."
    )
    extended = await trade.row("deal_registrations", node)
    assert (errors, extended["status"], (extended["protected_until"] - row["protected_until"]).days) == (
        [],
        "EXTENDED",
        10,
    )

    await trade.days_pass("deal_registration.expire")  # not over yet: the timer finds the row as it is
    assert (await trade.row("deal_registrations", node))["status"] == "EXTENDED"
    await trade.connection.execute("UPDATE deal_registrations SET protected_until = now() WHERE id = $1", row["id"])
    await trade.connection.execute(
        "INSERT INTO timers (organization_id, kind, row_id, due_at) VALUES ($1, 'deal_registration.expire', $2, now())",
        trade.organization,
        row["id"],
    )
    await trade.work()
    over = await trade.row("deal_registrations", node)
    assert (over["status"], over["answer"]) == ("EXPIRED", "EXPIRED")


async def test_a_deal_goes_through_the_table_of_the_document(trade: Trade):
    """Undecided it is answered after two days more; then protected for 90 days, as nobody said for how many; then a sale."""
    node = await trade.made(ONE, "registerDeal", DEAL, **deal("Tafelrunde Möbel AG"))
    await trade.work()
    own = await trade.made(ONE, "registerOpportunity", "opportunity { id }", name="Of its own")
    moves: tuple[tuple[str | None, dict[str, object], str, str], ...] = (
        ("reviewDealRegistration", {}, "IN_REVIEW", "RECEIVED"),
        (None, {}, "IN_REVIEW", "RECEIVED"),
        ("approveDealRegistration", {"reason": "New to us."}, "APPROVED", "RECEIVED"),
        (None, {}, "APPROVED", "PROTECTED"),
        ("extendDealRegistration", {"reason": "Slow.", "days": 7}, "EXTENDED", "PROTECTED"),
        ("convertDealRegistration", {"opportunityId": own}, "CONVERTED", "CONVERTED"),
    )
    due = "SELECT due_at FROM timers WHERE kind = 'deal_registration.answer' AND row_id = $1"
    protected = []
    for verb, given, status, answer in moves:
        if verb:
            assert (await trade.send("sales_manager", verb, DEAL, id=node, **given))[1] == []
        else:  # two days are over
            back = "UPDATE deal_registrations SET created_at = created_at - interval '2 days' WHERE id = $1"
            await trade.connection.execute(back, decode(node)[1])
            await trade.days_pass("deal_registration.answer")
        row = await trade.row("deal_registrations", node)
        told = (await trade.ask(ONE, f'{{ dealRegistration(id: "{node}") {{ answer }} }}')).data["dealRegistration"]
        assert (row["status"], row["answer"], told["answer"]) == (status, answer, answer), verb
        if (status, answer) == ("APPROVED", "RECEIVED"):  # which would tell when we decided
            early = await trade.send("sales_manager", "convertDealRegistration", DEAL, id=node, opportunityId=own)
            assert early[1] == ["STATE_REFUSED"]
        waits = await trade.connection.fetchval(due, row["id"])
        days = None if waits is None else round((waits - row["created_at"]) / dt.timedelta(days=1), 3)
        protected.append((days, row["protected_until"] and (row["protected_until"] - row["answered_at"]).days))
    assert protected == [(2, None), (4, None), (4, None), (None, 90), (None, 97), (None, 97)]
    assert f"opp_{row['opportunity_id'].hex}" == own


async def test_collisions_are_found_by_keys_names_and_groups(trade: Trade):
    created = "createCustomer", "customer { id }"
    parent = await trade.made("administrator", *created, name="Hohenfels Glaswerke Holding AG", kind="ORGANIZATION")
    await trade.made(
        "administrator",
        *created,
        name="Zwiesel Kristall GmbH",
        kind="ORGANIZATION",
        parentId=parent,
        taxNumber="DE 811 223 344",
    )
    await trade.made("administrator", "createOpportunity", "opportunity { id }", name="Ovens", customerId=parent)

    async def kinds(persona: str, **values: object) -> list[tuple[str, str]]:
        node = await trade.made(persona, "registerDeal", DEAL, **deal(**values))
        await trade.work()
        return sorted((c["kind"], c["matchedBy"]) for c in await conflicts(trade, node))

    # our own sale to the parent company, found through the subsidiary's tax number, whatever the name
    assert await kinds(ONE, name="Somebody Else KG", customerTaxNumber="DE811223344") == [("DIRECT_SALE", "GROUP")]
    # the parent by its name in another form; and the other partner's registration of its subsidiary
    found = await kinds(OTHER, name="HOHENFELS Glaswerke Holding Aktiengesellschaft")
    assert found == [("DIRECT_SALE", "NAME"), ("REGISTRATION", "GROUP")]
    # a sister of the same first name is another customer
    assert await kinds(ONE, name="Hohenfels Immobilien AG") == []
    # two registrations of a customer we do not have
    assert await kinds(ONE, name="Nýtt Gler ehf., c/o Jón") == []
    assert await kinds(OTHER, name="Nytt Gler EHF") == [("REGISTRATION", "NAME")]


async def test_recent_orders_through_another_channel_collide(trade: Trade):
    """Of our own a direct sale, of another partner a partner's; not the partner's own, old, cancelled or returned ones."""
    cases = (
        ("Brennholz Faber AG", None, 3, "PLACED", ["DIRECT_SALE"]),
        ("Kachelwerk Zander AG", OTHER, 179, "DELIVERED", ["PARTNER_SALE"]),
        ("Sprudel Oderbruch AG", ONE, 3, "PLACED", []),
        ("Teppich Ullmann AG", None, 181, "DELIVERED", []),
        ("Uhrwerk Vetter AG", None, 3, "CANCELLED", []),
        ("Xylophon Yburg AG", OTHER, 3, "RETURNED", []),
    )
    for name, seller, days, status, wanted in cases:
        customer = await trade.made(
            "administrator", "createCustomer", "customer { id }", name=name, kind="ORGANIZATION"
        )
        given: dict[str, object] = {"partnerId": await trade.partner(seller)} if seller else {}
        placed = (dt.datetime.now(dt.UTC) - dt.timedelta(days=days)).isoformat()
        order = await trade.made(
            "administrator",
            "createOrder",
            "order { id }",
            number=name,
            customerId=customer,
            placedAt=placed,
            currency="EUR",
            **given,
        )
        row = (await trade.row("orders", order))["id"]
        await trade.connection.execute("UPDATE orders SET status = $2 WHERE id = $1", row, status)
        node = await trade.made(ONE, "registerDeal", DEAL, **deal(name))
        await trade.work()
        found = await conflicts(trade, node)
        assert [one["kind"] for one in found] == wanted, name
        assert all(one["order"] == {"id": order} and one["opportunity"] is None for one in found)


async def test_a_conflict_is_settled_before_a_deal_is_protected(trade: Trade):
    first = await trade.made(ONE, "registerDeal", DEAL, **deal("Vantablau Optik AG"))
    second = await trade.made(OTHER, "registerDeal", DEAL, **deal("Vantablau Optik"))
    await trade.work()
    (conflict,) = [*await conflicts(trade, first), *await conflicts(trade, second)]
    held = second if await conflicts(trade, second) else first
    before = dict(await trade.row("deal_registrations", held))
    _, errors = await trade.send("sales_manager", "approveDealRegistration", DEAL, id=held, reason="Ours.")
    assert errors == ["CHANNEL_CONFLICT"]
    assert dict(await trade.row("deal_registrations", held)) == before
    text = "mutation ($i: ResolveChannelConflictInput!) { resolveChannelConflict(input: $i) { userErrors { code } } }"
    events = await trade.connection.fetchval("SELECT count(*) FROM outbox_events")
    for persona in (ONE, "sales_rep"):
        answer = await trade.ask(persona, text, i={"id": conflict["id"], "resolution": "Mine."})
        codes = [error["code"] for error in answer.data["resolveChannelConflict"]["userErrors"]]
        assert codes == ["NOT_FOUND"], persona
    assert await trade.connection.fetchval("SELECT count(*) FROM outbox_events") == events
    assert (await trade.row("channel_conflicts", conflict["id"]))["resolved_at"] is None
    given = {"id": conflict["id"], "resolution": "Both agreed that the first goes on."}
    shown = "channelConflict { id resolution resolvedBy { name } }"
    found, errors = await trade.send("sales_manager", "resolveChannelConflict", shown, **given)
    assert (errors, found["resolution"]) == ([], given["resolution"])
    _, again = await trade.send("sales_manager", "resolveChannelConflict", shown, **given)
    assert again == ["STATE_REFUSED"]
    _, errors = await trade.send("sales_manager", "approveDealRegistration", DEAL, id=held, reason="Settled.")
    assert errors == []


def told(answer: object) -> str:
    """What a partner reads, without the moments and ids that differ between any two registrations."""
    text = json.dumps(answer, sort_keys=True, ensure_ascii=False)
    return re.sub(r'"dgr_\w+"|"\d{4}-\d\d-\d\dT[^"]+"', '"…"', text)


async def test_a_refusal_tells_nothing_of_another_partner(trade: Trade):
    """One deal collides with another partner's, one with nothing: every word the partner reads of them is the same."""
    await trade.made(OTHER, "registerDeal", DEAL, **deal("Kollisionswerk GmbH"))
    seen = {}
    for name in ("Kollisionswerk GmbH", "Einzelgänger GmbH"):
        received, errors = await trade.send(ONE, "registerDeal", DEAL, **deal(name))
        node = received["id"]
        timers = "SELECT kind, due_at - created_at AS after FROM timers t JOIN deal_registrations d ON d.id = t.row_id WHERE d.id = $1"
        due = {
            r["kind"]: r["after"]
            for r in await trade.connection.fetch(timers, (await trade.row("deal_registrations", node))["id"])
        }
        await trade.work()
        query = f'{{ node(id: "{node}") {{ ... on {DEAL[0].upper() + DEAL[1:]} }} }}'
        steps = [received, errors, (await trade.ask(ONE, query)).json]
        _, rejected = await trade.send(
            "sales_manager", "rejectDealRegistration", DEAL, id=node, reason=f"About {name}."
        )
        steps += [rejected, (await trade.ask(ONE, query)).json]
        await trade.days_pass("deal_registration.answer")
        steps.append((await trade.ask(ONE, query)).json)
        hidden = f'{{ node(id: "{node}") {{ ... on DealRegistration {{ status reason checkedAt conflicts(first: 5) {{ totalCount }} }} }} }}'
        steps.append((await trade.ask(ONE, hidden)).json)
        seen[name] = told(steps).replace(name, "…")
        assert sorted(due) == ["deal_registration.answer", "deal_registration.check"]
        assert 1.9 < due["deal_registration.answer"].total_seconds() / 86400 < 2.1
    assert "NOT_PROTECTED" in seen["Einzelgänger GmbH"]
    assert seen["Kollisionswerk GmbH"] == seen["Einzelgänger GmbH"]


async def test_partners_count_and_read_their_own_registrations_alone(trade: Trade):
    before = {who: (await trade.ask(who, OWN)).body for who in (ONE, OTHER)}
    node = await trade.made(OTHER, "registerDeal", DEAL, **deal("Nur für einen AG"))
    await trade.work()
    assert (await trade.ask(ONE, OWN)).body == before[ONE]
    assert (await trade.ask(OTHER, OWN)).body != before[OTHER]
    absent = node[:-1] + ("0" if node[-1] != "0" else "1")
    asked = [(await trade.ask(ONE, f'{{ node(id: "{i}") {{ id }} }}')).body for i in (node, absent)]
    assert asked[0] == asked[1]
    text = "{ channelConflicts(first: 1) { totalCount } }"
    assert "totalCount" not in (await trade.ask(ONE, text)).body.decode()


async def test_what_a_partner_may_not_register(trade: Trade):
    count = "SELECT count(*) FROM deal_registrations"
    events = "SELECT count(*) FROM outbox_events"
    before = [await trade.connection.fetchval(text) for text in (count, events)]
    for given, code in (
        (deal(" "), "VALUE_INVALID"),
        (deal("x" * 256), "VALUE_INVALID"),
        (deal("X", amount={"amount": "-1", "currency": "EUR"}), "VALUE_INVALID"),
        (deal("X", productId=f"prd_{'0' * 31}1"), "REFERENCE_NOT_FOUND"),
        (deal("X", amount={"amount": "0", "currency": "EUR"}), "VALUE_INVALID"),
        (deal("X", partnerId=await trade.partner(OTHER)), "REFERENCE_NOT_FOUND"),
    ):
        assert await trade.send(ONE, "registerDeal", DEAL, **given) == (None, [code])
    assert (await trade.send("sales_manager", "registerDeal", DEAL, **deal("X")))[1] == ["VALUE_INVALID"]
    assert [await trade.connection.fetchval(text) for text in (count, events)] == before


async def test_of_decisions_at_the_same_time_one_counts(trade: Trade):
    """Approved and rejected at once, extended at once, expired meanwhile: one history, and nothing is added twice."""
    node = await trade.made(ONE, "registerDeal", DEAL, **deal("Gleichzeit Uhren AG"))
    await trade.work()
    verbs = ("approveDealRegistration", "rejectDealRegistration") * 2
    said = await asyncio.gather(*(trade.send("sales_manager", v, DEAL, id=node, reason="First.") for v in verbs))
    assert sorted(errors for _, errors in said) == [[], *[["STATE_REFUSED"]] * 3]
    other = await trade.made(ONE, "registerDeal", DEAL, **deal("Nacheinander Uhren AG"))
    await trade.work()
    await trade.made("sales_manager", "approveDealRegistration", DEAL, id=other, reason="Ours.")
    await trade.days_pass("deal_registration.answer")
    before = (await trade.row("deal_registrations", other))["protected_until"]
    extend = "sales_manager", "extendDealRegistration", DEAL
    given = {"id": other, "days": 10, "reason": "Slow."}
    await asyncio.gather(*(trade.made(*extend, **given) for _ in range(3)), trade.days_pass("deal_registration.expire"))
    after = await trade.row("deal_registrations", other)
    assert (after["status"], (after["protected_until"] - before).days) == ("EXTENDED", 30)
    for days in (0, 731, -5):
        assert (await trade.send(*extend, **{**given, "days": days}))[1] == ["VALUE_INVALID"]
    foreign = await trade.made(OTHER, "registerOpportunity", "opportunity { id }", name="Of another partner")
    convert = "convertDealRegistration", DEAL
    assert (await trade.send("sales_manager", *convert, id=other, opportunityId=foreign))[1] == ["VALUE_INVALID"]
    own = await trade.made(ONE, "registerOpportunity", "opportunity { id }", name="Of its own")
    for persona in (ONE, "partner_admin", "sales_rep", "storefront"):
        text = "mutation ($i: ConvertDealRegistrationInput!) { convertDealRegistration(input: $i) { userErrors { code } } }"
        answer = await trade.ask(persona, text, i={"id": other, "opportunityId": own})
        refused = (answer.json.get("data") or {}).get("convertDealRegistration")
        assert refused is None or refused["userErrors"], persona
    assert (await trade.row("deal_registrations", other))["status"] == "EXTENDED"


async def test_two_deals_do_not_become_one_sale(trade: Trade):
    own = await trade.made(ONE, "registerOpportunity", "opportunity { id }", name="One sale")
    nodes = [
        await trade.made(ONE, "registerDeal", DEAL, **deal(name)) for name in ("Korbmacher Rhön", "Seiler Vogtland")
    ]
    await trade.work()
    for node in nodes:
        await trade.made("sales_manager", "approveDealRegistration", DEAL, id=node, reason="New to us.")
    await trade.days_pass("deal_registration.answer")
    convert = (trade.send("sales_manager", "convertDealRegistration", DEAL, id=n, opportunityId=own) for n in nodes)
    answers = await asyncio.gather(*convert)
    assert sorted(codes for _, codes in answers) == [[], ["VALUE_INVALID"]]
    assert sorted([(await trade.row("deal_registrations", n))["status"] for n in nodes]) == ["APPROVED", "CONVERTED"]
