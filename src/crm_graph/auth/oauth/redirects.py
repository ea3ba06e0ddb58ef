"""Where apps may have browsers sent: exact addresses, registered beforehand."""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import SplitResult, parse_qs, urlsplit

from crm_graph.errors import CrmError

_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
_TEXT: Final = re.compile(r"[!#-\[\]-~]{1,500}")
_PRIVATE_SCHEME: Final = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")
_AT_PORT: Final = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\])):([1-9][0-9]{0,4})(|[/?].*)")
_SOURCE: Final = re.compile(r"https?://[A-Za-z0-9.\[\]:_-]{1,260}|[a-z][a-z0-9+.-]{2,60}:")
_PORTS: Final = {"http": 80, "https": 443}
AUTHORIZE: Final = "/oauth/authorize"


class RedirectUriInvalid(CrmError):
    """A redirect URI cannot be registered."""

    code = "REDIRECT_URI_INVALID"


def checked(text: str) -> str:
    """A URI to register; raises RedirectUriInvalid.

    https; http on this machine alone (RFC 8252, 7.3); or a scheme of an app's own, a reversed domain name (7.1).
    """
    parts = _parts(text)
    if parts is None or parts.fragment or "#" in text or "@" in parts.netloc or "*" in text:
        raise RedirectUriInvalid(f"{text[:80]!r} is no absolute URI without fragment, user and wildcard.")
    web = parts.scheme == "https" and parts.hostname
    local = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if not (web or local or _PRIVATE_SCHEME.fullmatch(parts.scheme)):
        raise RedirectUriInvalid(
            f"{text[:80]!r} is neither https, nor http on 127.0.0.1, nor of a scheme like `org.example.app:/…`."
        )
    return text


def is_loopback_of(text: str, registered: Iterable[str]) -> bool:
    """Whether that is a registered URI of this machine without a port, at any port (RFC 8252, 7.3).

    Addresses alone: who else answers to the name `localhost` is for resolvers to say.
    """
    match = _AT_PORT.fullmatch(text)
    return match is not None and 0 < int(match[2]) < 65536 and match[1] + match[3] in registered


def is_proof(text: str) -> bool:
    """Whether only the app itself can get what is sent there: not so on loopback and with schemes of apps' own."""
    return text.startswith("https://")


def shown(text: str) -> str:
    """Where that is, for people."""
    parts = _parts(text)
    return (parts.netloc or f"{parts.scheme}:") if parts else ""


def form_source(following: str) -> str:
    """What a form may lead to in the end, for `form-action`, if it goes on to an authorization request, else empty.

    Browsers hold a form's redirects against that directive too. Nothing is trusted here: the request checks its
    redirect URI itself before anybody is sent there.
    """
    path, _, query = following.partition("?")
    if path != AUTHORIZE:
        return ""
    return source(parse_qs(query, max_num_fields=100).get("redirect_uri", [""])[0])


def source(text: str) -> str:
    """A redirect URI as `form-action` names it; empty for what cannot be named."""
    parts = _parts(text)
    if parts is None:
        return ""
    found = f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else f"{parts.scheme}:"
    return found if _SOURCE.fullmatch(found) and parts.scheme not in ("javascript", "data") else ""


def origin(text: str) -> str | None:
    """The origin of the pages there, as browsers write it; `None` for an app that has no pages."""
    parts = _parts(text)
    if parts is None or parts.scheme not in _PORTS or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + ("" if parts.port in (None, _PORTS[parts.scheme]) else f":{parts.port}")


def _parts(text: str) -> SplitResult | None:
    if not _TEXT.fullmatch(text):
        return None
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme and (parts.netloc or parts.path) else None
