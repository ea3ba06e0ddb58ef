"""The customer persona of a demo, and for whom they act."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from crm_graph.db.ids import decode
from tests.fixtures.api import Answer
from tests.people.conftest import People

WHO = "{ viewer { customerId actingFor actsFor { id name kind role mayChange } } }"
UPDATE = """mutation ($i: UpdateCustomerInput!) { updateCustomer(input: $i) {
  customer { id name email city } pendingChanges { id field after waitsFor } userErrors { code field } } }"""
LEFT = ("customers", "addresses", "contacts", "household_members", "change_requests", "audit_entries", "outbox_events")


class Acting:
    """The customer persona, and for whom they may act, by role."""

    def __init__(self, people: People, me: Any, whom: Mapping[str, str]) -> None:
        self.people, self.admin, self.api = people, people.admin, people.api
        self.me, self.whom = me, whom

    async def ask(
        self, whom: str | None, query: str, variables: Any = None, *, persona: str = "customer", **more: Any
    ) -> Answer:
        """As the persona, acting for the customer of an id, or of one's role there."""
        headers = {"x-acting-for": self.whom.get(whom, whom)} if whom is not None else {}
        answer: Answer = await self.api.as_(persona)(query, variables, headers=headers, **more)
        return answer

    def uuid(self, role: str) -> UUID:
        return decode(self.whom[role])[1]

    async def left(self) -> list[Any]:
        return [await self.admin.fetch(f"SELECT * FROM {table} ORDER BY id") for table in LEFT]

    async def heard(self, whom: str, wanted: int) -> None:
        """Both processes answer so within five seconds."""
        until = time.monotonic() + 5
        for api in (self.people.world.api, self.people.world.other):
            while (
                await api.as_("customer")("{ __typename }", headers={"x-acting-for": self.whom.get(whom, whom)})
            ).status != wanted:
                assert time.monotonic() < until, f"{whom} is not {wanted} in time"
                await asyncio.sleep(0.02)

    async def update(self, persona: str, entity: str, /, **given: object) -> list[tuple[str, list[str]]]:
        """The refusals of an update by staff, which then has left nothing."""
        return await self._write(persona, "update", entity, given)

    async def create(self, persona: str, entity: str, /, **given: object) -> list[tuple[str, list[str]]]:
        return await self._write(persona, "create", entity, given)

    async def _write(
        self, persona: str, verb: str, entity: str, given: Mapping[str, object]
    ) -> list[tuple[str, list[str]]]:
        query = (
            f"mutation ($i: {verb.title()}{entity}Input!)"
            f" {{ {verb}{entity}(input: $i) {{ userErrors {{ code field }} }} }}"
        )
        before = await self.left()
        answer = await self.api.as_(persona)(query, {"i": given})
        errors = answer.json["data"][f"{verb}{entity}"]["userErrors"]
        if errors:
            assert await self.left() == before
        return [(e["code"], e["field"]) for e in errors]


async def acting_in(people: People) -> Acting:
    me = await people.user("customer")
    offered = (await people.api.as_("customer")(WHO)).data["viewer"]["actsFor"]
    return Acting(people, me, {one["role"]: one["id"] for one in offered})
