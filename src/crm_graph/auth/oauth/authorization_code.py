"""The authorization code grant: a person has agreed, and an app fetches its tokens."""

import datetime as dt
import logging
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from authlib.oauth2 import OAuth2Request
from authlib.oauth2.rfc6749 import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.errors import InvalidRequestError

from crm_graph.auth import tokens
from crm_graph.auth.oauth import families, person_tokens
from crm_graph.auth.oauth import scope as scope_names
from crm_graph.auth.oauth.clients import AUTH_METHODS, Client
from crm_graph.auth.oauth.partner_reach import works_for
from crm_graph.auth.oauth.person_tokens import SignedIn
from crm_graph.auth.oauth.server import Server, User
from crm_graph.auth.oauth.tables import oauth_codes
from crm_graph.db.ids import uuid7

logger = logging.getLogger("crm_graph.auth.oauth")

LIFE: Final = dt.timedelta(seconds=60)
LONGEST_NONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Code:
    """A code that was not used yet."""

    id: UUID
    user_id: UUID
    session_id: UUID
    redirect_uri: str
    scopes: tuple[str, ...]
    code_challenge: str
    signed_in: SignedIn
    code_challenge_method: str = "S256"

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return " ".join(self.scopes)

    def get_nonce(self) -> str | None:
        return self.signed_in.get_nonce()

    def get_auth_time(self) -> int:
        return self.signed_in.get_auth_time()

    def get_acr(self) -> None:
        return self.signed_in.get_acr()

    def get_amr(self) -> list[str]:
        return self.signed_in.get_amr()


class CodeGrant(AuthorizationCodeGrant):
    """Codes are bound to app, redirect URI, PKCE challenge and the browser's session, and used once."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
    server: Server
    family_id: UUID

    @staticmethod
    def validate_authorization_redirect_uri(request: OAuth2Request, client: Client) -> str:  # type: ignore[override]
        """Exactly one that was registered; without it nobody is sent anywhere, not even to be told of an error."""
        assert request.payload is not None
        given = request.payload.redirect_uri
        if not given or not client.check_redirect_uri(given):
            raise InvalidRequestError("The app has not registered this redirect URI.")
        return given

    def generate_authorization_code(self) -> str:
        return tokens.authorization_code()

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        ours, payload = self.server.exchange, request.payload
        user = request.user
        assert payload is not None
        assert isinstance(user, User)
        assert isinstance(request.client, Client)
        assert user.session_id is not None
        proved = families.proved(ours.session, ours.organization_id, user.id, user.session_id)
        if proved is None:
            raise InvalidRequestError("The session has ended.")
        ours.session.execute(
            sa.insert(oauth_codes).values(
                organization_id=ours.organization_id,
                id=uuid7(),
                code_hash=tokens.digest(code.encode()),
                client_id=request.client.id,
                user_id=user.id,
                session_id=user.session_id,
                redirect_uri=payload.redirect_uri,
                scopes=list(scope_names.split(request.scope)),
                code_challenge=payload.data["code_challenge"],
                nonce=payload.data.get("nonce"),
                auth_time=proved.at,
                methods=list(proved.methods),
                expires_at=sa.func.now() + LIFE,
            )
        )

    def query_authorization_code(self, code: str, client: Client) -> Code | None:  # type: ignore[override]
        """The code, locked, if it can still be used. Using one again ends what its first use gave (RFC 9700, 4.2)."""
        ours, c = self.server.exchange, oauth_codes.c
        row = ours.session.execute(
            sa.select(oauth_codes, (c.expires_at > sa.func.clock_timestamp()).label("fresh"))
            .where(
                c.organization_id == ours.organization_id,
                c.code_hash == tokens.digest(code.encode()),
                c.client_id == client.id,
            )
            .with_for_update()
        ).one_or_none()
        if row is None:
            return None
        if row.family_id is not None:
            if families.revoke(ours.session, ours.organization_id, row.family_id, "a code was used twice"):
                logger.warning("a code of app %s was used twice: its tokens have ended", client.client_id)
            return None
        if not row.fresh:
            return None
        return Code(
            row.id, row.user_id, row.session_id, row.redirect_uri, tuple(row.scopes), row.code_challenge,
            SignedIn(row.auth_time, tuple(row.methods), row.nonce),
        )  # fmt: skip

    def authenticate_user(self, authorization_code: Code) -> User | None:
        """The user whose session gave the code, if it still works."""
        ours, code = self.server.exchange, authorization_code
        alive = families.is_session_alive(ours.session, ours.organization_id, code.user_id, code.session_id)
        client = self.request.client
        assert isinstance(client, Client)
        if not alive or not works_for(ours.session, ours.organization_id, code.user_id, client.partner_id):
            return None
        return User(code.user_id, code.session_id)

    def generate_token(  # type: ignore[override]
        self, user: User, scope: str, include_refresh_token: bool = True, **_more: object
    ) -> dict[str, str | int]:
        ours, client = self.server.exchange, self.request.client
        assert isinstance(client, Client)
        self.family_id, token = person_tokens.begin(
            ours, client, user, scope_names.split(scope), refreshable=include_refresh_token
        )
        logger.info("app %s got tokens for user %s by a code", client.client_id, user.id)
        return token

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """Not deleted: a second use has to be noticed."""
        ours, c = self.server.exchange, oauth_codes.c
        ours.session.execute(
            sa.update(oauth_codes)
            .where(c.organization_id == ours.organization_id, c.id == authorization_code.id)
            .values(family_id=self.family_id)
        )
