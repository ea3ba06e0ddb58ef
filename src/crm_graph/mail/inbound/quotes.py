"""What is new in a mail: its text without the mails that it quotes, and without signature."""

import re
from typing import Final

_LONGEST_LINE: Final = 400
# "On … wrote:", as programs of several languages write it above what they quote; on one to three lines
_WROTE: Final = re.compile(
    r"(?:(?:on|am|le|el|il|op) .{5,300}\b(?:wrote|schrieb|a [ée]crit|escribi[óo]|ha scritto|schreef)\b.{0,120}"
    r"|.{3,200}<[^<>@\s]+@[^<>\s]+>.{0,60}\b(?:wrote|schrieb|a [ée]crit)\b.{0,60}"
    r"|.{3,200}\bschrieb am .{5,100}):",
    re.IGNORECASE,
)
_ORIGINAL: Final = re.compile(
    r"-{2,}\s*(?:original message|ursprüngliche nachricht|original-?nachricht|message d.origine)\s*-{2,}",
    re.IGNORECASE,
)
_FORWARDED: Final = re.compile(
    r"-{2,}\s*(?:forwarded message|weitergeleitete nachricht|message transf[ée]r[ée])\s*-{2,}"
    r"|(?:begin forwarded message|anfang der weitergeleiteten (?:nachricht|e-mail)|début du message transféré)\s*:",
    re.IGNORECASE,
)
_RULE: Final = re.compile(r"_{20,}")
_FROM: Final = re.compile(r"\*?(?:from|von|de|da)\s?:\*?\s.+", re.IGNORECASE)
_SENT: Final = re.compile(r"\*?(?:sent|gesendet|envoyé|date|datum|enviado)\s?:\*?\s.+", re.IGNORECASE)
_SUBJECT: Final = re.compile(r"\*?(?:subject|betreff|objet|asunto)\s?:\*?.*", re.IGNORECASE)
_SENT_FROM: Final = re.compile(
    r"(?:sent from (?:my |outlook|mail for)|get outlook for |von meine[mr] .{2,40} gesendet|gesendet (?:mit|von) "
    r"|outlook für |envoy[ée] (?:de|depuis) (?:mon|ma|outlook)).{0,80}",
    re.IGNORECASE,
)
_SIGNATURE: Final = "--"


def new_part(text: str) -> str:
    """The text without quotes and signature; all of it, where nothing else would be left, or it is passed on."""
    lines = [one.rstrip() for one in text.split("\n")]
    kept = _without_signature(_without_quotes(lines))
    found = "\n".join(kept).strip("\n")
    return re.sub(r"\n{3,}", "\n\n", found).strip() or text.strip()


def _without_quotes(lines: list[str]) -> list[str]:
    for position, line in enumerate(lines):
        if len(line) > _LONGEST_LINE or not line.strip() or line.startswith(">"):
            continue
        if _FORWARDED.match(line.strip()):
            break
        if _ORIGINAL.fullmatch(line.strip()) or _is_header(lines, position):
            return lines[:position]
        above = _attribution(lines, position)
        if above:
            return lines[:position] + _after(lines[position + above :], lines[:position])
    return _trimmed(lines)


def _attribution(lines: list[str], position: int) -> int:
    """How many lines from here say who wrote what follows; 0: none do."""
    said = ""
    for count, line in enumerate(lines[position : position + 3], 1):
        if not line.strip() or line.startswith(">"):
            return 0
        said = f"{said} {line.strip()}".strip()
        if len(said) > _LONGEST_LINE:
            return 0
        if _WROTE.fullmatch(said.replace("\u00a0", " ").replace("\u202f", " ")):
            return count
    return 0


def _after(rest: list[str], before: list[str]) -> list[str]:
    """What is new after such a line: nothing where a quote goes on to the end, else what is written below it."""
    own = [position for position, line in enumerate(rest) if line.strip() and not line.startswith(">")]
    if not own or not any(line.startswith(">") for line in rest):
        return []  # all of it is the quote; without a mark, where a program does not mark quotes
    if any(line.strip() for line in before):
        return _trimmed(rest)
    first = own[0]
    later = any(line.startswith(">") for line in rest[first:])
    return _trimmed(rest) if later else rest[first:]


def _trimmed(lines: list[str]) -> list[str]:
    """Without a quote at the end; one that is answered below it stays, as the answer means nothing without it."""
    end = len(lines)
    while end and (not lines[end - 1].strip() or lines[end - 1].startswith(">")):
        end -= 1
    return lines[:end] if end else lines


def _is_header(lines: list[str], position: int) -> bool:
    """Whether a mail is quoted from here on as Outlook does it: its headers, under a rule or not."""
    start = position + 1 if _RULE.fullmatch(lines[position].strip()) else position
    block = [line.strip()[:_LONGEST_LINE] for line in lines[start : start + 8] if line.strip()][:6]
    return (
        bool(block)
        and _FROM.fullmatch(block[0]) is not None
        and any(_SENT.fullmatch(line) for line in block)
        and any(_SUBJECT.fullmatch(line) for line in block)
    )


def _without_signature(lines: list[str]) -> list[str]:
    for position, line in enumerate(lines):
        if line.strip() == _SIGNATURE and any(one.strip() for one in lines[:position]):
            lines = lines[:position]
            break
    while lines and (not lines[-1].strip() or _SENT_FROM.fullmatch(lines[-1].strip()[:_LONGEST_LINE])):
        if len(lines) == 1 and lines[-1].strip():
            break
        lines = lines[:-1]
    return lines
