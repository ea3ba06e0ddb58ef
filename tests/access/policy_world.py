"""The demo with a policy that tests change, seen by two processes; who reads it waits until both have heard."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from crm_graph.auth import api_keys
from crm_graph.db.session import Database
from tests.fixtures.api import Answer, Api, running
from tests.fixtures.demo import Demo

POLICY = "{ accessPolicy { version } }"
UPDATE = """mutation ($input: UpdateAccessPolicyInput!) { updateAccessPolicy(input: $input) {
  accessPolicy { version note createdBy levels { coordinate read write } roles { name custom rights } }
  userErrors { code message field } } }"""
ROLLBACK = """mutation ($input: RollbackAccessPolicyInput!) { rollbackAccessPolicy(input: $input) {
  accessPolicy { version } userErrors { code message field } } }"""
PREVIEW = """query ($changes: AccessPolicyChanges, $version: Int) { previewPolicy(changes: $changes, version: $version) {
  version total roles { role activeUsers } warnings { code message } refusals { code field }
  cells { role entity field action before after rulesBefore rulesAfter widens } } }"""
TRACES = ("access_policies", "access_revisions", "audit_entries", "outbox_events", "idempotency_keys")


@dataclass
class PolicyWorld:
    """Two processes on one database; `admin` is a connection of its own."""

    api: Api
    other: Api
    admin: "asyncpg.Connection[asyncpg.Record]"
    organization: UUID

    async def traces(self) -> dict[str, int]:
        return {t: await self.admin.fetchval(f"SELECT count(*) FROM {t}") for t in TRACES}

    async def users(self) -> list[Any]:
        return await self.admin.fetch("SELECT id, roles, status FROM users ORDER BY id")

    async def update(self, persona: str, changes: object, **more: object) -> dict[str, Any]:
        """What `updateAccessPolicy` answers; returns when both processes have heard of a change."""
        return await self._change(persona, UPDATE, "updateAccessPolicy", {"changes": changes, **more})

    async def rollback(self, version: int, persona: str = "administrator", **more: object) -> dict[str, Any]:
        return await self._change(persona, ROLLBACK, "rollbackAccessPolicy", {"version": version, **more})

    async def refused(self, persona: str, changes: object, **more: object) -> list[tuple[str, str]]:
        """Codes and paths of a refusal, which must have left nothing."""
        before = await self.traces()
        answer = await self.update(persona, changes, **more)
        assert answer["accessPolicy"] is None
        assert await self.traces() == before
        return [(e["code"], ".".join(e["field"] or [])) for e in answer["userErrors"]]

    async def preview(self, changes: object = None, version: int | None = None) -> dict[str, Any]:
        before = await self.traces()
        answer = await self.api.as_("administrator")(PREVIEW, {"changes": changes, "version": version})
        assert await self.traces() == before
        return answer.data["previewPolicy"]  # type: ignore[no-any-return]

    async def _change(self, persona: str, query: str, field: str, given: dict[str, object]) -> dict[str, Any]:
        async with self.heard(only_if_changed=True):
            answer: Answer = await self.api.as_(persona)(query, {"input": given})
        found: dict[str, Any] = answer.data[field]
        return found

    @asynccontextmanager
    async def heard(self, *, only_if_changed: bool = False) -> AsyncIterator[None]:
        """Wait after the block until both processes were told of what it changed."""
        processes = [api.app.endpoint._authenticator for api in (self.api, self.other)]
        counts, revision = [p._forgotten for p in processes], await self._revision()
        yield
        if only_if_changed and await self._revision() == revision:
            return
        for _ in range(1000):
            if all(p._forgotten > count for p, count in zip(processes, counts, strict=True)):
                return
            await asyncio.sleep(0.005)
        raise AssertionError("a process has not heard of the change")

    async def _revision(self) -> object:
        return await self.admin.fetchval("SELECT array_agg(revision ORDER BY organization_id) FROM access_revisions")

    async def reset(self) -> None:
        """The shipped policy again, for both processes."""
        async with self.heard(only_if_changed=True):
            await self.admin.execute("DELETE FROM access_policies; DELETE FROM access_revisions")

    async def user(self, *roles: str, scopes: list[str] | None = None) -> str:
        """A new user's persona with these roles, who calls by an API key."""
        name = f"{'_'.join(roles)}_{len(self.api.tokens)}"
        row = await self.admin.fetchrow(
            "INSERT INTO users (organization_id, id, version, created_at, updated_at, name, status, roles)"
            " VALUES ($1, gen_random_uuid(), 1, now(), now(), $2, 'ACTIVE', $3) RETURNING id",
            self.organization, name, list(roles),
        )  # fmt: skip
        return await self.key(row["id"], name, scopes)

    async def key(self, user: UUID, name: str, scopes: list[str] | None = None) -> str:
        database = Database(self.api.url, 1)
        async with database.transaction(self.organization, user, "test") as tx:
            token = await api_keys.create(tx, self.organization, user, name="t", days=1, scopes=scopes)
        await database.dispose()
        assert token is not None
        for api in (self.api, self.other):
            api.tokens[name] = token  # type: ignore[index]
        return name

    async def says(self, document: object) -> None:
        """Store a document past all checks, as another release may have."""
        async with self.heard():
            await self.admin.execute(
                "INSERT INTO access_policies (organization_id, id, version, document, note)"
                " SELECT $1, gen_random_uuid(), coalesce(max(version), 0) + 1, $2, '' FROM access_policies"
                " WHERE organization_id = $1",
                self.organization, json.dumps(document),
            )  # fmt: skip


@asynccontextmanager
async def policy_world(url: str, demo: Demo) -> AsyncIterator[PolicyWorld]:
    admin = await asyncpg.connect(url)
    organization = await admin.fetchval("SELECT id FROM organizations WHERE external_id = 'main'")
    try:
        async with (
            running(url, demo.data_dir, demo.personas) as api,
            running(url, demo.data_dir, demo.personas) as other,
        ):
            yield PolicyWorld(api, other, admin, organization)
    finally:
        await admin.close()
