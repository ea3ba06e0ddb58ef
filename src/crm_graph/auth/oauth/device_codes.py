"""Codes of devices (RFC 8628): the one that a device polls with, and the short one that a person types.

Both are kept as hashes. The short one could be found by trying all of them, so that its hash needs the server's secret.
"""

import datetime as dt
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm_graph.auth import tokens
from crm_graph.auth.oauth import clients, families
from crm_graph.auth.oauth.clients import Client
from crm_graph.auth.oauth.server import Exchange
from crm_graph.auth.oauth.tables import oauth_device_codes
from crm_graph.db.ids import encode, uuid7

LIFE: Final = dt.timedelta(minutes=10)
INTERVAL: Final = 5
"""Seconds between two polls; each that comes sooner makes it as much longer, for good."""
LONGEST_INTERVAL: Final = 60
ALPHABET: Final = "BCDFGHJKLMNPQRSTVWXZ"
"""Without vowels, so that no words come of it, and without digits, which look like letters (RFC 8628, 6.1)."""
_SHORT: Final = re.compile(f"[{ALPHABET}]{{8}}")


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a device asks for, until a person has answered."""

    id: UUID
    client: Client
    scopes: tuple[str, ...]


def begin(ours: Exchange, client: Client, scopes: tuple[str, ...]) -> tuple[str, str]:
    """A new device code and its user code, `BCDF-GHJK`."""
    device_code, c = tokens.device_code(), oauth_device_codes.c
    while True:
        user_code = "".join(secrets.choice(ALPHABET) for _ in range(8))
        of_it = sa.exists().where(c.organization_id == ours.organization_id, c.user_code_hash == _hash(ours, user_code))
        if not ours.session.execute(sa.select(of_it)).scalar():
            break
    ours.session.execute(
        sa.insert(oauth_device_codes).values(
            organization_id=ours.organization_id,
            id=uuid7(),
            device_code_hash=tokens.digest(device_code.encode()),
            user_code_hash=_hash(ours, user_code),
            client_id=client.id,
            scopes=list(scopes),
            interval_seconds=INTERVAL,
            expires_at=sa.func.now() + LIFE,
        )
    )
    return device_code, shown(user_code)


def normal(text: str) -> str | None:
    """A user code as people type it, in the one form that counts; `None` for what is none."""
    letters = re.sub(r"[\s_-]", "", text[:40]).upper()
    return letters if _SHORT.fullmatch(letters) else None


def shown(user_code: str) -> str:
    """A user code as people read it."""
    return f"{user_code[:4]}-{user_code[4:]}"


def waiting(ours: Exchange, user_code: str) -> Waiting | None:
    """What the device of this code asks for, if it still waits and its app works."""
    return _waiting(ours, oauth_device_codes.c.user_code_hash == _hash(ours, user_code))


def locked(ours: Exchange, id_: UUID) -> Waiting | None:
    """As `waiting`, so that nobody else answers meanwhile."""
    return _waiting(ours, oauth_device_codes.c.id == id_, lock=True)


def decide(ours: Exchange, id_: UUID, user_id: UUID, session_id: UUID, *, approved: bool) -> bool:
    """Keep a person's answer, which is the last; False when their session has ended."""
    c = oauth_device_codes.c
    proved = families.proved(ours.session, ours.organization_id, user_id, session_id)
    if proved is None:
        return False
    ours.session.execute(
        sa.update(oauth_device_codes)
        .where(c.organization_id == ours.organization_id, c.id == id_)
        .values(
            approved=approved,
            user_id=user_id,
            session_id=session_id,
            auth_time=proved.at,
            methods=list(proved.methods),
        )
    )
    return True


def polled_too_soon(session: Session, organization_id: UUID, id_: UUID) -> bool:
    """Note that the device, whose row is locked, has asked; whether it should have waited longer."""
    c, now = oauth_device_codes.c, sa.func.clock_timestamp()
    since = sa.func.extract("epoch", now - c.polled_at)
    soon = sa.and_(c.polled_at.is_not(None), since < c.interval_seconds)
    of_it = c.organization_id == organization_id, c.id == id_
    found: bool = session.execute(sa.select(sa.func.coalesce(soon, sa.false())).where(*of_it)).scalar_one()
    longer = sa.func.least(c.interval_seconds + INTERVAL, LONGEST_INTERVAL)
    session.execute(
        sa.update(oauth_device_codes)
        .where(*of_it)
        .values(polled_at=now, **({"interval_seconds": longer} if found else {}))
    )
    return found


def _waiting(ours: Exchange, which: sa.ColumnElement[bool], *, lock: bool = False) -> Waiting | None:
    c = oauth_device_codes.c
    asked = sa.select(c.id, c.client_id, c.scopes).where(
        c.organization_id == ours.organization_id,
        which,
        c.approved.is_(None),
        c.expires_at > sa.func.clock_timestamp(),
    )
    row = ours.session.execute(asked.with_for_update() if lock else asked).one_or_none()
    if row is None:
        return None
    client = clients.find(ours.session, ours.organization_id, encode(clients.PREFIX, row.client_id))
    return None if client is None else Waiting(row.id, client, tuple(row.scopes))


def _hash(ours: Exchange, user_code: str) -> bytes:
    key = hmac.digest(ours.secret, b"user codes of devices", hashlib.sha256)
    return hmac.digest(key, user_code.encode(), hashlib.sha256)
