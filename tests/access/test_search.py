"""Leaks 10 and 11: search over hidden fields, and rank or highlight that shows hidden text (Directus #23894).

What must be found is worked out naively from the rows and what `interpreter.py` says is shown of each.
"""

import re
import unicodedata
from collections.abc import Iterator

import pytest

from crm_graph.entity import REGISTRY
from tests.access.asking import many_of
from tests.access.channels.schemas import schema_of
from tests.access.interpreter import ROLES, Field, Row, fields, read_matrix
from tests.access.secrets import World
from tests.fixtures.api import Api

pytestmark = pytest.mark.asyncio(loop_scope="session")
MATRIX = read_matrix()

SEARCHED = {name: [s.name for s in e.__specs__.values() if s.search] for name, e in REGISTRY.items()}
entities = pytest.mark.parametrize("entity", [name for name, found in SEARCHED.items() if found])
roles = pytest.mark.parametrize("role", ROLES)


def searched(entity: str) -> list[Field]:
    return [f for f in fields(entity) if f.column in SEARCHED[entity] and not f.to]


def words(text: str) -> set[str]:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return set(re.findall(r"[^\W_]+", plain.casefold()))


def matches(asked: str, there: set[str]) -> bool:
    *whole, begun = asked.split()
    return all(w in there for w in whole) and any(w.startswith(begun) for w in there)


def seen(world: World, role: str, entity: str, row: Row) -> tuple[set[str], set[str]]:
    """The searched fields of a row that the caller sees in plain, and the words in them."""
    plain = [f for f in searched(entity) if world.rows.shows(world.callers[role], f, row) == "plain"]
    return {f.name for f in plain}, set().union(*(words(row[f.column] or "") for f in plain))


def questions(world: World, entity: str) -> Iterator[str]:
    """Words of each field's secret, whole secrets, and words that stand in different fields."""
    rows = list(world.rows.tables[entity].values())
    some = rows[:: max(1, len(rows) // 2)][:2]
    for one in searched(entity):
        yield " ".join(one.column.split("_"))
        for row in some:
            if row[one.column]:
                yield " ".join(re.findall(r"[a-z0-9]+", row[one.column].lower())[:12])
    for row in some:
        yield row["id"].hex
        yield row["id"].hex[:20]
    yield "zq"


@roles
@entities
async def test_a_search_finds_what_is_seen_and_nothing_else(
    planted_api: Api, world: World, role: str, entity: str
) -> None:
    """How many match is as the interpreter says, and no answer, rank or highlight holds a secret."""
    ask, listed = world.as_(planted_api, role), many_of(entity)
    visible = world.rows.visible(world.callers[role], entity) if MATRIX.highest(role, entity) is not None else []
    known = {row["id"].hex: seen(world, role, entity, row) for row in visible}
    query = (
        f"query ($s: String) {{ {listed}(first: 25, search: $s) {{ totalCount"
        " edges { rank highlights { field text } node { id } } } }"
    )
    allowed = any(MATRIX.sees(role, f) for f in searched(entity))
    for asked in filter(None, questions(world, entity)):
        answer = await ask(query, {"s": asked})
        if MATRIX.highest(role, entity) is None:
            assert answer.codes == ["FIELD_ACCESS_DENIED"]
            assert answer.json["data"][listed] is None
        elif not allowed:
            assert answer.codes == ["PREDICATE_ACCESS_DENIED"]
            assert "data" not in answer.json
            assert not answer.sql
        else:
            expected = {row for row, (_, there) in known.items() if matches(asked, there)}
            found = answer.data[listed]
            assert found["totalCount"] == len(expected), (role, asked)
            assert len(found["edges"]) == min(25, len(expected))
            for edge in found["edges"]:
                assert edge["node"]["id"][4:] in expected
                assert edge["rank"] > 0
                assert {h["field"] for h in edge["highlights"]} <= known[edge["node"]["id"][4:]][0]
                assert edge["highlights"]


@roles
@entities
async def test_a_hidden_text_does_not_move_the_rank(planted_api: Api, world: World, role: str, entity: str) -> None:
    """Rows of which the caller sees alike much are ranked alike, whatever else matches in them."""
    if MATRIX.highest(role, entity) is None or not any(MATRIX.sees(role, f) for f in searched(entity)):
        return
    answer = await world.as_(planted_api, role)(
        f'{{ {many_of(entity)}(first: 60, search: "zq") {{ edges {{ rank highlights {{ field }} }} }} }}'
    )
    by_fields: dict[tuple[str, ...], set[float]] = {}
    for edge in answer.data[many_of(entity)]["edges"]:
        by_fields.setdefault(tuple(h["field"] for h in edge["highlights"]), set()).add(edge["rank"])
    assert all(len(ranks) == 1 for ranks in by_fields.values()), by_fields


@roles
async def test_the_schema_offers_search_where_there_is_some(planted_api: Api, role: str) -> None:
    sdl = await schema_of(planted_api, role)
    for entity, found in SEARCHED.items():
        offered = bool(found) and any(MATRIX.sees(role, f) for f in searched(entity))
        for name, of in sdl.type_map.items():
            for field in getattr(of, "fields", {}).values() if not name.startswith("__") else ():
                if str(getattr(field, "type", "")).rstrip("!") == f"{entity}Connection":
                    assert ("search" in field.args) is offered, (entity, name)
        if edge := sdl.type_map.get(f"{entity}Edge"):
            assert ({"rank", "highlights"} <= set(edge.fields)) is offered, entity
