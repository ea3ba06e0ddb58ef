"""A small organisation for write tests, each test in one of its own, and callers of every role."""

from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
import orjson

from crm_graph import schema  # noqa: F401 - declares the model
from crm_graph.auth.actor import Actor, ActorKind
from crm_graph.auth.policy import resolve
from crm_graph.db.ids import encode, uuid7
from crm_graph.db.session import Database, Transaction
from crm_graph.entity import REGISTRY, table_name
from crm_graph.plan.changes import Action, Change, ExternalKey, Outcome
from crm_graph.plan.writes.write import insert_fields, write


@dataclass
class World:
    database: Database
    organization: UUID = field(default_factory=uuid7)
    ids: dict[str, UUID] = field(default_factory=dict)

    @asynccontextmanager
    async def transaction(self, actor: Actor):
        async with self.database.transaction(self.organization, actor.user_id, actor.channel) as tx:
            yield tx

    def actor(self, name: str, *roles: str, kind: ActorKind = ActorKind.STAFF, **facts) -> Actor:
        team = {"rep": "north", "mate": "north", "stranger": "south"}.get(name)
        return Actor(
            self.organization,
            kind,
            resolve(frozenset(roles)),
            user_id=self.ids.get(name),
            team_ids=(self.ids[team],) if team else (),
            roles=roles,
            **facts,
        )

    @property
    def administrator(self) -> Actor:
        return self.actor("boss", "administrator")

    @property
    def rep(self) -> Actor:
        return self.actor("rep", "sales_rep")

    @property
    def agent(self) -> Actor:
        return self.actor("agent", "service_agent")

    @property
    def partner(self) -> Actor:
        return self.actor("reseller", "partner_rep", kind=ActorKind.PARTNER, partner_id=self.ids["partner"])

    def id(self, entity: str, name: str) -> str:
        return encode(REGISTRY[entity].__prefix__, self.ids[name])

    async def make(self, tx: Transaction, entity: str, name: str, /, **values: object) -> UUID:
        outcome = await insert_fields(tx, self.administrator, entity, values)
        assert not outcome.errors, outcome
        self.ids[name] = outcome.id
        return outcome.id

    async def do(
        self,
        actor: Actor,
        action: Action,
        entity: str,
        name: str | None = None,
        /,
        *,
        key=None,
        match=None,
        once=None,
        **values,
    ) -> Outcome:
        change = Change(
            entity,
            action,
            id=self.id(entity, name) if name else None,
            key=ExternalKey(*key) if key else None,
            values=values,
            if_match=match,
            idempotency_key=once,
        )
        async with self.transaction(actor) as tx:
            return await write(tx, actor, change)

    async def fetch(self, sql: str, *args: object) -> list[dict]:
        async with self.database.transaction(self.organization, None, "test") as tx:
            return [dict(r) for r in await (await tx.raw()).fetch(sql, *args)]

    async def row(self, entity: str, name: str | UUID) -> dict | None:
        row = name if isinstance(name, UUID) else self.ids[name]
        found = await self.fetch(
            f"SELECT * FROM {table_name(REGISTRY[entity])} WHERE organization_id = $1 AND id = $2",
            self.organization,
            row,
        )
        return found[0] if found else None

    async def traces(self) -> dict[str, bytes]:
        """All that a write may leave, to compare before and after a refusal."""
        tables = ["audit_entries", "outbox_events", "idempotency_keys", *(table_name(e) for e in REGISTRY.values())]
        tables += [f"{table_name(e)}_history" for e in REGISTRY.values()]
        rows = {
            t: await self.fetch(f"SELECT * FROM {t} t WHERE organization_id = $1 ORDER BY t", self.organization)
            for t in tables
        }
        return {t: orjson.dumps(found, default=str) for t, found in rows.items()}

    async def events(self) -> list[dict]:
        return await self.fetch(
            "SELECT type, entity, row_id, payload FROM outbox_events WHERE organization_id = $1 ORDER BY sequence",
            self.organization,
        )

    async def audit(self) -> list[dict]:
        return await self.fetch(
            "SELECT * FROM audit_entries WHERE organization_id = $1 ORDER BY at, id", self.organization
        )


async def build(url: str) -> World:
    """The organisation: two teams, staff, a partner, and customers of the rep, of their mate and of a stranger."""
    world = World(Database(url, 4))
    async with world.database.transaction(world.organization, None, "test") as tx:
        raw = await tx.raw()
        await raw.execute(
            "INSERT INTO organizations (organization_id, id, version, created_at, updated_at, name, currency, hosts)"
            " VALUES ($1, $1, 1, now(), now(), 'Test', 'EUR', '{}')",
            world.organization,
        )
        for team in ("north", "south"):
            await world.make(tx, "Team", team, name=team)
        people: Mapping[str, str | None] = {
            "boss": None,
            "agent": None,
            "rep": "north",
            "mate": "north",
            "stranger": "south",
        }
        for name, team in people.items():
            await world.make(
                tx, "User", name, name=name, email=f"{name}@example.com", team_id=world.ids[team] if team else None
            )
        await world.make(tx, "Partner", "partner", name="Partner")
        await world.make(tx, "User", "reseller", name="reseller", partner_id=world.ids["partner"])
        for name, team in (("rep", "north"), ("mate", "north"), ("stranger", "south")):
            owner = {"owner_id": world.ids[name], "team_id": world.ids[team]}
            await world.make(
                tx, "Customer", f"customer of {name}", name=f"Customer of {name}", credit_limit=5000, **owner
            )
            await world.make(
                tx,
                "Opportunity",
                f"sale of {name}",
                name=f"Sale of {name}",
                customer_id=world.ids[f"customer of {name}"],
                **owner,
            )
        await world.make(tx, "Product", "product", name="Product", sku="P-1")
        await raw.execute("DELETE FROM outbox_events WHERE organization_id = $1", world.organization)
    owner = await asyncpg.connect(url)  # the application cannot remove audit entries
    await owner.execute("DELETE FROM audit_entries WHERE organization_id = $1", world.organization)
    await owner.close()
    return world
