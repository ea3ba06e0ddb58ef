"""What a declaration says of a field: who reads and writes it, what it refers to, how lists are filtered by it."""

import datetime as dt
import enum
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from crm_graph.auth.levels import Category, Level, Mask


@lru_cache(10_000)
def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)


@dataclass(frozen=True, slots=True)
class Read:
    """Who reads the field. `mask` shows one level below; `subject` opens it to the very person it is about.

    Grants may leave a `category` out.
    """

    level: Level
    mask: Mask | None = None
    subject: bool = False
    category: Category | None = None


class Change(enum.Enum):
    """How the very person changes a field about themselves, whatever its write level."""

    AT_ONCE = enum.auto()
    """It is written."""
    VERIFIED = enum.auto()
    """It is written when they give the code that was sent to them."""
    APPROVED = enum.auto()
    """It is written when staff who may write the field approve."""


@dataclass(frozen=True, slots=True)
class Write:
    """Who writes the field, on rows they may write; `subject`: and how the person it is about.

    `create_only`: never changed afterwards.
    """

    level: Level
    create_only: bool = False
    subject: Change | None = None


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference by composite foreign key. `back` names the list on the far side; `owned` rows go with it.

    `same` names a reference that both records have: updates take none where that leads elsewhere than this record's.
    """

    entity: str
    back: str | None = None
    owned: bool = False
    same: str | None = None


@dataclass(frozen=True, slots=True)
class Frozen:
    """When a record is no longer written by generated mutations: SQL over `{field}`; `but` some fields still are.

    `of` names a reference whose record's fields these are: then none are made for it either.
    """

    when: str
    but: tuple[str, ...] = ()
    of: str | None = None


@dataclass(frozen=True, slots=True)
class Proposed:
    """A field that holds, as text, a value of the field that `entity` and `field` of its row name: seen as that one."""

    column: str
    description: str


@dataclass(frozen=True, slots=True)
class SumOf:
    """The database keeps the sum of `field` over the list `back`; nobody writes it (sums.py)."""

    back: str
    field: str

    def __str__(self) -> str:
        return f"{camel(self.back)}.{camel(self.field)}"


class Filter:
    """The field can be filtered by; an index leads with it."""


class Sort:
    """The field can be ordered by."""


class Unique:
    """No two rows of an organisation have the same value."""


class Matching(enum.StrEnum):
    """A normalised copy of the field is stored for matching; the value names the SQL function that makes it."""

    NAME = "crm_match_name"
    EMAIL = "crm_match_email"
    PHONE = "crm_match_phone"
    TAX = "crm_match_tax"


@dataclass(frozen=True, slots=True)
class Search:
    """The full text of the field is searched; a match in it weighs from `"A"` (most) to `"D"`."""

    weight: str


@dataclass(frozen=True, slots=True)
class Days:
    """Which days a date may be: none before `since`, and with `begun` none that has begun nowhere on earth yet."""

    since: dt.date
    begun: bool = False

    def fault(self, day: dt.date) -> str | None:
        """What is wrong with a day, as a sentence for the caller; `None` if nothing is."""
        if day < self.since:
            return f"a date from {self.since} on is needed"
        if self.begun and day > dt.datetime.now(_EASTERNMOST).date():
            return "this date is in the future"
        return None


_EASTERNMOST = dt.timezone(dt.timedelta(hours=14))

Marker = Read | Write | Ref | Matching | Search | Days | SumOf | type[Filter] | type[Sort] | type[Unique]


class Choice(enum.StrEnum):
    """An enumeration; `auto()` stores the member's own name, which is also its GraphQL name."""

    @staticmethod
    def _generate_next_value_(name: str, start: int, count: int, last_values: list[str]) -> str:  # noqa: ARG004
        return name


def listed(choices: Iterable[str]) -> str:
    """SQL of a list of choices, for `IN`."""
    return "(" + ", ".join(f"'{one}'" for one in choices) + ")"


class DeclarationError(TypeError):
    """An entity is declared wrongly. The message names file, field and remedy."""
