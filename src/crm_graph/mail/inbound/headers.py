"""Headers of a mail, read so that no header whatever stops us.

The standard library's parser raises on some malformed ones and takes long over some long ones: then a header is what
it looks like, and what is beyond its length is not read.
"""

import re
from email.headerregistry import HeaderRegistry
from email.message import Message
from email.utils import getaddresses
from typing import Any, Final

from crm_graph.mail.inbound.characters import clean, line

_parsed: Final[Any] = HeaderRegistry()
LONGEST: Final = 3_000
_ADDRESS: Final = re.compile(r"[^@\s\x00-\x1f\"<>(),;:\\]{1,64}@(?=.{1,253}$)[^@\s.]+(\.[^@\s.]+)+")
_ID: Final = re.compile(r"<([^<>\s]{1,400})>")
_IDS: Final = 50


def raw(message: Message, name: str) -> list[str]:
    """All headers of that name as they stand, from the top."""
    return [clean(str(value)[:LONGEST]) for key, value in message.raw_items() if key.lower() == name]


def text(message: Message, name: str, most: int = LONGEST) -> str:
    """The first header of that name, decoded, on one line."""
    found = raw(message, name)
    if not found:
        return ""
    try:
        return line(str(_parsed(name, _unfolded(found[0]))), most)
    except Exception:  # noqa: BLE001 - its faults are many, and none of them is a reason to lose a mail
        return line(found[0], most)


def word(message: Message, name: str) -> str:
    """What a header says before its first parameter, in lower case."""
    return re.split(r"[;\s(]", line(next(iter(raw(message, name)), ""), LONGEST), maxsplit=1)[0].lower()


def addresses(message: Message, name: str) -> list[tuple[str, str]]:
    """Names and addresses of all headers of that name; what is no address is left out."""
    found = []
    for value in raw(message, name):
        try:
            header = _parsed(name, _unfolded(value))
            some = [(one.display_name, one.addr_spec) for one in header.addresses]
        except Exception:  # noqa: BLE001 - as above
            some = _plain_addresses(value)
        found += [(line(said, 200), address.lower()) for said, address in some if is_address(address)]
    return found


def only_sender(message: Message) -> tuple[str, str] | None:
    """Name and address it is from, where that is beyond doubt: one header, one address, read alike in two ways.

    A mail with two senders was made so that whoever checks it sees one of them, and whoever reads it the other.
    """
    headers = raw(message, "from")
    if len(headers) != 1:
        return None
    found = addresses(message, "from")
    plain = [address.lower() for _, address in _plain_addresses(_unfolded(headers[0])) if address]
    return found[0] if len(found) == 1 and plain == [found[0][1]] else None


def ids(message: Message, name: str) -> list[str]:
    """The Message-IDs in a header, in their order; of very many, the last."""
    return [one for value in raw(message, name) for one in _ID.findall(value)][-_IDS:]


def is_address(text: str) -> bool:
    """Whether a text is an address of ASCII that mail can be sent to."""
    return text.isascii() and _ADDRESS.fullmatch(text) is not None


def _plain_addresses(value: str) -> list[tuple[str, str]]:
    """Names and addresses, by the older of the library's two readers."""
    try:
        return getaddresses([value])
    except RecursionError:  # comments within comments
        return []


def _unfolded(value: str) -> str:
    return value.replace("\n", " ")
