"""Which pages of other origins may ask `/graphql`: those of the organisation's apps, with a token, never with a cookie.

An app's origins are those of the addresses that it registered to have people sent back to. Nothing here lets anybody in
who has no token: it lets a page read what its own request, with its own token, was answered.
"""

from collections.abc import Mapping
from typing import Final

from crm_graph.auth.authentication import Authenticator
from crm_graph.errors import CrmError
from crm_graph.graph.http import Header

_ALLOWED: Final = b"authorization, content-type, accept, x-access-mode, x-acting-for, x-view-as"
"""What a page may send. Not `x-requested-with`, by which our own pages are told (auth/origin.py)."""
_PREFLIGHT: Final[tuple[Header, ...]] = (
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", _ALLOWED),
    (b"access-control-max-age", b"600"),
    (b"cache-control", b"no-store"),
    (b"content-length", b"0"),
)
_ANSWER: Final[tuple[Header, ...]] = ((b"access-control-expose-headers", b"www-authenticate, x-request-id"),)


async def granted(authenticator: Authenticator, headers: Mapping[bytes, bytes]) -> list[Header]:
    """What lets the page of this `Origin` read the answer; nothing where it is no app's of the organisation asked."""
    origin = headers[b"origin"]
    try:
        here = await authenticator.storefront(headers.get(b"host"))
    except CrmError:
        return []
    if origin.decode("latin-1") not in here.origins:
        return []
    return [(b"access-control-allow-origin", origin), *_ANSWER]


def is_preflight(method: str, headers: Mapping[bytes, bytes]) -> bool:
    """Whether a browser asks what it may send."""
    return method == "OPTIONS" and b"access-control-request-method" in headers


def preflight(granted_: list[Header]) -> list[Header]:
    """The headers of the answer to that."""
    return [granted_[0], *_PREFLIGHT, (b"vary", b"origin")]
