"""A small OpenID provider on this machine, over real HTTP, that can be told to misbehave."""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, unquote

import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "crm", "a secret: with colon & more"


class OpenIdProvider:
    """`person` is who signs in next; `tamper` changes the claims, `sign` makes the token in another way."""

    def __init__(self) -> None:
        self.issuer = ""
        self.keys = [RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})]
        self.person: dict[str, Any] = {}
        self.asked: list[str] = []
        self.codes: dict[str, dict[str, str]] = {}
        self.reset()

    def reset(self) -> None:
        self.tamper: Callable[[dict[str, Any]], None] = lambda _claims: None
        self.sign: Callable[[dict[str, Any]], str] | None = None
        self.metadata: dict[str, Any] = {}
        self.answer: Callable[[Request], Response] | None = None
        self.userinfo: dict[str, Any] | None = None
        self.back: dict[str, str] = {}

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._metadata),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/jwks", self._jwks),
                Route("/userinfo", self._userinfo),
            ]
        )

    async def _metadata(self, request: Request) -> Response:
        self.asked.append("metadata")
        if self.answer is not None:
            return self.answer(request)
        names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}
        ends = {name: f"{self.issuer}/{path}" for name, path in names.items()}
        ends["userinfo_endpoint"] = f"{self.issuer}/userinfo"
        return JSONResponse({"issuer": self.issuer, **ends, **self.metadata})

    async def _authorize(self, request: Request) -> Response:
        given, code = dict(request.query_params), secrets.token_urlsafe(16)
        assert given["response_type"] == "code"
        assert given["client_id"] == CLIENT
        assert given["code_challenge_method"] == "S256"
        assert "openid" in given["scope"].split()
        self.codes[code] = given
        back = {"code": code, "state": given["state"], **self.back}
        query = "&".join(f"{name}={value}" for name, value in back.items() if value)
        return RedirectResponse(f"{given['redirect_uri']}?{query}", 302)

    async def _token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        _, _, basic = request.headers.get("authorization", "").partition(" ")
        user, _, password = base64.b64decode(basic).decode().partition(":")
        known = self.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            known is None
            or (unquote(user), unquote(password)) != (CLIENT, SECRET)
            or form["redirect_uri"] != known["redirect_uri"]
            or challenge.decode().rstrip("=") != known["code_challenge"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": known["nonce"],
            **self.person,
        }
        self.tamper(claims)
        made = self.sign(claims) if self.sign else self.signed(claims)
        return JSONResponse({"access_token": "for userinfo", "token_type": "Bearer", "id_token": made})

    def signed(self, claims: dict[str, Any], alg: str = "RS256", **header: Any) -> str:
        key = self.keys[-1]
        return jwt.encode({"alg": alg, "kid": key.kid, **header}, claims, key, algorithms=[alg])

    async def _jwks(self, _request: Request) -> Response:
        self.asked.append("jwks")
        others = [{"kty": "oct", "k": "c2VjcmV0", "kid": "shared"}, {"kty": "EC", "crv": "broken", "kid": "x"}, 7]
        return JSONResponse({"keys": [*others, *KeySet(self.keys).as_dict()["keys"]]})

    async def _userinfo(self, request: Request) -> Response:
        self.asked.append("userinfo")
        if self.userinfo is None or request.headers.get("authorization") != "Bearer for userinfo":
            return JSONResponse({"error": "invalid_token"}, 401)
        return JSONResponse(self.userinfo)


def unsigned(claims: dict[str, Any]) -> str:
    """With `alg: none`."""
    return f"{_part(json.dumps({'alg': 'none', 'kid': 'one'}).encode())}.{_part(json.dumps(claims).encode())}."


def by_public_key(provider: OpenIdProvider) -> Callable[[dict[str, Any]], str]:
    """HS256 with the public key as the secret: the classic confusion."""
    pem = provider.keys[0].as_pem(private=False)

    def sign(claims: dict[str, Any]) -> str:  # by hand: the library refuses to
        text = f"{_part(json.dumps({'alg': 'HS256', 'kid': 'one'}).encode())}.{_part(json.dumps(claims).encode())}"
        return f"{text}.{_part(hmac.digest(pem, text.encode(), 'sha256'))}"

    return sign


def _part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def by_own_key(claims: dict[str, Any]) -> str:
    """By a key that the token itself brings along, under the name of a known one."""
    key = ECKey.generate_key("P-256")
    header = {"alg": "ES256", "kid": "one", "jwk": key.as_dict(private=False)}
    return jwt.encode(header, claims, key, algorithms=["ES256"])


@asynccontextmanager
async def openid_provider(host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> AsyncIterator[OpenIdProvider]:
    """A provider that listens, until the block ends; with `tls` it is https, under that host's name."""
    provider, listening = OpenIdProvider(), socket.socket()
    listening.bind(("127.0.0.1", 0))
    provider.issuer = f"{'https' if tls else 'http'}://{host}:{listening.getsockname()[1]}"
    config = uvicorn.Config(provider.app(), log_config=None, lifespan="off")
    config.load()
    config.ssl = tls
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield provider
    finally:
        server.should_exit = True
        await running
