"""What is said, how a ticket stands then, and how it ends by its customer's word."""

import asyncio

import pytest

from crm_graph.auth.actor import Actor
from crm_graph.db.session import Transaction
from crm_graph.resolvers.tickets import changed
from crm_graph.resolvers.tickets.changed import TicketChange
from tests.resolvers.tickets.world import World, row_id

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_ticket_goes_to_and_fro_until_its_customer_says_that_it_is_resolved(world: World) -> None:
    id_ = {"id": (await world.opened(by="customer", subject="Where is it?"))["id"]}
    await world.done("releaseTicket", id_)
    answered = await world.done("answerTicket", {**id_, "body": "On its way."})
    assert (answered["status"], answered["assignee"]["id"]) == ("OPEN", f"usr_{world.agent['id'].hex}")
    assert answered["firstAnsweredAt"] == answered["lastAnswerAt"] is not None
    waiting = await world.done("waitForCustomer", {**id_, "body": "Which door?"})
    assert (waiting["status"], waiting["firstAnsweredAt"]) == ("WAITING", answered["firstAnsweredAt"])
    assert waiting["waitingSince"] == waiting["lastAnswerAt"] > answered["lastAnswerAt"]
    assert (await world.done("answerTicket", {**id_, "body": "The blue one."}, by="customer"))["status"] == "OPEN"
    inside = await world.seen(id_["id"], by="service_agent", shown="waitingSince lastCustomerMessageAt lastAnswerAt")
    assert inside["waitingSince"] is None
    assert inside["lastCustomerMessageAt"] > inside["lastAnswerAt"]
    assert (await world.done("putTicketOnHold", id_))["status"] == "ON_HOLD"
    assert (await world.done("resumeTicket", id_))["status"] == "OPEN"
    resolved = await world.done("resolveTicket", {**id_, "body": "It was delivered."})
    assert (resolved["status"], resolved["resolvedAt"] < resolved["confirmUntil"]) == ("RESOLVED", True)
    again = await world.done("answerTicket", {**id_, "body": "But not to me."}, by="customer")
    assert (again["status"], again["resolvedAt"], again["confirmUntil"]) == ("OPEN", None, None)
    await world.done("resolveTicket", id_)
    closed = await world.done("confirmResolution", id_, by="customer")
    assert (closed["status"], closed["closedBecause"]) == ("CLOSED", "CONFIRMED")
    reopened = await world.done("reopenTicket", {**id_, "body": "It is gone again."}, by="customer")
    assert (reopened["status"], reopened["closedAt"], reopened["closedBecause"]) == ("OPEN", None, None)
    assert reopened["messages"]["nodes"][-1]["body"] == "It is gone again."
    counted = await world.seen(id_["id"], by="service_agent", shown="reopenCount")
    assert counted == {"reopenCount": 2}
    assert await world.events(id_["id"]) == [
        "ticket.opened", "ticket.released", "ticket.answered", "ticket.answered", "ticket.asked", "ticket.held",
        "ticket.resumed", "ticket.answered", "ticket.asked", "ticket.resolved", "ticket.closed", "ticket.reopened",
        "ticket.asked",
    ]  # fmt: skip


async def test_silence_closes_what_was_put_to_the_customer(world: World) -> None:
    id_ = {"id": (await world.opened())["id"]}
    await world.done("resolveTicket", id_)
    await world.fall_due("ticket.unconfirmed", id_["id"])
    shown = "status closedBecause closedAt"
    closed = await world.seen(id_["id"], by="service_agent", shown=shown)
    assert (closed["status"], closed["closedBecause"]) == ("CLOSED", "TIMED_OUT")
    for verb, given, code in (
        ("answerTicket", {"body": "b"}, "TICKET_CLOSED"),
        ("resolveTicket", {}, "TICKET_CLOSED"),
        ("closeTicket", {"reason": "r"}, "TICKET_CLOSED"),
        ("confirmResolution", {"channel": "PHONE"}, "STATE_REFUSED"),
        ("resumeTicket", {}, "STATE_REFUSED"),
        ("waitForCustomer", {}, "STATE_REFUSED"),
        ("takeTicket", {}, "TICKET_CLOSED"),
        ("unmergeTicket", {}, "STATE_REFUSED"),
    ):
        await world.refused(verb, {**id_, **given}, code)
    # generated mutations leave it alone, and never write what verbs move
    assert (await world.do("updateTicket", {**id_, "subject": "x"}, shown="subject")) == (
        {"subject": "The display is dark"}, ["STATE_REFUSED"],
    )  # fmt: skip
    reopened = await world.done("reopenTicket", id_)
    assert (reopened["status"], reopened["reopenCount"]) == ("OPEN", 1)


