"""A company's name taken apart: what it is called, without legal form, title and what is said besides."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from crm_graph.matching.letters import plain, sound
from crm_graph.matching.words import (
    ABBREVIATIONS,
    ASIDES,
    FRONT,
    JOINERS,
    LEGAL_FORMS,
    NUMBERS,
    STANDINGS,
    by_word,
)

_MOST: Final = 300
"""Characters of a name that are looked at, as in functions.sql."""
_BRACKETS: Final = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_ELIDED: Final = re.compile(r"\b([a-z])['’`´](?=[a-z])")
_CARE_OF: Final = re.compile(r"(?<=\S)\s+\W*(c/o|t/a|d/b/a|a/k/a|f/k/a)\b.*")
_WORD: Final = re.compile(r"[^\W_]+\.?|&|\+")
_SIGNS: Final = ("&", "+")
_ENDS: Final = by_word(LEGAL_FORMS + STANDINGS, last=True)
_FRONT: Final = by_word(FRONT)
_ASIDES: Final = by_word(ASIDES)
_MISTYPED: Final = frozenset(
    form[:place] + form[place + 1 :]
    for forms in by_word(LEGAL_FORMS).values()
    for form in (forms[0][0],)
    if forms[0] == (form,) and len(form) >= 8
    for place in range(1, len(form))
)
"""Long legal forms with a letter missing."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a name, by its sound; `cut`: a dot says that it goes on. `short`: so it does, or did before we knew."""

    text: str
    cut: bool = False
    short: bool = False

    @property
    def decides(self) -> bool:
        """Whether nothing else may stand for it: numbers, and what is too short to be mistyped."""
        return len(self.text) < 4 or not self.text.isalpha()


@dataclass(frozen=True, slots=True)
class CompanyName:
    """What a company is called. `words` in the order they are written; at least one where the name has a letter."""

    words: tuple[Word, ...]

    @property
    def joined(self) -> str:
        return "".join(word.text for word in self.words)


@lru_cache(maxsize=4096)
def company_name(text: str) -> CompanyName:
    """Take a name apart. `Brandt & Söhne GmbH & Co. KG` → `brandt`, `sohne`."""
    latin = _ELIDED.sub(r"\1 ", _CARE_OF.sub("", _BRACKETS.sub(" ", " ".join(plain(text[:_MOST]).split()))))
    latin = re.sub(r"['’`´]", "", latin)
    found = _letters_joined(_WORD.findall(latin))
    whole = [word for word in found if word.text not in _SIGNS]
    kept = _without_aside(found)
    kept = _stripped(kept)
    kept = [word for word in kept if word.text not in _SIGNS]
    return CompanyName(tuple(_said(word) for word in (_unjoined(kept) or kept or whole)))


def _letters_joined(texts: list[str]) -> list[Word]:
    """Words, with single letters that follow each other as one: `S.p.A.` and `J P` are `spa` and `jp`."""
    words: list[Word] = []
    run = ""
    for text in [*texts, ""]:
        bare = text.rstrip(".")
        if len(bare) == 1 and bare.isalpha():
            run += bare
            continue
        if run:
            words.append(Word(run))
            run = ""
        if bare:
            words.append(Word(bare, cut=text.endswith(".") and len(bare) > 1))
    return words


def _begins(words: list[Word], parts: tuple[str, ...]) -> bool:
    return len(words) >= len(parts) and all(word.text == part for word, part in zip(words, parts, strict=False))


def _without_aside(words: list[Word]) -> list[Word]:
    """Up to what is said besides the name, if something is left."""
    for place in range(1, len(words)):
        if any(_begins(words[place:], parts) for parts in _ASIDES.get(words[place].text, ())):
            return words[:place]
    return words


def _stripped(words: list[Word]) -> list[Word]:
    """Without titles before and legal forms behind, as long as a word is left."""
    while (shorter := _shorter(words)) and _left(shorter):
        words = shorter
    for parts in _FRONT.get(words[0].text, ()) if words else ():
        if _begins(words, parts) and _left(words[len(parts) :]):
            return words[len(parts) :]
    return words


def _shorter(words: list[Word]) -> list[Word]:
    """Without one legal form behind, or what joined it; nothing where there is none."""
    if not words:
        return []
    last = words[-1].text
    for parts in _ENDS.get(last, ()):
        if _begins(words[-len(parts) :], parts):
            return words[: -len(parts)]
    return words[:-1] if last in _SIGNS or last in ("and", "und", "et") or last in _MISTYPED else []


def _left(words: list[Word]) -> bool:
    return any(word.text not in _SIGNS for word in words)


def _unjoined(words: list[Word]) -> list[Word]:
    """Without the words that join others; a single letter joins only between two words of more."""
    kept = []
    for place, word in enumerate(words):
        inside = 0 < place < len(words) - 1
        if word.text in JOINERS and (len(word.text) > 1 or (inside and len(words[place - 1].text) > 2)):
            continue
        kept.append(word)
    return kept


def _said(word: Word) -> Word:
    text = NUMBERS.get(word.text) or ABBREVIATIONS.get(word.text, word.text)
    other = text != word.text
    return Word(sound(text), cut=word.cut and not other, short=word.cut or other)
