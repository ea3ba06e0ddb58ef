"""The cookies we set: out of reach of scripts, not sent along by other sites, bound to the host where https allows."""

from typing import Final

SESSION: Final = "crm_session"
FORM: Final = "crm_form"
PENDING: Final = "crm_pending"
KNOWN: Final = "crm_known"
UPSTREAM: Final = "crm_upstream"


def name(base: str, *, secure: bool) -> str:
    """`__Host-` makes browsers refuse the cookie from a sibling host or over plain http."""
    return f"__Host-{base}" if secure else base


def values(header: bytes, base: str, *, secure: bool) -> list[str]:
    """What a Cookie header says of one of our cookies. More than one value: somebody else set it too."""
    key = name(base, secure=secure).encode()
    pairs = (part.partition(b"=") for part in header.split(b";"))
    return [value.strip().decode("latin-1") for found, _, value in pairs if found.strip() == key]


def written(base: str, value: str, *, secure: bool, seconds: int | None = None) -> str:
    """A Set-Cookie header; without `seconds` it lasts as long as the browser runs, 0 deletes it."""
    parts = [f"{name(base, secure=secure)}={value}", "Path=/", "HttpOnly", "SameSite=Lax"]
    if secure:
        parts.append("Secure")
    if seconds is not None:
        parts.append(f"Max-Age={seconds}")
    return "; ".join(parts)
