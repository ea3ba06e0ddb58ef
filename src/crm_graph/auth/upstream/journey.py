"""A browser on its way to a provider and back: what must come back with it, sealed in a cookie of that browser.

So neither somebody else's code nor somebody else's browser ends a sign-in, and nothing is kept for those who never
come back.
"""

import base64
import secrets
import time
from dataclasses import asdict, dataclass
from typing import Final
from uuid import UUID

import orjson

from crm_graph.auth.sealing import SealBroken, Sealer

PURPOSE: Final = "upstream journey"
LASTS_SECONDS: Final = 600


@dataclass(frozen=True, slots=True)
class Journey:
    """`provider` is its id, `verifier` PKCE's, `following` where to go in the end; `until` seconds of the epoch."""

    provider: str
    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    following: str
    until: int

    @classmethod
    def begun(cls, provider: UUID, redirect_uri: str, following: str) -> "Journey":
        """A journey that begins now."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return cls(str(provider), state, nonce, verifier, redirect_uri, following, int(time.time()) + LASTS_SECONDS)

    def sealed(self, sealer: Sealer, organization_id: UUID) -> str:
        """As the cookie has it."""
        text = sealer.seal(orjson.dumps(asdict(self)), PURPOSE, organization_id)
        return base64.urlsafe_b64encode(text).decode().rstrip("=")


def opened(sealer: Sealer, organization_id: UUID, cookie: str) -> Journey | None:
    """The journey of a cookie, if it is one of this organisation and not over."""
    try:
        text = base64.urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4))
        found = Journey(**orjson.loads(sealer.open(text, PURPOSE, organization_id)))
    except (ValueError, TypeError, SealBroken):
        return None
    return found if found.until > time.time() else None
