"""Apps to try OAuth with, in `<data-dir>/clients.json`: one of each sort. For local use, as personas.json is."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NotRequired, TypedDict
from uuid import UUID

from crm_graph.auth import callers, tokens
from crm_graph.auth.actor import Actor
from crm_graph.auth.oauth import registration
from crm_graph.auth.oauth.clients import key
from crm_graph.auth.oauth.registration import Application
from crm_graph.db.connection import connect
from crm_graph.db.roles import Role
from crm_graph.db.session import Database, Transaction
from crm_graph.demo import generate
from crm_graph.demo.files import replace
from crm_graph.demo.staff import NAMED
from crm_graph.plan.writes.write import insert_fields

FILE: Final = "clients.json"
REDIRECT_URI: Final = "http://127.0.0.1:9999/cb"
_PERSON: Final = ("openid", "profile", "email", "offline_access")
_RECORDS: Final = ("customers:read:internal", "contacts:read:internal", "orders:read:internal", "products:read")
SCOPES: Final[Mapping[str, tuple[str, ...]]] = {
    "public": (*_PERSON, *_RECORDS),
    "confidential": (*_PERSON, *_RECORDS, "opportunities:write:internal", "users:read:internal"),
    "service": (*_RECORDS, "tickets:write:internal"),
}

SERVICE_USER: Final = "Shop integration"

_HOME: Final = "SELECT id FROM organizations WHERE source = $1 AND external_id = 'main'"
_NAMED: Final = "SELECT id FROM users WHERE organization_id = $1 AND name = $2 ORDER BY created_at LIMIT 1"
_WORKING: Final = """
SELECT id, secret_hash FROM oauth_clients WHERE id = ANY($1) AND status = 'ACTIVE'
"""


class DemoClient(TypedDict):
    """An app as its developer knows it; a public one has no secret."""

    client_id: str
    client_secret: NotRequired[str]
    redirect_uri: str
    scope: str


async def ensure(url: str, data_dir: Path) -> dict[str, DemoClient]:
    """The apps of the file if all of them still work, else new ones, which replace it."""
    path = data_dir / FILE
    known = read(data_dir)
    if known is not None and await _work(url, known):
        path.chmod(0o600)
        return known
    made = await _make(url)
    replace(path, made)
    return made


def read(data_dir: Path) -> dict[str, DemoClient] | None:
    """The apps of the file; `None` if it is missing or not what `ensure` writes."""
    try:
        found: object = json.loads((data_dir / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict) or set(found) != set(SCOPES):
        return None
    if not all(isinstance(one, dict) and all(isinstance(v, str) for v in one.values()) for one in found.values()):
        return None
    return found if all({"client_id", "redirect_uri", "scope"} <= set(one) for one in found.values()) else None


async def _work(url: str, known: Mapping[str, DemoClient]) -> bool:
    connection = await connect(url, Role.READER)
    try:
        rows = await connection.fetch(_WORKING, [key(one["client_id"]) for one in known.values()])
    finally:
        await connection.close()
    kept = {row["id"]: row["secret_hash"] for row in rows}
    return all(kept.get(key(one["client_id"]), b"") == _hash(one) for one in known.values())


def _hash(one: DemoClient) -> bytes | None:
    return tokens.digest(one["client_secret"].encode()) if "client_secret" in one else None


async def _make(url: str) -> dict[str, DemoClient]:
    database = Database(url, pool_size=1)
    made: dict[str, DemoClient] = {}
    try:
        actor = await _administrator(database)
        organization = actor.organization_id
        async with database.transaction(organization, actor.user_id, "demo") as tx:
            for name, wanted in _wanted(await _service_user(tx, actor)).items():
                client_id, secret = await registration.create(tx, organization, wanted)
                made[name] = {"client_id": client_id, "redirect_uri": REDIRECT_URI, "scope": " ".join(wanted.scopes)}
                if secret is not None:
                    made[name]["client_secret"] = secret
    finally:
        await database.dispose()
    return made


def _wanted(user: UUID) -> dict[str, Application]:
    uris = (REDIRECT_URI,)
    return {
        "public": Application(
            "Helvara on the phone",
            "to show you your customers on the way",
            "none",
            SCOPES["public"],
            uris,
            uris,
            device=True,
        ),
        "confidential": Application(
            "Partner portal",
            "to work on opportunities together with your partners",
            "client_secret_basic",
            SCOPES["confidential"],
            uris,
            uris,
        ),
        "service": Application(
            "Shop", "to bring orders and tickets in", "client_secret_basic", SCOPES["service"], user_id=user
        ),
    }


async def _administrator(database: Database) -> Actor:
    """Who registers the apps: the main organisation's administrator."""
    async with database.across_organizations() as connection:
        home = await connection.fetchval(_HOME, generate.SOURCE)
        users = await connection.fetch(_NAMED, home, NAMED["administrator"])
        people = await callers.by_user(connection, home, users[0]["id"])
    return people[0].actor


async def _service_user(tx: Transaction, actor: Actor) -> UUID:
    """Whom the service app is; made when it is missing."""
    found = await (await tx.raw()).fetchrow(_NAMED, actor.organization_id, SERVICE_USER)
    if found is not None:
        return UUID(bytes=found["id"].bytes)
    values = {"name": SERVICE_USER, "roles": ["service_agent"], "job_title": "Integration"}
    outcome = await insert_fields(tx, actor, "User", values)
    assert outcome.id is not None, outcome.errors
    return outcome.id
