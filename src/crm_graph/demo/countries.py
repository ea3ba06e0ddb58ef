"""Names, places and numbers of the countries the demo's customers live in; the words are in `countries.toml`."""

import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random

_GREEK = (
    "α a, β v, γ g, δ d, ε e, ζ z, η i, θ th, ι i, κ k, λ l, μ m, ν n, ξ x, ο o, π p, ρ r, σ s, ς s, τ t, υ y, φ f,"
    " χ ch, ψ ps, ω o"
)
_CYRILLIC = (
    "а a, б b, в v, г g, д d, е e, ж zh, з z, и i, й y, к k, л l, м m, н n, о o, п p, р r, с s, т t, у u, ф f, х h,"
    " ц ts, ч ch, ш sh, щ sht, ъ a, ь y, ю yu, я ya"
)
_GERMAN = "ä ae, ö oe, ü ue, ß ss, ø o, å a, ł l, ı i"
_LETTERS = dict(pair.split() for pair in f"{_GREEK}, {_CYRILLIC}, {_GERMAN}".split(","))


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name; `woman` decides which form of the family name is used."""

    given: str
    family: str
    woman: bool

    def __str__(self) -> str:
        return f"{self.given} {self.family}"


@dataclass(frozen=True, slots=True)
class Place:
    """A town with one of its postal codes."""

    city: str
    postal_code: str


@dataclass(frozen=True, slots=True)
class Country:
    """The words of one country. `families` are pairs of a man's and a woman's form; `trades` of word and industry."""

    code: str
    weight: int
    locale: str
    currency: str
    men: tuple[str, ...]
    women: tuple[str, ...]
    families: tuple[tuple[str, str], ...]
    household: str
    streets: tuple[str, ...]
    address: str
    places: tuple[Place, ...]
    companies: tuple[str, ...]
    institutions: tuple[str, ...]
    trades: tuple[tuple[str, str], ...]
    phones: tuple[str, ...]

    def person(self, random: Random, family: tuple[str, str] | None = None) -> Name:
        """Somebody, of a given family where one is given."""
        woman = random.random() < 0.5
        return Name(
            random.choice(self.women if woman else self.men), (family or random.choice(self.families))[woman], woman
        )

    def street(self, random: Random) -> str:
        return self.address.format(street=random.choice(self.streets), number=random.randint(1, 140))

    def phone(self, random: Random) -> str:
        """A number that rings nowhere: see `countries.toml`."""
        return "".join(str(random.randrange(10)) if c == "#" else c for c in random.choice(self.phones))


def romanised(text: str) -> str:
    """Latin letters, digits and hyphens, as in mail addresses: `Jürgen Weiß` → `juergen-weiss`."""
    letters = []
    for character in unicodedata.normalize("NFC", text).lower().replace("ου", "ou"):
        base = unicodedata.normalize("NFD", character)[0]
        letters.append(_LETTERS.get(character) or _LETTERS.get(base) or base)
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in "".join(letters).replace("'", "")).split()
    return "-".join(words)


@cache
def countries() -> Mapping[str, Country]:
    """Every country by its code."""
    return {code: _country(code, words) for code, words in tomllib.loads(_text()).items()}


def _text() -> str:
    return files("crm_graph.demo").joinpath("countries.toml").read_text(encoding="utf-8")


def _country(code: str, words: dict[str, str]) -> Country:
    families = [family.partition("/") for family in words["families"].split()]
    return Country(
        code=code,
        weight=int(words["weight"]),
        locale=words["locale"],
        currency=words["currency"],
        men=tuple(words["men"].split()),
        women=tuple(words["women"].split()),
        families=tuple((man, woman or man) for man, _, woman in families),
        household=words["household"],
        streets=_listed(words["streets"]),
        address=words["address"],
        places=tuple(_place(text) for text in _listed(words["cities"])),
        companies=tuple(words["companies"]),
        institutions=tuple(words["institutions"]),
        trades=tuple((word, industry) for word, _, industry in (t.partition(":") for t in _listed(words["trades"]))),
        phones=tuple(words["phones"].split()),
    )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


def _place(text: str) -> Place:
    """`St. Pölten 3100`: the code is what follows the last word without a digit; British ones begin with letters."""
    words = text.split()
    first = next(i for i, word in enumerate(words) if any(c.isdigit() for c in word))
    return Place(" ".join(words[:first]), " ".join(words[first:]))
