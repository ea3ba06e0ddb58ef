"""Merged, split and part of an incident: everybody sees what they saw before, and nothing of other customers'."""

import pytest

from tests.resolvers.tickets.world import World, row_id

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOTE = "zz-secret-note"


async def test_a_merged_ticket_goes_on_as_another_one(world: World) -> None:
    first, second = [(await world.opened(by="customer", subject=s))["id"] for s in ("First", "Second")]
    await world.done("noteOnTicket", {"id": second, "body": NOTE})
    before = await world.seen(second)
    merged = await world.done("mergeTicket", {"id": second, "intoId": first})
    assert (merged["status"], merged["mergedInto"]) == ("MERGED", {"id": first})
    after = await world.seen(second)
    assert after["messages"] == before["messages"]
    assert after["mergedInto"] == {"id": first}
    survivor = await world.seen(first)
    [there] = survivor["mergedTickets"]["nodes"]
    assert (there["id"], there["messages"]["totalCount"], len(there["messages"]["nodes"])) == (second, 1, 1)
    inside = "mergedTickets { nodes { messages { totalCount } } }"
    assert (await world.seen(first, by="service_agent", shown=inside))["mergedTickets"]["nodes"] == [
        {"messages": {"totalCount": 2}}
    ]
    for verb, given, by in (
        ("answerTicket", {"body": "b"}, "customer"), ("noteOnTicket", {"body": "b"}, "service_agent"),
        ("takeTicket", {}, "service_agent"), ("mergeTicket", {"intoId": first}, "service_agent"),
    ):  # fmt: skip
        await world.refused(verb, {"id": second, **given}, "TICKET_MERGED", by=by)
    third = (await world.opened(by="customer"))["id"]
    await world.refused("mergeTicket", {"id": third, "intoId": second}, "TICKET_MERGED")
    undone = await world.done("unmergeTicket", {"id": second})
    assert (undone["status"], undone["mergedInto"]) == ("OPEN", None)
    assert (await world.seen(first))["mergedTickets"]["totalCount"] == 0


async def test_tickets_of_others_are_not_merged(world: World) -> None:
    mine, others = (await world.opened(by="customer"))["id"], (await world.opened())["id"]
    await world.refused("mergeTicket", {"id": mine, "intoId": others}, "TICKETS_OF_OTHERS")
    await world.refused("mergeTicket", {"id": mine, "intoId": mine}, "VALUE_INVALID")
    partners = (await world.opened(by="partner_rep", customerId=world.shared))["id"]
    direct = (await world.opened(customerId=world.shared))["id"]
    await world.refused("mergeTicket", {"id": direct, "intoId": partners}, "TICKETS_OF_OTHERS")


async def test_an_incident_resolves_its_parts_and_no_customer_learns_of_it(world: World) -> None:
    mine, incident = (await world.opened(by="customer"))["id"], (await world.opened(subject="Outage"))["id"]
    before = await world.seen(mine)
    assert (await world.done("linkToIncident", {"id": mine, "incidentId": incident}))["parent"] == {"id": incident}
    assert await world.seen(mine) == before
    nested = (await world.opened())["id"]
    await world.refused("linkToIncident", {"id": incident, "incidentId": nested}, "VALUE_INVALID")
    await world.refused("linkToIncident", {"id": nested, "incidentId": mine}, "VALUE_INVALID")
    await world.done("resolveTicket", {"id": incident, "body": "Power is back.", "children": True})
    seen = await world.seen(mine)
    assert (seen["status"], seen["messages"]["nodes"][-1]["body"]) == ("RESOLVED", "Power is back.")
    await world.refused("linkToIncident", {"id": nested, "incidentId": nested}, "VALUE_INVALID")
    both = [(await world.opened())["id"] for _ in range(2)]
    await world.done("linkToIncident", {"id": nested, "incidentId": both[0]})
    await world.refused("mergeTicket", {"id": both[0], "intoId": both[1]}, "STATE_REFUSED")


async def test_a_ticket_is_split_and_its_notes_stay_notes(world: World) -> None:
    mine = (await world.opened(by="customer", subject="Two things"))["id"]
    await world.done("answerTicket", {"id": mine, "body": "And the other thing?"}, by="customer")
    noted = await world.done("noteOnTicket", {"id": mine, "body": NOTE})
    first, other, note = [m["id"] for m in noted["messages"]["nodes"]]
    new = await world.done(
        "splitTicket", {"id": mine, "subject": "The other", "messages": [{"messageId": other}, {"messageId": note}]}
    )
    assert [m["id"] for m in new["messages"]["nodes"]] == [other, note]
    seen = await world.seen(new["id"])
    assert ([m["id"] for m in seen["messages"]["nodes"]], seen["messages"]["totalCount"]) == ([other], 1)
    assert [m["id"] for m in (await world.seen(mine))["messages"]["nodes"]] == [first]
    assert (new["firstAnsweredAt"], new["number"] != noted["number"]) == (None, True)
    theirs = {
        name: await world.value(
            f"SELECT id FROM {table} WHERE organization_id = $1 AND (customer_id = $2) = $3 ORDER BY id LIMIT 1",
            world.organization, row_id(world.customer), own,
        )
        for name, table, own in (("own", "orders", True), ("order", "orders", False), ("sale", "opportunities", False))
    }  # fmt: skip
    for field, row in (("orderId", f"ord_{theirs['order'].hex}"), ("opportunityId", f"opp_{theirs['sale'].hex}")):
        await world.refused(
            "updateTicket", {"id": mine, field: row}, "REFERENCE_NOT_FOUND", by="administrator", shown="id"
        )
    await world.done("updateTicket", {"id": mine, "orderId": f"ord_{theirs['own'].hex}"}, shown="id")
    again = (await world.done("noteOnTicket", {"id": mine, "body": NOTE}))["messages"]["nodes"][-1]["id"]
    for messages in ([], [{"messageId": first}], [{"messageId": other}], [{"messageId": again}]):  # not notes alone
        await world.refused("splitTicket", {"id": mine, "subject": "s", "messages": messages}, "VALUE_INVALID")


async def test_a_macro_says_what_it_says_to_whom_it_says_it(world: World) -> None:
    macros = {
        row["name"]: f"mac_{row['id'].hex}"
        for row in await world.connection.fetch(
            "SELECT id, name FROM ticket_macros WHERE organization_id = $1", world.organization
        )
    }
    mine = (await world.opened(by="customer", subject="Dark display"))["id"]
    before = await world.seen(mine)
    held = await world.done("applyMacro", {"id": mine, "macroId": macros["Firmware 4.2"]})
    assert (held["status"], held["tags"], held["messages"]["nodes"][-1]["public"]) == (
        "ON_HOLD",
        ["firmware-4.2"],
        False,
    )
    assert held["firstAnsweredAt"] is None
    seen = await world.seen(mine)
    assert (seen["messages"], seen["status"]) == (before["messages"], "ON_HOLD")
    done = await world.done("applyMacro", {"id": mine, "macroId": macros["It is updated"]})
    said = done["messages"]["nodes"][-1]
    name = world.api.people["customer"]["name"]
    assert (done["status"], said["public"]) == ("RESOLVED", True)
    assert said["body"].startswith(f"Dear {name},")
    assert done["number"] in said["body"]
