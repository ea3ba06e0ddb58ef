"""Where a browser's request comes from: which host it asks, and whether our own page sent it."""

import re
from collections.abc import Mapping
from typing import Final

_NAME: Final = rb"(?=[^:]{1,254}(?::|$))[a-z0-9_-]+(?:\.[a-z0-9_-]+)*"
_HOST: Final = re.compile(rb"(" + _NAME + rb"|\[[0-9a-f:.]{2,45}\])\.?(?::[0-9]{0,5})?")


def host_name(header: bytes | None) -> str | None:
    """The Host header's name without case, port and final dot; `None` when it is none."""
    match = _HOST.fullmatch(header.lower()) if header is not None and len(header) <= 300 else None
    return match[1].decode() if match else None


def is_same(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a page of this very host sent the request, so that the browser's cookie may count.

    A browser adds cookies to requests that any page makes it send. What such a page cannot do is forge
    `Sec-Fetch-Site` (browsers write it, on https and localhost), forge `Origin` (browsers write it on every POST), or
    add a header of its own (`X-Requested-With`) without asking us first by a preflight, in which we allow no such
    header (graph/cross_origin.py). The first of the three that is there decides.
    """
    site, origin, host = headers.get(b"sec-fetch-site"), headers.get(b"origin"), headers.get(b"host")
    if site is not None:
        return site in (b"same-origin", b"none")
    if origin is not None:
        return host is not None and origin.partition(b"://")[2].lower() == host.lower() != b""
    return bool(headers.get(b"x-requested-with"))
