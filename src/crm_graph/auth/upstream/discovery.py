"""What a provider says of itself: its endpoints and keys, remembered for minutes."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from authlib.oidc.discovery import OpenIDProviderMetadata, get_well_known_url
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet, import_key

from crm_graph.auth.upstream.fetching import Fetching, ProviderUnreachable
from crm_graph.errors import JSON

KEPT_SECONDS: Final = 600.0
ANEW_SECONDS: Final = 30.0
"""How often keys are asked for at most, however many unknown ones turn up."""
MOST_KEYS: Final = 50
MOST_KEPT: Final = 1_000
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Metadata:
    """The endpoints of a provider whose `issuer` is the one we asked."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    auth_methods: tuple[str, ...]
    says_issuer: bool
    """Whether its responses name it (RFC 9207)."""


class Discovery:
    """Asks providers, and remembers."""

    def __init__(self, fetching: Fetching) -> None:
        self._fetching = fetching
        self._metadata: dict[str, tuple[float, Metadata]] = {}
        self._keys: dict[str, tuple[float, KeySet]] = {}

    async def metadata(self, issuer: str) -> Metadata:
        """The provider's metadata. Raises ProviderUnreachable, also where it says that it is another one."""
        known = self._metadata.get(issuer)
        if known is not None and known[0] > time.monotonic() - KEPT_SECONDS:
            return known[1]
        found = _metadata(issuer, await self._fetching.get(str(get_well_known_url(issuer, external=True))))
        _keep(self._metadata, issuer, found)
        return found

    async def keys(self, metadata: Metadata, *, anew: bool = False) -> KeySet:
        """The provider's keys; `anew`: not those that are remembered, unless they are of just now."""
        known = self._keys.get(metadata.jwks_uri)
        if known is not None and known[0] > time.monotonic() - (ANEW_SECONDS if anew else KEPT_SECONDS):
            return known[1]
        found = await self._fetching.get(metadata.jwks_uri)
        given = found.get("keys")
        keys = given[:MOST_KEYS] if isinstance(given, list) else []
        made = KeySet([key for one in keys if (key := _key(one)) is not None])
        _keep(self._keys, metadata.jwks_uri, made)
        return made


def _key(found: JSON) -> Key | None:
    """A public key for signatures; `None` for what is for something else, or of a kind that we do not know."""
    if not isinstance(found, dict) or found.get("kty") not in ("RSA", "EC", "OKP") or found.get("use", "sig") != "sig":
        return None
    try:
        return import_key({name: str(value) for name, value in found.items() if isinstance(value, str)})
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def _keep(kept: dict[str, tuple[float, V]], key: str, found: V) -> None:
    kept.pop(key, None)
    while len(kept) >= MOST_KEPT:
        del kept[next(iter(kept))]
    kept[key] = (time.monotonic(), found)


def _metadata(issuer: str, found: dict[str, JSON]) -> Metadata:
    said = OpenIDProviderMetadata(found)
    methods = said.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    if said.get("issuer") != issuer:
        raise ProviderUnreachable
    return Metadata(
        issuer,
        _address(said, "authorization_endpoint"),
        _address(said, "token_endpoint"),
        _address(said, "jwks_uri"),
        _address(said, "userinfo_endpoint") if "userinfo_endpoint" in said else None,
        tuple(str(one) for one in methods) if isinstance(methods, list) else ("client_secret_basic",),
        said.get("authorization_response_iss_parameter_supported") is True,
    )


def _address(said: Mapping[str, object], name: str) -> str:
    found = said.get(name)
    if not isinstance(found, str) or not found.startswith(("https://", "http://")) or not found.isprintable():
        raise ProviderUnreachable
    return found
