"""Whether an id_token is one of this provider, for us, for this sign-in, of now."""

import logging
from typing import Final

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwt import JWTClaimsRegistry, Token

from crm_graph.auth.upstream.discovery import Discovery, Metadata
from crm_graph.errors import JSON, CrmError

logger = logging.getLogger("crm_graph.auth.upstream")

ALGORITHMS: Final = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
)  # fmt: skip
"""Signatures by a key that only the provider has; never `none`, never one by a shared secret."""
LEEWAY_SECONDS: Final = 60
LONGEST: Final = 50_000


class IdTokenInvalid(CrmError):
    """What the provider sent does not prove who somebody is."""

    code = "ID_TOKEN_INVALID"
    status = 502

    def __init__(self) -> None:
        super().__init__("The other side's answer cannot be trusted. Begin again.")


async def verified(
    discovery: Discovery, metadata: Metadata, client_id: str, nonce: str, text: object
) -> dict[str, JSON]:
    """The claims. Raises IdTokenInvalid, ProviderUnreachable."""
    if not isinstance(text, str) or len(text) > LONGEST:
        raise IdTokenInvalid
    try:
        token = await _decoded(discovery, metadata, text)
        JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": metadata.issuer},
            sub={"essential": True},
            aud={"essential": True, "value": client_id},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        ).validate(token.claims)
    except (JoseError, ValueError, TypeError) as error:
        logger.warning("an id_token of %s is refused: %s", metadata.issuer, type(error).__name__)
        raise IdTokenInvalid from None
    claims: dict[str, JSON] = token.claims
    audience, party, subject = claims["aud"], claims.get("azp"), claims["sub"]
    alone = audience in (client_id, [client_id])
    if not isinstance(subject, str) or not 1 <= len(subject) <= 255 or not subject.isprintable():
        raise IdTokenInvalid
    if (party is not None or not alone) and party != client_id:  # it was made for somebody else, who passes it on
        raise IdTokenInvalid
    if not isinstance(claims["nonce"], str):
        raise IdTokenInvalid
    return claims


async def _decoded(discovery: Discovery, metadata: Metadata, text: str) -> Token:
    try:
        return jwt.decode(text, await discovery.keys(metadata), algorithms=ALGORITHMS)
    except InvalidKeyIdError:  # the provider may have new keys
        return jwt.decode(text, await discovery.keys(metadata, anew=True), algorithms=ALGORITHMS)