async def test_it_is_closed_without_a_word_only_with_a_reason_or_by_its_customer(world: World) -> None:
    id_ = {"id": (await world.opened())["id"]}
    await world.refused("closeTicket", id_, "VALUE_INVALID")
    closed = await world.done("closeTicket", {**id_, "reason": "An advertisement."})
    assert (closed["closedBecause"], closed["messages"]["nodes"][-1]["public"]) == ("BY_US", False)
    own = {"id": (await world.opened(by="customer"))["id"]}
    assert (await world.done("closeTicket", own, by="customer"))["closedBecause"] == "WITHDRAWN"
    told = {"id": (await world.opened())["id"]}
    await world.done("resolveTicket", told)
    await world.refused("closeTicket", {**told, "reason": "Enough."}, "STATE_REFUSED")
    await world.refused("confirmResolution", told, "VALUE_INVALID")
    assert (await world.done("confirmResolution", {**told, "channel": "PHONE"}))["closedBecause"] == "CONFIRMED"
    old = "UPDATE tickets SET closed_at = now() - interval '31 days' WHERE id = $1"
    await world.connection.execute(old, row_id(own["id"]))
    await world.refused("reopenTicket", own, "TICKET_CLOSED", by="customer")


async def test_who_may_say_what(world: World) -> None:
    own = {"id": (await world.opened(by="customer"))["id"]}
    others = {"id": (await world.opened())["id"]}
    for by in ("customer", "partner_rep"):
        await world.refused("answerTicket", {**others, "body": "b"}, "NOT_FOUND", by=by)
    for verb, given in (
        ("noteOnTicket", {"body": "b"}), ("takeTicket", {}), ("resolveTicket", {}), ("putTicketOnHold", {}),
        ("prioritizeTicket", {"urgency": "HIGH"}), ("releaseTicket", {}), ("unmergeTicket", {}),
    ):  # fmt: skip
        await world.refused(verb, {**own, **given}, "WRITE_ACCESS_DENIED", by="customer")
    await world.refused("answerTicket", {**own, "body": "b", "then": "RESOLVED"}, "WRITE_ACCESS_DENIED", by="customer")
    await world.refused("answerTicket", {**own, "body": "b"}, "WRITE_ACCESS_DENIED", by="sales_manager", shown="id")
    await world.refused("answerTicket", {**own, "body": " "}, "VALUE_INVALID")


async def test_the_priority_follows_what_is_said_of_it(world: World) -> None:
    id_ = {"id": (await world.opened())["id"]}
    assert (await world.done("prioritizeTicket", {**id_, "urgency": "HIGH"}))["priority"] == "HIGH"
    assert (await world.done("prioritizeTicket", {**id_, "impact": "LOW"}))["priority"] == "NORMAL"


async def test_of_two_who_take_a_ticket_at_once_one_has_it_and_the_other_is_told_who(world: World) -> None:
    for _ in range(3):
        id_ = {"id": (await world.opened(queueId=world.queues["Management"]))["id"]}
        both = ("service_agent", "administrator")
        answers = await asyncio.gather(
            *(world.send("takeTicket", id_, by=by, shown="assignee { name }") for by in both)
        )
        payloads = [answer.data["takeTicket"] for answer in answers]
        [won] = [p["ticket"]["assignee"]["name"] for p in payloads if not p["userErrors"]]
        [error] = [p["userErrors"][0] for p in payloads if p["userErrors"]]
        assert (error["code"], error["message"]) == ("TICKET_TAKEN", f"{won} has taken it.")
        names = [world.api.people[by]["name"] for by in both]
        assert won in names
    events = await world.events(id_["id"])
    assert events == ["ticket.opened", "ticket.taken"]
    administrator = f"usr_{(await world.user('administrator'))['id'].hex}"
    assert (await world.done("assignTicket", {**id_, "userId": administrator}))["assignee"]["id"] == administrator
    outside = f"usr_{(await world.user('customer'))['id'].hex}"
    await world.refused("assignTicket", {**id_, "userId": outside}, "VALUE_INVALID")
    assert (await world.done("releaseTicket", id_))["assignee"] is None
    moved = await world.done("moveTicketToQueue", {**id_, "queueId": world.queues["Service Desk"]})
    assert (moved["queue"]["name"], moved["assignee"] is not None) == ("Service Desk", True)
    helped = {**id_, "userId": administrator}
    shown = "collaborators { nodes { user { id } } }"
    assert (await world.done("addCollaborator", helped, shown=shown))["collaborators"]["nodes"] == [
        {"user": {"id": administrator}}
    ]
    await world.refused("addCollaborator", {**id_, "userId": outside}, "VALUE_INVALID")
    assert (await world.done("removeCollaborator", helped, shown=shown))["collaborators"]["nodes"] == []


