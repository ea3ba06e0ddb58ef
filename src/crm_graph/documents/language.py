"""A language's words for papers and pages, and how it writes amounts, numbers and days (by Babel, from CLDR)."""

import datetime as dt
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Final

from babel import Locale, UnknownLocaleError, negotiate_locale
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_precision

DEFAULT: Final = "en"


@dataclass(frozen=True, slots=True)
class Language:
    """One language, as it is written somewhere (`de-AT`). `words` are by name; all languages have the same names."""

    locale: Locale
    words: Mapping[str, str]

    @property
    def tag(self) -> str:
        """As HTML names it."""
        return str(self.locale).replace("_", "-")

    def money(self, amount: str, currency: str) -> str:
        """An amount with its currency; a price of more decimals than the currency has keeps them."""
        value = Decimal(amount)
        exponent = value.normalize().as_tuple().exponent
        fine = isinstance(exponent, int) and -exponent > get_currency_precision(currency)
        return format_currency(value, currency, locale=self.locale, decimal_quantization=not fine)

    def number(self, value: str) -> str:
        return format_decimal(Decimal(value), locale=self.locale, decimal_quantization=False)

    def percent(self, value: str) -> str:
        """`7.5` is 7.5 %."""
        return format_percent(Decimal(value) / 100, locale=self.locale, decimal_quantization=False)

    def day(self, value: str) -> str:
        """A date, or the UTC day of a moment, written out."""
        return format_date(dt.date.fromisoformat(value[:10]), "long", locale=self.locale)


@cache
def _words(language: str) -> Mapping[str, str]:
    text = files("crm_graph.documents").joinpath(f"words/{language}.toml").read_text("utf-8")
    return {name: str(said) for name, said in tomllib.loads(text).items()}


@cache
def languages() -> tuple[str, ...]:
    """Those we have words for."""
    found = files("crm_graph.documents").joinpath("words").iterdir()
    return tuple(sorted(one.name.removesuffix(".toml") for one in found if one.name.endswith(".toml")))


def language(*wanted: str | None) -> Language:
    """The first of the wanted languages that we have words for (`de_AT` and `de-AT` are German), else English."""
    for tag in wanted:
        try:
            locale = Locale.parse((tag or "").replace("-", "_"))
        except (ValueError, UnknownLocaleError):
            continue
        if locale.language in languages():
            return Language(locale, _words(locale.language))
    return Language(Locale.parse(DEFAULT), _words(DEFAULT))


def accepted(header: str) -> str | None:
    """What of our languages a browser's `Accept-Language` would have; its order counts, not its weights."""
    asked = [part.partition(";")[0].strip() for part in header.split(",")][:20]
    return negotiate_locale(_plain(asked), languages(), sep="-")


def _plain(tags: Iterable[str]) -> list[str]:
    return [tag for tag in tags if tag.replace("-", "").isalnum()]
