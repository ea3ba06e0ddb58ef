"""Who opens tickets for whom; their number, priority and queue; whom they are given to."""

import asyncio
import itertools
import re

import pytest

from crm_graph.resolvers.tickets import opening
from crm_graph.resolvers.tickets.priority import priority_of
from crm_graph.schema.tickets import CustomerValue, TicketGrade
from tests.resolvers.tickets.world import World, row_id

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_priority_never_falls_as_impact_urgency_value_or_raise_grow() -> None:
    ladder = ["LOW", "NORMAL", "HIGH", "URGENT"]
    axes = [list(TicketGrade), list(TicketGrade), list(CustomerValue), range(4)]
    found = {at: ladder.index(priority_of(*at)) for at in itertools.product(*axes)}
    for at, here in found.items():
        for place, axis in enumerate(axes):
            for more in list(axis)[list(axis).index(at[place]) + 1 :]:
                assert here <= found[(*at[:place], more, *at[place + 1 :])], (at, more)
    low, medium, high = TicketGrade
    assert [priority_of(a, a) for a in (low, medium, high)] == ["LOW", "NORMAL", "URGENT"]
    assert priority_of(medium, medium, CustomerValue.KEY) == "HIGH"
    assert priority_of(low, low, CustomerValue.STANDARD, 3) == "URGENT"


async def test_staff_open_what_they_are_told_and_it_is_routed_at_once(world: World) -> None:
    ticket = await world.opened(type="PROBLEM", impact="HIGH", urgency="HIGH", channel="PHONE")
    assert re.fullmatch(r"T-\d{8}", ticket["number"])
    assert (ticket["status"], ticket["priority"], ticket["channel"]) == ("NEW", "URGENT", "PHONE")
    assert (ticket["queue"]["name"], ticket["skills"]) == ("Technical Support", ["inverters"])
    assert [(m["side"], m["channel"], m["public"]) for m in ticket["messages"]["nodes"]] == [
        ("CUSTOMER", "PHONE", True)
    ]
    assert ticket["firstAnsweredAt"] is None
    assert await world.events(ticket["id"]) == ["ticket.opened"]
    key = await world.opened(customerId=world.key, type="PROBLEM")
    assert (key["queue"]["name"], key["customerValue"], key["priority"]) == ("Key Accounts", "KEY", "HIGH")
    assert "key-account" in key["tags"]
    chosen = await world.opened(queueId=world.queues["Management"])
    assert (chosen["queue"]["name"], chosen["assignee"]) == ("Management", None)


async def test_a_system_that_delivers_twice_opens_one(world: World) -> None:
    key = {"source": "portal", "externalId": "77"}
    assert (await world.opened(**key))["id"] == (await world.opened(**key))["id"]
    for by, more, code in (
        ("service_agent", {"customerId": world.plain, "source": "portal"}, "VALUE_INVALID"),
        ("customer", key, "WRITE_ACCESS_DENIED"),
    ):
        _, codes = await world.do("openTicket", {"subject": "s", "body": "b", **more}, by=by)
        assert set(codes) == {code}


async def test_customers_and_partners_open_their_own(world: World) -> None:
    own = await world.opened(by="customer", subject="Mine", type="QUESTION", channel="MOBILE")
    assert (own["channel"], own["messages"]["nodes"][0]["side"]) == ("MOBILE", "CUSTOMER")
    inside = await world.seen(own["id"], by="service_agent", shown="queue { name } customer { id }")
    assert inside == {"queue": {"name": "Service Desk"}, "customer": {"id": world.customer}}
    partners = await world.opened(by="partner_rep", customerId=world.shared, subject="Theirs")
    assert (partners["channel"], partners["messages"]["nodes"][0]["side"]) == ("PARTNER", "PARTNER")
    assert await world.seen(partners["id"], by="other_partner_rep") is None
    assert await world.seen(own["id"], by="partner_rep") is None
    answered = await world.done("answerTicket", {"id": partners["id"], "body": "The report is attached."})
    assert [m["body"] for m in (await world.seen(partners["id"], by="partner_rep"))["messages"]["nodes"]] == [
        m["body"] for m in answered["messages"]["nodes"]
    ]


async def test_who_acts_for_a_company_opens_its_tickets(world: World) -> None:
    whom = (await world.api.as_("customer")("{ viewer { actsFor { id role } } }")).data["viewer"]["actsFor"]
    company = next(one["id"] for one in whom if one["role"] == "PORTAL_ADMIN")
    acting = {"X-Acting-For": company}
    ticket, codes = await world.do("openTicket", {"subject": "Ours", "body": "?"}, by="customer", headers=acting)
    assert codes == []
    assert await world.seen(ticket["id"]) is None  # oneself is another customer
    assert await world.value("SELECT customer_id FROM tickets WHERE id = $1", row_id(ticket["id"])) == row_id(company)
    looking = {"X-Acting-For": next(one["id"] for one in whom if one["role"] == "PORTAL_USER")}
    answer = await world.send("openTicket", {"subject": "No", "body": "?"}, by="customer", shown="id", headers=looking)
    assert answer.codes == ["ACTING_FOR_READS"]


