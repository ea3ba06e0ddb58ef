"""Whether a mail is from whom it says, as a server found out that we trust (Authentication-Results, RFC 8601)."""

import re
from email.message import Message
from typing import Final

from crm_graph.mail.inbound.characters import clean

_LONGEST: Final = 4_000
_RESULT: Final = re.compile(r"(dmarc|dkim|spf)\s*(?:/\s*\d+\s*)?=\s*([a-z]+)", re.IGNORECASE)
_PROPERTY: Final = re.compile(
    r"\b(header\.from|header\.d|header\.i|smtp\.mailfrom)\s*=\s*([^\s;]{1,320})", re.IGNORECASE
)
_BY: Final = re.compile(r"\bby\s+([^\s;()]{1,255})", re.IGNORECASE)


def results(message: Message) -> tuple[str, ...]:
    """Fields of servers on the way, from the top: each `Authentication-Results`, and `;server` for each `Received`."""
    found = []
    for name, value in message.raw_items():
        if name.lower() == "authentication-results":
            found.append(clean(str(value)[:_LONGEST]))
        elif name.lower() == "received":
            by = _BY.search(clean(str(value)[:_LONGEST]))
            found.append(f";{by[1].lower()}" if by else ";")
    return tuple(found[:100])


def is_authentic(found: tuple[str, ...], sender: str, trusted_server: str) -> bool:
    """Whether `trusted_server` says so for the sender's domain: by DMARC, else by DKIM or SPF of that domain.

    Servers put their fields on top. So those of the trusted one count that nothing stands above, or that stand next to
    the `Received` by which it took the mail: further down anybody may have written its name.
    """
    passed, failed = False, False
    for field in _of_server(found, trusted_server):
        for result in _without_comments(field).split(";")[1:]:
            good, bad = _judged(result, sender.rpartition("@")[2])
            passed, failed = passed or good, failed or bad
    return passed and not failed


def _of_server(found: tuple[str, ...], trusted_server: str) -> list[str]:
    trusted, fields, above, took, under = trusted_server.lower(), list[str](), list[str](), False, False
    for field in found:
        if not field.startswith(";"):
            if _server(field) == trusted:
                (fields if took or not under else above).append(field)
            continue
        if took or fields:
            break
        under, took = True, field[1:] == trusted
        if took and above:
            return above
        above = []
    return fields


def _server(field: str) -> str:
    """The name of the server that wrote a field: its first word."""
    words = _without_comments(field).partition(";")[0].split()
    return words[0].strip('"').lower() if words else ""


def _judged(result: str, domain: str) -> tuple[bool, bool]:
    """Whether one result speaks for the sender's domain, or against it."""
    match = _RESULT.match(result.strip())
    if match is None:
        return False, False
    method, value = match[1].lower(), match[2].lower()
    about = {name.lower(): _domain(said) for name, said in _PROPERTY.findall(result)}
    if method == "dmarc":
        same = about.get("header.from", domain) == domain
        return value == "pass" and same, value == "fail"
    names = ("header.d", "header.i") if method == "dkim" else ("smtp.mailfrom",)
    aligned = any(_covers(about[name], domain) for name in names if name in about)
    return value == "pass" and aligned, False


def _covers(signing: str, domain: str) -> bool:
    """Whether a domain speaks for another: it is the same, or one above it that is no whole country's."""
    return domain == signing or ("." in signing and domain.endswith(f".{signing}"))


def _domain(said: str) -> str:
    return said.strip('"<>').rpartition("@")[2].lower().rstrip(".")


def _without_comments(field: str) -> str:
    """The field without comments and with quoted texts emptied: a sender chooses some of what stands in both."""
    kept, depth, quoted, escaped = [], 0, False, False
    for character in field:
        if escaped:
            escaped = False
        elif character == "\\" and (quoted or depth):
            escaped = True
        elif quoted:
            quoted = character != '"'
        elif character == '"' and not depth:
            quoted = True
        elif character == "(":
            depth += 1
        elif character == ")" and depth:
            depth -= 1
        elif not depth:
            kept.append(character)
    return "".join(kept)
