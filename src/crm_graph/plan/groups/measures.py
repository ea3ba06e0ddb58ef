"""What can be asked of a group of records: which fields group them, and which take which aggregate."""

import enum

from crm_graph import kinds
from crm_graph.kinds import Kind
from crm_graph.specs import FieldSpec

DATE_PARTS = ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY")
"""What a date or a time is cut to: the beginning of it in UTC; weeks begin on Monday."""
_DATES = (kinds.DATE, kinds.DATETIME)
_NUMBERS = (kinds.INT, kinds.DECIMAL, kinds.MONEY)
_CODES = (kinds.BOOLEAN, kinds.COUNTRY, kinds.CURRENCY, kinds.LOCALE)
_OWN = ("id", "version", "external_id")


class Aggregate(enum.StrEnum):
    """An aggregate of a field; the value is its name in GraphQL and in SQL."""

    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"

    @property
    def sums(self) -> bool:
        """Whether it is made of all values, so that only numbers have it; else it is one of them."""
        return self in (Aggregate.SUM, Aggregate.AVG)

    def kind(self, of: Kind) -> Kind:
        """The kind of its values: sums and averages of numbers are decimals, as they may be longer than an `Int`."""
        return kinds.DECIMAL if of is kinds.INT and self.sums else of

    def takes(self, spec: FieldSpec) -> bool:
        """Whether a field has this aggregate: numbers all of them, dates and times the first and the last."""
        return summable(spec) if self.sums else extremal(spec)


SUMS = tuple(one for one in Aggregate if one.sums)


def group_type(entity: str, aggregate: Aggregate) -> str:
    """The type that holds an aggregate's values: sums and averages have one, the least and the greatest another."""
    return f"{entity}Group{'Numbers' if aggregate.sums else 'Extremes'}"


def groupable(spec: FieldSpec) -> bool:
    """Whether records are grouped, and their different values counted, by a field.

    Those are references, enumerations, booleans, codes, and whatever can be filtered or ordered by.
    """
    if spec.read is None or spec.name in _OWN or spec.kind is kinds.TEXTS:
        return False
    return bool(spec.ref or spec.filter or spec.sort or spec.kind.choices or spec.choices or spec.kind in _CODES)


def summable(spec: FieldSpec) -> bool:
    return spec.read is not None and spec.kind in _NUMBERS and spec.name not in _OWN


def extremal(spec: FieldSpec) -> bool:
    return summable(spec) or is_dated(spec)


def is_dated(spec: FieldSpec) -> bool:
    """Whether the values are dates or times, which are grouped by a part of them."""
    return spec.read is not None and spec.kind in _DATES