async def test_what_is_not_theirs_is_refused_and_leaves_nothing(world: World) -> None:
    others = await world.value(
        "SELECT id FROM orders WHERE organization_id = $1 AND customer_id <> $2 LIMIT 1",
        world.organization,
        row_id(world.plain),
    )
    product = (
        "prd_"
        + (await world.value("SELECT id FROM products WHERE organization_id = $1 LIMIT 1", world.organization)).hex
    )
    for by, given, code in (
        ("customer", {"customerId": world.plain}, "REFERENCE_NOT_FOUND"),
        ("customer", {"urgency": "HIGH"}, "WRITE_ACCESS_DENIED"),
        ("customer", {"orderId": f"ord_{others.hex}"}, "REFERENCE_NOT_FOUND"),
        ("customer", {"subject": "  "}, "VALUE_INVALID"),
        ("customer", {"body": "  "}, "VALUE_INVALID"),
        ("customer", {"toManagement": True, "type": "QUESTION"}, "VALUE_INVALID"),
        ("partner_rep", {"customerId": world.plain}, "REFERENCE_NOT_FOUND"),
        ("partner_rep", {"customerId": world.shared, "impact": "HIGH"}, "WRITE_ACCESS_DENIED"),
        ("partner_rep", {}, "VALUE_INVALID"),
        ("service_agent", {}, "VALUE_INVALID"),
        ("service_agent", {"customerId": world.plain, "orderId": f"ord_{others.hex}"}, "VALUE_INVALID"),
        ("sales_rep", {"customerId": world.plain, "productId": product}, "WRITE_ACCESS_DENIED"),
    ):
        await world.refused("openTicket", {"subject": "s", "body": "b", **given}, code, by=by)
    before = await world.traces()
    answer = await world.send("openTicket", {"subject": "s", "body": "b"}, by="storefront", shown="id")
    assert "WRITE_ACCESS_DENIED" in answer.body.decode() or answer.errors
    assert await world.traces() == before


async def test_nobody_is_flooded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "MOST", 1)
    await world.refused("openTicket", {"subject": "s", "body": "b"}, "TOO_MANY_TICKETS", by="customer")


async def test_round_robin_gives_everybody_as_many_even_at_once(world: World) -> None:
    desk, technical = world.queues["Service Desk"], world.queues["Technical Support"]
    await world.connection.execute(
        "UPDATE queue_members SET capacity = NULL WHERE organization_id = $1", world.organization
    )
    opened = await asyncio.gather(*(world.opened(queueId=desk) for _ in range(6)))
    given = [one["assignee"]["id"] for one in opened]
    assert sorted(map(given.count, set(given))) == [3, 3]
    # skills: only who has them all; of nobody who has room, to nobody
    member = await world.connection.fetchrow(
        "SELECT m.* FROM queue_members m JOIN ticket_queues q ON q.id = m.queue_id"
        " WHERE q.name = 'Technical Support' AND q.organization_id = $1 AND 'charging' = ANY(m.skills)",
        world.organization,
    )
    await world.connection.execute(
        "UPDATE routing_rules SET skills = '{charging}' WHERE name = 'Problems' AND organization_id = $1",
        world.organization,
    )
    ticket = await world.opened(type="PROBLEM")
    assert (ticket["queue"]["id"], ticket["assignee"]["id"]) == (technical, f"usr_{member['user_id'].hex}")
    await world.connection.execute("UPDATE queue_members SET capacity = 1 WHERE id = $1", member["id"])
    assert (await world.opened(type="PROBLEM"))["assignee"] is None
    # who is away says so of themselves, and of nobody else
    say = "mutation ($id: ID!) { updateQueueMember(input: {id: $id, available: false}) { userErrors { code } } }"
    own = "SELECT id, user_id FROM queue_members WHERE queue_id = $1 ORDER BY user_id = $2 DESC"
    mine, other = await world.connection.fetch(own, row_id(desk), world.agent["id"])
    answers = [
        (await world.api.as_("service_agent")(say, {"id": f"tqm_{m['id'].hex}"})).data["updateQueueMember"][
            "userErrors"
        ]
        for m in (mine, other)
    ]
    assert answers == [[], [{"code": "WRITE_ACCESS_DENIED"}]]
    given = {(await world.opened(queueId=desk))["assignee"]["id"] for _ in range(3)}
    assert given == {f"usr_{other['user_id'].hex}"}
    await world.connection.execute("UPDATE queue_members SET available = TRUE")
    # least loaded
    await world.connection.execute("UPDATE ticket_queues SET assignment = 'LEAST_LOADED' WHERE id = $1", row_id(desk))
    loads = "SELECT count(*) FROM tickets WHERE assignee_id = $1 AND status IN ('NEW', 'OPEN', 'WAITING', 'ON_HOLD')"
    members = await world.connection.fetch("SELECT user_id FROM queue_members WHERE queue_id = $1", row_id(desk))
    least = min([(await world.value(loads, m["user_id"]), m["user_id"]) for m in members])[0]
    got = row_id((await world.opened(queueId=desk))["assignee"]["id"])
    assert await world.value(loads, got) == least + 1
