"""Secrets that callers present: made here, shown once, kept only as their SHA-256.

They are 256 random bits, so a plain hash is enough: there is nothing to guess that a slow one would protect.
"""

import base64
import hashlib
import hmac
import secrets
import string
from typing import Final

SESSION: Final = b"crm_ses_"
KEY: Final = b"crm_key_"
PENDING: Final = b"crm_pen_"
RESET: Final = b"crm_res_"
_CODE: Final = "crm_cod_"
_DEVICE: Final = "crm_dev_"
_REFRESH: Final = "crm_ref_"
_CLIENT: Final = "crm_sec_"

_ALPHABET: Final = string.ascii_letters + string.digits
_SECRET_LENGTH: Final = 43  # log2(62) * 43 = 256 bits
_PREFIX_LENGTH: Final = 8
LONGEST: Final = 128


def session_token() -> str:
    """A new `crm_ses_<secret>`."""
    return SESSION.decode() + _random(_SECRET_LENGTH)


def pending_token() -> str:
    """A new `crm_pen_<secret>`: a sign-in whose second step is awaited."""
    return PENDING.decode() + _random(_SECRET_LENGTH)


def reset_token() -> str:
    """A new `crm_res_<secret>`: the right to set a new password, once."""
    return RESET.decode() + _random(_SECRET_LENGTH)


def key_token() -> tuple[str, str]:
    """A new API key's prefix, by which people tell keys apart, and the whole token `<prefix>_<secret>`."""
    prefix = KEY.decode() + _random(_PREFIX_LENGTH)
    return prefix, f"{prefix}_{_random(_SECRET_LENGTH)}"


def authorization_code() -> str:
    """A new `crm_cod_<secret>`."""
    return _CODE + _random(_SECRET_LENGTH)


def device_code() -> str:
    """A new `crm_dev_<secret>`, with which a device asks whether somebody has agreed."""
    return _DEVICE + _random(_SECRET_LENGTH)


def refresh_token() -> str:
    """The first refresh token of a family, `crm_ref_<secret>`."""
    return _REFRESH + _random(_SECRET_LENGTH)


def next_refresh_token(token: str, salt: bytes, key: bytes) -> str:
    """What a refresh token is exchanged for: always the same for the same salt, and told by nothing but all three."""
    made = hmac.digest(key, salt + token.encode(), hashlib.sha256)
    return _REFRESH + base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def client_secret() -> str:
    """A new `crm_sec_<secret>`, by which an app proves who it is."""
    return _CLIENT + _random(_SECRET_LENGTH)


def link_token() -> str:
    """A new secret for a link that is mailed to somebody."""
    return _random(_SECRET_LENGTH)


def digest(token: bytes) -> bytes:
    """What the database holds of a token: 32 bytes."""
    return hashlib.sha256(token).digest()


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
