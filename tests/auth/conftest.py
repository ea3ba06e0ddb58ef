"""A migrated database with organisations, teams and people in it, and what authenticates them."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
import httpx
import pyotp
import pytest
from argon2 import PasswordHasher
from starlette.applications import Starlette
from starlette.types import Scope

from crm_graph.auth import api_keys, credentials, sessions
from crm_graph.auth.authentication import Authenticator
from crm_graph.auth.passwords import Passwords
from crm_graph.auth.sign_in.sign_in import SignIn
from crm_graph.auth.throttle.attempts import Attempts
from crm_graph.auth.throttle.throttles import Throttles
from crm_graph.db.ids import uuid7
from crm_graph.db.lanes import Lanes
from crm_graph.db.session import Database
from crm_graph.settings import Settings
from tests.auth.authenticator import Phone

ADA = "ada@acme.test"
PASSWORD = "correct horse battery"
SECRET, SEALING_KEY = secrets.token_urlsafe(40), secrets.token_urlsafe(40)
WRITTEN = (
    "attempts",
    "sign_in_codes",
    "audit_entries",
    "outbox_events",
    "idempotency_keys",
    "outgoing_mails",
    "spent_challenges",
    "access_denials",
    "oauth_keys",
    "oauth_clients",
    "access_policies",
    "access_revisions",
    "users",
    "customers",
    "partners",
    "teams",
    "organizations",
)
CHEAP = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)


@dataclass
class World:
    """One database; `admin` is a connection of its own, as any other process has."""

    url: str
    lanes: Lanes
    database: Database
    admin: "asyncpg.Connection[asyncpg.Record]"
    passwords: Passwords
    opened: list[SignIn] = field(default_factory=list)
    """What still has to finish what goes on behind its answers."""

    async def organization(self, *hosts: str, name: str = "Acme", currency: str = "CHF") -> UUID:
        id_ = uuid7()
        await self.admin.execute(
            "INSERT INTO organizations (organization_id, id, version, created_at, updated_at, name, currency, hosts)"
            " VALUES ($1, $1, 1, now(), now(), $2, $3, $4)",
            id_, name, currency, list(hosts),
        )  # fmt: skip
        return id_

    async def row(self, table: str, organization_id: UUID, **values: object) -> UUID:
        id_ = uuid7()
        names = ["organization_id", "id", "version", "created_at", "updated_at", *values]
        places = ", ".join(["$1", "$2", "1", "now()", "now()", *(f"${n}" for n in range(3, 3 + len(values)))])
        await self.admin.execute(
            f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})", organization_id, id_, *values.values()
        )
        return id_

    async def user(self, organization_id: UUID, *, password: str | None = None, **values: object) -> UUID:
        given = {"name": "Ada", "status": "ACTIVE", "roles": ["sales_rep"], **values}
        id_ = await self.row("users", organization_id, **given)
        if password is not None:
            encoded = await self.passwords.hash(password)
            async with self.database.transaction(organization_id, None, "test") as tx:
                await credentials.store(tx, organization_id, id_, encoded)
        return id_

    async def key(
        self, organization_id: UUID, user_id: UUID, scopes: list[str] | None = None, *, days: int = 30
    ) -> str:
        async with self.database.transaction(organization_id, user_id, "test") as tx:
            token = await api_keys.create(tx, organization_id, user_id, name="test", days=days, scopes=scopes)
        assert token is not None
        return token

    async def session(self, organization_id: UUID, user_id: UUID) -> str:
        async with self.database.transaction(organization_id, user_id, "test") as tx:
            return await sessions.create(tx, organization_id, user_id, hours=1, user_agent="test", address="::1")

    @asynccontextmanager
    async def authenticator(self, lanes: Lanes | None = None, **options: float) -> AsyncIterator[Authenticator]:
        made = Authenticator(lanes or self.lanes, self.database, self.url, **options)
        await made.open()
        try:
            yield made
        finally:
            await made.close()

    def throttles(self, pair: tuple[int, float], address: tuple[int, float]) -> Throttles:
        """Those of sign-in, tighter; they count where all others of the database do."""
        return Throttles.of_sign_in(Attempts(self.lanes, self.database), pair=pair, address=address)

    def sign_in(
        self,
        authenticator: Authenticator,
        throttles: Throttles | None = None,
        hours: int = 12,
        sealing_keys: str = SEALING_KEY,
    ) -> Starlette:
        settings = Settings(secret=SECRET, sealing_keys=sealing_keys, session_hours=hours)
        made = SignIn(authenticator, self.lanes, self.database, self.passwords, settings, throttles=throttles)
        self.opened.append(made)
        return Starlette(routes=made.routes())


@pytest.fixture
async def world(module_database_url: str) -> AsyncIterator[World]:
    """An empty database; a module's tests share one and leave it empty, which is quicker than a clone for each."""
    url = module_database_url
    async with AsyncExitStack() as stack:
        admin = await asyncpg.connect(url)
        stack.push_async_callback(admin.close)
        stack.push_async_callback(admin.execute, "; ".join(f"DELETE FROM {table}" for table in WRITTEN))
        lanes = await Lanes.open(url, 4)
        stack.push_async_callback(lanes.close)
        database = Database(url, 4)
        stack.push_async_callback(database.dispose)
        passwords = Passwords(CHEAP)
        stack.callback(passwords.close)
        made = World(url, lanes, database, admin, passwords)
        yield made
        for sign_in in made.opened:
            await sign_in.close()


