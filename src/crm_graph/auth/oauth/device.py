"""The device grant (RFC 8628): a device without a browser gets its tokens once a person has agreed on another one."""

import logging
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from authlib.oauth2 import OAuth2Request
from authlib.oauth2.rfc6749 import AuthorizationServer
from authlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidScopeError, UnauthorizedClientError
from authlib.oauth2.rfc8628 import DEVICE_CODE_GRANT_TYPE, DeviceAuthorizationEndpoint, DeviceCodeGrant

from crm_graph.auth import tokens
from crm_graph.auth.oauth import device_codes, families, person_tokens
from crm_graph.auth.oauth import scope as scope_names
from crm_graph.auth.oauth.clients import AUTH_METHODS, Client
from crm_graph.auth.oauth.partner_reach import works_for
from crm_graph.auth.oauth.person_tokens import SignedIn
from crm_graph.auth.oauth.server import Server, User
from crm_graph.auth.oauth.tables import oauth_device_codes
from crm_graph.errors import JSON

logger = logging.getLogger("crm_graph.auth.oauth")

GRANT: Final = DEVICE_CODE_GRANT_TYPE
PAGE: Final = "/device"


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """A code that a device polls with, its row locked."""

    id: UUID
    client_id: str
    scopes: tuple[str, ...]
    fresh: bool
    approved: bool | None
    user: User | None
    signed_in: SignedIn | None

    def get_client_id(self) -> str:
        return self.client_id

    def get_scope(self) -> str:
        return " ".join(self.scopes)

    def get_user_code(self) -> "DeviceCode":
        """What `query_user_grant` is asked with; the code itself is kept as a hash."""
        return self

    def is_expired(self) -> bool:
        return not self.fresh


class DeviceAuthorization(DeviceAuthorizationEndpoint):
    """/oauth/device_authorization: gives a device its two codes."""

    CLIENT_AUTH_METHODS = AUTH_METHODS
    EXPIRES_IN = int(device_codes.LIFE.total_seconds())
    INTERVAL = device_codes.INTERVAL
    server: Server

    def __init__(self, server: AuthorizationServer) -> None:
        super().__init__(server)

    def create_endpoint_response(self, request: OAuth2Request) -> tuple[int, dict[str, JSON], list[tuple[str, str]]]:
        client: object = self.authenticate_client(request)  # type: ignore[no-untyped-call]
        assert isinstance(client, Client)
        assert request.payload is not None
        if not client.check_grant_type(GRANT):
            raise UnauthorizedClientError("The app is not registered for devices.")
        if len(request.payload.scope or "") > scope_names.LONGEST:
            raise InvalidScopeError("These are too many scopes.")
        scopes = scope_names.split(client.get_allowed_scope(request.payload.scope))
        device_code, user_code = device_codes.begin(self.server.exchange, client, scopes)
        page = self.server.exchange.issuer + PAGE
        answer: dict[str, JSON] = {
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={user_code}",
            "expires_in": self.EXPIRES_IN,
            "interval": self.INTERVAL,
        }
        return 200, answer, []


class DeviceGrant(DeviceCodeGrant):
    """Polling. A code is good for one app, answers once, and used again ends what it gave."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
    server: Server

    def authenticate_token_endpoint_client(self) -> Client:
        """Kept at the request, as the code is looked for among this app's."""
        client: object = super().authenticate_token_endpoint_client()
        assert isinstance(client, Client)
        self.request.client = client
        return client

    def query_device_credential(self, device_code: str) -> DeviceCode:
        ours, c, client = self.server.exchange, oauth_device_codes.c, self.request.client
        assert isinstance(client, Client)
        row = ours.session.execute(
            sa.select(oauth_device_codes, (c.expires_at > sa.func.clock_timestamp()).label("fresh"))
            .where(
                c.organization_id == ours.organization_id,
                c.device_code_hash == tokens.digest(device_code.encode()),
                c.client_id == client.id,
            )
            .with_for_update()
        ).one_or_none()
        if row is None:
            raise InvalidGrantError("The device code is not known.")
        if row.family_id is not None:
            if families.revoke(ours.session, ours.organization_id, row.family_id, "a code was used twice"):
                logger.warning("a device code of app %s was used twice: its tokens have ended", client.client_id)
            raise InvalidGrantError("The device code was used already.")
        decided = row.approved is not None
        return DeviceCode(
            row.id,
            client.client_id,
            tuple(row.scopes),
            row.fresh,
            row.approved,
            User(row.user_id, row.session_id) if decided else None,
            SignedIn(row.auth_time, tuple(row.methods)) if decided else None,
        )

    def query_user_grant(self, user_code: DeviceCode) -> tuple[User, bool] | None:
        """The person's answer. Who has signed out since has taken it back."""
        ours, user = self.server.exchange, user_code.user
        if user is None or user.session_id is None:
            return None
        alive = families.is_session_alive(ours.session, ours.organization_id, user.id, user.session_id)
        client = self.request.client
        assert isinstance(client, Client)
        theirs = works_for(ours.session, ours.organization_id, user.id, client.partner_id)
        return user, bool(user_code.approved) and alive and theirs

    def should_slow_down(self, credential: DeviceCode) -> bool:
        ours = self.server.exchange
        return device_codes.polled_too_soon(ours.session, ours.organization_id, credential.id)

    def generate_token(  # type: ignore[override]
        self, user: User, scope: str, include_refresh_token: bool = True, **_more: object
    ) -> dict[str, str | int]:
        ours, client, c = self.server.exchange, self.request.client, oauth_device_codes.c
        code: object = self.request.credential
        assert isinstance(client, Client)
        assert isinstance(code, DeviceCode)
        family_id, token = person_tokens.begin(
            ours, client, user, scope_names.split(scope), refreshable=include_refresh_token
        )
        ours.session.execute(
            sa.update(oauth_device_codes)
            .where(c.organization_id == ours.organization_id, c.id == code.id)
            .values(family_id=family_id)
        )
        self.request.authorization_code = code.signed_in  # where the ID token looks for it
        logger.info("app %s got tokens for user %s on a device", client.client_id, user.id)
        return token
