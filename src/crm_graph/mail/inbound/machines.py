"""Mail that nobody wrote: automatic answers, lists, and what servers say of mail that they could not deliver."""

import re
from email.message import Message
from typing import Final

from crm_graph.mail.inbound import headers
from crm_graph.mail.inbound.characters import clean, line
from crm_graph.mail.inbound.letter import Bounce

_AUTOMATIC_PRECEDENCE: Final = ("bulk", "junk", "auto_reply")
_AUTOMATIC_MARKS: Final = ("x-autoreply", "x-autorespond", "x-auto-reply")
_LIST_MARKS: Final = ("list-id", "list-unsubscribe", "x-auto-response-suppress", "feedback-id")
_DAEMON: Final = re.compile(r"(?:mailer-daemon|postmaster)@.+")
_MESSAGE_ID: Final = re.compile(r"^message-id:\s*<([^<>\s]{1,400})>", re.IGNORECASE | re.MULTILINE)
_LONGEST: Final = 100_000


def is_automatic(message: Message) -> bool:
    """Whether it says of itself that nobody wrote it (RFC 3834, and what came before it)."""
    submitted = headers.word(message, "auto-submitted")
    return (
        submitted not in ("", "no")
        or headers.word(message, "precedence") in _AUTOMATIC_PRECEDENCE
        or any(headers.raw(message, name) for name in _AUTOMATIC_MARKS)
        or has_null_path(message)
        or message.get_content_type() == "multipart/report"
    )


def is_bulk(message: Message) -> bool:
    """Whether it went to many, or asks for no automatic answer: a person may still have written it."""
    precedence = headers.word(message, "precedence")
    return precedence == "list" or any(headers.raw(message, name) for name in _LIST_MARKS)


def has_null_path(message: Message) -> bool:
    """Whether answers to it go nowhere (`Return-Path: <>`)."""
    return any(path.strip() == "<>" for path in headers.raw(message, "return-path"))


def bounce(message: Message, parts: list[Message], text: str) -> tuple[Bounce, tuple[str, ...]] | None:
    """What a delivery status notification (RFC 3464) says, and the Message-IDs of what came back.

    Of servers that write no such thing: what MAILER-DAEMON says on the null path. `None` where it is no bounce.
    """
    kind = str(message.get_param("report-type") or "").lower()
    if message.get_content_type() == "multipart/report" and kind in ("delivery-status", ""):
        status = next((part for part in parts if part.get_content_type() == "message/delivery-status"), None)
        if status is not None:
            return _of_status(status), _came_back(parts)
    sender = headers.addresses(message, "from")
    plain = has_null_path(message) and any(_DAEMON.fullmatch(address) for _, address in sender)
    if plain and message.get_content_type() != "multipart/report":
        ids = tuple(_MESSAGE_ID.findall(text[:_LONGEST])) or _came_back(parts)
        return Bounce(True, "", line(text, 300)), ids
    return None


def _of_status(status: Message) -> Bounce:
    failed, recipient, said = False, "", ""
    blocks = status.get_payload()
    for block in blocks if isinstance(blocks, list) else []:
        if not isinstance(block, Message):
            continue
        fields = {name.lower(): clean(str(value)) for name, value in block.raw_items()}
        if "action" not in fields:
            continue
        if not failed:
            recipient = line(fields.get("final-recipient", "").partition(";")[2], 320).lower()
            answered = fields.get("diagnostic-code", "").partition(";")[2]
            said = line(f"{fields.get('status', '')} {answered}", 300)
        failed = failed or fields["action"].strip().lower() == "failed"
    return Bounce(failed, recipient, said)


def _came_back(parts: list[Message]) -> tuple[str, ...]:
    """Message-IDs of the mails, or of their headers, that a server gave back."""
    found: list[str] = []
    for part in parts:
        if part.get_content_type() == "text/rfc822-headers":
            payload = part.get_payload()
            found += _MESSAGE_ID.findall(payload[:_LONGEST] if isinstance(payload, str) else "")
        elif part.get_content_type() == "message/rfc822":
            inside = part.get_payload()
            if isinstance(inside, list) and inside and isinstance(inside[0], Message):
                found += headers.ids(inside[0], "message-id")
    return tuple(found[:10])
