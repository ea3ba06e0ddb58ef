"""`/sign-in/with/<provider>`: to an OpenID provider of the organisation and back (authorization code with PKCE)."""

import hmac
import logging
import re
from typing import Final

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_graph.auth import cookies
from crm_graph.auth.authentication import is_secure
from crm_graph.auth.callers import Storefront
from crm_graph.auth.sealing import Sealer
from crm_graph.auth.sign_in.entrance import Proof
from crm_graph.auth.sign_in.form import destination, only
from crm_graph.auth.sign_in.page import redirect, refusing, set_cookie
from crm_graph.auth.throttle.addresses import address_of
from crm_graph.auth.throttle.throttles import Throttle
from crm_graph.auth.upstream import journey, providers
from crm_graph.auth.upstream.discovery import Discovery, Metadata
from crm_graph.auth.upstream.fetching import Fetching
from crm_graph.auth.upstream.id_token import IdTokenInvalid, verified
from crm_graph.auth.upstream.journey import LASTS_SECONDS, Journey
from crm_graph.auth.upstream.providers import PURPOSE, Provider
from crm_graph.errors import CrmError
from crm_graph.pages.door import Door, slowed
from crm_graph.pages.upstream_users import CHANNEL, Claims, user_of

logger = logging.getLogger("crm_graph.pages.upstream")

PATH: Final = "/sign-in/with/{name}"
CALLBACK: Final = "/sign-in/with/{name}/callback"
ELSEWHERE: Final = "fed"
"""How somebody proved who they are, beside the methods of RFC 8176: to another provider."""
_COOKIE: Final = re.compile(r"[A-Za-z0-9_-]{1,4000}")


class ProviderUnknown(CrmError):
    """The organisation has no such OpenID provider."""

    code = "PROVIDER_UNKNOWN"
    status = 404


class JourneyLost(CrmError):
    """This browser is not on its way from this provider: it came back too late, or somebody else sent it."""

    code = "JOURNEY_LOST"
    status = 400

    def __init__(self) -> None:
        super().__init__("That took too long, or did not begin in this browser. Begin again on the sign-in page.")


class ProviderRefused(CrmError):
    """The provider did not let this person in."""

    code = "PROVIDER_REFUSED"
    status = 403

    def __init__(self) -> None:
        super().__init__("The other side did not let you in. Begin again, or sign in another way.")


class UpstreamSignIn:
    """Sends browsers to providers, and takes back who they are."""

    def __init__(self, door: Door, sealer: Sealer, fetching: Fetching) -> None:
        self._door = door
        self._sealer = sealer
        self._fetching = fetching
        self._discovery = Discovery(fetching)
        self._attempts = Throttle(door.attempts, "upstream", 30, 5)

    def routes(self) -> list[Route]:
        """There and back."""
        return [
            Route(PATH, refusing(self.begin), methods=["GET"]),
            Route(CALLBACK, refusing(self.back), methods=["GET"]),
        ]

    async def begin(self, request: Request) -> Response:
        """GET /sign-in/with/<provider>: on to the provider."""
        here = await self._door.organization(request)
        seconds = await self._attempts.attempt(here.organization_id, address_of(request))
        if seconds > 0:
            raise slowed(seconds)
        provider = await self._provider(request, here)
        metadata = await self._discovery.metadata(provider.issuer)
        callback = f"{request.url.scheme}://{request.headers['host']}/sign-in/with/{provider.name}/callback"
        begun = Journey.begun(provider.id, callback, destination(request.query_params.get("next")))
        scope = " ".join(dict.fromkeys(("openid", *provider.scopes)))
        url = prepare_grant_uri(
            metadata.authorization_endpoint,
            provider.client_id,
            "code",
            redirect_uri=callback,
            scope=scope,
            state=begun.state,
            nonce=begun.nonce,
            code_challenge=str(create_s256_code_challenge(begun.verifier)),  # type: ignore[no-untyped-call]
            code_challenge_method="S256",
        )
        response, sealed = redirect(str(url)), begun.sealed(self._sealer, here.organization_id)
        set_cookie(response, cookies.UPSTREAM, sealed, secure=is_secure(request.scope), seconds=LASTS_SECONDS)
        return response

    async def back(self, request: Request) -> Response:
        """GET /sign-in/with/<provider>/callback: in, if the provider proves who it is and we know them."""
        here = await self._door.organization(request)
        cookie = only(request, cookies.UPSTREAM, _COOKIE)
        begun = journey.opened(self._sealer, here.organization_id, cookie) if cookie else None
        given = request.query_params
        if begun is None or not hmac.compare_digest(begun.state.encode(), given.get("state", "").encode()):
            raise JourneyLost
        provider = await self._provider(request, here)
        metadata = await self._discovery.metadata(provider.issuer)
        issuer = given.get("iss")
        if begun.provider != str(provider.id) or (issuer if issuer or metadata.says_issuer else metadata.issuer) != (
            metadata.issuer
        ):
            raise JourneyLost  # the answer of one provider to a question to another
        if "error" in given or not given.get("code"):
            logger.info("provider %s of organisation %s let nobody in", provider.name, here.organization_id)
            raise ProviderRefused
        claims = await self._claims(here, provider, metadata, begun, given["code"])
        async with self._door.database.transaction(here.organization_id, None, CHANNEL) as tx:
            user = await user_of(tx, here, provider, claims)
            logger.info("user %s of organisation %s signed in by %s", user, here.organization_id, provider.name)
            response = await self._door.admitted(
                tx, request, here.organization_id, Proof(user, (ELSEWHERE,)), begun.following
            )
        set_cookie(response, cookies.UPSTREAM, "", secure=is_secure(request.scope), seconds=0)
        return response

    async def _provider(self, request: Request, here: Storefront) -> Provider:
        name = str(request.path_params["name"])
        if providers.NAME.fullmatch(name):
            async with self._door.database.transaction(here.organization_id, None, CHANNEL) as tx:
                found = await providers.by_name(await tx.raw(), here.organization_id, name)
            if found is not None:
                return found
        raise ProviderUnknown("There is no such way to sign in here.")

    async def _claims(
        self, here: Storefront, provider: Provider, metadata: Metadata, begun: Journey, code: str
    ) -> Claims:
        """What the provider says of whoever it gave the code."""
        body = prepare_token_request(
            "authorization_code", redirect_uri=begun.redirect_uri, code=code, code_verifier=begun.verifier
        )
        secret = None
        if provider.client_secret is not None:
            secret = self._sealer.open(provider.client_secret, PURPOSE, here.organization_id, provider.id).decode()
        method = _auth_method(secret, metadata)
        client = ClientAuth(provider.client_id, secret, method)
        _, headers, body = client.prepare("POST", metadata.token_endpoint, {}, body)  # type: ignore[no-untyped-call]
        tokens = await self._fetching.post(metadata.token_endpoint, body, headers)
        found = await verified(self._discovery, metadata, provider.client_id, begun.nonce, tokens.get("id_token"))
        access = tokens.get("access_token")
        absent = {"email", provider.groups_claim or "email"} - found.keys()
        if absent and metadata.userinfo_endpoint is not None and isinstance(access, str):
            more = await self._fetching.get(metadata.userinfo_endpoint, access)
            if more.get("sub") != found["sub"]:
                raise IdTokenInvalid
            found = {**more, **found}
        return Claims.of(found, provider.groups_claim)


def _auth_method(secret: str | None, metadata: Metadata) -> str:
    if secret is None:
        return "none"
    return "client_secret_basic" if "client_secret_basic" in metadata.auth_methods else "client_secret_post"
