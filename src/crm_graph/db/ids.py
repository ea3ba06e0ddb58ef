"""Identifiers: time-ordered UUIDs inside, `<prefix>_<32 hex digits>` outside."""

import os
import re
import threading
import time
from uuid import UUID

from crm_graph.errors import IdInvalid

_TEXT = re.compile(r"([a-z][a-z0-9]{0,15})_([0-9a-f]{32})", re.ASCII)
_COUNTER_BITS = 42
_lock = threading.Lock()
_last_millisecond = 0
_counter = 0


def uuid7() -> UUID:
    """A new UUIDv7 (RFC 9562, method 1): every one of a process sorts after those made before it."""
    global _last_millisecond, _counter  # noqa: PLW0603 - the monotonic counter is the process's state
    with _lock:
        millisecond = time.time_ns() // 1_000_000
        if millisecond > _last_millisecond:
            _last_millisecond = millisecond
            # The counter's first bit starts at 0, so that it cannot run over within a millisecond.
            _counter = int.from_bytes(os.urandom(6)) >> (48 - _COUNTER_BITS + 1)
        else:
            _counter += 1
            if _counter >> _COUNTER_BITS:
                _last_millisecond += 1
                _counter = 0
        millisecond, counter = _last_millisecond, _counter
    value = (millisecond & 0xFFFF_FFFF_FFFF) << 80
    value |= 0x7 << 76 | (counter >> 30) << 64
    value |= 0b10 << 62 | (counter & 0x3FFF_FFFF) << 32 | int.from_bytes(os.urandom(4))
    return UUID(int=value)


def encode(prefix: str, value: UUID) -> str:
    """The identifier as callers see it: `cus_0198…`, 32 hexadecimal digits after the entity's prefix."""
    return f"{prefix}_{value.hex}"


def decode_as(prefix: str, text: str) -> UUID | None:
    """The UUID of an identifier of one kind; `None` for another kind's, and for what is none."""
    match = _TEXT.fullmatch(text)
    return UUID(match[2]) if match is not None and match[1] == prefix else None


def decode(text: str) -> tuple[str, UUID]:
    """Prefix and UUID of an identifier; raises IdInvalid for anything that `encode` does not write."""
    match = _TEXT.fullmatch(text)
    if match is None:
        raise IdInvalid("This is not an identifier.", value=text[:80])
    return match[1], UUID(match[2])
