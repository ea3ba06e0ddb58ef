"""/oauth/userinfo: what an app may know about the person whose token it has."""

from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from crm_graph.auth.callers import Caller
from crm_graph.auth.oauth import issuer
from crm_graph.auth.oauth import scope as scope_names
from crm_graph.auth.oauth.answers import HEADERS, failed
from crm_graph.auth.oauth.id_token import subject
from crm_graph.auth.oauth.party import Party
from crm_graph.errors import JSON, Unauthenticated

REALM: Final = 'realm="crm-graph"'


class UserInfo:
    """Answers to access tokens in the Authorization header alone."""

    def __init__(self, party: Party) -> None:
        self._party = party

    async def show(self, request: Request) -> Response:
        """GET or POST /oauth/userinfo."""
        await self._party.here(request.scope)
        try:
            caller = await self._party.authenticator.access_token(request.scope)
        except Unauthenticated as error:
            wrong = issuer.challenge(request.scope, REALM, 'error="invalid_token"')
            return failed("invalid_token", error.message, 401, www_authenticate=wrong)
        if caller is None:
            needed = issuer.challenge(request.scope, REALM)
            return failed("invalid_token", "An access token is needed.", 401, www_authenticate=needed)
        if scope_names.OPENID not in caller.granted:
            challenge = issuer.challenge(request.scope, REALM, 'error="insufficient_scope"', 'scope="openid"')
            return failed("insufficient_scope", "The token lacks `openid`.", 403, www_authenticate=challenge)
        return JSONResponse(_claims(caller), headers=dict(HEADERS))


def _claims(caller: Caller) -> dict[str, JSON]:
    claims: dict[str, JSON] = {"sub": subject(caller.user_id)}
    if "profile" in caller.granted:
        claims["name"] = caller.name
    if "email" in caller.granted and caller.email is not None:
        claims["email"] = caller.email
    return claims
