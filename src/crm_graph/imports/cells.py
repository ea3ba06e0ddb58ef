"""From a record's texts to input values: what a cell says becomes what the field's kind of value takes."""

import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from crm_graph import kinds
from crm_graph.imports.mapping import Cleaning, FieldMapping, From, TableMapping, fill

_TRUE, _FALSE = {"true", "yes", "y", "1", "t"}, {"false", "no", "n", "0", "f"}
_GROUPS = " \u00a0\u202f'’"
_NUMBERS = {
    ".": re.compile(rf"[+-]?(\d+|\d{{1,3}}([,{_GROUPS}]\d{{3}})+)(\.\d+)?", re.ASCII),
    ",": re.compile(rf"[+-]?(\d+|\d{{1,3}}([.{_GROUPS}]\d{{3}})+)(,\d+)?", re.ASCII),
}
"""Numbers by their decimal sign; digits may be grouped in threes, and only so."""
_GROUPING = {".": re.compile(rf"[,{_GROUPS}]"), ",": re.compile(rf"[.{_GROUPS}]")}
_DOUBTFUL = re.compile(r"[+-]?\d{1,3},\d{3}", re.ASCII)
"""One comma before three digits: a thousand, or a decimal comma."""


@dataclass(frozen=True, slots=True)
class CellFault(Exception):
    """A cell that says nothing the field can hold."""

    message: str
    value: str


def cleaned(table: TableMapping, values: Mapping[str, str]) -> Mapping[str, str]:
    """A record after the mapping's `clean`."""
    if not table.clean:
        return values
    done = dict(values)
    for column, cleaning in table.clean.items():
        done[column] = _clean(cleaning, done.get(column, ""))
    return done


def _clean(cleaning: Cleaning, text: str) -> str:
    text = cleaning.map.get(text, text)
    match cleaning.case:
        case "lower":
            return text.lower()
        case "upper":
            return text.upper()
        case "title":
            return text.title()
    return text


def external_id(table: TableMapping, values: Mapping[str, str]) -> str:
    """The record's key in its source; empty where a column of it is. Without a declared one: a hash."""
    if not table.key:
        mapped = "\x1f".join(f"{column}\x1e{values.get(column, '')}" for column in sorted(table.columns()))
        return hashlib.sha256(mapped.encode(errors="replace")).hexdigest()[:32]
    parts = [fill(text, values) if "{" in text else values.get(text, "") for text in table.key]
    return "|".join(parts) if all(parts) else ""


def text_of(field: FieldMapping, values: Mapping[str, str]) -> str:
    """The text a field's value is read from; empty where there is none."""
    origin = field.origin
    if origin.column is not None:
        return _clean(origin, values.get(origin.column, ""))
    return _clean(origin, next((done for text in origin.template if (done := fill(text, values))), ""))


def value_of(field: FieldMapping, values: Mapping[str, str], currency: str) -> object:
    """The input value of a field that is no reference; `None` where it is empty. Raises CellFault."""
    origin = field.origin
    if origin.constant is not None:
        return _money(origin.constant, currency) if field.spec.kind is kinds.MONEY else _plain(origin.constant)
    text = text_of(field, values)
    if not text:
        if origin.default is None:
            return None
        return _money(origin.default, currency) if field.spec.kind is kinds.MONEY else _plain(origin.default)
    return _read(field, text, currency)


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Decimal) else value


def _money(amount: object, currency: str) -> dict[str, object]:
    return {"amount": str(amount), "currency": currency}


def _read(field: FieldMapping, text: str, currency: str) -> object:  # noqa: PLR0911 - one answer a kind
    kind, origin = field.spec.kind, field.origin
    if kind is kinds.MONEY:
        return _money(_number(origin, text), currency)
    if kind is kinds.DECIMAL:
        return str(_number(origin, text))
    if kind is kinds.INT:
        return _whole(origin, text)
    if kind is kinds.BOOLEAN:
        return _truth(text)
    if kind is kinds.DATE and origin.format:
        return _moment(origin.format, text).date().isoformat()
    if kind is kinds.DATETIME and origin.format:
        found = _moment(origin.format, text)
        return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).isoformat()
    return _texts(origin, text) if kind is kinds.TEXTS else text


def _texts(origin: From, text: str) -> list[str]:
    return [part.strip() for part in text.split(origin.split or ",") if part.strip()]


def _whole(origin: From, text: str) -> int:
    number = _number(origin, text)
    if number != number.to_integral_value() or abs(number) >= 2**31:
        raise CellFault("a whole number is needed", text)
    return int(number)


def _number(origin: From, text: str) -> Decimal:
    plain = text.strip()
    if not _NUMBERS[origin.decimal].fullmatch(plain):
        raise CellFault("a number is needed", text)
    if origin.decimal == "." and _DOUBTFUL.fullmatch(plain):
        raise CellFault('this may be a decimal comma: say so by `decimal = ","`, or write it without', text)
    number = Decimal(_GROUPING[origin.decimal].sub("", plain).replace(",", "."))
    if not number.is_finite() or abs(number) >= 10**20:
        raise CellFault("a number is needed", text)
    if origin.times is not None:
        number *= origin.times
    if origin.round is not None:
        number = round(number, origin.round)
    return number


def _truth(text: str) -> bool:
    word = text.casefold()
    if word not in _TRUE | _FALSE:
        raise CellFault("yes or no is needed", text)
    return word in _TRUE


@lru_cache(10_000)
def _moment(format_: str, text: str) -> dt.datetime:
    try:
        return dt.datetime.strptime(text, format_)  # noqa: DTZ007 - the zone is the mapping's
    except ValueError:
        raise CellFault(f"a date written {format_} is needed", text) from None
