"""A partner portal: a server with a secret, which signs people in and asks crm-graph in their name.

    portal = Portal("https://crm.example.org", "cli_…", "crm_sec_…", "https://portal.example.org/cb")
    app = portal.app()      # uvicorn portal:app

Authlib does the code flow with PKCE and refreshes tokens when they expire. Tokens stay on the server: the browser has
a cookie that means nothing elsewhere. Real portals keep `signed_in` in a store that all their processes share.
"""

import secrets
from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.common.security import generate_token
from authlib.integrations.httpx_client import AsyncOAuth2Client
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

COOKIE = "__Host-portal"
SCOPE = "openid profile offline_access customers:read opportunities:write"
CUSTOMERS = "{ viewer { partnerId } customers(first: 20) { nodes { name } } }"


class Portal:
    """One portal at one issuer. `options` go to the HTTP client."""

    def __init__(self, issuer: str, client_id: str, client_secret: str, redirect_uri: str, **options: Any) -> None:
        self.issuer = issuer
        self.options = {
            "client_id": client_id,
            "client_secret": client_secret,
            "token_endpoint_auth_method": "client_secret_basic",
            "token_endpoint": f"{issuer}/oauth/token",
            "redirect_uri": redirect_uri,
            "scope": SCOPE,
            "code_challenge_method": "S256",
            **options,
        }
        self.waiting: dict[str, tuple[AsyncOAuth2Client, str, str]] = {}
        self.signed_in: dict[str, AsyncOAuth2Client] = {}

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/", self.home),
                Route("/sign-in", self.sign_in),
                Route("/cb", self.came_back),
                Route("/sign-out", self.sign_out, methods=["POST"]),
            ]
        )

    async def home(self, request: Request) -> Response:
        """What this person sees; one client for each, so that only one refresh is ever in flight."""
        client = self.signed_in.get(request.cookies.get(COOKIE, ""))
        if client is None:
            return RedirectResponse("/sign-in", 303)
        try:
            answer = await client.post(f"{self.issuer}/graphql", json={"query": CUSTOMERS})
        except AuthlibBaseError:  # no refresh any more: they took the app's access back, or it has expired
            return RedirectResponse("/sign-in", 303)
        return RedirectResponse("/sign-in", 303) if answer.status_code == 401 else JSONResponse(answer.json())

    async def sign_in(self, _request: Request) -> Response:
        client, verifier = AsyncOAuth2Client(**self.options), generate_token(48)
        address, state = client.create_authorization_url(f"{self.issuer}/oauth/authorize", code_verifier=verifier)
        key = secrets.token_urlsafe(32)
        self.waiting[key] = client, state, verifier
        return _with_cookie(RedirectResponse(address, 303), key)

    async def came_back(self, request: Request) -> Response:
        """The code for tokens, if it is this browser that had asked, and this server that answers."""
        found = self.waiting.pop(request.cookies.get(COOKIE, ""), None)
        if found is None or request.query_params.get("iss") != self.issuer:
            return PlainTextResponse("Please sign in again.", 400)
        client, state, verifier = found
        try:
            await client.fetch_token(authorization_response=str(request.url), state=state, code_verifier=verifier)
        except AuthlibBaseError as error:  # they said no, or the state is not ours
            return PlainTextResponse(f"You were not signed in: {error.error}", 403)
        key = secrets.token_urlsafe(32)  # another one than before they were signed in
        self.signed_in[key] = client
        return _with_cookie(RedirectResponse("/", 303), key)

    async def sign_out(self, request: Request) -> Response:
        """Give the tokens back: none of this sign-in works any more."""
        client = self.signed_in.pop(request.cookies.get(COOKIE, ""), None)
        if client is not None:
            await client.revoke_token(f"{self.issuer}/oauth/revoke", token=client.token["refresh_token"])
            await client.aclose()
        return RedirectResponse("/sign-in", 303)


def _with_cookie(response: Response, key: str) -> Response:
    response.set_cookie(COOKIE, key, secure=True, httponly=True, samesite="lax", path="/")
    return response
