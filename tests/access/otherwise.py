"""Changing all that a caller may not see, and nothing else: values, what stands behind masks, and rows.

Left as they are: the columns that row rules read, and shares, since they say what may be seen.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import asyncpg

from crm_graph.entity import REGISTRY, table_name, table_of
from crm_graph.specs import FieldSpec
from tests.access.interpreter import Field, Row
from tests.access.masks import masked
from tests.access.policies import SLOTS, Seen

_UNTOUCHED = ("id", "version", "source", "external_id", "currency")
_FIXED = ("Organization", "Team", "CustomerShare", "OpportunityShare", "KeyAccountShare")
"""Entities whose rows decide who sees what."""


_MADE: Mapping[str, Callable[[Any, str, Random], Any]] = {
    "Int": lambda _, __, random: random.randrange(0, 100),
    "Decimal": lambda _, __, random: Decimal(random.randrange(1, 100)),
    "Money": lambda _, __, random: Decimal(random.randrange(0, 2_000_000)),
    "Boolean": lambda value, _, __: not value,
    "Date": lambda _, __, random: dt.date(
        random.randrange(1930, 2030), random.randrange(1, 13), random.randrange(1, 29)
    ),
    "DateTime": lambda _, __, random: (
        dt.datetime(2024, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=random.randrange(10**8))
    ),
    "EmailAddress": lambda _, word, __: f"{word}@{word}.example",
    "PhoneNumber": lambda _, __, random: f"+4930{random.randrange(10**6, 10**7)}",
    "CountryCode": lambda _, __, random: random.choice(("DE", "FR", "SE")),
    "CurrencyCode": lambda _, __, ___: "EUR",
    "Locale": lambda _, __, random: random.choice(("de", "fr-CH")),
    "URL": lambda _, word, __: f"https://{word}.example/",
    "Strings": lambda _, word, __: [word],
}
"""Values by kind, of the one before, a word that is nowhere else, and chance."""


def another(spec: FieldSpec, value: Any, random: Random, ids: list[UUID]) -> Any:
    """A value of the field's kind other than this one; what is empty may get one, and what is not become empty."""
    if spec.nullable and value is not None and random.random() < 0.2:
        return None
    if spec.ref:
        return random.choice(ids)
    if spec.kind.choices:
        return random.choice([choice for choice in spec.kind.choices if choice != value])
    word = f"{random.getrandbits(64):016x}"
    made = _MADE.get(spec.kind.name)
    return made(value, word, random) if made else f"{word} son Haus"


def behind(mask: str, value: Any, random: Random) -> Any:
    """Another value that the mask shows alike."""
    word = f"{random.getrandbits(64):x}"
    match mask:
        case "EXISTS":
            return word
        case "EMAIL":
            return f"{value[0]}{word}{value[value.index('@') :]}"
        case "PHONE":
            return f"+4930{word.translate({ord(c): '1' for c in 'abcdef'})[:6]}{re.sub('[^0-9]', '', value)[-2:]}"
        case "YEAR":
            return dt.date(value.year, 1 + random.randrange(12), 1 + random.randrange(28))
        case "INITIALS":
            return " ".join(f"{name[0]}{word[:4]}" for name in value.split())
    sign, low = (-1 if value < 0 else 1), abs(Decimal(masked_amount(value)))
    width = {0: 999, 1_000: 3_999, 5_000: 4_999, 10_000: 39_999, 50_000: 49_999, 100_000: 399_999, 500_000: 499_999}
    return sign * (low + random.randrange(1, width.get(int(low), 9_000_000)))


def masked_amount(value: Decimal) -> str:
    return masked(Field("", "", "", 0, mask="BUCKET"), value)


async def estrange(connection: "asyncpg.Connection[asyncpg.Record]", seen: Seen, random: Random) -> int:
    """Change what the case does not show; gives how many cells and rows. The database was `loosened` before."""
    changed = 0
    for name in (name for name in REGISTRY if name not in _FIXED):
        rows = seen.rows.tables[name]
        absent = [row for row in rows.values() if not seen.exists(name, row)]
        present = [row for row in rows.values() if seen.exists(name, row)]
        cells = _hidden_cells(seen, name, [*present, *absent], random)
        changed += sum(map(len, cells.values()))
        await _write(connection, name, rows, cells)
        changed += await _other_rows(connection, name, absent, random)
    return changed


