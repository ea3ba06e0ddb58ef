"""Full-text search of custom fields: by what the caller sees of each row, through an index, without DDL."""

import json
from typing import Any

import asyncpg
import pytest

from tests.custom_fields.conftest import Workers

pytestmark = pytest.mark.asyncio(loop_scope="session")

LIST = """query ($search: String, $first: Int, $after: String, $filter: CustomerFilter) {
  customers(search: $search, first: $first, after: $after, filter: $filter) {
    totalCount pageInfo { endCursor hasNextPage }
    edges { rank highlights { field text } node { id name } }
  }
}"""


async def find(workers: Workers, persona: str, search: str, **variables: Any) -> Any:
    answer = await workers.ask(persona, LIST, {"search": search, "first": 50, **variables})
    assert len(answer.sql) == 1
    return answer.data["customers"]


async def customer(workers: Workers, **values: Any) -> str:
    text = "mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id } userErrors { message } } }"
    payload = (await workers.data("administrator", text, {"input": values}))["createCustomer"]
    assert payload["userErrors"] == []
    return str(payload["customer"]["id"])


def names(found: Any) -> list[str]:
    return [edge["node"]["name"] for edge in found["edges"]]


async def test_words_of_shipped_and_custom_fields_are_searched_together(workers: Workers) -> None:
    await workers.made("xMemo", searchable=True, filterable=False, sortable=False)
    await workers.made("xBlind")
    await customer(
        workers, name="Quellstube", city="Xanten", xMemo="Prefers Ölgemälde & <b>Kunst</b>", xBlind="schattig"
    )
    assert names(await find(workers, "administrator", "olgemalde")) == ["Quellstube"]
    assert names(await find(workers, "administrator", "xanten kunst quell")) == ["Quellstube"]
    assert names(await find(workers, "administrator", "schattig")) == []
    found = await find(workers, "administrator", "kunst quellstube")
    assert found["totalCount"] == 1
    assert found["edges"][0]["highlights"] == [
        {"field": "name", "text": "<mark>Quellstube</mark>"},
        {"field": "xMemo", "text": "Prefers Ölgemälde &amp; &lt;b&gt;<mark>Kunst</mark>&lt;/b&gt;"},
    ]
    assert found["edges"][0]["rank"] > 0


async def test_a_long_text_is_found_and_shown_in_part(workers: Workers) -> None:
    await workers.made("xEssay", searchable=True, filterable=False, sortable=False)
    await customer(workers, name="Essayist", xEssay="filler words " * 500 + "a mondkalb indeed " + "and more " * 200)
    [edge] = (await find(workers, "administrator", "mondkalb"))["edges"]
    assert edge["highlights"][0]["field"] == "xEssay"
    assert "<mark>mondkalb</mark>" in edge["highlights"][0]["text"]
    assert len(edge["highlights"][0]["text"]) < 300


async def test_heavier_shipped_fields_come_first_and_pages_go_on(workers: Workers) -> None:
    await workers.made("xRemark", searchable=True)
    await customer(workers, name="Only in a remark", xRemark="knows Wolpertinger")
    await customer(workers, name="Wolpertinger")
    await customer(workers, name="In the notes", notes="a Wolpertinger and a Wolpertinger")
    first = await find(workers, "administrator", "wolpertinger", first=1)
    assert names(first) == ["Wolpertinger"]
    assert first["totalCount"] == 3
    rest = await find(workers, "administrator", "wolpertinger", first=5, after=first["pageInfo"]["endCursor"])
    assert sorted(names(rest)) == ["In the notes", "Only in a remark"]


