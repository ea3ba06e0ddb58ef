"""The whole application over https at an organisation's host, its apps, and a browser that signs in and agrees."""

import asyncio
import base64
import hashlib
import hmac
import json
import re
import secrets
import time
import warnings
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID

import httpx
import pytest

from crm_graph import app as application
from crm_graph.auth.oauth import registration
from crm_graph.auth.oauth.registration import Application
from crm_graph.auth.passwords import Passwords
from crm_graph.settings import Settings
from tests.auth.conftest import ADA, CHEAP, PASSWORD, World, form_token, sign_in

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # authlib would rather have httpx2
    from authlib.integrations.httpx_client import AsyncOAuth2Client

ISSUER = "https://acme.test"
CALLBACK = "https://portal.test/cb"
LOCAL = "http://127.0.0.1:9999/cb"
SCOPES = (
    "openid",
    "profile",
    "email",
    "offline_access",
    "customers:read:internal",
    "users:read:internal",
    "orders:write",
)
ASKED = "openid profile email offline_access customers:read users:read:internal"


def pkce() -> tuple[str, str]:
    verifier = secrets.token_urlsafe(48)
    return verifier, base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True)
class App:
    """A registered app and what it knows."""

    client_id: str
    secret: str | None
    redirect_uri: str

    @property
    def auth(self) -> tuple[str, str] | None:
        return (self.client_id, self.secret) if self.secret else None

    def asking(self, **more: str | None) -> dict[str, str]:
        """The parameters of an authorization request; `None` leaves one out."""
        values = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": ASKED,
            "state": "a state",
            "nonce": "a nonce",
            "code_challenge_method": "S256",
            **more,
        }
        return {name: value for name, value in values.items() if value is not None}


