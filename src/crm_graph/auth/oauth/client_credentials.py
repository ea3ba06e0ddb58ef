"""The client credentials grant: an app acts on its own, as the service user it was registered with."""

import logging
from typing import Final

import sqlalchemy as sa
from authlib.oauth2.rfc6749 import ClientCredentialsGrant
from authlib.oauth2.rfc6749.errors import UnauthorizedClientError

from crm_graph.auth.oauth import access_token, families
from crm_graph.auth.oauth import scope as scope_names
from crm_graph.auth.oauth.clients import Client
from crm_graph.auth.oauth.server import Server

logger = logging.getLogger("crm_graph.auth.oauth")

_ACTIVE: Final = sa.text("SELECT status = 'ACTIVE' FROM users WHERE organization_id = :organization AND id = :user")


class ServiceGrant(ClientCredentialsGrant):
    """Tokens without a person; none to refresh them by."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "private_key_jwt")
    server: Server

    def generate_token(self, scope: str | None = None, **_more: object) -> dict[str, str | int]:  # type: ignore[override]
        ours, client = self.server.exchange, self.request.client
        assert isinstance(client, Client)
        scopes = scope_names.split(client.get_allowed_scope(scope))
        of_user = {"organization": ours.organization_id, "user": client.user_id}
        if client.user_id is None or not ours.session.execute(_ACTIVE, of_user).scalar():
            raise UnauthorizedClientError("The app's user may not sign in.")
        family_id = families.begin(
            ours.session,
            ours.organization_id,
            client.id,
            client.user_id,
            scopes,
            own=True,
            lasts=access_token.LIFE,
        )
        logger.info("app %s got a token of its own", client.client_id)
        return access_token.answer(ours, client, client.user_id, scopes, family_id)
