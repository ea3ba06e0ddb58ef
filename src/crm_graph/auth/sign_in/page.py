"""How our own pages are made: templates, headers, and a page for everything that goes wrong."""

import datetime as dt
import functools
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from crm_graph.auth import cookies
from crm_graph.auth.authentication import is_secure
from crm_graph.auth.oauth import redirects
from crm_graph.auth.rendering import environment
from crm_graph.auth.sign_in import browsers as sign_in_browser
from crm_graph.auth.sign_in.form import FIELD, FormTokens, nonce, session_token
from crm_graph.db.session import RETRYABLE
from crm_graph.errors import CrmError, ServiceUnavailable

ATTEMPTS: Final = 4
STYLE_PATH: Final = "/sign-in.css"
_STYLE: Final = files("crm_graph.auth").joinpath("static/sign-in.css").read_bytes()
STYLE_URL: Final = f"{STYLE_PATH}?v={hashlib.sha256(_STYLE).hexdigest()[:12]}"
SCRIPT_PATH: Final = "/passkeys.js"
_SCRIPT: Final = files("crm_graph.auth").joinpath("static/passkeys.js").read_bytes()
_SCRIPT_URL: Final = f"{SCRIPT_PATH}?v={hashlib.sha256(_SCRIPT).hexdigest()[:12]}"

Handler = Callable[[Request], Awaitable[Response]]

# Nothing but our own style sheet and forms; no frame, so that no click is stolen. `same-origin`, not `no-referrer`,
# because the latter makes browsers send `Origin: null` with our own forms.
HEADERS: Final[Mapping[str, str]] = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
# Pages that speak to an authenticator have one script, ours; all others have none.
_WITH_SCRIPT: Final = HEADERS["content-security-policy"] + "; script-src 'self'"


class Detour(Exception):
    """The request is answered by another response first: sign in, or prove again who you are."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def _moment(value: dt.datetime) -> str:
    return f"{value.astimezone(dt.UTC):%d %b %Y, %H:%M} UTC"


def _day(value: dt.datetime) -> str:
    return f"{value.astimezone(dt.UTC):%d %b %Y}"


_templates: Final = environment("crm_graph.auth")
_templates.filters.update(browser=sign_in_browser.name, day=_day, moment=_moment)
_templates.globals.update(style_url=STYLE_URL, script_url=_SCRIPT_URL)


def page(template: str, status: int = 200, *, script: bool = False, **values: object) -> HTMLResponse:
    """A page of ours, with the headers that all of them have; `script` lets it run the one for passkeys.

    `following`, or `leads_to`, is where its form leads in the end; browsers want to know when that is an app's address.
    """
    headers = {**HEADERS, "content-security-policy": _WITH_SCRIPT} if script else dict(HEADERS)
    source = redirects.form_source(str(values.get("following", ""))) or redirects.source(
        str(values.get("leads_to", ""))
    )
    if source:
        policy = headers["content-security-policy"]
        headers["content-security-policy"] = policy.replace("form-action 'self'", f"form-action 'self' {source}")
    return HTMLResponse(_templates.get_template(template).render(values, script=script), status, headers)


def form_page(
    request: Request, forms: FormTokens, bound_to: str, template: str, status: int = 200, **values: Any
) -> HTMLResponse:
    """A page with a form of who is not signed in: `bound_to`, of `browser(request)`, is sent along as a cookie."""
    return bound(
        request, page(template, status, form_field=FIELD, form_token=forms.token(bound_to), **values), bound_to
    )


def bound(request: Request, response: HTMLResponse, bound_to: str) -> HTMLResponse:
    """A page whose form is for the browser that has `bound_to`, with the cookie where it does not have it yet."""
    if nonce(request) != bound_to:
        set_cookie(response, cookies.FORM, bound_to, secure=is_secure(request.scope))
    return response


def sign_in_first(request: Request, following: str, *, again: bool = False) -> Response:
    """To the sign-in page and back to `following`, as it is written in a query.

    A session cookie that is worth nothing any more is taken away. `again`: who is signed in shall prove it anew.
    """
    response = redirect(f"/sign-in?next={following}{'&again=1' if again else ''}")
    if not again and session_token(request) is not None:
        set_cookie(response, cookies.SESSION, "", secure=is_secure(request.scope), seconds=0)
    return response


def refusal(error: CrmError) -> HTMLResponse:
    """The page that says what is wrong with a request, and where waiting helps, how long."""
    response = page("refusal.html", error.status, message=error.message, code=error.code)
    if "retryAfter" in error.extensions:
        response.headers["retry-after"] = str(error.extensions["retryAfter"])
    return response


def redirect(path: str) -> Response:
    """303: the browser goes on by GET, whatever the method was."""
    return Response(status_code=303, headers={**HEADERS, "location": path})


def refusing(handler: Handler) -> Handler:
    """A page instead of an exception, for whatever a browser can send; run again where it met another transaction."""

    @functools.wraps(handler)
    async def handle(request: Request) -> Response:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await handler(request)
            except Detour as detour:
                return detour.response
            except CrmError as error:
                return refusal(error)
            except RETRYABLE:
                if attempt == ATTEMPTS:
                    return refusal(ServiceUnavailable("Others are writing the same records; try again."))
        raise AssertionError("the last attempt returns")

    return handle


async def style_sheet(_request: Request) -> Response:
    """The one style sheet; its address changes with it, so browsers may keep it."""
    return Response(_STYLE, media_type="text/css", headers=_KEPT)


async def script(_request: Request) -> Response:
    """The one script."""
    return Response(_SCRIPT, media_type="text/javascript", headers=_KEPT)


_KEPT: Final = {"cache-control": "public, max-age=31536000, immutable", "x-content-type-options": "nosniff"}


def set_cookie(response: Response, base: str, value: str, *, secure: bool, seconds: int | None = None) -> None:
    """Add one of our cookies to a response; 0 seconds delete it."""
    response.headers.append("set-cookie", cookies.written(base, value, secure=secure, seconds=seconds))
