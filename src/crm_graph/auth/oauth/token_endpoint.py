"""/oauth/token, /oauth/device_authorization, /oauth/introspect, /oauth/revoke: where apps ask without a person."""

import logging
import math
from collections.abc import Callable
from typing import Final

from authlib.oauth2 import OAuth2Error
from starlette.requests import Request
from starlette.responses import Response

from crm_graph.auth.oauth import access_token
from crm_graph.auth.oauth.answers import answered, failed
from crm_graph.auth.oauth.authorization_code import CodeGrant
from crm_graph.auth.oauth.client_credentials import ServiceGrant
from crm_graph.auth.oauth.device import DeviceAuthorization, DeviceGrant
from crm_graph.auth.oauth.id_token import IdToken
from crm_graph.auth.oauth.introspection import Introspection
from crm_graph.auth.oauth.party import Party
from crm_graph.auth.oauth.pkce import S256
from crm_graph.auth.oauth.private_key_jwt import Assertion
from crm_graph.auth.oauth.refresh_token import RefreshGrant
from crm_graph.auth.oauth.requests import OAuthRequest, form
from crm_graph.auth.oauth.revocation import Revocation
from crm_graph.auth.oauth.server import Answer, Exchange, Server
from crm_graph.auth.throttle.addresses import address_of
from crm_graph.auth.throttle.throttles import Throttle

logger = logging.getLogger("crm_graph.auth.oauth")

GUESSED: Final = "invalid_client"
"""What counts against an address. Codes and tokens do not: they cannot be guessed, and a portal's people share one."""
Work = Callable[[Server, OAuthRequest], Answer]


class TokenEndpoint:
    """The endpoints that apps call themselves. `throttle` slows down an address that guesses."""

    def __init__(self, party: Party, throttle: Throttle) -> None:
        self._party = party
        self._throttle = throttle

    async def token(self, request: Request) -> Response:
        """POST /oauth/token."""
        return await self._run(request, "token", _token)

    async def device_authorization(self, request: Request) -> Response:
        """POST /oauth/device_authorization. Each asking counts: anybody can ask in the name of a public app."""
        return await self._run(request, "device_authorization", _device_authorization, counts=True)

    async def introspect(self, request: Request) -> Response:
        """POST /oauth/introspect."""
        return await self._presented(request, "introspect", Introspection)

    async def revoke(self, request: Request) -> Response:
        """POST /oauth/revoke."""
        return await self._presented(request, "revoke", Revocation)

    async def _presented(
        self, request: Request, name: str, endpoint: type[Introspection] | type[Revocation]
    ) -> Response:
        given = await form(request)
        here = await self._party.here(request.scope)
        access = await access_token.verified(given.get("token", ""), self._party.published, here.organization_id)

        def work(server: Server, asked: OAuthRequest) -> Answer:
            server.register_endpoint(endpoint(server, access))
            answer: Answer = server.create_endpoint_response(endpoint.ENDPOINT_NAME, asked)  # type: ignore[no-untyped-call]
            return answer

        return await self._run(request, name, work, given)

    async def _run(
        self, request: Request, name: str, work: Work, given: dict[str, str] | None = None, *, counts: bool = False
    ) -> Response:
        given = await form(request) if given is None else given
        here = await self._party.here(request.scope)
        address = address_of(request)
        bucket = (name, address) if counts else address
        seconds = await self._throttle.wait(here.organization_id, *{address, bucket})
        if seconds > 0:
            logger.warning("too many apps from %s could not prove who they are, or ask for devices", address)
            return failed("slow_down", "Too many requests.", 429, retry_after=str(math.ceil(seconds)))
        if counts:
            await self._throttle.attempt(here.organization_id, bucket)
        headers = {"Authorization": request.headers.get("authorization", "")}
        asked = OAuthRequest("POST", f"{here.issuer}/oauth/{name}", given, headers)

        def run(ours: Exchange) -> Answer:
            server = Server(ours)
            server.register_client_auth_method("private_key_jwt", Assertion(server))
            return work(server, asked)

        answer = await self._party.exchange(
            here,
            run,
        )
        if isinstance(answer.body, dict) and answer.body.get("error") == GUESSED:
            await self._throttle.attempt(here.organization_id, address)
        return answered(answer)


def _token(server: Server, asked: OAuthRequest) -> Answer:
    server.register_grant(CodeGrant, [S256(), IdToken(server)])
    server.register_grant(RefreshGrant)
    server.register_grant(ServiceGrant)
    server.register_grant(DeviceGrant, [IdToken(server)])
    try:
        answer: object = server.create_token_response(asked)
    except ValueError as error:  # an error's description has characters that OAuth has not
        logger.info("a token request could not be answered: %s", type(error).__name__)
        answer = server.handle_error_response(asked, OAuth2Error(error="invalid_request"))
    assert isinstance(answer, Answer)
    return answer


def _device_authorization(server: Server, asked: OAuthRequest) -> Answer:
    endpoint: object = DeviceAuthorization(server)
    server.register_endpoint(endpoint)  # type: ignore[arg-type]
    answer: object = server.create_endpoint_response(DeviceAuthorization.ENDPOINT_NAME, asked)  # type: ignore[no-untyped-call]
    assert isinstance(answer, Answer)
    return answer