async def test_who_does_not_see_it_is_not_told_by_a_search(workers: Workers) -> None:
    """Two hidden texts, one answer; whether the field is known on no row, or on some."""
    await workers.made("xWhisper", searchable=True)
    [rep] = await workers.fetch(
        "SELECT u.id FROM users u JOIN organizations o ON o.id = u.organization_id"
        " WHERE u.name = $1 AND o.external_id = 'main'",
        workers.first.people["sales_rep"]["name"],
    )
    await customer(workers, name="Mine Nebelkrähe", ownerId=f"usr_{rep[0].hex}", xWhisper="flüstert Irrlicht")
    theirs = await customer(workers, name="Theirs Nebelkrähe", xWhisper="flüstert Irrlicht")
    assert sorted(names(await find(workers, "administrator", "irrlicht"))) == ["Mine Nebelkrähe", "Theirs Nebelkrähe"]
    assert names(await find(workers, "sales_rep", "irrlicht")) == ["Mine Nebelkrähe"]
    assert names(await find(workers, "service_agent", "irrlicht")) == []
    update = (
        "mutation ($id: ID!, $x: String) { updateCustomer(input: {id: $id, xWhisper: $x}) { userErrors { code } } }"
    )
    for persona in ("sales_rep", "service_agent", "partner_rep"):
        for asked in ("irrlicht", "nebelkrahe", "nebelkrahe irrlicht", "kobold"):
            answers = []
            for text in ("flüstert Irrlicht", "Kobold Nebelkrähe", None):
                await workers.data("administrator", update, {"id": theirs, "x": text})
                answers.append(json.dumps(await find(workers, persona, asked)))
            assert len(set(answers)) == 1, (persona, asked)


async def test_what_is_searched_follows_the_definition(workers: Workers) -> None:
    """Nothing is rebuilt: the flag, the level and archiving count at once, in each process."""
    field = await workers.made("xTurns")
    await customer(workers, name="Wetterfahne", xTurns="dreht Windrose")

    async def found(persona: str = "administrator") -> list[list[str]]:
        each = [(await api.as_(persona)(LIST, {"search": "windrose"})).data for api in (workers.first, workers.second)]
        return [names(one["customers"]) for one in each]

    assert await found() == [[], []]
    assert (await workers.do("update", field, searchable=True))["userErrors"] == []
    assert await found() == [["Wetterfahne"]] * 2
    assert await found("service_agent") == [[], []]
    await workers.do("update", field, readLevel="INTERNAL")
    assert await found("service_agent") == [["Wetterfahne"]] * 2
    await workers.do("archive", field)
    assert await found() == [[], []]
    await workers.do("restore", field)
    assert await found() == [["Wetterfahne"]] * 2
    await workers.do("update", field, searchable=False)
    assert await found() == [[], []]


@pytest.mark.parametrize("kind", ["INT", "DECIMAL", "BOOLEAN", "DATE", "DATE_TIME"])
async def test_only_texts_are_searched(workers: Workers, kind: str) -> None:
    before = await workers.fetch("SELECT count(*) FROM custom_fields")
    refused = await workers.create("xNoText", kind, searchable=True)
    assert [(e["code"], e["field"]) for e in refused["userErrors"]] == [("VALUE_INVALID", ["searchable"])]
    assert await workers.fetch("SELECT count(*) FROM custom_fields") == before
    field = await workers.made(f"xNoText{kind.title().replace('_', '')}", kind)
    again = await workers.do("update", field, searchable=True)
    assert [(e["code"], e["field"]) for e in again["userErrors"]] == [("VALUE_INVALID", ["searchable"])]
    assert not (await workers.fetch("SELECT searchable FROM custom_fields WHERE name = $1", field["name"]))[0][0]


async def test_the_index_serves_it(workers: Workers) -> None:
    """For who sees all rows alike, and for one whose clearance differs by row; words of two fields at once."""
    await workers.made("xServed", searchable=True)
    await customer(workers, name="Bergziege", xServed="klettert Felsgrat")
    connection = await asyncpg.connect(workers.url)
    try:
        await connection.execute("VACUUM ANALYZE customers")
        organization = await connection.fetchval("SELECT id FROM organizations WHERE external_id = 'main'")
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        for persona in ("administrator", "sales_rep"):
            answer = await workers.ask(persona, '{ customers(search: "bergziege felsgrat") { nodes { name } } }')
            [sql] = answer.sql
            await connection.execute(f"PREPARE asked AS {sql}")
            types = await connection.fetchval(
                "SELECT parameter_types::text[] FROM pg_prepared_statements WHERE name = 'asked'"
            )
            given = {"uuid": f"'{organization}'", "text": "'felsgrat'", "uuid[]": "'{}'"}
            plan = await connection.fetch(f"EXPLAIN EXECUTE asked({', '.join(given[t] for t in types)})")
            assert any("ix_customers_search" in line[0] for line in plan), (persona, plan)
            await connection.execute("DEALLOCATE asked")
    finally:
        await connection.close()