@dataclass
class Site:
    """The application at acme.test; `browser` is Ada's."""

    world: World
    organization: UUID
    ada: UUID
    app: Any
    browser: httpx.AsyncClient
    data_dir: Path

    async def register(self, name: str = "Portal", **more: Any) -> App:
        wanted = {
            "name": name,
            "purpose": "to show your orders",
            "auth_method": "client_secret_basic",
            "scopes": SCOPES,
            "redirect_uris": (CALLBACK,),
            "post_logout_redirect_uris": ("https://portal.test/bye",),
            **more,
        }
        async with self.world.database.transaction(self.organization, None, "test") as tx:
            client_id, secret = await registration.create(tx, self.organization, Application(**wanted))
        return App(client_id, secret, wanted["redirect_uris"][0] if wanted["redirect_uris"] else "")

    async def public(self, redirect_uri: str = LOCAL, **more: Any) -> App:
        return await self.register("Phone", auth_method="none", redirect_uris=(redirect_uri,), **more)

    async def service(self, scopes: tuple[str, ...] = ("customers:read", "users:read:internal"), **more: Any) -> App:
        user = more.pop("user_id", None) or await self.world.user(
            self.organization, name="Shop", roles=["service_agent"]
        )
        return await self.register(
            "Shop", scopes=scopes, redirect_uris=(), post_logout_redirect_uris=(), user_id=user, **more
        )

    def client(self, base: str = ISSUER, address: str = "203.0.113.9") -> httpx.AsyncClient:
        """Another program or browser, with no cookies of Ada's."""
        transport = httpx.ASGITransport(app=self.app, client=(address, 5000))
        return httpx.AsyncClient(transport=transport, base_url=base)

    def authlib(self, app: App, **more: Any) -> AsyncOAuth2Client:
        """Authlib's own client."""
        method = more.pop("token_endpoint_auth_method", "client_secret_basic" if app.secret else "none")
        return AsyncOAuth2Client(
            client_id=app.client_id,
            client_secret=more.pop("client_secret", app.secret),
            redirect_uri=app.redirect_uri,
            token_endpoint=f"{ISSUER}/oauth/token",
            token_endpoint_auth_method=method,
            code_challenge_method="S256",
            transport=httpx.ASGITransport(app=self.app, client=("203.0.113.9", 5000)),
            **more,
        )

    async def authorize(self, given: Mapping[str, str], browser: httpx.AsyncClient | None = None) -> httpx.Response:
        return await (browser or self.browser).get("/oauth/authorize", params=given)

    async def agreed(self, shown: httpx.Response, decision: str = "allow") -> httpx.Response:
        """Answer the consent page."""
        assert shown.status_code == 200, (shown.status_code, shown.headers.get("location"), shown.text)
        found = re.search(r'name="request" value="([^"]*)"', shown.text)
        assert found
        fields = {"form_token": form_token(shown), "request": found[1].replace("&amp;", "&"), "decision": decision}
        return await self.browser.post("/oauth/consent", data=fields)

    async def code(self, app: App, **more: str | None) -> tuple[str, str]:
        """A code that Ada has agreed to, and its verifier."""
        verifier, challenge = pkce()
        answer = await self.authorize(app.asking(code_challenge=challenge, **more))
        if answer.status_code == 200:
            answer = await self.agreed(answer)
        sent = arrived(answer)
        assert "code" in sent, sent
        return sent["code"], verifier

    async def token(self, app: App, client: httpx.AsyncClient | None = None, **form: str) -> httpx.Response:
        """Ask the token endpoint, proving who the app is."""
        given = form if app.secret else {"client_id": app.client_id, **form}
        options: dict[str, Any] = {"auth": app.auth} if app.secret else {}
        if client is not None:
            return await client.post("/oauth/token", data=given, **options)
        async with self.client() as made:
            return await made.post("/oauth/token", data=given, **options)

    async def exchanged(self, app: App, code: str, verifier: str, /, **more: str) -> httpx.Response:
        return await self.token(
            app,
            **{
                "grant_type": "authorization_code",
                "code": code,
                "code_verifier": verifier,
                "redirect_uri": app.redirect_uri,
                **more,
            },
        )

    async def tokens(self, app: App, **more: str | None) -> dict[str, Any]:
        """What a whole code flow gives."""
        answer = await self.exchanged(app, *await self.code(app, **more))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refreshed(self, app: App, token: str, **more: str) -> httpx.Response:
        return await self.token(app, grant_type="refresh_token", refresh_token=token, **more)

    async def ask(self, token: str, query: str = "{ viewer { roles kind } }", base: str = ISSUER) -> Any:
        """What GraphQL answers to this access token."""
        async with self.client(base) as made:
            answer = await made.post("/graphql", json={"query": query}, headers={"authorization": f"Bearer {token}"})
            return answer.json()

    async def works(self, token: str) -> bool:
        return "errors" not in await self.ask(token, "{ __typename }")

    async def ends(self, token: str, seconds: float = 1.0) -> bool:
        """Whether a token stops working as soon as the notice of it has come."""
        deadline = time.monotonic() + seconds
        while await self.works(token):
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.01)
        return True


def forged(alg: str, header: Mapping[str, Any], claims: Mapping[str, Any], key: bytes) -> str:
    """A token signed by HMAC with whatever bytes; libraries refuse to make it."""
    head, body = (_base64(json.dumps(one).encode()) for one in ({**header, "alg": alg}, claims))
    return f"{head}.{body}.{_base64(hmac.digest(key, f'{head}.{body}'.encode(), hashlib.sha256))}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def arrived(answer: httpx.Response) -> dict[str, str]:
    """What came with the browser to the app."""
    assert answer.status_code == 303, (answer.status_code, answer.text)
    location = answer.headers["location"]
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()} | {
        "to": location.partition("?")[0]
    }


def link(given: Mapping[str, str]) -> str:
    return f"/oauth/authorize?{urlencode(given)}"


@pytest.fixture
async def site(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    organization = await world.organization("acme.test")
    ada = await world.user(organization, email=ADA, password=PASSWORD, roles=["sales_manager"])
    monkeypatch.setattr(application, "Passwords", lambda: Passwords(CHEAP))
    settings = Settings(secret=secrets.token_urlsafe(40), data_dir=tmp_path, pool_size=4)
    app = application.create_app(settings, world.url)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(app.router.lifespan_context(app))
        transport = httpx.ASGITransport(app=app, client=("203.0.113.7", 5000))
        browser = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url=ISSUER))
        made = Site(world, organization, ada, app, browser, tmp_path)
        assert (await sign_in(browser)).status_code == 303
        yield made
