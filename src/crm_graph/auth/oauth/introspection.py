"""Introspection (RFC 7662): an app asks whether a token of its own still works."""

from typing import Final

from authlib.oauth2 import OAuth2Request
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from crm_graph.auth.oauth import held_tokens
from crm_graph.auth.oauth.access_token import AccessToken
from crm_graph.auth.oauth.clients import PREFIX, Client
from crm_graph.auth.oauth.held_tokens import Held
from crm_graph.auth.oauth.id_token import subject
from crm_graph.auth.oauth.server import Server
from crm_graph.db.ids import encode
from crm_graph.errors import JSON

AUTH_METHODS: Final = ("client_secret_basic", "private_key_jwt")


class Introspection(IntrospectionEndpoint):
    """Of other apps' tokens it says what it says of tokens that never were: not active."""

    CLIENT_AUTH_METHODS = AUTH_METHODS
    server: Server

    def __init__(self, server: Server, access: AccessToken | None) -> None:
        super().__init__(server)
        self._access = access

    def query_token(self, token_string: str, token_type_hint: str | None) -> Held | None:  # noqa: ARG002 - not needed
        return held_tokens.find(self.server.exchange, token_string, self._access)

    def check_permission(self, token: Held, client: Client, request: OAuth2Request) -> bool:  # noqa: ARG002
        return token.check_client(client)

    def introspect_token(self, token: Held) -> dict[str, JSON]:
        issuer = self.server.exchange.issuer
        return {
            "active": True,
            "client_id": encode(PREFIX, token.client_id),
            "scope": " ".join(token.scopes),
            "sub": subject(token.user_id),
            "iss": issuer,
            "iat": token.issued_at,
            "exp": token.expires_at,
            **({"aud": issuer, "token_type": "Bearer"} if token.access else {}),
        }