async def loosen(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Put triggers to sleep and drop what values and rows must obey, so that anything hidden can be anything."""
    for entity in REGISTRY.values():
        table = table_name(entity)
        await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        constraints = await connection.fetch(
            "SELECT conname FROM pg_constraint WHERE conrelid = $1::text::regclass AND contype IN ('f', 'c')", table
        )
        for one in constraints:
            await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {one['conname']}")
        unique = await connection.fetch(
            "SELECT indexrelid::regclass::text AS name FROM pg_index"
            " WHERE indrelid = $1::text::regclass AND indisunique"
            " AND indexrelid NOT IN (SELECT conindid FROM pg_constraint)",
            table,
        )
        for one in unique:
            await connection.execute(f"DROP INDEX {one['name']}")


async def _write(
    connection: "asyncpg.Connection[asyncpg.Record]",
    name: str,
    rows: Mapping[UUID, Row],
    cells: Mapping[str, Mapping[UUID, Any]],
) -> None:
    """All changes of an entity in one statement: each row gets the new value of a column, or the one it has."""
    table, specs = table_name(REGISTRY[name]), {**REGISTRY[name].__specs__, **SLOTS}
    for column in _lists(name).intersection(cells):
        await connection.executemany(f"UPDATE {table} SET {column} = $2 WHERE id = $1", list(cells[column].items()))
    columns = [column for column in cells if column not in _lists(name)]
    if not columns:
        return
    ids = list({row for column in columns for row in cells[column]})
    arrays = ", ".join(f"${n}::{specs[column].kind.sql}[]" for n, column in enumerate(columns, 2))
    await connection.execute(
        f"UPDATE {table} t SET {', '.join(f'{column} = v.{column}' for column in columns)}"
        f" FROM unnest($1::uuid[], {arrays}) AS v(id, {', '.join(columns)}) WHERE t.id = v.id",
        ids,
        *([cells[column].get(row, rows[row][column]) for row in ids] for column in columns),
    )


def _lists(entity: str) -> set[str]:
    return {spec.name for spec in REGISTRY[entity].__specs__.values() if spec.kind.name == "Strings"}


def _hidden_cells(seen: Seen, name: str, rows: list[Row], random: Random) -> dict[str, dict[UUID, Any]]:
    """New values of what is hidden or behind a mask, by column and row."""
    entity = REGISTRY[name]
    deciding = {*entity.__rows__.columns(), entity.__rows__.published, entity.__rows__.audience, *_UNTOUCHED}
    found: dict[str, dict[UUID, Any]] = {}
    for one in seen.fields(name):
        spec = entity.__specs__.get(one.column) or SLOTS[one.column]
        if one.computed or one.column in deciding or spec.unique or one.column == "created_at":
            continue
        ids = list(seen.rows.tables[spec.ref.entity]) if spec.ref else []
        values = {}
        for row in rows:
            shows, value = seen.shows(one, row), row[one.column]
            if shows in ("hidden", "absent"):
                values[row["id"]] = another(spec, value, random, ids)
            elif shows == "masked" and value is not None and one.mask:
                values[row["id"]] = behind(one.mask, value, random)
        if values:
            found[one.column] = values
    return found


async def _other_rows(
    connection: "asyncpg.Connection[asyncpg.Record]", name: str, absent: list[Row], random: Random
) -> int:
    """Take away some of the rows that do not exist for the caller, and put copies of others beside them."""
    entity = REGISTRY[name]
    gone = [row["id"] for row in absent if random.random() < 0.2]
    copied = [row["id"] for row in absent if random.random() < 0.2 and row["id"] not in gone]
    columns = [c.name for c in table_of(entity).columns if c.computed is None]
    other = {"id": "gen_random_uuid()", "source": "NULL", "external_id": "NULL"}
    unique = {spec.name for spec in entity.__specs__.values() if spec.unique and spec.kind.name == "String"}
    taken = [other.get(c) or (f"{c} || gen_random_uuid()" if c in unique else c) for c in columns]
    if copied:
        await connection.execute(
            f"INSERT INTO {table_name(entity)} ({', '.join(columns)}) SELECT {', '.join(taken)}"
            f" FROM {table_name(entity)} WHERE id = ANY($1)",
            copied,
        )
    if gone:
        await connection.execute(f"DELETE FROM {table_name(entity)} WHERE id = ANY($1)", gone)
    return len(gone) + len(copied)
