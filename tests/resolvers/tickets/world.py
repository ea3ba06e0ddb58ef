"""Tickets opened and moved over HTTP, by the API's callers."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from crm_graph.db.session import Database
from crm_graph.jobs import due
from tests.fixtures.api import Answer, Api

SHOWN = """id number status priority impact urgency customerValue toManagement channel tags skills reopenCount
 waitingSince firstAnsweredAt lastAnswerAt lastCustomerMessageAt resolvedAt confirmUntil closedAt closedBecause
 answeredByManagementAt escalatedAt queue { id name } assignee { id name } mergedInto { id } parent { id } etag
 messages(first: 50, orderBy: [{sentAt: ASC}]) { nodes { id public side channel body } }"""
OWN = """id number subject status type toManagement channel openedAt resolvedAt confirmUntil closedAt closedBecause etag
 mergedInto { id } mergedTickets(first: 9) { totalCount nodes { id messages(first: 9) { totalCount nodes { body } } } }
 messages(first: 50, orderBy: [{sentAt: ASC}]) { totalCount nodes { id public side body } }"""
"""What a customer sees of a ticket."""
INSIDE = "queue { id }", "assignee { id }", "priority", "firstAnsweredAt", "lastCustomerMessageAt", "waitingSince"


class World:
    """The application, a connection beside it, and ids of whom tickets are about."""

    def __init__(self, api: Api, connection: Any, url: str) -> None:
        self.api, self.connection, self.url = api, connection, url

    async def load(self) -> None:
        self.organization = await self.value("SELECT id FROM organizations WHERE external_id = 'main'")
        self.customer = f"cus_{(await self.user('customer'))['customer_id'].hex}"
        self.agent = await self.user("service_agent")
        self.queues = {
            row["name"]: f"tqu_{row['id'].hex}"
            for row in await self.connection.fetch(
                "SELECT id, name FROM ticket_queues WHERE organization_id = $1", self.organization
            )
        }
        self.shared = await self.shared_with("partner_rep")
        # one whom no rule makes special: problems of theirs are as urgent as they say
        plain = """SELECT id FROM customers c WHERE organization_id = $1 AND stage = 'PROSPECT' AND NOT EXISTS (
          SELECT FROM key_accounts k WHERE k.customer_id = c.id) ORDER BY id LIMIT 1"""
        self.plain = f"cus_{(await self.value(plain, self.organization)).hex}"
        key = "SELECT customer_id FROM key_accounts WHERE organization_id = $1 ORDER BY id LIMIT 1"
        self.key = f"cus_{(await self.value(key, self.organization)).hex}"

    async def user(self, persona: str) -> Any:
        name = self.api.people[persona]["name"]
        sql = "SELECT * FROM users WHERE name = $1 AND organization_id = $2"
        return await self.connection.fetchrow(sql, name, self.organization)

    async def shared_with(self, persona: str) -> str:
        """A customer that is shared with this partner's people and no other's."""
        partner = (await self.user(persona))["partner_id"]
        sql = """SELECT s.customer_id FROM customer_shares s WHERE s.partner_id = $1 AND NOT EXISTS (
          SELECT FROM customer_shares o WHERE o.customer_id = s.customer_id AND o.partner_id <> $1) ORDER BY s.id LIMIT 1"""
        return f"cus_{(await self.value(sql, partner)).hex}"

    async def value(self, sql: str, *arguments: object) -> Any:
        return await self.connection.fetchval(sql, *arguments)

    async def events(self, ticket: str) -> list[str]:
        sql = "SELECT type FROM outbox_events WHERE row_id = $1 ORDER BY sequence"
        return [row["type"] for row in await self.connection.fetch(sql, row_id(ticket))]

    async def send(
        self, verb: str, given: Mapping[str, object], *, by: str, shown: str, headers: Mapping[str, str] | None = None
    ) -> Answer:
        name = verb[0].upper() + verb[1:]
        text = f"mutation ($i: {name}Input!) {{ {verb}(input: $i) {{ ticket {{ {shown} }} userErrors {{ code field message }} }} }}"
        answer: Answer = await self.api.as_(by)(text, {"i": dict(given)}, headers=headers)
        return answer

    async def do(
        self,
        verb: str,
        given: Mapping[str, object],
        *,
        by: str = "service_agent",
        shown: str | None = None,
        **more: Any,
    ) -> tuple[Any, list[str]]:
        """The ticket as a mutation answers it, and the codes of its user errors."""
        shown = shown or (SHOWN if by in ("service_agent", "administrator") else OWN)
        answer = await self.send(verb, given, by=by, shown=shown, **more)
        assert answer.json.get("data"), answer.json
        payload = answer.json["data"][verb]
        return payload["ticket"], [e["code"] for e in payload["userErrors"]]

    async def done(self, verb: str, given: Mapping[str, object], **more: Any) -> Any:
        ticket, codes = await self.do(verb, given, **more)
        assert codes == [], (verb, codes)
        return ticket

    async def refused(self, verb: str, given: Mapping[str, object], code: str, **more: Any) -> None:
        """It is refused with this code, and leaves nothing."""
        before = await self.traces()
        ticket, codes = await self.do(verb, given, **more)
        assert (ticket, codes) == (None, [code]), (verb, given)
        assert await self.traces() == before, (verb, given)

    async def traces(self) -> list[int]:
        tables = ("audit_entries", "outbox_events", "tickets", "tickets_history", "ticket_messages", "timers")
        return [await self.value(f"SELECT count(*) FROM {table}") for table in tables]

    async def opened(self, *, by: str = "service_agent", **given: object) -> Any:
        """A ticket; by staff for a customer without any particulars, unless told otherwise."""
        told = {"subject": "The display is dark", "body": "Since this morning nothing shows.", **given}
        if by in ("service_agent", "administrator"):
            told.setdefault("customerId", self.plain)
        return await self.done("openTicket", told, by=by)

    async def seen(self, ticket: str, *, by: str = "customer", shown: str = OWN) -> Any:
        """The ticket as somebody sees it; `None` where it does not exist for them."""
        answer = await self.api.as_(by)(f"query ($i: ID!) {{ ticket(id: $i) {{ {shown} }} }}", {"i": ticket})
        return answer.json["data"]["ticket"]

    async def fall_due(self, kind: str, ticket: str) -> None:
        """Let the worker do what is due about a ticket, as if its time had come."""
        sql = "UPDATE timers SET due_at = now() WHERE kind = $1 AND row_id = $2"
        assert await self.connection.execute(sql, kind, row_id(ticket)) == "UPDATE 1"
        await self.connection.execute(
            "UPDATE timers SET due_at = now() + interval '1 day' WHERE row_id <> $1", row_id(ticket)
        )
        database = Database(self.url, 2)
        try:
            assert await due.do_once(database) == 1
        finally:
            await database.dispose()


def row_id(identifier: str) -> UUID:
    return UUID(identifier.partition("_")[2])
