"""Kinds of value: for each, its column type, its GraphQL scalar, how input is read and how SQL prints it.

`parse` takes what JSON or a GraphQL literal gives and returns what the database driver takes, or raises
`ValueError` with a sentence for the caller. A `Kind` in an `Annotated` type says which one a field has.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Annotated, Any

import phonenumbers
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine

from crm_graph.service.hours import read_hours, time_zone, written

COMPARABLE = ("eq", "ne", "in", "not_in", "lt", "lte", "gt", "gte", "between", "is_null")
EQUATABLE = ("eq", "ne", "in", "not_in", "is_null")
TEXTUAL = (*COMPARABLE, "contains", "starts_with")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of value. `sql` is the type parameters are cast to, `shown` how an expression prints as JSON."""

    name: str
    sql: str
    column: Callable[[], TypeEngine[Any]]
    parse: Callable[[object], object]
    description: str
    operators: tuple[str, ...] = COMPARABLE
    shown: str = "{}"
    specified_by: str | None = None
    choices: tuple[str, ...] = field(default=())


MAX_TEXT = 10_000
_EMAIL = re.compile(r"[^@\s\x00-\x1f\"<>(),;:\\]{1,64}@(?=.{1,253}$)[^@\s.]+(\.[^@\s.]+)+")
_COUNTRY, _CURRENCY = re.compile(r"[A-Z]{2}"), re.compile(r"[A-Z]{3}")
_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|\d{3}))?")
_URL = re.compile(r"https?://[^\s/?#]+[^\s]*")
_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]{1,4})?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def text(value: object) -> str:
    """Any text PostgreSQL can hold: no NUL, no lone surrogate, not beyond `MAX_TEXT` characters."""
    if not isinstance(value, str):
        raise ValueError("a string is needed")  # noqa: TRY004 - a fault of the value
    if "\x00" in value:
        raise ValueError("the NUL character cannot be stored")
    if len(value) > MAX_TEXT:
        raise ValueError(f"at most {MAX_TEXT} characters are taken")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("a lone surrogate is not a character") from None
    return value


