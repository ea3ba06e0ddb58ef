"""Fields that an organisation has added to every entity that takes some: a text and a number at each level."""

import asyncpg

from crm_graph.entity import REGISTRY, table_name
from tests.access.interpreter import LEVELS, Field


def own_fields() -> dict[str, list[Field]]:
    """By entity: `xTextPartner`, searched, and `xNumberPartner`, for each level."""
    found: dict[str, list[Field]] = {}
    for name, entity in REGISTRY.items():
        for rank, level in enumerate(LEVELS if entity.__custom__ else ()):
            for kind in ("Text", "Number"):
                column = f"custom_{kind.lower()}_{rank + 1}"
                one = Field(name, f"x{kind}{level.title()}", column, rank, filters=True, orders=True)
                found.setdefault(name, []).append(one)
    return found


async def plant_own(url: str) -> None:
    """Define them in the main organisation, with a secret in each cell of two thirds of its rows."""
    connection = await asyncpg.connect(url)
    for number, (name, fields) in enumerate(own_fields().items()):
        entity = REGISTRY[name]
        for one in fields:
            text = "Text" in one.name
            await connection.execute(
                "INSERT INTO custom_fields (organization_id, id, version, created_at, updated_at, entity, name, kind,"
                " slot, description, read_level, write_level, filterable, sortable, searchable, choices)"
                " SELECT organization_id, gen_random_uuid(), 1, now(), now(), $1, $2, $3, $4, 'Planted.', $5, $5,"
                " TRUE, TRUE, $6, '{}' FROM organizations WHERE external_id = 'main'",
                as_choice(name), one.name, "STRING" if text else "DECIMAL", one.column, LEVELS[one.rank], text,
            )  # fmt: skip
        settings = [
            f"{one.column} = 'zq.{entity.__prefix__}.{one.column}.' || replace(id::text, '-', '') || '.zq'"
            if "Text" in one.name
            else f"{one.column} = 9{number}0000000000 + {one.rank}000000000 + row.n"
            for one in fields
        ]
        numbers = f"(SELECT id AS i, row_number() OVER (ORDER BY id) AS n FROM {table_name(entity)}) row"
        await connection.execute(
            f"UPDATE {table_name(entity)} SET {', '.join(settings)} FROM {numbers}"
            " WHERE id = row.i AND row.n % 3 > 0"
            " AND organization_id = (SELECT id FROM organizations WHERE external_id = 'main')"
        )
    await connection.execute("ANALYZE")
    await connection.close()


def as_choice(entity: str) -> str:
    """As `ExtensibleEntity` names it: KEY_ACCOUNT."""
    return "".join(f"_{c}" if c.isupper() and n else c for n, c in enumerate(entity)).upper()
