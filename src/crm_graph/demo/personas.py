"""The callers to see the demo as, with working tokens and passwords, in `<data-dir>/personas.json`.

For local use: the file is readable by its owner only, and the tokens in it are worth something on this database alone.
"""

import json
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypedDict
from uuid import UUID

import asyncpg

from crm_graph.auth import api_keys, credentials, tokens
from crm_graph.auth.passwords import Passwords
from crm_graph.db.connection import connect
from crm_graph.db.roles import Role
from crm_graph.db.session import Database, Transaction
from crm_graph.demo import generate
from crm_graph.demo.files import replace
from crm_graph.demo.staff import NAMED

FILE: Final = "personas.json"
KEY_NAME: Final = "Demo persona"
DAYS: Final = 365
NAMES: Final = {**NAMED, "customer": generate.CUSTOMER_PERSONA}
"""Who stands for each persona that signs in."""
STOREFRONT: Final = "storefront"

_FIND: Final = """
SELECT o.name AS organization, u.organization_id, u.id, u.name, u.email, u.roles
  FROM users u JOIN organizations o ON o.id = u.organization_id
 WHERE o.source = $1 AND o.external_id = 'main' AND u.name = ANY($2) AND u.email IS NOT NULL
 ORDER BY u.created_at DESC
"""
_WORKING: Final = """
SELECT count(*) FROM api_keys
 WHERE token_hash = ANY($1) AND revoked_at IS NULL AND expires_at > now() + interval '1 day'
"""


class Persona(TypedDict):
    """One caller; the storefront's token, e-mail address and password are empty."""

    key: str
    name: str
    role: str
    organization: str
    token: str
    email: str
    password: str


async def ensure(url: str, data_dir: Path) -> list[Persona]:
    """The personas of the file if all of them still work, else new ones, which replace it."""
    path = data_dir / FILE
    known = read(data_dir)
    if known is not None and await _work(url, known):
        path.chmod(0o600)
        return known
    personas = await _make(url)
    replace(path, personas)
    return personas


def read(data_dir: Path) -> list[Persona] | None:
    """The personas of the file; `None` if it is missing or not what `ensure` writes."""
    try:
        found: object = json.loads((data_dir / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        return None
    fields = set(Persona.__annotations__)
    if [one.get("key") for one in found] != [*NAMES, STOREFRONT] or any(fields - set(one) for one in found):
        return None
    personas: list[Persona] = found
    return personas if all(isinstance(value, str) for one in personas for value in one.values()) else None


def table(personas: Sequence[Persona]) -> str:
    """Who there is to be, as lines of text."""
    lines = [("persona", "name", "e-mail", "password", "token")]
    lines += [(p["key"], p["name"], p["email"] or "–", p["password"] or "–", p["token"] or "–") for p in personas]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


async def _work(url: str, personas: Sequence[Persona]) -> bool:
    digests = [tokens.digest(one["token"].encode()) for one in personas if one["key"] != STOREFRONT]
    connection = await connect(url, Role.READER)
    try:
        return bool(await connection.fetchval(_WORKING, digests) == len(set(digests)) == len(NAMES))
    finally:
        await connection.close()


async def _make(url: str) -> list[Persona]:
    database, passwords = Database(url, pool_size=1), Passwords()
    try:
        people = await _people(url)
        made = [await _give(database, passwords, key, people[name]) for key, name in NAMES.items()]
    finally:
        passwords.close()
        await database.dispose()
    nobody = Persona(
        key=STOREFRONT,
        name="Anybody in the shop",
        role=STOREFRONT,
        organization=made[0]["organization"],
        token="",
        email="",
        password="",
    )
    return [*made, nobody]


async def _people(url: str) -> dict[str, asyncpg.Record]:
    connection = await connect(url, Role.READER)
    try:
        found = await connection.fetch(_FIND, generate.SOURCE, list(NAMES.values()))
    finally:
        await connection.close()
    return {row["name"]: row for row in found}


async def _give(database: Database, passwords: Passwords, key: str, person: asyncpg.Record) -> Persona:
    """A new key and a new password; the keys this made before end."""
    organization, user, password = person["organization_id"], person["id"], secrets.token_urlsafe(12)
    encoded = await passwords.hash(password)
    async with database.transaction(organization, user, "demo") as tx:
        await _end_keys(tx, organization, user)
        token = await api_keys.create(tx, organization, user, name=KEY_NAME, days=DAYS)
        await credentials.store(tx, organization, user, encoded)
    assert token is not None
    return Persona(
        key=key,
        name=person["name"],
        role=person["roles"][0],
        organization=person["organization"],
        token=token,
        email=person["email"],
        password=password,
    )


async def _end_keys(tx: Transaction, organization: UUID, user: UUID) -> None:
    for one in await api_keys.live(tx, organization, user):
        if one.name == KEY_NAME:
            await api_keys.revoke(tx, organization, user, one.id)
