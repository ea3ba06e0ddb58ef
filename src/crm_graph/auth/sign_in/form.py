"""What a browser posts to our own pages: read within limits, and only if it came from one of our forms."""

import hashlib
import hmac
import re
import secrets
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from crm_graph.auth import cookies
from crm_graph.auth.authentication import is_secure
from crm_graph.errors import BadRequest, BodyTooLarge, CrmError

MOST_BYTES: Final = 20_000
MOST_FIELDS: Final = 50
FORM: Final = "application/x-www-form-urlencoded"
FIELD: Final = "form_token"
LONGEST_EMAIL: Final = 254
_NONCE: Final = re.compile(r"[A-Za-z0-9_-]{43}")


class FormForged(CrmError):
    """The form was not one that we gave to this browser."""

    code = "FORM_FORGED"
    status = 403


class FormTokens:
    """Signed double submit: a form carries the MAC of something only this browser sends along.

    Before signing in that is a random cookie, afterwards the session's token; so neither a foreign page, nor one who
    can set a cookie but does not know our secret, can make a form that counts.
    """

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, b"crm-graph forms", hashlib.sha256)

    def token(self, bound_to: str) -> str:
        """The token for forms of the browser that sends `bound_to` as a cookie."""
        return hmac.new(self._key, bound_to.encode(), hashlib.sha256).hexdigest()

    def is_token(self, given: str, bound_to: str) -> bool:
        """Whether this is the token for that."""
        return hmac.compare_digest(self.token(bound_to).encode(), given.encode())

    def check(self, form: dict[str, str], bound_to: str | None) -> None:
        """Raise FormForged unless the form carries the token for this browser."""
        if bound_to is None or not self.is_token(form.get(FIELD, ""), bound_to):
            raise FormForged("This form has expired, or cookies are switched off. Go back, reload the page, try again.")


def nonce(request: Request) -> str | None:
    """The random cookie by which we know the browser again before anybody signed in."""
    return only(request, cookies.FORM, _NONCE)


def session_token(request: Request) -> str | None:
    """The session cookie, if there is exactly one."""
    return only(request, cookies.SESSION, re.compile(r"[A-Za-z0-9_]{1,128}"))


def pending_token(request: Request) -> str | None:
    """The cookie of a sign-in whose second step is awaited, if there is exactly one."""
    return only(request, cookies.PENDING, re.compile(r"[A-Za-z0-9_]{1,128}"))


def browser(request: Request) -> str:
    """The same, or a new one for a browser that we have not seen yet."""
    return nonce(request) or secrets.token_urlsafe(32)


def only(request: Request, base: str, shape: re.Pattern[str]) -> str | None:
    header = request.headers.get("cookie", "").encode("latin-1")
    values = cookies.values(header, base, secure=is_secure(request.scope))
    return values[0] if len(values) == 1 and shape.fullmatch(values[0]) else None


async def posted(request: Request, most_bytes: int) -> str:
    """The body of a form, which is ASCII. Raises BadRequest, BodyTooLarge."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise BadRequest(f"A form is needed, {FORM}.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most_bytes:
            raise BodyTooLarge(f"A form has at most {most_bytes} bytes.", limit=most_bytes)
    try:
        return body.decode("ascii")
    except UnicodeDecodeError:
        raise BadRequest("The form cannot be read.") from None


async def read(request: Request) -> dict[str, str]:
    """The fields of a posted form; the last of a name counts. Raises BadRequest, BodyTooLarge, FormForged."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise FormForged("This form was sent from another site.")
    kept: dict[str, str] | None = getattr(request.state, "posted", None)
    if kept is not None:  # the handler is run again
        return dict(kept)
    body = await posted(request, MOST_BYTES)
    try:
        fields = dict(parse_qsl(body, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS))
    except ValueError:
        raise BadRequest("The form cannot be read.") from None
    if any("\0" in value for value in fields.values()):
        raise BadRequest("The form has a NUL character.")
    request.state.posted = dict(fields)
    return fields


def destination(text: str | None) -> str:
    """Where to go after signing in: a path of this site, else the account page.

    Browsers drop tabs and newlines, take a backslash for a slash, and two slashes for the beginning of a host.
    """
    if text is not None and re.fullmatch(r"/(?![/\\])[!-\[\]-~]{0,6000}", text):
        return text
    return "/account"
