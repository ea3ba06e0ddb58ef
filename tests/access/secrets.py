"""Secrets planted in the database, each naming its field and row, and the search for them in responses."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg

from crm_graph.entity import REGISTRY, table_name
from crm_graph.schema.attachments import Attachment
from tests.access.interpreter import LEVELS, Caller, Field, Row, Rows, fields, read_matrix
from tests.fixtures.api import Answer, Api

_TEXT = re.compile(rb"zq\.([a-z]{3})\.([a-z_0-9]+)\.([0-9a-f]{32})\.zq")
_AMOUNT = re.compile(rb'"(-?\d{10,}(?:\.\d+)?)"')
_EVERYBODY = 0  # the rank of PUBLIC


def planted(entity: str) -> tuple[list[Field], list[Field]]:
    """The texts and the amounts of an entity that get secrets: all that is above PUBLIC and has no fixed values."""
    texts, amounts = [], []
    for one in fields(entity):
        spec = REGISTRY[entity].__specs__.get(one.column)
        if (
            spec is None
            or one.to
            or one.computed
            or one.rank == _EVERYBODY
            or spec.kind.choices
            or one.column in ("source", "external_id")
        ):
            continue
        if spec.kind.name in ("String", "EmailAddress"):
            texts.append(one)
        elif spec.kind.name == "Money" and one.rank >= LEVELS.index("INTERNAL"):
            amounts.append(one)
    return texts, amounts


async def plant(url: str) -> None:
    """Replace values by secrets; in the other organisation also the texts that everybody there sees."""
    connection = await asyncpg.connect(url)
    for number, (name, entity) in enumerate(REGISTRY.items()):
        texts, amounts = planted(name)
        settings = [
            f"{one.column} = 'zq.{entity.__prefix__}.{one.column}.' || replace(id::text, '-', '') || '.zq"
            f"{'@secret.example' if one.column == 'email' else ''}'"
            for one in texts
        ]
        settings += [
            # the cents tell columns apart in sums too: of one amount and masked ones, which are whole thousands
            f"{one.column} = {70 + number}00000000 + {place}0000000 + row.n + 0.0{place + 1}"
            for place, one in enumerate(amounts)
        ]
        if settings:
            numbers = f"(SELECT organization_id AS o, id AS i, row_number() OVER (ORDER BY id) AS n FROM {table_name(entity)}) row"
            await connection.execute(
                f"UPDATE {table_name(entity)} SET {', '.join(settings)} FROM {numbers} WHERE organization_id = row.o AND id = row.i"
            )
    for name, column in (
        ("Customer", "name"),
        ("Product", "name"),
        ("User", "name"),
        ("Team", "name"),
        ("Partner", "name"),
        ("PriceList", "name"),
    ):
        await connection.execute(
            f"UPDATE {table_name(REGISTRY[name])} SET {column} = 'zq.{REGISTRY[name].__prefix__}.{column}.' || replace(id::text, '-', '') || '.zq'"
            " WHERE organization_id = (SELECT id FROM organizations WHERE external_id = 'second')"
        )
    for entity in (one for one in REGISTRY.values() if issubclass(one, Attachment)):
        await connection.execute(
            f"UPDATE file_contents c SET content = convert_to('zq.{entity.__prefix__}.name.' || replace(a.id::text, '-', '')"
            f" || '.zq', 'UTF8') FROM {table_name(entity)} a WHERE a.content_id = c.id"
        )
    await connection.execute("ANALYZE")
    await connection.close()


async def load_rows(connection: Any) -> Rows:
    tables: dict[str, dict[UUID, Row]] = {}
    for name, entity in REGISTRY.items():
        found = await connection.fetch(f"SELECT * FROM {table_name(entity)}")
        tables[name] = {row["id"]: row for row in found}
    main = next(row["id"] for row in tables["Organization"].values() if row["external_id"] == "main")
    return Rows(read_matrix(), tables, main)


async def callers(connection: Any, personas: Sequence[Mapping[str, str]]) -> dict[str, Caller]:
    """The personas of the main organisation, as the row rules know them."""
    found = {"storefront": Caller("storefront")}
    for persona in personas:
        candidates = await connection.fetch(
            "SELECT u.* FROM users u JOIN organizations o ON o.id = u.organization_id WHERE u.name = $1 AND o.external_id = 'main'",
            persona.get("name"),
        )
        if not candidates:
            continue
        [user] = candidates
        below = await connection.fetch(
            "WITH RECURSIVE t AS (SELECT id FROM teams WHERE id = $1 UNION SELECT c.id FROM teams c JOIN t ON c.parent_id = t.id)"
            " SELECT id FROM t",
            user["team_id"],
        )
        teams = frozenset(row["id"] for row in below)
        found[persona["key"]] = Caller(persona["role"], user["id"], teams, user["partner_id"], user["customer_id"])
    return found


@dataclass
class Secrets:
    """Where each secret lies. `found` counts those met, by caller, to show that the search can find."""

    rows: Rows
    amounts: dict[bytes, tuple[Field, UUID]] = field(default_factory=dict)
    prefixes: Mapping[bytes, str] = field(
        default_factory=lambda: {e.__prefix__.encode(): n for n, e in REGISTRY.items()}
    )
    found: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in REGISTRY:
            for one in (*planted(name)[1], *(f for f in self.rows.own.get(name, ()) if "number" in f.column)):
                for row in self.rows.tables[name].values():
                    if row[one.column] is not None:
                        self.amounts[str(row[one.column]).encode()] = (one, row["id"])
        for name, amount in (("Opportunity", "amount"), ("Proposal", "subtotal")):
            [computed] = [f for f in fields(name) if f.name == "margin"]
            for row in self.rows.tables[name].values():
                if row[amount] is not None and row["cost"] is not None:
                    off = round(row[amount] * row.get("discount_percent", Decimal(0)) / 100, 2)
                    self.amounts[str(row[amount] - off - row["cost"]).encode()] = (computed, row["id"])

    def check(self, persona: str, caller: Caller, body: bytes, said: object = "") -> None:
        """Fail if a response holds a secret that this caller may not see in plain."""
        seen = [(self._column(self.prefixes[p], c.decode()), UUID(i.decode())) for p, c, i in _TEXT.findall(body)]
        seen += [self.amounts[a] for a in _AMOUNT.findall(body) if a in self.amounts]
        self.found[persona] = self.found.get(persona, 0) + len(seen)
        for one, row in seen:
            shown = self.rows.shows(caller, one, self.rows.tables[one.entity][row])
            assert shown == "plain", f"{persona} sees {one.coordinate} of {row}, which is {shown} to them: {said}"

    def _column(self, entity: str, column: str) -> Field:
        known = (*fields(entity), *self.rows.own.get(entity, ()))
        return next(f for f in known if f.column == column and f.to is None)


@dataclass
class World:
    """The planted database as the tests know it."""

    rows: Rows
    callers: dict[str, Caller]
    secrets: Secrets

    def as_(self, api: Api, persona: str) -> Any:
        """As `api.as_`, and every byte of every response is searched for secrets."""
        ask = api.as_(persona)

        async def watched(query: str, variables: Mapping[str, object] | None = None, **more: Any) -> Answer:
            answer: Answer = await ask(query, variables, **more)
            heads = "\n".join(f"{k}: {v}" for k, v in answer.headers.items()).encode()
            self.secrets.check(persona, self.callers[persona], answer.body + heads, query)
            return answer

        return watched
