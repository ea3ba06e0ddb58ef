"""How our own pages are made: templates, headers, and a page for everything that goes wrong."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from crm_graph.auth import cookies, sign_in_browser
from crm_graph.errors import CrmError

STYLE_PATH: Final = "/sign-in.css"
_STYLE: Final = files("crm_graph.auth").joinpath("static/sign-in.css").read_bytes()
_STYLE_URL: Final = f"{STYLE_PATH}?v={hashlib.sha256(_STYLE).hexdigest()[:12]}"

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


def _moment(value: dt.datetime) -> str:
    return f"{value.astimezone(dt.UTC):%d %b %Y, %H:%M} UTC"


def _day(value: dt.datetime) -> str:
    return f"{value.astimezone(dt.UTC):%d %b %Y}"


_templates: Final = Environment(
    loader=PackageLoader("crm_graph.auth"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters.update(browser=sign_in_browser.name, day=_day, moment=_moment)
_templates.globals.update(style_url=_STYLE_URL)


def page(template: str, status: int = 200, **values: object) -> HTMLResponse:
    """A page of ours, with the headers that all of them have."""
    return HTMLResponse(_templates.get_template(template).render(values), status, dict(HEADERS))


def refusal(error: CrmError) -> HTMLResponse:
    """The page that says what is wrong with a request."""
    return page("refusal.html", error.status, message=error.message, code=error.code)


def redirect(path: str) -> Response:
    """303: the browser goes on by GET, whatever the method was."""
    return Response(status_code=303, headers={**HEADERS, "location": path})


def style_sheet() -> Response:
    """The one style sheet; its address changes with it, so browsers may keep it."""
    headers = {"cache-control": "public, max-age=31536000, immutable", "x-content-type-options": "nosniff"}
    return Response(_STYLE, media_type="text/css", headers=headers)


def set_cookie(response: Response, base: str, value: str, *, secure: bool, seconds: int | None = None) -> None:
    """Add one of our cookies to a response; 0 seconds delete it."""
    response.headers.append("set-cookie", cookies.written(base, value, secure=secure, seconds=seconds))