async def test_who_has_it_is_told_only_to_who_may_see_them(world: World) -> None:
    update = (
        """mutation ($i: UpdateAccessPolicyInput!) { updateAccessPolicy(input: $i) { userErrors { code message } } }"""
    )
    grants = {"roles": [{"name": "service_agent", "grants": [{"entity": "User", "grants": []}]}]}
    before = (await world.api.as_("administrator")("{ accessPolicy { version } }")).data["accessPolicy"]["version"]
    id_ = {"id": (await world.opened(queueId=world.queues["Management"]))["id"]}
    await world.done("takeTicket", id_, by="administrator")
    done = await world.api.as_("administrator")(update, {"i": {"changes": grants, "note": "test"}})
    assert done.data["updateAccessPolicy"]["userErrors"] == []
    await heard(world, hidden=True)
    answer = await world.send("takeTicket", id_, by="service_agent", shown="id")
    back = "mutation ($v: Int!) { rollbackAccessPolicy(input: {version: $v}) { userErrors { code } } }"
    await world.api.as_("administrator")(back, {"v": before})
    await heard(world, hidden=False)
    [error] = answer.data["takeTicket"]["userErrors"]
    assert (error["code"], error["message"]) == ("TICKET_TAKEN", "Somebody has taken it.")


async def heard(world: World, *, hidden: bool) -> None:
    """Wait until the agent sees users no longer, or again."""
    async with asyncio.timeout(5):
        while bool((await world.api.as_("service_agent")("{ users { totalCount } }")).errors) is not hidden:
            await asyncio.sleep(0.05)


async def test_other_rooms_hear_of_every_change_in_its_transaction(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[str, bool]] = []

    async def heed(tx: Transaction, actor: Actor, change: TicketChange) -> None:
        there = await (await tx.raw()).fetchval("SELECT status FROM tickets WHERE id = $1", change.ticket)
        heard.append((f"{change.what.name} {there}", change.message is not None))
        if there == "ON_HOLD":
            raise ZeroDivisionError

    turns: list[str] = []

    async def first(tx: Transaction, actor: Actor, change: TicketChange) -> None:
        turns.append("answers")

    async def last(tx: Transaction, actor: Actor, change: TicketChange) -> None:
        turns.append("promises")
        await heed(tx, actor, change)

    # in the order of their turns, whichever was imported first
    monkeypatch.setattr(changed, "_HEEDING", {changed.Turn.PROMISES: last, changed.Turn.ANSWERS: first})
    id_ = {"id": (await world.opened(by="customer"))["id"]}
    for verb, given, by in (
        ("takeTicket", {}, "administrator"), ("answerTicket", {"body": "b"}, "administrator"),
        ("noteOnTicket", {"body": "b"}, "service_agent"), ("answerTicket", {"body": "b"}, "customer"),
        ("prioritizeTicket", {"urgency": "HIGH"}, "service_agent"), ("resolveTicket", {}, "service_agent"),
        ("confirmResolution", {}, "customer"), ("reopenTicket", {}, "customer"),
    ):  # fmt: skip
        if verb == "takeTicket":
            await world.connection.execute("UPDATE tickets SET assignee_id = NULL WHERE id = $1", row_id(id_["id"]))
        await world.done(verb, {**id_, **given}, by=by)
    assert heard == [
        ("OPENED NEW", True), ("MOVED OPEN", False), ("ANSWERED OPEN", True), ("NOTED OPEN", True), ("ASKED OPEN", True),
        ("MOVED OPEN", False), ("RESOLVED RESOLVED", False), ("CLOSED CLOSED", False), ("MOVED OPEN", False),
    ]  # fmt: skip
    assert turns == ["answers", "promises"] * len(heard)
    failed = await world.send("putTicketOnHold", id_, by="service_agent", shown="id")
    assert failed.status == 500  # a room that cannot follow takes the change back
    assert (await world.seen(id_["id"]))["status"] == "OPEN"


async def test_a_stale_etag_moves_nothing(world: World) -> None:
    ticket = await world.opened()
    await world.done("waitForCustomer", {"id": ticket["id"]})
    _, codes = await world.do("putTicketOnHold", {"id": ticket["id"], "ifMatch": ticket["etag"]})
    assert codes == ["ETAG_MISMATCH"]
    shown = await world.seen(ticket["id"], by="service_agent", shown="status")
    assert shown == {"status": "WAITING"}
