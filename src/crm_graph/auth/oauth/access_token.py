"""Access tokens: JWTs as RFC 9068 has them, signed by a key of the organisation, good for minutes."""

import datetime as dt
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import orjson
from joserfc import jws, jwt
from joserfc.errors import JoseError

from crm_graph.auth.oauth import scope as scope_names
from crm_graph.auth.oauth.clients import Client
from crm_graph.auth.oauth.keys import ALGORITHM, PublishedKeys, SigningKey
from crm_graph.auth.oauth.server import Exchange
from crm_graph.db.ids import decode, encode, uuid7
from crm_graph.errors import JSON, IdInvalid

LIFE: Final = dt.timedelta(minutes=10)
LONGEST: Final = 8_192
TYPE: Final = "at+jwt"
BEGINS: Final = b"eyJ"
_SKEW_SECONDS: Final = 60
_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_REGISTRY: Final = jws.JWSRegistry(algorithms=[ALGORITHM])


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a token that was verified says; whether its family still works, the database knows."""

    issuer: str
    family_id: UUID
    client_id: UUID
    user_id: UUID
    scopes: tuple[str, ...]
    issued_at: int
    expires_at: int
    """Seconds since 1970, as `issued_at`."""


def issue(
    signing: SigningKey, issuer: str, *, family_id: UUID, client_id: str, user_id: UUID, scopes: tuple[str, ...]
) -> str:
    """A new token; its audience is the issuer itself, whose API it opens."""
    now = int(time.time())
    claims: dict[str, JSON] = {
        "iss": issuer,
        "aud": issuer,
        "sub": encode("usr", user_id),
        "client_id": client_id,
        "scope": " ".join(scopes),
        "iat": now,
        "exp": now + int(LIFE.total_seconds()),
        "jti": uuid7().hex,
        "family": family_id.hex,
    }
    header = {"alg": ALGORITHM, "typ": TYPE, "kid": signing.kid}
    return jwt.encode(header, claims, signing.key, registry=_REGISTRY)


def answer(
    ours: Exchange, client: Client, user_id: UUID, scopes: tuple[str, ...], family_id: UUID
) -> dict[str, str | int]:
    """What the token endpoint answers, without a refresh token."""
    text = issue(
        ours.signing, ours.issuer, family_id=family_id, client_id=client.client_id, user_id=user_id, scopes=scopes
    )
    return {
        "token_type": "Bearer",
        "access_token": text,
        "expires_in": int(LIFE.total_seconds()),
        "scope": " ".join(scopes),
    }


def issuer(text: str) -> str | None:
    """What a token says is its issuer, to find the keys to verify it with; nothing else may be done with it."""
    if len(text) > LONGEST or not _SHAPE.fullmatch(text):
        return None
    try:
        found = orjson.loads(jws.extract_compact(text.encode()).payload)
    except (JoseError, ValueError):
        return None
    named = found.get("iss") if isinstance(found, dict) else None
    return named if isinstance(named, str) else None


async def verified(text: str, keys: PublishedKeys, organization_id: UUID) -> AccessToken | None:
    """The token if this organisation signed it as an access token for itself and it has not expired, else `None`.

    The header is believed in nothing but the name of the key: algorithm and type are ours to say, and a key that it
    brings along is not looked at.
    """
    if len(text) > LONGEST or not _SHAPE.fullmatch(text):
        return None
    try:
        header = jws.extract_compact(text.encode()).headers()
        kid = header.get("kid")
        if header.get("alg") != ALGORITHM or header.get("typ") != TYPE or not isinstance(kid, str):
            return None
        key = await keys.find(organization_id, kid)
        if key is None:
            return None
        return _read(jwt.decode(text, key, registry=_REGISTRY).claims)
    except (JoseError, ValueError, KeyError, TypeError, IdInvalid):
        return None


def kept(said: Mapping[str, JSON]) -> AccessToken:
    """A token that was verified before, of what was kept of it in JSON."""
    ids = {name: UUID(str(said[name])) for name in ("family_id", "client_id", "user_id")}
    scopes = said["scopes"]
    issued, expires = said["issued_at"], said["expires_at"]
    assert isinstance(scopes, list)
    assert isinstance(issued, int)
    assert isinstance(expires, int)
    return AccessToken(str(said["issuer"]), **ids, scopes=tuple(map(str, scopes)), issued_at=issued, expires_at=expires)


def _read(claims: dict[str, object]) -> AccessToken | None:
    now = time.time()
    issued, expires, subject, client, scope = (claims[name] for name in ("iat", "exp", "sub", "client_id", "scope"))
    named = claims["iss"]
    if not (isinstance(named, str) and claims["aud"] == named):
        return None
    if not (isinstance(issued, int) and isinstance(expires, int) and issued <= now + _SKEW_SECONDS and now < expires):
        return None
    prefix, user_id = decode(str(subject))
    kind, client_id = decode(str(client))
    if (prefix, kind) != ("usr", "cli"):
        return None
    family = UUID(str(claims["family"]))
    return AccessToken(named, family, client_id, user_id, scope_names.split(str(scope)), issued, expires)
