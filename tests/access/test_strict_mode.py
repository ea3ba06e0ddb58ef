"""`X-Access-Mode: strict`: no answer rather than one with holes; and nothing written for a payload that would have some."""

import asyncpg
import pytest

from tests.fixtures.api import Api

pytestmark = pytest.mark.asyncio(loop_scope="session")

STRICT = {"x-access-mode": "strict"}
SELECTED = "{ customers(first: 1) { nodes { name riskNote } } }"


async def count(api: Api, table: str) -> int:
    connection = await asyncpg.connect(api.url)
    try:
        return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))
    finally:
        await connection.close()


async def test_a_strict_query_that_selects_a_hidden_field_is_refused_whole(api: Api) -> None:
    lenient = await api.as_("sales_rep")(SELECTED)
    assert lenient.json["data"]["customers"]["nodes"][0]["riskNote"] is None
    answer = await api.as_("sales_rep")(SELECTED, headers=STRICT)
    assert "data" not in answer.json
    [error] = answer.errors
    assert error["extensions"] | {"requestId": ""} == {
        "code": "FIELD_ACCESS_DENIED",
        "coordinate": "Customer.riskNote",
        "requires": "RESTRICTED",
        "requestId": "",
    }
    assert error["locations"] == [{"line": 1, "column": 38}]
    assert answer.sql == (), "nothing was asked of the database"


async def test_a_strict_query_gets_400_where_the_media_type_allows_it(api: Api) -> None:
    headers = {**STRICT, "accept": "application/graphql-response+json"}
    assert (await api.as_("sales_rep")(SELECTED, headers=headers)).status == 400


async def test_every_hidden_place_has_its_error(api: Api) -> None:
    query = "{ customers(first: 1) { nodes { a: riskNote b: riskNote } } }"
    answer = await api.as_("sales_rep")(query, headers=STRICT)
    assert [e["locations"][0]["column"] for e in answer.errors] == [33, 45]


async def test_a_strict_query_of_what_one_may_see_is_answered_as_ever(api: Api) -> None:
    query = "{ customers(first: 3) { nodes { name } } }"
    assert (await api.as_("sales_rep")(query, headers=STRICT)).body == (await api.as_("sales_rep")(query)).body


async def test_a_cell_hidden_on_some_rows_is_no_reason_to_refuse(api: Api) -> None:
    query = "{ customers(first: 3) { nodes { notes hiddenFields } } }"
    assert (await api.as_("sales_rep")(query, headers=STRICT)).body == (await api.as_("sales_rep")(query)).body


async def test_other_modes_are_refused(api: Api) -> None:
    answer = await api.as_("sales_rep")("{ __typename }", headers={"x-access-mode": "sometimes"})
    assert (answer.status, answer.codes) == (400, ["BAD_REQUEST"])
    assert (await api.as_("sales_rep")("{ __typename }", headers={"x-access-mode": "Lenient"})).status == 200


async def test_a_strict_mutation_writes_nothing_if_its_payload_would_have_holes(writable_api: Api) -> None:
    ask = writable_api.as_("sales_rep")
    mutation = """mutation { createCustomer(input: {name: "Strictly"}) { customer { name %s } userErrors { code } } }"""
    before = await count(writable_api, "customers"), await count(writable_api, "outbox_events")
    refused = await ask(mutation % "riskNote", headers=STRICT)
    assert (refused.codes, "data" in refused.json) == (["FIELD_ACCESS_DENIED"], False)
    assert (await count(writable_api, "customers"), await count(writable_api, "outbox_events")) == before
    assert (await ask(mutation % "", headers=STRICT)).data["createCustomer"]["customer"] == {"name": "Strictly"}
