"""Bytes to text that a database can hold, whatever they are said to be."""

import codecs
import unicodedata
from typing import Final

_SLOW_OR_NO_TEXT: Final = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"})
"""Codecs that read text in quadratic time, or make of it what nobody wrote."""


def decoded(content: bytes, charset: str | None) -> str:
    """The text, by the charset that it claims; where that is none, or not this one, by those that it most likely is."""
    for name in (charset, "utf-8"):
        known = _known(name)
        if known is None:
            continue
        try:
            return clean(content.decode(known))
        except (UnicodeError, LookupError):
            continue
    known = _known(charset)
    return clean(content.decode(known if known not in (None, "ascii", "utf-8") else "cp1252", "replace"))


def clean(text: str) -> str:
    """The text in lines, without what is no character: NUL and other controls, halves of characters."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = (c if c in "\n\t" or unicodedata.category(c) != "Cc" else "" for c in text)
    return "".join(kept).encode("utf-8", "replace").decode("utf-8")


def line(text: str, most: int) -> str:
    """The text on one line of at most so many characters."""
    return " ".join(clean(text).split())[:most].strip()


def _known(charset: str | None) -> str | None:
    if not charset or "\0" in charset:
        return None
    try:
        name = codecs.lookup(charset.encode("ascii", "ignore").decode()[:40]).name
    except LookupError:
        return None
    return None if name.replace("-", "_") in _SLOW_OR_NO_TEXT else name
