"""A partner with a portal of its own: its administrator, its people, and what they ask the API for."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from crm_graph.db.ids import uuid7
from tests.auth.oauth.conftest import CALLBACK, App, Site

APP = "{ id name status reviewNote proof grantTypes scopes redirectUris partnerId requestedBy actsAs }"
ERRORS = "userErrors { code message field }"
ROLE = {"custom": True, "extends": "partner_rep", "rights": ["apps:register", "apps:review"]}
TRACES = ("oauth_clients", "users", "audit_entries", "outbox_events")
PORTAL = {
    "name": "Partner portal",
    "purpose": "to work on opportunities with you",
    "scopes": ["openid", "customers:read:internal", "opportunities:write", "users:read"],
    "grantTypes": ["AUTHORIZATION_CODE", "REFRESH_TOKEN"],
    "redirectUris": [CALLBACK],
}
SERVICE = {"name": "Sync", "scopes": ["customers:read:internal", "users:read"], "grantTypes": ["CLIENT_CREDENTIALS"]}


@dataclass
class Partnership:
    """Acme's administrator; a partner's administrator and employee; another partner. Tokens are API keys."""

    site: Site
    partner: UUID
    other: UUID
    administrator: str
    partner_admin: str
    partner_rep: str
    other_admin: str
    sales_rep: str

    async def ask(self, token: str, query: str, **variables: object) -> Any:
        async with self.site.client() as client:
            answer = await client.post(
                "/graphql",
                json={"query": query, "variables": variables},
                headers={"authorization": f"Bearer {token}"},
            )
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def act(self, token: str, verb: str, /, *, shows: str = "", **given: object) -> Any:
        """The payload of a mutation."""
        title = verb[0].upper() + verb[1:]
        text = f"mutation ($i: {title}Input!) {{ {verb}(input: $i) {{ app {APP} {shows} {ERRORS} }} }}"
        answer = await self.ask(token, text, i=given)
        assert "errors" not in answer, answer
        return answer["data"][verb]

    async def register(self, token: str, /, **given: object) -> Any:
        return await self.act(token, "registerApp", shows="secret", **{**PORTAL, **given})

    async def registered(self, token: str, /, **given: object) -> tuple[str, App]:
        """An app that was asked for: its id, and what its developer knows."""
        made = await self.register(token, **given)
        assert made["userErrors"] == [], made
        client_id = made["app"]["id"]
        return client_id, App(client_id, made["secret"], CALLBACK if made["app"]["redirectUris"] else "")

    async def portal(self, **given: object) -> App:
        """The partner's app, approved."""
        client_id, app = await self.registered(self.partner_admin, **given)
        assert (await self.act(self.administrator, "approveApp", id=client_id))["userErrors"] == []
        return app

    async def service(self, roles: list[str], **given: object) -> App:
        """The partner's app that acts on its own, approved."""
        client_id, app = await self.registered(self.partner_admin, **{**SERVICE, "redirectUris": None, **given})
        done = await self.act(self.administrator, "approveApp", id=client_id, roles=roles)
        assert done["userErrors"] == [], done
        return app

    async def codes(self, token: str, verb: str, /, **given: object) -> list[tuple[str, str]]:
        """Codes and fields of a refusal, which must have left nothing."""
        before = await self.traces()
        answer = await self.act(token, verb, **given)
        assert answer["app"] is None, answer
        assert await self.traces() == before
        return [(e["code"], ".".join(e["field"] or [])) for e in answer["userErrors"]]

    async def traces(self) -> list[Any]:
        rows = await self.site.world.admin.fetch("SELECT * FROM oauth_clients ORDER BY id")
        counts = [await self.site.world.admin.fetchval(f"SELECT count(*) FROM {t}") for t in TRACES]
        return [*counts, *map(dict, rows)]

    async def on_record(self, event: str) -> tuple[Any, Any]:
        """The audit entry and the event of the latest change, in which nothing is secret."""
        admin = self.site.world.admin
        entry = await admin.fetchrow("SELECT * FROM audit_entries ORDER BY at DESC, id DESC LIMIT 1")
        sent = await admin.fetchrow("SELECT * FROM outbox_events ORDER BY sequence DESC LIMIT 1")
        assert sent["type"] == event
        assert (entry["entity"], entry["row_id"]) == (sent["entity"], sent["row_id"])
        return {**entry, "changes": json.loads(entry["changes"])}, {**sent, "payload": json.loads(sent["payload"])}


async def partnership(site: Site) -> Partnership:
    """Ada is of no partner; roles of partner administrators are the organisation's own."""
    world, organization = site.world, site.organization
    document = json.dumps({"roles": {"app_admin": ROLE}})
    await world.admin.execute(
        "INSERT INTO access_policies (organization_id, id, version, document, note) VALUES ($1, $2, 1, $3, '')",
        organization, uuid7(), document,
    )  # fmt: skip
    partner = await world.row("partners", organization, name="Nordwind", kind="RESELLER")
    other = await world.row("partners", organization, name="Suedwind", kind="RESELLER")

    async def key(roles: list[str], of: UUID | None) -> str:
        return await world.key(organization, await world.user(organization, roles=roles, partner_id=of))

    return Partnership(
        site,
        partner,
        other,
        await key(["administrator"], None),
        await key(["partner_rep", "app_admin"], partner),
        await key(["partner_rep"], partner),
        await key(["partner_rep", "app_admin"], other),
        await key(["sales_rep"], None),
    )
