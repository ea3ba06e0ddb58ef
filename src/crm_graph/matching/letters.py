"""Letters as anybody would type them: Latin without marks, whatever the alphabet, each sound written one way."""

import re
import unicodedata
from typing import Final

_LATIN: Final = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "dj", "ð": "d", "þ": "th", "ł": "l", "ı": "i", "ħ": "h", "ŋ": "n"}
)
_CYRILLIC: Final = {
    **dict(zip("абвгдезийклмнопрстуфцыэ", "abvgdeziyklmnoprstufcye", strict=True)),
    "ё": "e",
    "ж": "zh",
    "ц": "ts",
    "х": "kh",
    "ч": "ch",
    "ш": "sh",
    "щ": "shch",
    "ъ": "",
    "ь": "",
    "ю": "yu",
    "я": "ya",
    "ђ": "dj",
    "ј": "j",
    "љ": "lj",
    "њ": "nj",
    "ћ": "c",
    "џ": "dz",
    "ў": "u",
}
_UKRAINIAN: Final = {**_CYRILLIC, "г": "h", "ґ": "g", "и": "y", "і": "i", "ї": "i", "є": "ie"}
_GREEK: Final = {
    **dict(zip("αβγδεζηικλμνξοπρσςτυφω", "avgdeziiklmnxoprsstyfo", strict=True)),
    "θ": "th",
    "χ": "ch",
    "ψ": "ps",
}
_GREEK_PAIRS: Final = (("ου", "ou"), ("αυ", "av"), ("ευ", "ev"), ("γγ", "ng"), ("γκ", "gk"))
_PAIRS: Final = (("ae", "a"), ("oe", "o"), ("ue", "u"))
_ROMAN: Final = re.compile(r"[ivx]+")


def plain(text: str) -> str:
    """Small Latin letters without marks; other signs stay as they are. `Søren Ödegård` → `soren odegard`.

    Cyrillic as its country writes it for foreigners (ISO 9 is for libraries), Greek by ELOT 743.
    """
    text = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", text).casefold())
    cyrillic = _UKRAINIAN if any(letter in text for letter in "іїєґ") else _CYRILLIC
    kept = "".join(cyrillic.get(letter, letter) for letter in text).translate(_LATIN)
    kept = "".join(c for c in unicodedata.normalize("NFD", kept) if not unicodedata.combining(c))
    for pair, latin in _GREEK_PAIRS:
        kept = kept.replace(pair, latin)
    return "".join(_GREEK.get(letter, letter) for letter in kept)


def sound(word: str) -> str:
    """A plain word with `ae`, `oe`, `ue` as one vowel and no letter twice in a row; short words and numbers as is."""
    if len(word) < 4 or not word.isalpha() or _ROMAN.fullmatch(word):
        return word
    for pair, letter in _PAIRS:
        word = word.replace(pair, letter)
    return re.sub(r"(.)\1+", r"\1", word)
