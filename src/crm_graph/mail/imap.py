"""Fetching mail from an IMAP server (RFC 3501) over TLS, by the standard library, in a thread.

The mailbox is only looked at: nothing is marked or moved, so people and other programs may read it as well. What we
have is known by its UID. A library would add only what we do not use: IDLE, and other ways to write.
"""

import contextlib
import datetime as dt
import imaplib
import re
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

_SECONDS: Final = 30
MOST: Final = 50
"""Mails fetched at a time: the others come with the next."""
_UIDVALIDITY: Final = re.compile(rb"\d+")


@dataclass(frozen=True, slots=True)
class Account:
    """Where and as whom to fetch. `tls` is false for tests on this machine only."""

    host: str
    port: int
    user: str
    password: str
    folder: str = "INBOX"
    tls: bool = True


@dataclass(frozen=True, slots=True)
class Place:
    """Up to where a mailbox was fetched; UIDs mean something only while its validity is the same."""

    validity: int | None
    last_uid: int | None


@dataclass(frozen=True, slots=True)
class Fetched:
    """One mail; `raw` is `None` of one that is too large, or gone by now."""

    uid: int
    validity: int
    raw: bytes | None


class FetchFailed(Exception):
    """The server answered what cannot be worked with."""


def fetch(account: Account, place: Place, since: dt.date, most_bytes: int) -> Iterator[Fetched]:
    """What came after `place`, the oldest first; without a place, or when UIDs were given anew, what came since a day.

    Blocks. Raises OSError (also TimeoutError, ssl.SSLError), imaplib.IMAP4.error, FetchFailed.
    """
    with _open(account) as server:
        _checked(server.login(account.user, account.password))
        _checked(server.select(f'"{account.folder}"', readonly=True))
        validity = _validity(server)
        known = place.last_uid if place.validity == validity and place.last_uid is not None else None
        wanted = f"UID {known + 1}:*" if known is not None else f"SINCE {_day(since)}"
        found = _checked(server.uid("SEARCH", *wanted.split(" ", 1)))
        # `n:*` finds the last mail even where its UID is smaller
        uids = sorted(int(uid) for uid in _flat(found).split() if int(uid) > (known or 0))
        for uid in uids[:MOST]:
            size = re.search(rb"RFC822\.SIZE (\d+)", _flat(_checked(server.uid("FETCH", str(uid), "(RFC822.SIZE)"))))
            fits = size is not None and int(size[1]) <= most_bytes
            raw = _literal(_checked(server.uid("FETCH", str(uid), "(BODY.PEEK[])"))) if fits else None
            yield Fetched(uid, validity, raw)


@contextlib.contextmanager
def _open(account: Account) -> Iterator[imaplib.IMAP4]:
    server = (
        imaplib.IMAP4_SSL(account.host, account.port, ssl_context=ssl.create_default_context(), timeout=_SECONDS)
        if account.tls
        else imaplib.IMAP4(account.host, account.port, timeout=_SECONDS)
    )
    try:
        yield server
    finally:
        try:
            server.logout()
        except (OSError, imaplib.IMAP4.error):  # it hung up; the library leaves our end open then
            with contextlib.suppress(OSError):
                server.shutdown()


def _checked(answer: tuple[str, Sequence[object]]) -> list[object]:
    kind, data = answer
    if kind != "OK":
        raise FetchFailed(f"the server answered {kind}")
    return list(data)


def _validity(server: imaplib.IMAP4) -> int:
    _, data = server.response("UIDVALIDITY")
    found = _UIDVALIDITY.search(_flat(list(data or [])))
    if found is None:
        raise FetchFailed("the server does not say its UIDVALIDITY")
    return int(found[0])


def _flat(data: list[object]) -> bytes:
    pieces = (piece for one in data for piece in (one if isinstance(one, tuple) else (one,)))
    return b" ".join(piece for piece in pieces if isinstance(piece, bytes))


def _literal(data: list[object]) -> bytes | None:
    return next((one[1] for one in data if isinstance(one, tuple) and isinstance(one[1], bytes)), None)


def _day(day: dt.date) -> str:
    """As IMAP writes days, whatever the locale."""
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{day.day:02}-{months[day.month - 1]}-{day.year}"
