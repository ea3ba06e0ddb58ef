"""Slots: typed columns that wait in every extensible table for the fields that organisations add at run time.

A custom field is a name for a slot of its kind, so adding one is a row in `custom_fields` and no DDL, and what plans
read, filter and order by is a column with an index like any other. Measurements: docs/decisions/0020.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from crm_graph import kinds
from crm_graph.kinds import Kind

NAME = re.compile("x[A-Z][A-Za-z0-9]{0,38}")
"""What a custom field may be called. No shipped field is (entity.py), so that a release never takes a name away."""


@dataclass(frozen=True, slots=True)
class Family:
    """Slots of one column type. `folded`: a text, ordered and found by its folded key."""

    name: str
    count: int
    column: Callable[[], TypeEngine[Any]]
    folded: bool = False

    def slots(self) -> tuple[str, ...]:
        """The columns, in the order they are given out."""
        return tuple(f"custom_{self.name}_{number}" for number in range(1, self.count + 1))


TEXT = Family("text", 10, sa.Text, folded=True)
NUMBER = Family("number", 10, kinds.DECIMAL.column)
DATE = Family("date", 5, kinds.DATE.column)
TIME = Family("time", 5, kinds.DATETIME.column)
FLAG = Family("flag", 5, kinds.BOOLEAN.column)
FAMILIES = (TEXT, NUMBER, DATE, TIME, FLAG)

KINDS: Mapping[str, tuple[Kind, Family]] = {
    "STRING": (kinds.STRING, TEXT),
    "CHOICE": (kinds.STRING, TEXT),
    "EMAIL_ADDRESS": (kinds.EMAIL, TEXT),
    "PHONE_NUMBER": (kinds.PHONE, TEXT),
    "URL": (kinds.URL, TEXT),
    "INT": (kinds.INT, NUMBER),
    "DECIMAL": (kinds.DECIMAL, NUMBER),
    "DATE": (kinds.DATE, DATE),
    "DATE_TIME": (kinds.DATETIME, TIME),
    "BOOLEAN": (kinds.BOOLEAN, FLAG),
}
"""By the name of a custom field's kind: how its values are read and shown, and where they are kept."""


def columns() -> Iterator[tuple[str, Family]]:
    """Every slot of a table."""
    for family in FAMILIES:
        for column in family.slots():
            yield column, family


def vector(column: str) -> str:
    """The column that keeps a text slot's vector, which full-text search reads; NULL where the slot is."""
    return f"{column}_search"


def vectors() -> tuple[str, ...]:
    """The vectors of all text slots."""
    return tuple(vector(column) for column in TEXT.slots())


def folded(column: str) -> str:
    """SQL of a text slot's folded key, as its index has it: kept there alone, for a stored column costs every write."""
    return f'left(crm_fold({column}) COLLATE "C", 500)'
