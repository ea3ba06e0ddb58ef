"""A few dozen rows with all that makes forms differ: ties, empty values, masks, shares that have ended, rows of nobody."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import asyncpg

CUSTOMERS, OPPORTUNITIES = 48, 60
_ENTITIES = {
    "organization": 0,
    "team": 1,
    "user": 2,
    "partner": 3,
    "customer": 4,
    "contact": 5,
    "pipeline": 6,
    "stage": 7,
}
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def made(kind: str, n: int) -> UUID:
    """The id of the n-th of its kind; of no particular order."""
    number = {**_ENTITIES, "opportunity": 8, "share": 9}[kind]
    return UUID(int=(n * 0x9E3779B97F4A7C15 % 2**64) << 64 | 0x7000_0000_0000_0000_8000 << 40 | number << 16 | n)


ORGANIZATION = made("organization", 1)


async def plant(url: str) -> None:
    """Fill a migrated database."""
    connection = await asyncpg.connect(url)
    random = Random(7)
    try:
        async with connection.transaction():
            await _people(connection)
            for n in range(CUSTOMERS):
                await _customer(connection, random, n)
            for n in range(OPPORTUNITIES):
                await _opportunity(connection, random, n)
            await _shares(connection, random)
    finally:
        await connection.close()


async def _insert(connection: Any, table: str, row: UUID, created: datetime, /, **values: object) -> None:
    columns = {"organization_id": ORGANIZATION, "id": row, "version": 1, "created_at": created, "updated_at": created}
    columns |= values
    places = ", ".join(f"${n}" for n in range(1, len(columns) + 1))
    await connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", *columns.values())


async def _people(connection: Any) -> None:
    await _insert(connection, "organizations", ORGANIZATION, _BEGAN, name="Forms", currency="EUR", hosts=[])
    for n in range(3):
        await _insert(connection, "teams", made("team", n), _BEGAN, name=f"Team {n}")
        await _insert(connection, "partners", made("partner", n), _BEGAN, name=f"Partner {n}", kind="RESELLER")
        await _insert(connection, "users", made("user", n), _BEGAN, name=f"User {n}", status="ACTIVE", roles=[])
    await _insert(connection, "pipelines", made("pipeline", 0), _BEGAN, name="Sales")
    await _insert(
        connection, "stages", made("stage", 0), _BEGAN,
        pipeline_id=made("pipeline", 0), name="Open", position=1, probability=10, outcome="OPEN", exit_fields=[], exit_approval=False,
    )  # fmt: skip


def _maybe(random: Random, *values: Any) -> Any:
    return random.choice((None, *values, *values))


async def _customer(connection: Any, random: Random, n: int) -> None:
    amounts = [Decimal(value) for value in (-7000, -500, 0, 999, 1000, 4999, 5000, 7500, 250000)]
    created = _BEGAN + timedelta(days=random.randrange(12))
    await _insert(
        connection, "customers", made("customer", n), created,
        name=random.choice(("Ångström", "Angstrom", "Bäcker", "zeta", f"Customer {n}")), kind="ORGANIZATION", stage="PROSPECT",
        segment=_maybe(random, "CONSUMER", "ENTERPRISE"), city=_maybe(random, "Łódź", "Wien", "wien"),
        email=_maybe(random, f"ann{n % 5}@one.example", f"bob{n % 3}@two.example"), phone=_maybe(random, "+4930123", f"+49301{n:04}"),
        employees=_maybe(random, 1, 20, 300), currency=random.choice(("EUR", "EUR", "USD")), tax_number=_maybe(random, f"DE{n}"),
        annual_revenue=_maybe(random, *amounts), credit_limit=_maybe(random, *amounts), lifetime_value=_maybe(random, *amounts),
        owner_id=_maybe(random, *(made("user", k) for k in range(3))), team_id=_maybe(random, *(made("team", k) for k in range(3))),
    )  # fmt: skip
    for k in range(n % 3):
        row = made("contact", 3 * n + k)
        await _insert(
            connection, "contacts", row, created + timedelta(hours=k), customer_id=made("customer", n),
            name=f"Contact {k}", role="PAYER", email=_maybe(random, f"c{k}@one.example"),
        )  # fmt: skip


async def _opportunity(connection: Any, random: Random, n: int) -> None:
    await _insert(
        connection, "opportunities", made("opportunity", n), _BEGAN + timedelta(days=random.randrange(12)),
        name=f"Opportunity {n % 9}", customer_id=made("customer", random.randrange(CUSTOMERS)), pipeline_id=made("pipeline", 0),
        stage_id=made("stage", 0), status="OPEN", forecast_category="PIPELINE", currency=random.choice(("EUR", "USD")), engaged_on=_BEGAN.date(),
        amount=_maybe(random, Decimal(10), Decimal(1000)), cost=_maybe(random, Decimal(5)), probability=_maybe(random, 10, 50),
        owner_id=_maybe(random, *(made("user", k) for k in range(3))), team_id=_maybe(random, *(made("team", k) for k in range(3))),
        partner_id=_maybe(random, *(made("partner", k) for k in range(3))),
    )  # fmt: skip


async def _shares(connection: Any, random: Random) -> None:
    """Also several of one row with one grantee: the highest that holds now counts."""
    now = datetime.now(UTC)
    far = timedelta(days=999)
    number = 0
    for kind, table, many in (
        ("customer", "customer_shares", CUSTOMERS),
        ("opportunity", "opportunity_shares", OPPORTUNITIES),
    ):
        for _ in range(2 * many):
            whom = random.choice(("user", "team", "partner"))
            begins, ends = random.choice(((-far, far), (-far, far), (-far, far), (-far, -far / 2), (far / 2, far)))
            number += 1
            await _insert(
                connection, table, made("share", number), now,
                **{f"{kind}_id": made(kind, random.randrange(many)), f"{whom}_id": made(whom, random.randrange(3))},
                level=random.choice(("PUBLIC", "PARTNER", "INTERNAL", "CONFIDENTIAL")), valid_from=now + begins, valid_until=now + ends,
            )  # fmt: skip
