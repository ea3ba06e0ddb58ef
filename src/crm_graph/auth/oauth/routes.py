"""Which path leads where."""

from collections.abc import Callable

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crm_graph.auth.account.visit import Visits
from crm_graph.auth.oauth import discovery
from crm_graph.auth.oauth.answers import Handler
from crm_graph.auth.oauth.answers import refusing as program
from crm_graph.auth.oauth.authorize import Authorize
from crm_graph.auth.oauth.connected_apps import PATH as APPS
from crm_graph.auth.oauth.connected_apps import ConnectedApps
from crm_graph.auth.oauth.device import PAGE
from crm_graph.auth.oauth.device_page import ANSWER, DevicePage
from crm_graph.auth.oauth.issuer import RESOURCE_METADATA
from crm_graph.auth.oauth.logout import Logout
from crm_graph.auth.oauth.party import Party
from crm_graph.auth.oauth.token_endpoint import TokenEndpoint
from crm_graph.auth.oauth.userinfo import UserInfo
from crm_graph.auth.sign_in.form import FormTokens
from crm_graph.auth.sign_in.page import refusing as person
from crm_graph.auth.throttle.throttles import Throttle
from crm_graph.errors import JSON

PUBLIC = {"access-control-allow-origin": "*", "cache-control": "no-store", "x-content-type-options": "nosniff"}
"""Of what anybody may read, from any page."""


def routes(party: Party, forms: FormTokens, throttle: Throttle, user_codes: Throttle) -> list[Route]:
    """The authorization server's routes; `user_codes` slows down who guesses those of devices."""
    authorize, logout = Authorize(party, forms), Logout(party, forms)
    visits = Visits(party.authenticator, party.database, forms, APPS)
    apps, device = ConnectedApps(visits), DevicePage(party, forms, user_codes)
    programs, userinfo = TokenEndpoint(party, throttle), UserInfo(party)

    def document(made: Callable[[str], dict[str, JSON]]) -> Handler:
        async def show(request: Request) -> Response:
            return JSONResponse(made((await party.here(request.scope)).issuer), headers=PUBLIC)

        return show

    async def jwks(request: Request) -> Response:
        organization_id = (await party.here(request.scope)).organization_id
        await party.signing.current(organization_id)  # made when first asked for
        return JSONResponse({"keys": await party.published.jwks(organization_id)}, headers=PUBLIC)

    return [
        Route("/.well-known/oauth-authorization-server", program(document(discovery.authorization_server))),
        Route("/.well-known/openid-configuration", program(document(discovery.openid_provider))),
        Route(RESOURCE_METADATA, program(document(discovery.protected_resource))),
        Route("/oauth/jwks", program(jwks)),
        Route("/oauth/authorize", person(authorize.start), methods=["GET"]),
        Route("/oauth/authorize", person(authorize.start_by_form), methods=["POST"]),
        Route("/oauth/consent", person(authorize.answer), methods=["POST"]),
        Route(APPS, person(apps.show), methods=["GET"]),
        Route(APPS, person(apps.end), methods=["POST"]),
        Route(PAGE, person(device.form), methods=["GET"]),
        Route(PAGE, person(device.enter), methods=["POST"]),
        Route(ANSWER, person(device.answer), methods=["POST"]),
        Route("/oauth/device_authorization", program(programs.device_authorization), methods=["POST"]),
        _open("/oauth/token", programs.token, "POST"),
        Route("/oauth/introspect", program(programs.introspect), methods=["POST"]),
        _open("/oauth/revoke", programs.revoke, "POST"),
        _open("/oauth/userinfo", userinfo.show, "GET", "POST"),
        Route("/oauth/logout", person(logout.start), methods=["GET"]),
        Route("/oauth/logout", person(logout.start_by_form), methods=["POST"]),
    ]


def _open(path: str, handler: Handler, *methods: str) -> Route:
    """A route that scripts of any page may ask. They send no cookies there, and none would be looked at."""
    any_page = Middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=methods,
        allow_headers=["Authorization"],
        expose_headers=["WWW-Authenticate", "Retry-After"],
    )
    return Route(path, program(handler), methods=[*methods, "OPTIONS"], middleware=[any_page])
