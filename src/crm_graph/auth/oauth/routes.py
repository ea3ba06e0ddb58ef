"""Which path leads where."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crm_graph.auth.oauth import discovery
from crm_graph.auth.oauth.answers import Handler
from crm_graph.auth.oauth.answers import refusing as program
from crm_graph.auth.oauth.authorize import Authorize
from crm_graph.auth.oauth.connected_apps import PATH as APPS
from crm_graph.auth.oauth.connected_apps import ConnectedApps
from crm_graph.auth.oauth.logout import Logout
from crm_graph.auth.oauth.party import Party
from crm_graph.auth.oauth.token_endpoint import TokenEndpoint
from crm_graph.auth.oauth.userinfo import UserInfo
from crm_graph.auth.sign_in_form import FormTokens
from crm_graph.auth.sign_in_page import refusing as person
from crm_graph.auth.sign_in_throttle import Throttle
from crm_graph.errors import JSON

PUBLIC = {"access-control-allow-origin": "*", "cache-control": "no-store", "x-content-type-options": "nosniff"}
"""Of what anybody may read, from any page."""


def routes(party: Party, forms: FormTokens, throttle: Throttle) -> list[Route]:
    """The authorization server's routes."""
    authorize, logout = Authorize(party, forms), Logout(party, forms)
    apps = ConnectedApps(party, forms)
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
        Route("/.well-known/oauth-protected-resource", program(document(discovery.protected_resource))),
        Route("/oauth/jwks", program(jwks)),
        Route("/oauth/authorize", person(authorize.start), methods=["GET"]),
        Route("/oauth/authorize", person(authorize.start_by_form), methods=["POST"]),
        Route("/oauth/consent", person(authorize.answer), methods=["POST"]),
        Route(APPS, person(apps.show), methods=["GET"]),
        Route(APPS, person(apps.end), methods=["POST"]),
        Route("/oauth/token", program(programs.token), methods=["POST"]),
        Route("/oauth/introspect", program(programs.introspect), methods=["POST"]),
        Route("/oauth/revoke", program(programs.revoke), methods=["POST"]),
        Route("/oauth/userinfo", program(userinfo.show), methods=["GET", "POST"]),
        Route("/oauth/logout", person(logout.start), methods=["GET"]),
        Route("/oauth/logout", person(logout.start_by_form), methods=["POST"]),
    ]
