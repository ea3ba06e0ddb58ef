"""The life of a custom field, asked of two processes by callers of different levels."""

import orjson
import pytest

from tests.custom_fields.conftest import Workers, told

pytestmark = pytest.mark.asyncio(loop_scope="session")

SIZES = (
    "{ customers(first: 5, filter: {xShoeSize: {gte: 42}}, orderBy: [{xShoeSize: DESC}]) { nodes { name xShoeSize } } }"
)
SET = """mutation ($input: UpdateCustomerInput!) {
  updateCustomer(input: $input) { userErrors { code message field } customer { id etag xShoeSize } }
}"""


async def test_from_creation_to_archive_and_back(workers: Workers) -> None:
    before = await workers.ask("administrator", SIZES)
    assert {*before.codes} == {"GRAPHQL_VALIDATION_FAILED"}
    field = await workers.made("xShoeSize", "INT")
    assert (await workers.data("administrator", SIZES)) == {"customers": {"nodes": []}}
    assert (await workers.second.as_("administrator")(SIZES)).data == {"customers": {"nodes": []}}

    some = (await workers.data("administrator", "{ customers(first: 3) { nodes { id name } } }"))["customers"]["nodes"]
    for size, customer in zip((41, 42, 45), some, strict=True):
        payload = await workers.data("administrator", SET, {"input": {"id": customer["id"], "xShoeSize": size}})
        assert payload["updateCustomer"]["userErrors"] == []
        assert payload["updateCustomer"]["customer"]["xShoeSize"] == size
    for api in (workers.first, workers.second):
        found = (await api.as_("sales_manager")(SIZES)).data["customers"]["nodes"]
        assert found == [{"name": some[2]["name"], "xShoeSize": 45}, {"name": some[1]["name"], "xShoeSize": 42}]

    archived = await workers.do("archive", field)
    assert archived["userErrors"] == []
    assert archived["customField"]["archivedAt"]
    gone = await workers.ask("administrator", SIZES)
    assert told(gone) == told(before)
    assert told(await workers.second.as_("administrator")(SIZES)) == told(before)
    assert [e["code"] for e in (await workers.do("archive", field))["userErrors"]] == ["CUSTOM_FIELD_ARCHIVED"]
    assert [e["code"] for e in (await workers.do("update", field))["userErrors"]] == ["CUSTOM_FIELD_ARCHIVED"]

    assert (await workers.do("restore", field))["customField"]["archivedAt"] is None
    assert (await workers.data("administrator", SIZES))["customers"]["nodes"] == found
    assert [e["code"] for e in (await workers.do("restore", field))["userErrors"]] == ["CUSTOM_FIELD_ACTIVE"]


async def test_every_change_is_audited_told_and_kept(workers: Workers) -> None:
    field = await workers.made("xAudited")
    await workers.do("update", field, description="Now otherwise.", readLevel="PARTNER")
    await workers.do("archive", field)
    entries = await workers.fetch(
        "SELECT action, changes::text FROM audit_entries WHERE entity = 'CustomField' AND row_id ="
        " (SELECT id FROM custom_fields WHERE name = 'xAudited') ORDER BY at"
    )
    assert [e["action"] for e in entries] == ["create", "update", "update"]
    assert orjson.loads(entries[1]["changes"]) == {
        "read_level": ["CONFIDENTIAL", "PARTNER"],
        "description": ["About xAudited.", "Now otherwise."],
    }
    events = await workers.fetch("SELECT type FROM outbox_events WHERE type LIKE 'custom_field.%' ORDER BY sequence")
    assert [e["type"] for e in events[-3:]] == ["custom_field.created", "custom_field.updated", "custom_field.archived"]
    past = await workers.fetch("SELECT read_level FROM custom_fields_history WHERE name = 'xAudited' ORDER BY version")
    assert [p["read_level"] for p in past] == ["CONFIDENTIAL", "PARTNER", "PARTNER"]


async def test_a_value_is_audited_under_its_name_and_kept_in_the_history(workers: Workers) -> None:
    field = await workers.made("xMotto")
    made = await workers.data(
        "administrator",
        'mutation { createCustomer(input: {name: "Motto", xMotto: "Ever on"}) { customer { id etag xMotto } } }',
    )
    customer = made["createCustomer"]["customer"]
    assert customer["xMotto"] == "Ever on"
    update = 'mutation ($id: ID!, $etag: String) { updateCustomer(input: {id: $id, xMotto: "On", ifMatch: $etag}) { userErrors { code } } }'
    values = {"id": customer["id"], "etag": customer["etag"]}
    assert (await workers.data("administrator", update, values))["updateCustomer"]["userErrors"] == []
    stale = (await workers.data("administrator", update, values))["updateCustomer"]["userErrors"]
    assert [e["code"] for e in stale] == ["ETAG_MISMATCH"]
    entries = await workers.fetch(
        "SELECT changes::text FROM audit_entries WHERE entity = 'Customer' AND changes ? 'xMotto' ORDER BY at"
    )
    assert [orjson.loads(e["changes"])["xMotto"] for e in entries] == [[None, "Ever on"], ["Ever on", "On"]]
    assert not any(field["slot"] in e["changes"] for e in entries)
    events = await workers.fetch("SELECT payload::text FROM outbox_events WHERE payload->'fields' ? 'xMotto'")
    assert len(events) == 2
    past = await workers.fetch(f"SELECT {field['slot']} FROM customers_history WHERE name = 'Motto' ORDER BY version")
    assert [p[0] for p in past] == ["Ever on", "On"]


