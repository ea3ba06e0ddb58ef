"""Who posts mail to us signs it: HMAC-SHA256 over the time and the bytes, by the mailbox's key."""

import hashlib
import hmac
import re
from typing import Final

LASTS: Final = 300
"""Seconds by which the clocks may differ; a mail that is posted again within them is known by what it is."""
_SIGNATURE: Final = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")


def signature(key: bytes, now: int, raw: bytes) -> str:
    """The header `X-Mail-Signature`: `t=<seconds since 1970>,v1=<HMAC-SHA256 of "<seconds>.<mail>", in hex>`."""
    return f"t={now},v1={_made(key, str(now), raw)}"


def is_signed(key: bytes, given: str, now: float, raw: bytes) -> bool:
    """Whether it is signed by this key, now."""
    match = _SIGNATURE.fullmatch(given)
    right = hmac.compare_digest(_made(key, match[1] if match else "0", raw), match[2] if match else "")
    return match is not None and right and abs(now - int(match[1])) <= LASTS


def _made(key: bytes, seconds: str, raw: bytes) -> str:
    return hmac.new(key, seconds.encode() + b"." + raw, hashlib.sha256).hexdigest()
