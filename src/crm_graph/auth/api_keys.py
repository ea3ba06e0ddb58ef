"""API keys: tokens for programs that act for a user, within scopes, until a day."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from crm_graph.auth import scopes, tokens
from crm_graph.auth.default_policy import ENTITIES
from crm_graph.auth.rights import RIGHTS
from crm_graph.auth.tables import api_keys
from crm_graph.auth.trail.acts import Act, note
from crm_graph.db.ids import uuid7
from crm_graph.db.session import Transaction
from crm_graph.errors import ValueInvalid

LONGEST_NAME: Final = 100
LONGEST_DAYS: Final = 730
MOST_SCOPES: Final = 100
MOST_KEYS: Final = 100
RESOURCES: Final = frozenset(map(scopes.resource, ENTITIES))
"""What a scope may name, beside `*`."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that works, as its owner sees it. `scopes` is `None` when it does all that its user may. Times are UTC."""

    id: UUID
    name: str
    prefix: str
    scopes: tuple[str, ...] | None
    created_at: dt.datetime
    expires_at: dt.datetime
    last_used_at: dt.datetime | None


def checked_scopes(texts: Iterable[str]) -> tuple[str, ...]:
    """The scopes, sorted, each once; raises ScopeInvalid for one that no resource or level answers to."""
    found = sorted(set(texts))
    if len(found) > MOST_SCOPES:
        raise ValueInvalid(f"A key has at most {MOST_SCOPES} scopes.")
    for text in (t for t in found if t not in RIGHTS):
        resource, _, _ = scopes.parse(text)
        if resource != "*" and resource not in RESOURCES:
            raise scopes.ScopeInvalid(f"{resource[:80]!r} is nothing a scope can name.")
    return tuple(found)


async def create(
    tx: Transaction,
    organization_id: UUID,
    user_id: UUID,
    *,
    name: str,
    days: int,
    scopes: Iterable[str] | None = None,
    id_: UUID | None = None,
) -> str | None:
    """Make a key and return its token, which exists nowhere else; `None` when `id_` is of a key made before.

    `scopes=None` does not narrow; an empty list lets the key do nothing. Raises ValueInvalid, ScopeInvalid.
    """
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise ValueInvalid(f"A key needs a name of at most {LONGEST_NAME} printable characters.")
    if not 1 <= days <= LONGEST_DAYS:
        raise ValueInvalid(f"A key lasts from one to {LONGEST_DAYS} days.")
    narrowed = None if scopes is None else list(checked_scopes(scopes))
    if len(await live(tx, organization_id, user_id)) >= MOST_KEYS:
        raise ValueInvalid(f"At most {MOST_KEYS} keys can work at once; revoke those no longer needed.")
    prefix, token = tokens.key_token()
    row = insert(api_keys).values(
        organization_id=organization_id,
        id=id_ or uuid7(),
        user_id=user_id,
        name=name,
        prefix=prefix,
        token_hash=tokens.digest(token.encode()),
        scopes=narrowed,
        expires_at=sa.func.now() + dt.timedelta(days=days),
    )
    made = await (await tx.session.connection()).execute(
        row.on_conflict_do_nothing(index_elements=["organization_id", "id"])
    )
    if not made.rowcount:
        return None
    reach = None if narrowed is None else " ".join(narrowed)
    await note(tx, organization_id, user_id, Act.API_KEY_MADE, name=name, prefix=prefix, scopes=reach, days=days)
    return token


async def live(tx: Transaction, organization_id: UUID, user_id: UUID) -> list[ApiKey]:
    """The user's keys that still work, the newest first."""
    c = api_keys.c
    rows = await (await tx.session.connection()).execute(
        sa.select(c.id, c.name, c.prefix, c.scopes, c.created_at, c.expires_at, c.last_used_at)
        .where(*_working(organization_id, user_id))
        .order_by(c.created_at.desc(), c.id.desc())
    )
    return [
        ApiKey(row.id, row.name, row.prefix, None if row.scopes is None else tuple(row.scopes), *row[4:])
        for row in rows
    ]


async def revoke(tx: Transaction, organization_id: UUID, user_id: UUID, key_id: UUID) -> bool:
    """End one key of the user; False when there is no such one that works."""
    statement = sa.update(api_keys).where(*_working(organization_id, user_id), api_keys.c.id == key_id)
    ended = statement.values(revoked_at=sa.func.now()).returning(api_keys.c.name, api_keys.c.prefix)
    row = (await (await tx.session.connection()).execute(ended)).one_or_none()
    if row is None:
        return False
    await note(tx, organization_id, user_id, Act.API_KEY_REVOKED, name=row.name, prefix=row.prefix)
    return True


def _working(organization_id: UUID, user_id: UUID) -> tuple[sa.ColumnElement[bool], ...]:
    c = api_keys.c
    return (
        c.organization_id == organization_id,
        c.user_id == user_id,
        c.revoked_at.is_(None),
        c.expires_at > sa.func.now(),
    )
