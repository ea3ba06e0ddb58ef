"""Authenticator apps: a code for every 30 seconds from a shared key (RFC 6238), each taken once.

How often codes may be guessed is counted in the database, for the account: who knows the password could guess from many
addresses. Guesses of browsers that the account knows are counted apart (proofs/known_browsers.py), so that a stranger
who uses up the account's guesses keeps nobody out; and recovery codes and passkeys are not touched by it.
"""

import datetime as dt
import time
import unicodedata
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import pyotp
import segno
import sqlalchemy as sa
from pyotp.exceptions import OTPVerificationError
from sqlalchemy.dialects.postgresql import insert

from crm_graph.auth.proofs.tables import totp_keys
from crm_graph.auth.sealing import Sealer
from crm_graph.db.ids import uuid7
from crm_graph.db.session import Transaction

WINDOW: Final = 1
"""Codes before and after the current one that are taken too: clocks differ."""
GUESSES: Final = 10
GUESS_EVERY: Final = dt.timedelta(minutes=10)
"""Unknown browsers have 10 guesses, one given back every 10 minutes: half a per mille a day of being right."""

_PURPOSE: Final = "totp"
_c = totp_keys.c


@dataclass(frozen=True, slots=True)
class App:
    """A user's authenticator app. `key` is what app and server share, in base32."""

    id: UUID
    key: str
    confirmed_at: dt.datetime | None


async def begin(tx: Transaction, sealer: Sealer, organization_id: UUID, user_id: UUID) -> None:
    """Make a key that waits to be confirmed, in place of one that waits; a confirmed one stays as it is."""
    id_, key = uuid7(), pyotp.random_base32()
    values = {
        "id": id_,
        "sealed_key": sealer.seal(key.encode(), _PURPOSE, organization_id, id_),
        "created_at": sa.func.now(),
    }
    row = insert(totp_keys).values(organization_id=organization_id, user_id=user_id, **values)
    await (await tx.session.connection()).execute(
        row.on_conflict_do_update(
            index_elements=["organization_id", "user_id"], set_=values, where=_c.confirmed_at.is_(None)
        )
    )


async def find(tx: Transaction, sealer: Sealer, organization_id: UUID, user_id: UUID) -> App | None:
    """The user's app, confirmed or waiting. Raises SealBroken."""
    row = (
        await (await tx.session.connection()).execute(sa.select(totp_keys).where(*_of(organization_id, user_id)))
    ).first()
    if row is None:
        return None
    return App(row.id, sealer.open(row.sealed_key, _PURPOSE, organization_id, row.id).decode(), row.confirmed_at)


async def confirmed_at(tx: Transaction, organization_id: UUID, user_id: UUID) -> dt.datetime | None:
    """Since when the user signs in with an app; `None`: they do not."""
    found = await (await tx.session.connection()).execute(
        sa.select(_c.confirmed_at).where(*_of(organization_id, user_id))
    )
    return found.scalar()


async def confirm(tx: Transaction, sealer: Sealer, organization_id: UUID, user_id: UUID, code: str) -> bool:
    """Let the waiting app count from now on, if this is its code."""
    app = await find(tx, sealer, organization_id, user_id)
    if app is None or app.confirmed_at is not None or not await _take(tx, organization_id, app, code):
        return False
    await _update(tx, organization_id, app.id, confirmed_at=sa.func.now(), guesses_full_at=None)
    return True


async def check(tx: Transaction, sealer: Sealer, organization_id: UUID, user_id: UUID, code: str) -> bool:
    """Whether this is a code of the confirmed app that was not used yet; it is used then."""
    app = await find(tx, sealer, organization_id, user_id)
    if app is None or app.confirmed_at is None or not await _take(tx, organization_id, app, code):
        return False
    await _seal_anew(tx, sealer, organization_id, app)
    return True


async def remove(tx: Transaction, organization_id: UUID, user_id: UUID) -> bool:
    """Forget the app; False when there was none that counted."""
    found = await (await tx.session.connection()).execute(
        sa.delete(totp_keys).where(*_of(organization_id, user_id)).returning(_c.confirmed_at)
    )
    return found.scalar() is not None


async def guess(tx: Transaction, organization_id: UUID, user_id: UUID) -> dt.timedelta:
    """Count a guess of an unknown browser; how long to wait where none is left, and then none is counted."""
    now, full = sa.func.now(), sa.func.coalesce(_c.guesses_full_at, sa.func.now())
    counted = await (await tx.session.connection()).execute(
        sa.update(totp_keys)
        .where(*_of(organization_id, user_id), full - (GUESSES - 1) * GUESS_EVERY <= now)
        .values(guesses_full_at=sa.func.greatest(full, now) + GUESS_EVERY)
    )
    if counted.rowcount:
        return dt.timedelta()
    left = await (await tx.session.connection()).execute(
        sa.select(full - (GUESSES - 1) * GUESS_EVERY - now).where(*_of(organization_id, user_id))
    )
    return left.scalar() or dt.timedelta()


async def give_back(tx: Transaction, organization_id: UUID, user_id: UUID) -> None:
    """The guess was none: it was right."""
    await (await tx.session.connection()).execute(
        sa.update(totp_keys)
        .where(*_of(organization_id, user_id))
        .values(guesses_full_at=_c.guesses_full_at - GUESS_EVERY)
    )


def address(key: str, organization_name: str, account: str) -> str:
    """The `otpauth://` address that an app reads the key from."""
    return pyotp.TOTP(key).provisioning_uri(name=account, issuer_name=organization_name)


def picture(otpauth: str) -> str:
    """The address as a QR code: SVG to stand within a page, dark on light whatever the page's colours are."""
    made = segno.make_qr(otpauth, error="m")
    return made.svg_inline(scale=1, border=4, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None)


async def _take(tx: Transaction, organization_id: UUID, app: App, code: str) -> bool:
    """Whether the code is right and newer than any that was taken; of two at the same moment one is."""
    counter = _counter(app.key, code)
    if counter is None:
        return False
    unused = sa.or_(_c.last_counter.is_(None), _c.last_counter < counter)
    return await _update(tx, organization_id, app.id, unused, last_counter=counter)


def _counter(key: str, code: str) -> int | None:
    digits = "".join(unicodedata.normalize("NFKC", code).split())
    if len(digits) != 6 or not digits.isascii() or not digits.isdigit():
        return None
    try:
        return pyotp.TOTP(key).verify_and_get_timecode(digits, for_time=time.time(), valid_window=WINDOW)
    except OTPVerificationError:
        return None


async def _seal_anew(tx: Transaction, sealer: Sealer, organization_id: UUID, app: App) -> None:
    connection = await tx.session.connection()
    stored = await connection.execute(
        sa.select(_c.sealed_key).where(_c.organization_id == organization_id, _c.id == app.id)
    )
    if not sealer.is_current(stored.scalar_one()):
        sealed = sealer.seal(app.key.encode(), _PURPOSE, organization_id, app.id)
        await _update(tx, organization_id, app.id, sealed_key=sealed)


async def _update(
    tx: Transaction, organization_id: UUID, id_: UUID, *conditions: sa.ColumnElement[bool], **values: object
) -> bool:
    statement = sa.update(totp_keys).where(_c.organization_id == organization_id, _c.id == id_, *conditions)
    return (await (await tx.session.connection()).execute(statement.values(**values))).rowcount > 0


def _of(organization_id: UUID, user_id: UUID) -> tuple[sa.ColumnElement[bool], ...]:
    return _c.organization_id == organization_id, _c.user_id == user_id
