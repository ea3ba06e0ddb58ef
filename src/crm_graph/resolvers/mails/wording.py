"""What a ticket has of a mail: its subject, and its text with what is said about files and length."""

from typing import Final

from crm_graph.mail.inbound import File, Letter
from crm_graph.resolvers.tickets.messages import LONGEST
from crm_graph.resolvers.tickets.opening import LONGEST_SUBJECT

_CUT: Final = "\n\n[The mail is longer and was cut here.]"
_MOST_FILES: Final = 20
_KILO: Final = 1000


def subject_of(letter: Letter) -> str:
    """Its subject, as a ticket has one."""
    return letter.subject[:LONGEST_SUBJECT].strip() or "(no subject)"


def body_of(letter: Letter) -> str:
    """Its text; with the names of files that are not taken over, because they are empty or too many."""
    files = _files(tuple(one for one in letter.files if one not in taken(letter)))
    text = letter.text.strip() or ("" if files else "(The mail has no text.)")
    room = LONGEST - len(files) - len(_CUT) - 2
    if len(text) > room:
        text = text[:room].rstrip() + _CUT
    return "\n\n".join(one for one in (text, files) if one)


def taken(letter: Letter) -> tuple[File, ...]:
    """The files that are attached to the message."""
    return tuple(one for one in letter.files if one.content)[:_MOST_FILES]


def _files(files: tuple[File, ...]) -> str:
    if not files:
        return ""
    said = "; ".join(
        f"{one.name[:80]} ({one.media_type[:60]}, {_size(len(one.content))})" for one in files[:_MOST_FILES]
    )
    more = f"; and {len(files) - _MOST_FILES} more" if len(files) > _MOST_FILES else ""
    return f"[Files that are not attached: {said}{more}]"


def _size(size: int) -> str:
    return f"{size} bytes" if size < _KILO else f"{size // _KILO} kB"
