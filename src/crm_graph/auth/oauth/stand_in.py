"""Who is asked in place of an app that does not exist, so that as much is done as for one that does.

It has a secret and keys that nobody has: they are compared and verified, and never right.
"""

import base64
import secrets
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from crm_graph.auth.oauth.clients import Client

CLIENT: Final = Client(
    id=UUID(int=0),
    name="",
    purpose="",
    auth_method="nobody's",
    secret_hashes=(secrets.token_bytes(32),),
    jwks=None,
    redirect_uris=(),
    post_logout_redirect_uris=(),
    grant_types=(),
    scopes=(),
    user_id=None,
)
"""No method of proving who one is fits it."""


def _rsa() -> RSAKey:
    # an odd number is as good as a product of primes here, and is found at once
    number = secrets.randbits(2048) | (1 << 2047) | 1
    text = base64.urlsafe_b64encode(number.to_bytes(256)).rstrip(b"=").decode()
    return RSAKey.import_key({"kty": "RSA", "n": text, "e": "AQAB"})


_KEYS: Final[dict[str, ECKey | RSAKey | OKPKey]] = {
    "ES256": ECKey.generate_key("P-256", private=False),
    "ES384": ECKey.generate_key("P-384", private=False),
    "RS256": _rsa(),
    "EdDSA": OKPKey.generate_key("Ed25519", private=False),
}
_KEYS_BY_ALGORITHM: Final = {**_KEYS, "PS256": _KEYS["RS256"]}


def keys(header: Mapping[str, object]) -> KeySet:
    """A key of the kind, and the name, that an assertion's header says."""
    found = _KEYS_BY_ALGORITHM.get(str(header.get("alg")), _KEYS["ES256"])
    kid = header.get("kid")
    named = {**found.as_dict(private=False), **({"kid": kid} if isinstance(kid, str) else {})}
    return KeySet.import_key_set({"keys": [named]})