def _matching(pattern: re.Pattern[str], what: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        found = text(value).strip()
        if not pattern.fullmatch(found):
            raise ValueError(f"{what} is needed")
        return found

    return parse


def integer(value: object) -> int:
    """A 32-bit integer, as GraphQL's `Int`; a float without fraction passes, as the specification has it."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**31) <= value < 2**31:
        raise ValueError("a 32-bit integer is needed")
    return value


def decimal(value: object) -> Decimal:
    """A finite decimal from its string (or an integer): at most 18 digits, 6 of them decimals; never from a float."""
    if isinstance(value, bool) or not isinstance(value, str | int) or (isinstance(value, str) and len(value) > 40):
        raise ValueError('a decimal is needed, as a string like "12.50"')
    if isinstance(value, str) and not _DECIMAL.fullmatch(value):
        raise ValueError('a decimal is needed, as a string like "12.50"')
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError('a decimal is needed, as a string like "12.50"') from None
    if not number.is_finite() or (number and number.adjusted() >= 12) or int(number.as_tuple().exponent) < -6:
        raise ValueError("a decimal has at most 12 digits before the point and 6 after it")
    return number


def boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false is needed")  # noqa: TRY004 - a fault of the value
    return value


def date(value: object) -> dt.date:
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError("a date like 2026-01-31 is needed")


def datetime(value: object) -> dt.datetime:
    """An RFC 3339 point in time; the offset is required, so that nobody guesses the zone."""
    if isinstance(value, str) and len(value) <= 40:
        try:
            found = dt.datetime.fromisoformat(value)
            if found.tzinfo is not None:
                return found.astimezone(dt.UTC)
        except (ValueError, OverflowError):
            pass
    raise ValueError("a time like 2026-01-31T09:30:00Z is needed, with its offset")


def phone(value: object) -> str:
    """A telephone number as E.164; it must be written with its country code."""
    try:
        number = phonenumbers.parse(text(value)[:60], None)
    except phonenumbers.NumberParseException:
        raise ValueError("a telephone number with its country code is needed, like +49 30 901820") from None
    if not phonenumbers.is_possible_number(number):
        raise ValueError("this is not a possible telephone number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def hours(value: object) -> str:
    """Hours of business on a day, as they are stored."""
    return written(read_hours(text(value)))


def zone(value: object) -> str:
    return time_zone(text(value)).key


def texts(value: object) -> list[str]:
    if not isinstance(value, list) or len(value) > 200:
        raise ValueError("a list of at most 200 strings is needed")
    return [text(v) for v in value]


def choice(name: str, members: tuple[str, ...], description: str) -> Kind:
    """The kind of an enumeration: text in the database, guarded by a CHECK; the stored text is the GraphQL name."""

    def parse(value: object) -> str:
        if value not in members:
            raise ValueError(f"one of {', '.join(members)} is needed")
        return str(value)

    return Kind(name, "text", sa.Text, parse, description, EQUATABLE, choices=members)


def _numeric() -> TypeEngine[Any]:
    return sa.Numeric(asdecimal=True)


def _timestamp() -> TypeEngine[Any]:
    return sa.TIMESTAMP(timezone=True)


def _unparsed(value: object) -> object:
    return value


_RFC3339 = "https://www.rfc-editor.org/rfc/rfc3339"

ID = Kind("ID", "uuid", sa.Uuid, _unparsed, "Opaque, global, type-prefixed id.", EQUATABLE)
STRING = Kind("String", "text", sa.Text, text, "Text.", TEXTUAL)
INT = Kind("Int", "integer", sa.Integer, integer, "A 32-bit integer.")
BOOLEAN = Kind("Boolean", "boolean", sa.Boolean, boolean, "True or false.", ("eq", "ne", "is_null"))
DECIMAL = Kind("Decimal", "numeric", _numeric, decimal, "An exact decimal number, as a string.", shown="({})::text")
DATETIME = Kind(
    "DateTime",
    "timestamptz",
    _timestamp,
    datetime,
    "A point in time, RFC 3339, always UTC, up to microseconds.",
    specified_by=_RFC3339,
)
DATE = Kind("Date", "date", sa.Date, date, "A calendar date, YYYY-MM-DD.", specified_by=_RFC3339)
EMAIL = Kind("EmailAddress", "text", sa.Text, _matching(_EMAIL, "an e-mail address"), "An e-mail address.", TEXTUAL)
PHONE = Kind(
    "PhoneNumber",
    "text",
    sa.Text,
    phone,
    "A telephone number, E.164.",
    TEXTUAL,
    specified_by="https://www.itu.int/rec/T-REC-E.164",
)
COUNTRY = Kind(
    "CountryCode",
    "text",
    sa.Text,
    _matching(_COUNTRY, "a two-letter country code"),
    "ISO 3166-1 alpha-2 country.",
    EQUATABLE,
)
CURRENCY = Kind(
    "CurrencyCode",
    "text",
    sa.Text,
    _matching(_CURRENCY, "a three-letter currency code"),
    "ISO 4217 currency.",
    EQUATABLE,
)
LOCALE = Kind(
    "Locale", "text", sa.Text, _matching(_LOCALE, "a language tag like de-CH"), "BCP 47 language tag.", EQUATABLE
)
URL = Kind(
    "URL",
    "text",
    sa.Text,
    _matching(_URL, "an http(s) address"),
    "An absolute http(s) address.",
    TEXTUAL,
    specified_by="https://url.spec.whatwg.org/",
)
MONEY = Kind("Money", "numeric", _numeric, decimal, "An amount in the currency its record is kept in.")
HOURS = Kind("BusinessHours", "text", sa.Text, hours, "Hours of a day, in order: 09:00-12:30, 13:30-18:00.", ())
TIME_ZONE = Kind("TimeZone", "text", sa.Text, zone, "A time zone of the IANA database, like Europe/Berlin.", EQUATABLE)
TEXTS = Kind("Strings", "text[]", lambda: ARRAY(sa.Text()), texts, "A list of strings.", ())
FILE_LINK = Kind("String", "text", sa.Text, text, "A link to the record's file, made when it is asked for.", ())

EmailAddress = Annotated[str, EMAIL]
PhoneNumber = Annotated[str, PHONE]
CountryCode = Annotated[str, COUNTRY]
CurrencyCode = Annotated[str, CURRENCY]
Locale = Annotated[str, LOCALE]
Url = Annotated[str, URL]
Money = Annotated[Decimal, MONEY]
BusinessHours = Annotated[str, HOURS]
TimeZone = Annotated[str, TIME_ZONE]

BY_PYTHON: dict[object, Kind] = {
    str: STRING,
    int: INT,
    bool: BOOLEAN,
    Decimal: DECIMAL,
    dt.datetime: DATETIME,
    dt.date: DATE,
    list[str]: TEXTS,
}
SCALARS = (DECIMAL, DATETIME, DATE, EMAIL, PHONE, COUNTRY, CURRENCY, LOCALE, URL, HOURS, TIME_ZONE)

_MINOR_UNITS = {"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3} | dict.fromkeys(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0
)


def minor_units(currency: str) -> int:
    """How many decimals amounts in a currency have (ISO 4217)."""
    return _MINOR_UNITS.get(currency, 2)


def rounded(amount: Decimal, currency: str) -> Decimal:
    """The amount at its currency's number of decimals, halves away from zero, as SQL's `crm_round` has it."""
    return amount.quantize(Decimal(1).scaleb(-minor_units(currency)), ROUND_HALF_UP)


def in_minor_units(amount: Decimal, currency: str) -> Decimal:
    """The amount at its currency's number of decimals; refuses digits beyond instead of rounding them."""
    fixed = amount.quantize(Decimal(1).scaleb(-minor_units(currency)))
    if fixed != amount:
        raise ValueError(f"{currency} has {minor_units(currency)} decimals")
    return fixed


@dataclass(frozen=True, slots=True)
class Amount:
    """Money as a client gives it, in its currency's minor units."""

    amount: Decimal
    currency: str


def money(value: object) -> Amount:
    """An amount and its currency, from their object; refuses digits beyond the currency's own."""
    if not isinstance(value, Mapping) or set(value) != {"amount", "currency"}:
        raise ValueError("an amount and a currency are needed")
    amount = value["amount"]
    number = decimal(str(amount) if isinstance(amount, Decimal) else amount)
    currency = str(CURRENCY.parse(value["currency"]))
    return Amount(in_minor_units(number, currency), currency)
