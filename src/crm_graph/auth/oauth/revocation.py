"""Revocation (RFC 7009): an app gives a token back. Its whole family ends, whichever of its tokens is given."""

import logging

from authlib.oauth2 import OAuth2Request
from authlib.oauth2.rfc7009 import RevocationEndpoint

from crm_graph.auth.oauth import families, held_tokens
from crm_graph.auth.oauth.access_token import AccessToken
from crm_graph.auth.oauth.clients import AUTH_METHODS
from crm_graph.auth.oauth.held_tokens import Held
from crm_graph.auth.oauth.server import Server

logger = logging.getLogger("crm_graph.auth.oauth")


class Revocation(RevocationEndpoint):
    """What is no token, or none any more, is answered as what was revoked."""

    CLIENT_AUTH_METHODS = AUTH_METHODS
    server: Server

    def __init__(self, server: Server, access: AccessToken | None) -> None:
        super().__init__(server)
        self._access = access

    def query_token(self, token_string: str, token_type_hint: str | None) -> Held | None:  # noqa: ARG002 - not needed
        return held_tokens.find(self.server.exchange, token_string, self._access)

    def revoke_token(self, token: Held, request: OAuth2Request) -> None:  # noqa: ARG002 - as Authlib calls it
        ours = self.server.exchange
        if families.revoke(ours.session, ours.organization_id, token.family_id, "the app gave its tokens back"):
            logger.info("family %s was given back by its app", token.family_id)
