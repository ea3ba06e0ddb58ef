"""From bytes to a `Letter`: which part is the text, what are files, and what the headers say."""

import hashlib
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from email.policy import EmailPolicy
from typing import Final

from crm_graph.mail.inbound import headers
from crm_graph.mail.inbound.authenticity import results
from crm_graph.mail.inbound.characters import decoded, line
from crm_graph.mail.inbound.invitations import in_words
from crm_graph.mail.inbound.letter import File, Letter
from crm_graph.mail.inbound.machines import bounce, is_automatic, is_bulk
from crm_graph.mail.inbound.markup import text_of
from crm_graph.mail.inbound.quotes import new_part

LONGEST_TEXT: Final = 200_000
_MOST_PARTS: Final = 200
_DEEPEST: Final = 20
_RECIPIENTS: Final = ("delivered-to", "x-original-to", "envelope-to", "to", "cc")
_TRACES: Final = re.compile(rb"^(?:message-id|from|date):[^\r\n]{0,500}", re.IGNORECASE | re.MULTILINE)
_HEAD: Final = 200_000
_PART: Final = re.compile(rb"^content-type[ \t]*:", re.IGNORECASE | re.MULTILINE)
_MOST_PARAMETERS: Final = 20
_LONGEST_OF_PART: Final = 1_000
_MOST_WORK: Final = 30_000_000
"""Lines times parts: each line is held against the boundaries of all parts that it may be within."""


class _Short(EmailPolicy):
    """The standard policy, with headers of all parts cut: reading one takes time by the square of its length."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        if name.lower().startswith("content-"):
            return name, ";".join(value[:_LONGEST_OF_PART].split(";")[:_MOST_PARAMETERS])
        return name, value[: headers.LONGEST]


_POLICY: Final = _Short()


def identity(raw: bytes) -> bytes:
    """32 bytes by which a mail is known again, whichever way it comes: its Message-ID, sender, date and content.

    What servers on the way add does not count; nor does a Message-ID alone, which anybody can use again.
    """
    end = re.search(rb"\r?\n\r?\n", raw)
    head, body = (raw[: end.start()], raw[end.end() :]) if end else (raw, b"")
    told = sorted(one.strip().lower() for one in _TRACES.findall(head[:_HEAD]))
    plain = body.replace(b"\r\n", b"\n").rstrip()
    return hashlib.sha256(b"\n".join(told) + b"\0" + hashlib.sha256(plain).digest()).digest()


def read(raw: bytes) -> Letter:
    """The mail. Of bytes that are none: a letter from nobody, with what can be read as its text."""
    if raw.count(b"\n") * len(_PART.findall(raw)) > _MOST_WORK:
        return _bare(raw)
    try:
        message = message_from_bytes(raw, policy=_POLICY)
        return _letter(message, list(_parts(message)))
    except Exception:  # noqa: BLE001 - headers and parts within parts beyond what the library can bear
        return _bare(raw)


def _bare(raw: bytes) -> Letter:
    """A mail whose structure cannot be read: what it says after its headers, as it stands."""
    head, *rest = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)
    message = message_from_bytes(head[:_HEAD] + b"\n\n", policy=_POLICY)
    for name in ("content-type", "content-transfer-encoding", "mime-version"):
        del message[name]
    return _letter(message, [], decoded(rest[0][:LONGEST_TEXT], None) if rest else "")


def _letter(message: Message, parts: list[Message], text: str = "") -> Letter:
    whole = text or _text(parts)
    returned = bounce(message, parts, whole)
    sender = headers.only_sender(message)
    named = headers.addresses(message, "from")
    answers = [*reversed(headers.ids(message, "in-reply-to")), *reversed(headers.ids(message, "references"))]
    return Letter(
        sender=sender[1] if sender else None,
        sender_name=sender[0] if sender else named[0][0] if named else "",
        recipients=tuple(
            dict.fromkeys(address for name in _RECIPIENTS for _, address in headers.addresses(message, name))
        ),
        subject=headers.text(message, "subject", 500),
        message_id=next(iter(headers.ids(message, "message-id")), None),
        answers=tuple(dict.fromkeys([*answers, *(returned[1] if returned else ())])),
        text=new_part(whole) if whole.strip() else "",
        files=tuple(_files(parts)),
        automatic=is_automatic(message),
        bulk=is_bulk(message),
        bounce=returned[0] if returned else None,
        results=results(message),
    )


def _parts(message: Message, depth: int = 0) -> Iterator[Message]:
    """The parts that hold something, those of mails within it left out; of very many, the first."""
    stack = [(message, depth)]
    count = 0
    while stack and count < _MOST_PARTS:
        part, level = stack.pop()
        count += 1
        if part.get_content_maintype() == "multipart" and level < _DEEPEST:
            inside = part.get_payload()
            children = inside if isinstance(inside, list) else []
            stack += [(child, level + 1) for child in reversed(children) if isinstance(child, Message)]
            if not children:
                yield part
        else:
            yield part


def _text(parts: list[Message]) -> str:
    """The text that people read: plain parts, else what the HTML says; and invitations in words."""
    plain, marked, calendars = [], [], []
    for part in parts:
        kind = part.get_content_type()
        if kind == "text/calendar":
            calendars.append(in_words(_content(part)))
        elif _is_file(part):
            continue
        elif kind == "text/html":
            marked.append(text_of(_content(part)))
        elif part.get_content_maintype() in ("text", "multipart"):  # a multipart without parts is its text
            plain.append(_content(part))
    said = "\n\n".join(text.strip() for text in plain if text.strip()) or "\n\n".join(t for t in marked if t.strip())
    words = "\n\n".join(dict.fromkeys(one for one in calendars if one))
    return "\n\n".join(one for one in (said, words) if one)[:LONGEST_TEXT]


def _content(part: Message) -> str:
    charset = part.get_param("charset")
    return decoded(_bytes(part)[: LONGEST_TEXT * 4], charset if isinstance(charset, str) else None)


def _is_file(part: Message) -> bool:
    """Whether a part is kept as a file, and not read as text."""
    kind = part.get_content_type()
    if kind in ("message/delivery-status", "text/rfc822-headers", "text/calendar"):
        return False
    return part.get_content_maintype() not in ("text", "multipart") or _disposition(part) == "attachment"


def _files(parts: list[Message]) -> Iterator[File]:
    for part in parts:
        if _is_file(part):
            kind = part.get_content_type()
            yield File(
                _name(part),
                line(kind, 100),
                _bytes(part),
                _disposition(part) != "attachment" and bool(part.get("Content-ID")),
            )


def _disposition(part: Message) -> str:
    try:
        return (part.get_content_disposition() or "").lower()
    except Exception:  # noqa: BLE001 - as with other headers
        return ""


def _name(part: Message) -> str:
    try:
        found = part.get_filename()
    except Exception:  # noqa: BLE001 - as with other headers
        found = None
    last = line(str(found or ""), 200).replace("\\", "/").rpartition("/")[2]
    return last or ("message.eml" if part.get_content_type() == "message/rfc822" else "unnamed")


def _bytes(part: Message) -> bytes:
    try:
        payload = part.get_payload(decode=True)
    except Exception:  # noqa: BLE001 - an encoding that is broken in a way the library does not know
        return b""
    return payload if isinstance(payload, bytes) else b""
