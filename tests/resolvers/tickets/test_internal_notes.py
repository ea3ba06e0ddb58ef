"""What we say and do among ourselves reaches no customer and no partner, through whatever channel."""

from typing import Any

import pytest

from tests.resolvers.tickets.world import OWN, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECRET = "quokkaberry"
"""A word that is nowhere else."""
ASKED = {
    "the ticket": f"query ($t: ID!) {{ ticket(id: $t) {{ {OWN} hiddenFields maskedFields messagesAggregate {{ count }} }} }}",
    "a search for tickets": f'{{ tickets(search: "{SECRET}") {{ totalCount edges {{ rank node {{ id }} }} }} }}',
    "a search for messages": f'{{ ticketMessages(search: "{SECRET}") {{ totalCount edges {{ highlights {{ text }} }} }} }}',
    "a search within": f'query ($t: ID!) {{ ticket(id: $t) {{ messages(search: "{SECRET}") {{ totalCount }} }} }}',
    "all messages": "{ ticketMessages(first: 200, orderBy: [{sentAt: DESC}]) { totalCount nodes { id body sentAt } } }",
    "messages that are not public": "{ ticketMessages(filter: {public: {eq: false}}) { totalCount } }",
    "tickets that have some": "{ tickets(filter: {messages: {some: {public: {eq: false}}}}) { totalCount } }",
    "tickets with late ones": 'query { tickets(filter: {messages: {some: {sentAt: {gt: "2026-01-01T00:00:00Z"}}}}) { totalCount } }',
    "a count": "{ ticketMessageAggregate { groups { count max { sentAt } } } }",
    "a count of public ones": "{ ticketMessageAggregate(groupBy: [{public: VALUE}]) { groupCount groups { count } } }",
    "the note by its id": "query ($n: ID!) { node(id: $n) { __typename id } nodes(ids: [$n]) { id } }",
    "its record": "query ($n: ID!) { ticketMessage(id: $n) { id body } }",
    "the audit of the ticket": "query ($t: ID!) { auditEntries(node: $t) { action changes { field after } } }",
    "the audit of the note": "query ($n: ID!) { auditEntries(node: $n) { action changes { field after } } }",
    "what explains access": 'query ($n: ID!) { explainAccess(node: $n, field: "body") { shown } }',
    "macros": "{ ticketMacros { totalCount nodes { body } } }",
    "who helps": "query ($t: ID!) { ticket(id: $t) { collaborators { totalCount } } }",
}


async def answers(world: World, persona: str, ticket: str, note: str) -> dict[str, Any]:
    """What somebody is told, channel by channel, without what is different each time."""
    found = {}
    for name, query in ASKED.items():
        declared = {f"${key}": value for key, value in (("t", ticket), ("n", note)) if f"${key}:" in query}
        answer = await world.api.as_(persona)(query, {key[1:]: value for key, value in declared.items()})
        assert SECRET not in answer.body.decode().replace(query, ""), (persona, name)
        body = answer.json
        assert "data" in body or answer.codes == ["PREDICATE_ACCESS_DENIED"], (persona, name, body)
        for error in body.get("errors", []):
            error["extensions"].pop("requestId", None)
        found[name] = body
    return found


@pytest.mark.parametrize("persona", ["customer", "partner_rep"])
async def test_no_channel_tells_of_a_note_nor_of_what_is_done_inside(world: World, persona: str) -> None:
    given = {"customerId": world.shared} if persona == "partner_rep" else {}
    ticket = (await world.opened(by=persona, **given))["id"]
    await world.done("answerTicket", {"id": ticket, "body": "We look into it."})
    never = f"msg_{'0' * 31}1"
    before = await answers(world, persona, ticket, never)
    noted = await world.done("noteOnTicket", {"id": ticket, "body": f"The {SECRET} is broken."})
    note = noted["messages"]["nodes"][-1]["id"]
    assert noted["messages"]["nodes"][-1]["public"] is False
    incident, colleague = (await world.opened(subject=SECRET))["id"], await world.user("administrator")
    user = f"usr_{colleague['id'].hex}"
    for verb, more in (
        ("prioritizeTicket", {"urgency": "HIGH", "impact": "HIGH"}),
        ("assignTicket", {"userId": user}),
        ("moveTicketToQueue", {"queueId": world.queues["Management"]}),
        ("linkToIncident", {"incidentId": incident}),
        ("addCollaborator", {"userId": user}),
        ("updateTicket", {"tags": [SECRET]}),
    ):
        await world.done(verb, {"id": ticket, **more})
    after = await answers(world, persona, ticket, note)
    assert after == before
    found = await world.api.as_("service_agent")(f'{{ ticketMessages(search: "{SECRET}") {{ totalCount }} }}')
    assert found.data["ticketMessages"]["totalCount"] >= 1  # there is something to find


async def test_no_write_of_theirs_answers_with_a_note(world: World) -> None:
    """Payloads, merged tickets, macros that note, reasons for closing: and the stamps that notes do not move."""
    first, second = [(await world.opened(by="customer"))["id"] for _ in range(2)]
    note = "SELECT id FROM ticket_macros WHERE NOT public AND organization_id = $1"
    macro = f"mac_{(await world.value(note, world.organization)).hex}"
    await world.connection.execute("UPDATE ticket_macros SET body = $1 WHERE NOT public", f"Say {SECRET} to nobody.")
    noted = await world.done("applyMacro", {"id": second, "macroId": macro})
    assert (noted["firstAnsweredAt"], noted["lastAnswerAt"]) == (None, None)
    await world.done("mergeTicket", {"id": second, "intoId": first})
    shown = f"{OWN} messagesAggregate {{ count }}"
    for verb, given in (
        ("answerTicket", {"id": first, "body": "And now?"}),
        ("addressToManagement", {"id": first}),
    ):
        answer = await world.send(verb, given, by="customer", shown=shown)
        assert SECRET not in answer.body.decode(), verb
        merged = answer.data[verb]["ticket"]["mergedTickets"]["nodes"]
        assert [one["messages"]["totalCount"] for one in merged] == [1]
    closed = (await world.opened(by="customer"))["id"]
    await world.done("closeTicket", {"id": closed, "reason": f"They grow {SECRET}."})
    reopened = await world.send("reopenTicket", {"id": closed}, by="customer", shown=shown)
    assert SECRET not in reopened.body.decode()
    assert reopened.data["reopenTicket"]["ticket"]["messagesAggregate"] == {"count": 1}
    mails = "SELECT count(*) FROM outgoing_mails WHERE body LIKE $1 OR subject LIKE $1"
    assert await world.value(mails, f"%{SECRET}%") == 0
