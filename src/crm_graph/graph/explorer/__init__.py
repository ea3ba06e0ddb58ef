"""The API explorer at `/`: our own static files, served from the package, with nothing from elsewhere."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from importlib.resources import files

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_graph.errors import JSON

CONTENT_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def routes(config: Callable[[], Mapping[str, JSON]]) -> list[Route]:
    """`/`, `/explorer/<file>` and `/explorer/config.json`, whose answer `config` gives at each request.

    Keys of the configuration: `endpoint`; `demo`; with demo also `personas` (key, name, role, organization,
    token) and `samples` (title, description, query, variables).
    """

    async def configuration(request: Request) -> Response:  # noqa: ARG001, the signature is Starlette's
        headers = {**SECURITY_HEADERS, "cache-control": "no-store"}
        return Response(orjson.dumps(config()), headers=headers, media_type="application/json")

    found = [Route("/explorer/config.json", configuration)]
    for entry in files(__name__).iterdir():
        suffix = entry.name.rpartition(".")[2]
        if suffix in CONTENT_TYPES:
            path = "/" if entry.name == "index.html" else f"/explorer/{entry.name}"
            found.append(_file(path, entry.read_bytes(), CONTENT_TYPES[suffix]))
    return found


def _file(path: str, content: bytes, content_type: str) -> Route:
    etag = f'"{sha256(content).hexdigest()[:32]}"'
    headers = {**SECURITY_HEADERS, "cache-control": "no-cache", "etag": etag, "content-type": content_type}

    async def serve(request: Request) -> Response:
        known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
        if etag in known or "*" in known:
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers)

    return Route(path, serve)
