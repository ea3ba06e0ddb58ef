"""Who an organisation is as an authorization server: the origin by which it is asked.

A host selects one organisation, and each organisation signs with keys of its own; so each of its origins is an issuer,
and a token of one of them is good at all of them.
"""

import re
from typing import Final

from authlib.common.security import is_secure_transport
from starlette.types import Scope

from crm_graph.auth import origin
from crm_graph.errors import CrmError, UnknownHost

RESOURCE_METADATA: Final = "/.well-known/oauth-protected-resource"
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}
_ISSUER: Final = re.compile(r"https?://([a-z0-9_.:\[\]-]{1,260})")


class InsecureTransport(CrmError):
    """OAuth was asked by plain http from elsewhere than this machine."""

    code = "INSECURE_TRANSPORT"


def of(scope: Scope) -> str:
    """The issuer that a request asks, `https://crm.example.org`; raises UnknownHost and InsecureTransport.

    Whether an organisation has the host is for the caller to find out.
    """
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    hosts = [value for name, value in headers if name == b"host"]
    name = origin.host_name(hosts[0]) if len(hosts) == 1 else None
    if name is None:
        raise UnknownHost("The request names no host.")
    scheme = "https" if scope.get("scheme") in ("https", "wss") else "http"
    port = re.search(rb":([0-9]{1,5})$", hosts[0])  # `[::1]` ends with its bracket
    number = str(int(port[1])) if port else _DEFAULT_PORTS[scheme]
    issuer = f"{scheme}://{name}" + ("" if number == _DEFAULT_PORTS[scheme] else f":{number}")
    if not is_secure_transport(issuer):
        raise InsecureTransport("OAuth works by https only. Behind a proxy that ends TLS, see docs/operations.md.")
    return issuer


def challenge(scope: Scope, *more: str) -> str:
    """What a 401 says in `WWW-Authenticate`: where it is written who gives tokens for here (RFC 9728, 5.1)."""
    try:
        where = [f'resource_metadata="{of(scope)}{RESOURCE_METADATA}"']
    except CrmError:
        where = []
    return " ".join(["Bearer", ", ".join([*more, *where])]).strip()


def host(issuer: object) -> bytes | None:
    """The host of what a token says is its issuer; `None` when that is no issuer of ours."""
    match = _ISSUER.fullmatch(issuer) if isinstance(issuer, str) else None
    return match[1].encode() if match else None
