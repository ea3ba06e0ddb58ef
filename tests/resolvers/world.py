"""A demo of its own for what happens to sales, whose opportunities are used once each."""

from typing import Any

from tests.fixtures.api import Api

_FOUND = """SELECT o.id, o.pipeline_id, o.stage_id FROM opportunities o JOIN organizations g ON g.id = o.organization_id
 JOIN stages s ON s.organization_id = o.organization_id AND s.id = o.stage_id
 WHERE g.external_id = 'main' AND o.status = 'OPEN' AND s.outcome = 'OPEN' AND {} ORDER BY o.id LIMIT 1"""
_TABLES = (
    "stage_changes",
    "audit_entries",
    "outbox_events",
    "opportunities_history",
    "customers_history",
    "contacts_history",
    "leads_history",
    "opportunity_splits_history",
    "pipelines_history",
    "idempotency_keys",
)


class World:
    """A demo of its own, whose opportunities are used once each."""

    def __init__(self, api: Api, connection: Any) -> None:
        self.api, self.connection, self.used = api, connection, list[Any]()

    async def open(self, where: str = "TRUE") -> Any:
        """An open opportunity that nobody has moved yet."""
        found = await self.connection.fetchrow(_FOUND.format(f"o.id <> ALL($1::uuid[]) AND {where}"), self.used)
        assert found is not None
        self.used.append(found["id"])
        return found

    async def stage(self, pipeline: Any, outcome: str, other_than: Any = None) -> str:
        found = await self.connection.fetchval(
            "SELECT id FROM stages WHERE pipeline_id = $1 AND outcome = $2 AND id IS DISTINCT FROM $3 LIMIT 1",
            pipeline,
            outcome,
            other_than,
        )
        return f"sta_{found.hex}"

    async def row(self, row: Any) -> dict[str, Any]:
        return dict(await self.connection.fetchrow("SELECT * FROM opportunities WHERE id = $1", row))

    async def traces(self) -> list[int]:
        return [await self.connection.fetchval(f"SELECT count(*) FROM {table}") for table in _TABLES]

    async def do(self, persona: str, verb: str, row: Any, **more: object) -> tuple[dict[str, Any] | None, list[str]]:
        """The record and the codes of a mutation's payload."""
        name = verb[0].upper() + verb[1:]
        text = (
            f"mutation ($i: {name}Input!) {{ {verb}(input: $i)"
            " { opportunity { id status etag } userErrors { code field } } }"
        )
        payload = (await self.api.as_(persona)(text, {"i": {"id": f"opp_{row.hex}", **more}})).data[verb]
        return payload["opportunity"], [e["code"] for e in payload["userErrors"]]

    async def send(
        self, persona: str, verb: str, shown: str, given: dict[str, object]
    ) -> tuple[Any, list[tuple[str, list[str]]]]:
        """What a mutation shows of its record, and the codes and fields of what it refuses."""
        name = verb[0].upper() + verb[1:]
        text = f"mutation ($i: {name}Input!) {{ {verb}(input: $i) {{ shown: {shown} userErrors {{ code field }} }} }}"
        payload = (await self.api.as_(persona)(text, {"i": given})).json["data"][verb]  # some may not read the record
        return payload["shown"], [(e["code"], e["field"] or []) for e in payload["userErrors"]]

    async def user(self, persona: str) -> Any:
        """The row of the user behind a persona."""
        email = self.api.people[persona]["email"]
        return await self.connection.fetchrow("SELECT * FROM users WHERE email = $1", email)

    async def refused(self, persona: str, verb: str, row: Any, code: str, **more: object) -> None:
        before, traces = await self.row(row), await self.traces()
        _, codes = await self.do(persona, verb, row, **more)
        assert codes == [code]
        assert (await self.row(row), await self.traces()) == (before, traces)

    async def left(self, row: Any) -> tuple[list[str], list[str], int, int]:
        """Events, stages entered by note, audit entries and former states of an opportunity."""
        events = "SELECT type FROM outbox_events WHERE row_id = $1 ORDER BY sequence"
        notes = "SELECT to_stage_id, note FROM stage_changes WHERE opportunity_id = $1 AND note LIKE 'test%'"
        return (
            [r["type"] for r in await self.connection.fetch(events, row)],
            [f"sta_{r['to_stage_id'].hex} {r['note']}" for r in await self.connection.fetch(notes, row)],
            await self.connection.fetchval("SELECT count(*) FROM audit_entries WHERE row_id = $1", row),
            await self.connection.fetchval("SELECT count(*) FROM opportunities_history WHERE id = $1", row),
        )
