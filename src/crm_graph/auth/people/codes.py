"""Codes by mail: eight digits for one browser, a quarter of an hour, five tries; kept as a MAC by our secret.

Digits are guessed from their plain hash in no time; without the secret, which is not in the database, they are not.
"""

import datetime as dt
import enum
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from crm_graph.db.ids import uuid7

DIGITS: Final = 8
LIVES: Final = dt.timedelta(minutes=15)
MOST_TRIES: Final = 5
MOST_AN_HOUR: Final = 20
"""Codes that one address gets in an hour, whoever asks for them."""

_TRY: Final = f"""
UPDATE sign_in_codes SET attempts = attempts + 1
 WHERE organization_id = $1 AND id = $2 AND browser_hash = $3 AND attempts < {MOST_TRIES} AND expires_at > now()
RETURNING purpose, email, code_hash, name, password_hash, user_id, customer_id"""


class Purpose(enum.StrEnum):
    """What a code is for."""

    SIGN_IN = "SIGN_IN"
    SIGN_UP = "SIGN_UP"
    LINK = "LINK"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a code proves the address for. `browser` is the secret by which we know the browser again.

    `name` and `password_hash` are of who signs up, `user_id` is who signs in or links, `customer_id` the record linked.
    """

    purpose: Purpose
    email: str
    name: str | None = None
    password_hash: str | None = None
    user_id: UUID | None = None
    customer_id: UUID | None = None


class Codes:
    """Issues and takes codes; `secret` is the application's."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, b"crm-graph codes by mail", hashlib.sha256)

    async def issue(
        self,
        connection: "asyncpg.Connection[asyncpg.Record]",
        organization_id: UUID,
        browser: str,
        asked: Asked,
        *,
        works: bool,
    ) -> tuple[UUID, str]:
        """A new code and the id under which it is taken. Where it does not `work`, no code is ever right."""
        row, code = uuid7(), f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
        await connection.execute(
            "INSERT INTO sign_in_codes (organization_id, id, purpose, email, browser_hash, code_hash, name,"
            " password_hash, user_id, customer_id, expires_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, now() + $11)",
            organization_id, row, asked.purpose.value, asked.email, _hashed(browser),
            self._mac(row, code) if works else None, asked.name, asked.password_hash, asked.user_id,
            asked.customer_id, LIVES,
        )  # fmt: skip
        return row, code

    async def take(
        self,
        connection: "asyncpg.Connection[asyncpg.Record]",
        organization_id: UUID,
        browser: str,
        row: UUID,
        code: str,
    ) -> Asked | None:
        """What the code proves, once; `None` when it is wrong, which counts: let the transaction commit."""
        # counted before it is compared, in a row that stays locked: of many tries at once each counts
        found = await connection.fetchrow(_TRY, organization_id, row, _hashed(browser))
        if found is None:
            return None
        plain = "".join(c for c in code if c.isascii() and c.isdigit())
        if not hmac.compare_digest(self._mac(row, plain), found["code_hash"] or b""):
            return None
        await connection.execute(
            "DELETE FROM sign_in_codes WHERE organization_id = $1 AND id = $2", organization_id, row
        )
        return Asked(
            Purpose(found["purpose"]),
            found["email"],
            found["name"],
            found["password_hash"],
            found["user_id"],
            found["customer_id"],
        )

    def _mac(self, row: UUID, code: str) -> bytes:
        return hmac.digest(self._key, row.bytes + code.encode(), hashlib.sha256)


async def sent_lately(connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID, email: str) -> int:
    """How many codes went to this address in an hour."""
    found = await connection.fetchval(
        "SELECT count(*) FROM sign_in_codes WHERE organization_id = $1"
        " AND crm_match_email(email) = crm_match_email($2) AND created_at > now() - interval '1 hour'",
        organization_id, email,
    )  # fmt: skip
    return int(found)


def _hashed(browser: str) -> bytes:
    return hashlib.sha256(browser.encode()).digest()