@pytest.fixture
async def authenticator(world: World) -> AsyncIterator[Authenticator]:
    async with world.authenticator() as made:
        yield made


def request(*headers: tuple[str, str], scheme: str = "http") -> Scope:
    """The scope of a request with these headers."""
    return {
        "type": "http",
        "method": "POST",
        "scheme": scheme,
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
    }


def bearing(token: str, host: str = "acme.test") -> Scope:
    return request(("Host", host), ("Authorization", f"Bearer {token}"))


@asynccontextmanager
async def browser(
    app: Starlette, base: str = "http://acme.test", address: str = "203.0.113.7"
) -> AsyncIterator[httpx.AsyncClient]:
    """A client that keeps cookies, for an application that must never raise."""
    transport = httpx.ASGITransport(app=app, client=(address, 5000))
    async with httpx.AsyncClient(transport=transport, base_url=base) as client:
        yield client


def form_token(response: httpx.Response) -> str:
    """The token in the forms of a page."""
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', response.text)
    assert found, response.text
    return found[1]


async def sign_in(
    client: httpx.AsyncClient, email: str = ADA, password: str = PASSWORD, **fields: str
) -> httpx.Response:
    """Fetch the form and post it."""
    token = form_token(await client.get("/sign-in"))
    return await client.post("/sign-in", data={"form_token": token, "email": email, "password": password, **fields})


@pytest.fixture
async def app(world: World, authenticator: Authenticator) -> Starlette:
    """The pages of an organisation in which Ada can sign in."""
    organization = await world.organization("acme.test")
    await world.user(organization, email=ADA, password=PASSWORD, roles=["sales_manager"])
    return world.sign_in(authenticator)


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(app) as made:
        yield made


async def post(client: httpx.AsyncClient, page: str, path: str, **fields: str) -> httpx.Response:
    """Post a form of a page, with its token."""
    token = form_token(await client.get(page))
    return await client.post(path, data={"form_token": token, **fields})


async def mails(world: World, least: int = 0) -> list[asyncpg.Record]:
    """The mails that wait, oldest first; waits until there are `least` of them."""
    for _ in range(400):
        found = await world.admin.fetch("SELECT recipient, subject, body FROM outgoing_mails ORDER BY created_at, id")
        if len(found) >= least:
            break
        await asyncio.sleep(0.01)
    assert len(found) >= least
    return found


async def age_sessions(world: World) -> None:
    """As if everybody had proved who they are an hour ago."""
    await world.admin.execute("UPDATE sessions SET authenticated_at = now() - interval '1 hour'")


@pytest.fixture
async def user(world: World, client: httpx.AsyncClient) -> tuple[pyotp.TOTP, list[str]]:
    """Ada with an app, and her recovery codes; nobody is signed in and no browser is known."""
    from tests.auth.second_step import forget_used_codes, switch_on

    await sign_in(client)
    kept = await switch_on(client)
    client.cookies.clear()
    await forget_used_codes(world)
    await world.admin.execute("DELETE FROM outgoing_mails")
    return kept


@pytest.fixture
async def phone(client: httpx.AsyncClient, world: World) -> Phone:
    """Ada's passkey; she is signed out."""
    from tests.auth.passkeys import PAGE, add

    await sign_in(client)
    made = Phone()
    assert (await add(client, made)).headers["location"] == PAGE
    client.cookies.clear()
    return made
