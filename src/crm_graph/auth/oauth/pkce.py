"""Proof Key for Code Exchange (RFC 7636): always, for every app, and by S256 alone."""

import re
from typing import Final

from authlib.oauth2.rfc6749 import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from authlib.oauth2.rfc7636 import CodeChallenge

_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
METHOD: Final = "S256"


class S256(CodeChallenge):
    """Demands the challenge where the authorization begins, so that no code without one exists."""

    SUPPORTED_CODE_CHALLENGE_METHOD = [METHOD]
    DEFAULT_CODE_CHALLENGE_METHOD = METHOD
    CODE_CHALLENGE_METHODS = {METHOD: CodeChallenge.CODE_CHALLENGE_METHODS[METHOD]}

    def validate_code_challenge(self, grant: AuthorizationCodeGrant, redirect_uri: str) -> None:
        assert grant.request.payload is not None
        given = grant.request.payload.data
        if not _CHALLENGE.fullmatch(given.get("code_challenge", "")):
            raise InvalidRequestError("PKCE is needed: 'code_challenge' is missing or malformed.")
        if given.get("code_challenge_method") != METHOD:
            raise InvalidRequestError("'code_challenge_method' must be S256.")
        super().validate_code_challenge(grant, redirect_uri)
