"""HTTP answers of OAuth's endpoints for programs: JSON, never kept by anybody, and the errors of RFC 6749, 5.2."""

import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from crm_graph.auth.oauth.server import Answer
from crm_graph.errors import JSON, CrmError, ServiceUnavailable, UnknownHost

HEADERS: Final[Mapping[str, str]] = {
    "cache-control": "no-store",
    "pragma": "no-cache",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
Handler = Callable[[Request], Awaitable[Response]]


def answered(answer: Answer) -> Response:
    """What Authlib answered."""
    assert isinstance(answer.body, dict)
    challenge = {name: value for name, value in answer.headers if name.lower() == "www-authenticate"}
    return JSONResponse(answer.body, answer.status, {**HEADERS, **challenge})


def failed(error: str, description: str, status: int = 400, **headers: str) -> Response:
    """An error of our own."""
    body: dict[str, JSON] = {"error": error, "error_description": description}
    return JSONResponse(body, status, {**HEADERS, **{name.replace("_", "-"): text for name, text in headers.items()}})


def refusing(handler: Handler) -> Handler:
    """An OAuth error instead of an exception, for whatever a client can send."""

    @functools.wraps(handler)
    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except ServiceUnavailable as error:
            return failed("temporarily_unavailable", error.message, error.status)
        except UnknownHost as error:
            return failed("invalid_request", error.message, error.status)
        except CrmError as error:
            return failed("invalid_request" if error.status < 500 else "server_error", error.message, error.status)

    return handle
