"""Whether two names are the same company, as a person in sales would say who sees only the names.

Every word of one name has its word in the other: the same by sound, an abbreviation of it, or a slip of the fingers in
a word that is long enough. Order and word boundaries do not count; numbers, single letters and short words decide.
"""

from typing import Final

from crm_graph.matching.names import CompanyName, Word, company_name

_SHORT: Final = 7
"""From this length letters that changed places are a slip; below, another word (`Peter`, `Petre`)."""
LONG: Final = 10
"""From this length one letter more, less or other is a slip (`Mathtouch`, `Matchtouch` are two firms)."""
_MOST: Final = 12
"""Words of a name that are looked at."""


def same_company(one: str | CompanyName, other: str | CompanyName) -> bool:
    """Whether two names are one company's. Symmetric; a name without letters and digits is nobody's."""
    a = company_name(one) if isinstance(one, str) else one
    b = company_name(other) if isinstance(other, str) else other
    if not a.words or not b.words:
        return False
    ones, others = list(a.words[:_MOST]), list(b.words[:_MOST])
    return a.joined == b.joined or _paired(ones, others) or _paired(others, ones)


def _paired(ones: list[Word], others: list[Word]) -> bool:
    """Whether each word has its own in the other name."""
    if not ones or not others:
        return not ones and not others
    first, rest = ones[0], ones[1:]
    if first.cut and _compounded(ones, others):
        return True
    for place, other in enumerate(others):
        if same_word(first, other):
            return _paired(rest, others[:place] + others[place + 1 :])
    return _compounded(ones, others) or _compounded(others, ones)


def _compounded(ones: list[Word], others: list[Word]) -> bool:
    """Whether the first two words are one of the others: joined, or the first cut short (`Univ. Klinikum`)."""
    if len(ones) < 2:
        return False
    head, tail = ones[0], ones[1]
    for place, other in enumerate(others):
        joined = other.text == head.text + tail.text
        cut = (
            head.cut
            and len(other.text) > len(head.text) + len(tail.text)
            and other.text.startswith(head.text)
            and other.text.endswith(tail.text)
        )
        if joined or cut:
            return _paired(ones[2:], others[:place] + others[place + 1 :])
    return False


def same_word(one: Word, other: Word) -> bool:
    """Whether two words are the same one, an abbreviation of the other, or mistyped."""
    if one.text == other.text:
        return True
    if one.cut != other.cut and _abbreviates(*((one, other) if one.cut else (other, one))):
        return True
    return not one.decides and not other.decides and _slip(one.text, other.text)


def _abbreviates(cut: Word, whole: Word) -> bool:
    return len(cut.text) >= 3 and len(whole.text) > len(cut.text) + 1 and whole.text.startswith(cut.text)


def _slip(one: str, other: str) -> bool:
    """Two letters that changed places, a plural; in a long word one letter more, less or other."""
    short, long = sorted((one, other), key=len)
    if long == short + "s" and len(short) >= 5:
        return True
    if len(short) < _SHORT or len(long) - len(short) > 1:
        return False
    at = next((i for i, (x, y) in enumerate(zip(short, long, strict=False)) if x != y), len(short))
    if len(short) < len(long):
        return len(short) >= LONG and short[at:] == long[at + 1 :]
    swapped = short[at : at + 2] == long[at : at + 2][::-1] and short[at + 2 :] == long[at + 2 :]
    return swapped or (len(short) >= LONG and short[at + 1 :] == long[at + 1 :])
