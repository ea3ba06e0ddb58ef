"""A complaint to the management is answered by somebody of it, before it ends and however it is tried."""

import pytest

from tests.resolvers.tickets.world import World, row_id

pytestmark = pytest.mark.asyncio(loop_scope="session")

UNANSWERED = "ticket.unanswered_complaint"


async def manager(world: World) -> None:
    """Make the administrator the management."""
    await world.connection.execute(
        "UPDATE queue_members SET user_id = $1 WHERE queue_id = $2",
        (await world.user("administrator"))["id"],
        row_id(world.queues["Management"]),
    )


async def test_it_cannot_end_unanswered(world: World) -> None:
    await manager(world)
    ticket = await world.opened(by="customer", subject="Third time", toManagement=True)
    id_, target = {"id": ticket["id"]}, (await world.opened(by="customer"))["id"]
    assert (ticket["type"], ticket["toManagement"]) == ("COMPLAINT", True)
    inside = await world.seen(ticket["id"], by="service_agent", shown="queue { name } assignee { id }")
    assert inside == {"queue": {"name": "Management"}, "assignee": None}
    first = await world.done("answerTicket", {**id_, "body": "We have passed it on."})  # no answer of the management
    assert first["answeredByManagementAt"] is None
    incident = (await world.opened())["id"]
    await world.done("linkToIncident", {**id_, "incidentId": incident})
    part = await world.done("resolveTicket", {"id": incident, "children": True})
    assert part["status"] == "RESOLVED"
    assert (await world.seen(ticket["id"]))["status"] == "OPEN"
    macro = await world.value(
        "SELECT id FROM ticket_macros WHERE becomes = 'RESOLVED' AND organization_id = $1", world.organization
    )
    for verb, given, by, code in (
        ("resolveTicket", {}, "service_agent", "COMPLAINT_UNANSWERED"),
        ("resolveTicket", {"body": "Done."}, "service_agent", "COMPLAINT_UNANSWERED"),
        ("answerTicket", {"body": "Done.", "then": "RESOLVED"}, "service_agent", "COMPLAINT_UNANSWERED"),
        ("closeTicket", {"reason": "Done."}, "administrator", "COMPLAINT_UNANSWERED"),
        ("closeTicket", {}, "customer", "COMPLAINT_UNANSWERED"),
        ("mergeTicket", {"intoId": target}, "service_agent", "COMPLAINT_UNANSWERED"),
        ("applyMacro", {"macroId": f"mac_{macro.hex}"}, "service_agent", "COMPLAINT_UNANSWERED"),
        ("updateTicket", {"type": "QUESTION"}, "service_agent", "VALUE_INVALID"),
    ):
        await world.refused(verb, {**id_, **given}, code, by=by)
    with pytest.raises(Exception, match="ck_tickets_complaint"):  # whoever writes
        await world.connection.execute("UPDATE tickets SET status = 'CLOSED' WHERE id = $1", row_id(ticket["id"]))


async def test_it_comes_back_until_it_is_answered(world: World) -> None:
    await manager(world)
    ticket = await world.opened(by="customer", subject="Fourth time")
    assert (await world.done("addressToManagement", {"id": ticket["id"]}, by="customer"))["toManagement"] is True
    for times in (1, 2):
        await world.fall_due(UNANSWERED, ticket["id"])
        shown = await world.seen(ticket["id"], by="service_agent", shown="priority escalatedAt queue { name }")
        assert (shown["priority"], shown["queue"]["name"]) == ("URGENT", "Management")
        mails = "SELECT count(*) FROM outgoing_mails WHERE subject LIKE '%' || $2 || '%' AND recipient = $1"
        assert await world.value(mails, world.api.people["administrator"]["email"], ticket["number"]) == times
    assert (await world.events(ticket["id"])).count("ticket.escalated") == 2
    answered = await world.done(
        "answerTicket", {"id": ticket["id"], "body": "I am sorry. I come myself."}, by="administrator"
    )
    assert answered["answeredByManagementAt"] is not None
    waits = f"SELECT count(*) FROM timers WHERE row_id = $1 AND kind = '{UNANSWERED}'"
    assert await world.value(waits, row_id(ticket["id"])) == 0
    resolved = await world.done("resolveTicket", {"id": ticket["id"]})
    assert resolved["status"] == "RESOLVED"
