"""SQL text as words and brackets, as far as a proof needs it. What could hide text from that reading is refused."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(
    r"""\s+
    | (?P<text> (?: [uU]& )? '(?: [^'] | '' )*' (?! ') )
    | (?P<word> [^\W\d][\w$]* (?! [\w$'] | &'| &") )
    | (?P<quoted> "(?: [^"] | "" )+" )
    | (?P<bracket> [()\[\]] )
    | (?P<value> \$\d+ | \d[\w.]* )
    | (?P<sign> , | \. | :: | (?: (?! -- | /\* ) [-+*/<>=~!@\#%^&|`?:] )+ )""",
    re.VERBOSE | re.ASCII,
)
"""ASCII: what PostgreSQL takes for a letter or a space beyond it is not what Python does; strings may hold anything."""
_OPENS: Final = {"(": ")", "[": "]", "CASE": "END"}


class Unreadable(ValueError):
    """The text has what this reading does not know: a comment, a dollar quote, a second statement, an open bracket."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word, name, sign or value. `word`: an unquoted word in capitals, or a sign; `name`: as an identifier reads."""

    text: str
    word: str
    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Group:
    """What stands between brackets, or between CASE and END."""

    nodes: "Sequence[Token | Group]"
    start: int
    end: int
    word: str = ""


Node = Token | Group


def parsed(sql: str) -> Sequence[Node]:
    """The statement's words, groups nested. Raises Unreadable."""
    stack: list[tuple[str, int, list[Node]]] = [("", 0, [])]
    at, end, qualified = 0, len(sql), False
    while at < end:
        found = _TOKEN.match(sql, at)
        if found is None:
            raise Unreadable(f"unreadable text at {at} ({sql[at : at + 20]!r})")
        start, at, kind = at, found.end(), found.lastgroup
        if kind is None:
            continue
        text = found[0]
        word = text.upper() if kind == "word" and not qualified else text if kind in ("sign", "bracket") else ""
        qualified = text == "."
        if word in _OPENS:
            stack.append((_OPENS[word], start, []))
        elif word == stack[-1][0] and word:
            _, opened, nodes = stack.pop()
            stack[-1][2].append(Group(nodes, opened, at))
        elif kind == "bracket":
            raise Unreadable(f"a bracket too many at {start}")
        else:
            name = text.lower() if kind == "word" else text[1:-1].replace('""', '"') if kind == "quoted" else ""
            stack[-1][2].append(Token(text, word, name, start, at))
    if len(stack) > 1:
        raise Unreadable("an open bracket")
    return stack[0][2]