async def test_a_new_field_is_confidential_both_ways(workers: Workers) -> None:
    await workers.made("xQuiet")
    kept = await workers.data(
        "administrator",
        '{ customFields(filter: {name: {eq: "xQuiet"}}) { nodes { readLevel writeLevel entity kind choices } } }',
    )
    assert kept["customFields"]["nodes"] == [
        {
            "readLevel": "CONFIDENTIAL",
            "writeLevel": "CONFIDENTIAL",
            "entity": "CUSTOMER",
            "kind": "STRING",
            "choices": [],
        }
    ]
    ask = "{ customers(first: 1) { nodes { xQuiet } } }"
    assert (await workers.ask("sales_manager", ask)).codes == []
    assert (await workers.ask("service_agent", ask)).codes == ["GRAPHQL_VALIDATION_FAILED"]
    assert (await workers.ask("partner_rep", ask)).codes == ["GRAPHQL_VALIDATION_FAILED"]


async def test_where_clearance_differs_by_row_a_hidden_cell_is_null_and_named(workers: Workers) -> None:
    field = await workers.made("xVaries", "DECIMAL")
    await workers.fetch(f"UPDATE customers SET {field['slot']} = 1.50")
    nodes = await workers.pages("sales_rep", "xVaries hiddenFields")
    assert {n["xVaries"] for n in nodes} == {"1.50", None}
    assert all((n["xVaries"] is None) == ("xVaries" in n["hiddenFields"]) for n in nodes)
    filtered = await workers.data(
        "sales_rep", '{ customers(filter: {xVaries: {eq: "1.50"}}, orderBy: [{xVaries: ASC}]) { totalCount } }'
    )
    assert filtered["customers"]["totalCount"] == sum(n["xVaries"] is not None for n in nodes)
    agent = await workers.pages("service_agent", "hiddenFields")
    assert agent
    assert not any(name.startswith("x") for n in agent for name in n["hiddenFields"])


async def test_levels_that_change_take_effect_for_who_asks_next(workers: Workers) -> None:
    field = await workers.made("xMoves")
    ask = "{ customers(first: 1) { nodes { xMoves } } }"
    assert (await workers.ask("service_agent", ask)).codes == ["GRAPHQL_VALIDATION_FAILED"]
    await workers.do("update", field, readLevel="INTERNAL")
    for api in (workers.first, workers.second):
        assert (await api.as_("service_agent")(ask)).codes == []
    refused = await workers.ask(
        "service_agent", 'mutation { updateCustomer(input: {id: "x", xMoves: "a"}) { __typename } }'
    )
    assert refused.codes == ["GRAPHQL_VALIDATION_FAILED"]
    await workers.do("update", field, readLevel="RESTRICTED")
    for api in (workers.first, workers.second):
        assert (await api.as_("sales_manager")(ask)).codes == ["GRAPHQL_VALIDATION_FAILED"]
    assert (await workers.ask("administrator", ask)).codes == []


async def test_a_field_is_shown_in_the_schema_to_who_knows_it(workers: Workers) -> None:
    await workers.made("xShown", "CHOICE", choices=["Red wine", "White wine"], readLevel="INTERNAL")
    for persona, known, written in (
        ("sales_manager", True, True),
        ("service_agent", True, False),
        ("customer", False, False),
    ):
        sdl = (
            await workers.first.request("GET", "/schema.graphql", headers=workers.first.headers(persona))
        ).body.decode()
        assert ("xShown: String" in sdl) == known
        assert ("About xShown. One of: Red wine, White wine." in sdl) == known
        listed = await workers.data(
            persona,
            '{ __type(name: "Customer") { fields { name } } i: __type(name: "UpdateCustomerInput") { inputFields { name } } }',
        )
        assert ({"name": "xShown"} in listed["__type"]["fields"]) == known
        assert ({"name": "xShown"} in (listed["i"] or {"inputFields": []})["inputFields"]) == written
