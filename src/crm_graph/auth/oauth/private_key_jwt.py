"""Apps that prove who they are by a key (RFC 7523): an assertion they sign, good once."""

import time
from typing import Final

import sqlalchemy as sa
from authlib.oauth2.rfc6749 import OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidClientError
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from joserfc import jws, jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from sqlalchemy.dialects.postgresql import insert

from crm_graph.auth import tokens
from crm_graph.auth.oauth import stand_in
from crm_graph.auth.oauth.clients import Client
from crm_graph.auth.oauth.server import Server
from crm_graph.auth.oauth.tables import oauth_assertions
from crm_graph.db.ids import uuid7

ALGORITHMS: Final = ("ES256", "ES384", "RS256", "PS256", "EdDSA")
LONGEST: Final = 8_192
LONGEST_LIFE: Final = 3_700
"""Seconds: for so long it is remembered that an assertion was used."""
_REGISTRY: Final = jws.JWSRegistry(algorithms=list(ALGORITHMS))


class Assertion(JWTBearerClientAssertion):
    """Verifies with the keys that were registered, by algorithms of public keys alone."""

    CLIENT_AUTH_METHOD = "private_key_jwt"  # type: ignore[misc]

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._server = server
        self._header: dict[str, object] = {}

    def __call__(self, query_client: object, request: OAuth2Request) -> Client | None:
        given = request.form
        if len(given.get("client_assertion", "")) > LONGEST:
            raise InvalidClientError(description="The assertion is too long.")
        try:
            client: Client | None = super().__call__(query_client, request)  # type: ignore[no-untyped-call]
        except (JoseError, ValueError, TypeError, KeyError):
            raise InvalidClientError(description="The assertion cannot be read.") from None
        if client is not None and given.get("client_id", client.client_id) != client.client_id:
            raise InvalidClientError(description="The assertion is another app's.")
        return client

    def extract_assertion(self, assertion: str) -> tuple[dict[str, object], dict[str, object]]:
        self._header, claims = super().extract_assertion(assertion)
        return self._header, claims

    def get_audiences(self) -> list[str]:
        issuer = self._server.exchange.issuer
        return [issuer, f"{issuer}/oauth/token"]

    def process_assertion_claims(self, assertion: str, resolve_key: KeySet) -> dict[str, object]:
        try:
            claims = jwt.decode(assertion, resolve_key, registry=_REGISTRY).claims
        except InvalidKeyIdError:  # which keys an app has is nobody's business either
            claims = jwt.decode(assertion, stand_in.keys(self._header), registry=_REGISTRY).claims
        if not isinstance(claims.get("exp"), int) or claims["exp"] > time.time() + LONGEST_LIFE:
            raise InvalidClientError(description="The assertion lasts too long.")
        self.verify_claims(claims)
        return claims

    def validate_jti(self, claims: dict[str, object], jti: object) -> bool:
        """Whether it is the first time; asked once all else is right."""
        ours, c = self._server.exchange, oauth_assertions.c
        client = self._server.query_client(str(claims["sub"]))
        if client is None or not isinstance(jti, str) or not jti:
            return False
        done = ours.session.execute(
            insert(oauth_assertions)
            .values(
                organization_id=ours.organization_id,
                id=uuid7(),
                client_id=client.id,
                jti_hash=tokens.digest(jti.encode("utf-8", "replace")),
                expires_at=sa.func.now() + sa.text(f"interval '{LONGEST_LIFE + 120} seconds'"),
            )
            .on_conflict_do_nothing(index_elements=["organization_id", "client_id", "jti_hash"])
            .returning(c.id)
        )
        return done.one_or_none() is not None

    def resolve_client_public_key(self, client: Client) -> KeySet:
        if client.jwks is None:  # it has none, or is none
            return stand_in.keys(self._header)
        return KeySet.import_key_set(client.jwks)  # type: ignore[arg-type]
