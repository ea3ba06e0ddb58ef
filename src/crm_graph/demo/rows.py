"""The rows of one organisation before they are loaded, and the clock and dice they are made with."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from random import Random
from uuid import UUID

from crm_graph.entity import REGISTRY, Entity, table_of

Row = dict[str, object]


def dice(seed: str) -> Random:
    """Dice that fall alike for the same seed."""
    return Random(seed)  # noqa: S311 - nothing here is secret


class Rows:
    """Rows by entity, in the order they were made. Ids are UUIDv7 of the row's creation, drawn from the seed."""

    def __init__(self, seed: str) -> None:
        self._random = dice(f"{seed}/ids")
        self.organization_id = UUID(int=0)
        self.of: dict[str, list[Row]] = {name: [] for name in REGISTRY}
        self.contents: list[Row] = []
        """The bytes of files, as rows of `file_contents`."""

    def add(self, entity: type[Entity], created_at: datetime, /, **values: object) -> UUID:
        """Add a row; what is not given has the default of its declaration."""
        identifier = self._identifier(created_at)
        row = {**_defaults(entity), "organization_id": self.organization_id, "id": identifier}
        row |= {"created_at": created_at, "updated_at": created_at, **values}
        self.of[entity.__name__].append(row)
        return identifier

    def keep(self, created_at: datetime, content: bytes) -> UUID:
        """Add the bytes of a file, for a record to refer to."""
        identifier = self._identifier(created_at)
        hexadecimal = f"\\x{content.hex()}"
        row = {"organization_id": self.organization_id, "id": identifier, "created_at": created_at}
        self.contents.append({**row, "content": hexadecimal})
        return identifier

    def last(self, entity: type[Entity]) -> Row:
        """The row added last, to be completed."""
        return self.of[entity.__name__][-1]

    def checksum(self) -> str:
        """SHA-256 over all values of all rows: equal data have equal sums."""
        digest = hashlib.sha256()
        for name, rows in self.of.items():
            columns = stored_columns(REGISTRY[name])
            for row in rows:
                digest.update(repr([name, *(str(row[c]) for c in columns)]).encode())
        return digest.hexdigest()

    def _identifier(self, created_at: datetime) -> UUID:
        milliseconds = int((created_at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))
        drawn = self._random.getrandbits(74)
        return UUID(int=milliseconds << 80 | 0x7 << 76 | (drawn >> 62) << 64 | 0b10 << 62 | drawn & (1 << 62) - 1)


def stored_columns(entity: type[Entity]) -> tuple[str, ...]:
    """The columns that are declared and written; PostgreSQL makes others, and slots are empty."""
    fields = entity.model_fields
    return tuple(c.name for c in table_of(entity).columns if c.computed is None and c.name in fields)


def records(entity: type[Entity], rows: Iterable[Row]) -> Iterable[tuple[object, ...]]:
    """Rows as tuples in the order of `stored_columns`. Raises ValueError for a value that has no column."""
    columns = stored_columns(entity)
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"{entity.__name__} has no {', '.join(sorted(set(row) - set(columns)))}")
        yield tuple(row[column] for column in columns)


@cache
def _defaults(entity: type[Entity]) -> Mapping[str, object]:
    fields = entity.model_fields
    return {column: fields[column].get_default(call_default_factory=True) for column in stored_columns(entity)}


class Calendar:
    """The demo's time: three years that end on a reference day."""

    def __init__(self, today: date, seed: str) -> None:
        self._random = dice(f"{seed}/calendar")
        self.today = today
        self.now = datetime.combine(today, time(18), UTC)
        self.start = self.now - timedelta(days=3 * 365)

    def between(self, first: datetime, last: datetime) -> datetime:
        """A moment within the bounds, to the millisecond, in waking hours where the bounds allow it."""
        if last <= first:
            return first
        moment = first + (last - first) * self._random.random()
        moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        waking = moment.replace(hour=7 + moment.hour * 13 // 24)
        return waking if first <= waking <= last else max(moment, first)

    def after(self, moment: datetime, low: float, high: float) -> datetime:
        """A moment `low` to `high` days later; it may lie in the future."""
        return self.between(moment + timedelta(days=low), moment + timedelta(days=high))

    def past(self, growth: float = 0.8) -> datetime:
        """A moment of the three years; the later ones are likelier, as business grows."""
        moment = self.start + (self.now - self.start) * self._random.random() ** growth
        return self.between(moment, min(self.now, moment + timedelta(hours=1)))
