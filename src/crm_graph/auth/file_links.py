"""Links to a file, for some minutes: sealed, they carry by what their reader called, who is then asked for anew.

A ticket opens for one purpose. That of a download is the same for all files of one answer, so each link has besides a
signature of its own file under a key of the ticket: who is handed one link opens one file.
"""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import orjson

from crm_graph.auth.actor import Actor
from crm_graph.auth.sealing import SealBroken, Sealer
from crm_graph.errors import JSON, LinkOver

DOWNLOAD: Final = "download"
UPLOAD: Final = "upload"
PATH: Final = "/files"
_SECONDS: Final = 600
_SIGNATURE_BYTES: Final = 16
LONGEST: Final = 8_192


@dataclass(frozen=True, slots=True)
class Carried:
    """What a link carries: by what its reader called, for whom they acted, and what it is for."""

    credential: bytes
    acting_for: str | None
    facts: Mapping[str, JSON]


class FileLinks:
    """Makes and opens tickets, by a key made of the server's secret."""

    def __init__(self, secret: bytes) -> None:
        self._sealer = Sealer((hmac.digest(secret, b"links to files", "sha256"),))
        self._secret = secret

    def ticket(self, actor: Actor, purpose: str, facts: Mapping[str, JSON] | None = None) -> str | None:
        """A ticket of this caller; `None` for who has nothing to be found again by, or looks as somebody else."""
        if actor.credential is None or actor.seen_as is not None:
            return None
        acting_for = actor.acting_for_id.hex if actor.acting_for_id is not None else None
        held = [_text(actor.credential), acting_for, int(time.time()) + _SECONDS, facts or {}]
        return _text(self._sealer.seal(orjson.dumps(held), purpose))

    def opened(self, ticket: str, purpose: str) -> Carried:
        """What a ticket carries. Raises LinkOver, whatever is wrong with it."""
        if len(ticket) > LONGEST:
            raise over()
        try:
            credential, acting_for, until, facts = orjson.loads(self._sealer.open(_bytes(ticket), purpose))
        except (SealBroken, ValueError):
            raise over() from None
        if until <= time.time():
            raise over()
        return Carried(_bytes(credential), acting_for, facts)

    def key(self, ticket: str) -> bytes:
        """What signs files under a ticket."""
        return hmac.digest(self._secret, b"file " + ticket.encode(), "sha256")

    def fits(self, ticket: str, row: UUID, signature: str) -> bool:
        """Whether a link is that of this file, as `signature_sql` signs it."""
        made = hashlib.sha256(self.key(ticket) + row.bytes).digest()[:_SIGNATURE_BYTES]
        return hmac.compare_digest(made.hex().encode(), signature.encode())


def signature_sql(key: str, row: str) -> str:
    """SQL of a file's signature: of a key of 32 bytes and an id of 16, which nothing can be appended to."""
    return f"encode(substr(sha256({key} || uuid_send({row})), 1, {_SIGNATURE_BYTES}), 'hex')"


def over() -> LinkOver:
    return LinkOver("This link does not work, or not any more. Ask for a new one.")


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise ValueError("this is not base64") from None
