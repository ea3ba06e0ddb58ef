"""ID tokens (OpenID Connect Core): who signed in, when, and in which session; names and addresses are at userinfo."""

import datetime as dt
import time
from typing import Final
from uuid import UUID

from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDToken
from joserfc.jwk import ECKey

from crm_graph.auth.oauth.clients import Client
from crm_graph.auth.oauth.keys import ALGORITHM
from crm_graph.auth.oauth.server import Server, User
from crm_graph.db.ids import encode

LIFE: Final = dt.timedelta(minutes=10)


class IdToken(OpenIDToken):
    """Adds the ID token to what a code is exchanged for, where `openid` was asked for."""

    def __init__(self, server: Server) -> None:
        self._ours = server.exchange

    def resolve_client_private_key(self, client: Client) -> ECKey:  # noqa: ARG002 - as Authlib calls it
        return self._ours.signing.key

    def get_client_algorithm(self, client: Client) -> str:  # noqa: ARG002
        return ALGORITHM

    def get_encode_header(self, client: Client) -> dict[str, str]:  # noqa: ARG002
        return {"alg": ALGORITHM, "typ": "JWT", "kid": self._ours.signing.kid}

    def get_client_claims(self, client: Client) -> dict[str, str | int]:
        now = int(time.time())
        return {"iss": self._ours.issuer, "aud": client.client_id, "iat": now, "exp": now + int(LIFE.total_seconds())}

    def generate_user_info(self, user: User, scope: str) -> UserInfo:  # noqa: ARG002
        assert user.session_id is not None
        return UserInfo(sub=subject(user.id), sid=session(user.session_id))


def subject(user_id: UUID) -> str:
    """How tokens call a user."""
    return encode("usr", user_id)


def session(session_id: UUID) -> str:
    """How tokens call a browser's session; it opens nothing."""
    return encode("ses", session_id)
