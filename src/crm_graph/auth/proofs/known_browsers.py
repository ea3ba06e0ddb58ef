"""Browsers in which somebody has signed in before: their attempts are counted apart from those of strangers.

Whoever guesses at an account uses up attempts; without this they would use up its owner's too. The cookie proves
nothing but that, opens nothing, and is good for one user only.
"""

import hashlib
import hmac
import re
import secrets
from typing import Final
from uuid import UUID

from starlette.requests import Request

from crm_graph.auth import cookies
from crm_graph.auth.sign_in.form import only

LASTS_SECONDS: Final = 365 * 24 * 3600
_SHAPE: Final = re.compile(r"([A-Za-z0-9_-]{22})\.([0-9a-f]{64})")


class KnownBrowsers:
    """Gives and recognises the cookie."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, b"crm-graph known browsers", hashlib.sha256)

    def device(self, request: Request, organization_id: UUID, user_id: UUID) -> str | None:
        """Which browser this is, if the user has signed in with it before."""
        match = _SHAPE.fullmatch(only(request, cookies.KNOWN, _SHAPE) or "")
        if match is None or not hmac.compare_digest(self._proof(organization_id, user_id, match[1]), match[2]):
            return None
        return match[1]

    def cookie(self, request: Request, organization_id: UUID, user_id: UUID) -> str:
        """The cookie's value for a browser in which the user has just signed in."""
        device = self.device(request, organization_id, user_id) or secrets.token_urlsafe(16)
        return f"{device}.{self._proof(organization_id, user_id, device)}"

    def _proof(self, organization_id: UUID, user_id: UUID, device: str) -> str:
        named = organization_id.bytes + user_id.bytes + device.encode()
        return hmac.new(self._key, named, hashlib.sha256).hexdigest()
