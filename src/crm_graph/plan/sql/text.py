"""SQL text as words and brackets, as far as a proof needs it. What could hide text from that reading is refused."""

import re
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(
    r"""\s*+ (?:
    (?P<name> [A-Za-z_][\w$]*+ (?: \. [A-Za-z_][\w$]*+ )*+ (?! ' | &['"] ) )
    | (?P<sign> [()\[\],.] | :: | (?: (?! -- | /\* ) [-+*/<>=~!@\#%^&|`?:] )+ )
    | (?P<text> (?: [uU]& )? '(?: [^'] | '' )*+' )
    | (?P<value> \$\d+ (?: ::[a-z]++ )? | \d[\w.]* )
    | (?P<quoted> "(?: [^"] | "" )++" ) )""",
    re.VERBOSE | re.ASCII,
)
"""ASCII: what PostgreSQL takes for a letter or a space beyond it is not what Python does; strings may hold anything."""
_OPENS: Final = {"(": ")", "[": "]", "CASE": "END"}
_CLOSES: Final = frozenset((")", "]"))


class Unreadable(ValueError):
    """The text has what this reading does not know: a comment, a dollar quote, a second statement, an open bracket."""


class Token(NamedTuple):
    """A word, name, sign or value. `word`: an unquoted word in capitals, or a sign; `name`: as an identifier reads,
    its dots included."""

    text: str
    word: str
    name: str
    start: int
    end: int


class Group(NamedTuple):
    """What stands between brackets, or between CASE and END; `words` are those at its top level."""

    nodes: "list[Token | Group]"
    words: set[str]
    start: int
    end: int
    word: str = ""


Node = Token | Group


def parsed(sql: str) -> Group:
    """The statement's words, groups nested. Raises Unreadable."""
    here = Group([], set(), 0, len(sql))
    stack: list[tuple[str, Group]] = []
    closes, at, dotted = "", 0, False
    for found in _TOKEN.finditer(sql):
        if found.start() != at:
            break
        kind = found.lastgroup or ""
        text, at = found[kind], found.end()
        start = at - len(text)
        word, name = _read(text, kind, dotted)
        dotted = text == "."
        if word in _OPENS:
            stack.append((closes, here))
            closes, here = _OPENS[word], Group([], set(), start, 0)
        elif word and word == closes:
            inner = Group(here.nodes, here.words, here.start, at)
            closes, here = stack.pop()
            here.nodes.append(inner)
        elif word in _CLOSES:
            raise Unreadable(f"a bracket too many at {start}")
        else:
            here.nodes.append(Token(text, word, name, start, at))
            here.words.add(word)
    if sql[at:].strip():
        raise Unreadable(f"unreadable text at {at} ({sql[at : at + 20]!r})")
    if stack:
        raise Unreadable("an open bracket")
    return here


def _read(text: str, kind: str, dotted: bool) -> tuple[str, str]:
    """The word and the name of a token; after a dot a word is a name only."""
    if kind == "name":
        return "" if dotted or "." in text else text.upper(), text.lower()
    if kind == "sign":
        return text, ""
    return "", text[1:-1].replace('""', '"') if kind == "quoted" else ""
