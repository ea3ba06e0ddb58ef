"""What may be defined: names, kinds, limits; who may; and two who do it at once."""

import asyncio
from typing import Any

import pytest

from tests.custom_fields.conftest import CREATE, Workers

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def traces(workers: Workers) -> list[int]:
    tables = ("custom_fields", "audit_entries", "outbox_events", "custom_fields_history")
    return [(await workers.fetch(f"SELECT count(*) FROM {t}"))[0][0] for t in tables]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        *(
            ({"name": n}, "name")
            for n in ("shoeSize", "x", "xshoe", "X", "x_Size", "xÄ", "xA b", 'xA"', "", "x" + "A" * 40)
        ),
        *(({"description": d}, "description") for d in ("", "  ", "a\nb", "d" * 501, "bell\u0007")),
        ({"kind": "CHOICE"}, "choices"),
        ({"kind": "CHOICE", "choices": []}, "choices"),
        ({"kind": "CHOICE", "choices": ["a", "a"]}, "choices"),
        ({"kind": "CHOICE", "choices": [" a"]}, "choices"),
        ({"kind": "CHOICE", "choices": [f"c{n}" for n in range(51)]}, "choices"),
        ({"kind": "CHOICE", "choices": ["c" * 61]}, "choices"),
        ({"kind": "INT", "choices": ["a"]}, "choices"),
    ],
)
async def test_a_senseless_definition_is_refused_and_leaves_nothing(
    workers: Workers, given: dict[str, Any], field: str
) -> None:
    before = await traces(workers)
    payload = await workers.create(**{"name": "xSound", **given})
    assert payload["customField"] is None
    assert [(e["code"], e["field"]) for e in payload["userErrors"]] == [("VALUE_INVALID", [field])]
    assert await traces(workers) == before


async def test_a_hostile_definition_is_bounded_like_any_request(workers: Workers) -> None:
    before = await traces(workers)
    text = {"entity": "CUSTOMER", "name": "xHuge", "kind": "CHOICE", "description": "d"}
    for choices in ([f"c{n}" for n in range(100_000)], ["c" * 900_000], ["\x00"], ["\ud800"]):
        answer = await workers.ask("administrator", CREATE, {"input": {**text, "choices": choices}})
        assert answer.status < 500
        refused = answer.errors or answer.json["data"]["createCustomField"]["userErrors"]
        assert refused, answer.body
    sent = " ".join(
        f'a{n}: createCustomField(input: {{entity: ORDER, name: "xN{n}", kind: INT, description: "d"}}) {{ userErrors {{ code }} }}'
        for n in range(10_000)
    )
    assert (await workers.ask("administrator", f"mutation {{ {sent} }}")).errors
    assert await traces(workers) == before


async def test_only_who_may_write_the_policy_defines(workers: Workers) -> None:
    given = {"entity": "CUSTOMER", "name": "xMine", "kind": "INT", "description": "d"}
    create = "mutation ($input: CreateCustomFieldInput!) { createCustomField(input: $input) { userErrors { code } } }"
    for persona in ("sales_manager", "sales_rep", "customer", "partner_rep"):
        before = await traces(workers)
        refused = (await workers.data(persona, create, {"input": given}))["createCustomField"]
        assert refused == {"userErrors": [{"code": "WRITE_ACCESS_DENIED"}]}
        assert await traces(workers) == before
    for verb in ("update", "archive", "restore"):
        field = await workers.made(f"xNot{verb.title()}")
        before = await traces(workers)
        text = f"mutation ($id: ID!) {{ {verb}CustomField(input: {{id: $id}}) {{ userErrors {{ code }} }} }}"
        for persona in ("sales_manager", "other_org_administrator"):
            refused = (await workers.data(persona, text, {"id": field["id"]}))[f"{verb}CustomField"]
            assert refused == {"userErrors": [{"code": "NOT_FOUND"}]}
        assert await traces(workers) == before


async def test_places_run_out_and_are_not_given_twice(workers: Workers) -> None:
    made = [await workers.made(f"xDay{n}", "DATE", entity="PARTNER") for n in range(5)]
    assert len({one["slot"] for one in made}) == 5
    before = await traces(workers)
    refused = await workers.create("xDay5", "DATE", entity="PARTNER")
    assert [(e["code"], e["field"]) for e in refused["userErrors"]] == [("CUSTOM_FIELDS_EXHAUSTED", ["kind"])]
    assert await traces(workers) == before
    assert (await workers.create("xDay5", "DATE", entity="PRODUCT"))["userErrors"] == []  # each entity has its own
    await workers.do("archive", made[0])
    again = await workers.create("xDay5", "DATE", entity="PARTNER")
    assert [e["code"] for e in again["userErrors"]] == ["CUSTOM_FIELDS_EXHAUSTED"]


async def test_an_archived_field_keeps_its_name_for_its_values_are_known_by_it(workers: Workers) -> None:
    """A field of another level under the same name would show what audit entries keep of the first."""
    first = await workers.made("xAgain", "INT", entity="PRODUCT")
    made = 'mutation { createProduct(input: {name: "Again", sku: "again", xAgain: 5}) { product { id xAgain } } }'
    product = (await workers.data("administrator", made))["createProduct"]["product"]
    for _ in range(2):
        taken = await workers.create("xAgain", "STRING", entity="PRODUCT")
        assert [(e["code"], e["field"]) for e in taken["userErrors"]] == [("KEY_TAKEN", ["name"])]
        await workers.do("archive", first)
    assert (await workers.do("restore", first))["userErrors"] == []
    ask = "query ($id: ID!) { product(id: $id) { xAgain } }"
    assert (await workers.data("administrator", ask, {"id": product["id"]}))["product"] == {"xAgain": 5}


async def test_two_who_add_at_once_get_places_of_their_own(workers: Workers) -> None:
    async def add(api: Any, name: str) -> Any:
        given = {"entity": "TICKET", "name": name, "kind": "STRING", "description": "d"}
        return (await api.as_("administrator")(CREATE, {"input": given})).data["createCustomField"]

    apis = (workers.first, workers.second)
    payloads = await asyncio.gather(*(add(apis[n % 2], f"xAtOnce{n}") for n in range(8)))
    assert len({p["customField"]["slot"] for p in payloads}) == 8
    same = await asyncio.gather(*(add(api, "xSameName") for api in apis))
    assert sorted(len(p["userErrors"]) for p in same) == [0, 1]
    assert next(p for p in same if p["userErrors"])["userErrors"][0]["code"] == "KEY_TAKEN"


async def test_a_repeated_request_is_answered_not_carried_out(workers: Workers) -> None:
    given = {"entity": "ORDER", "name": "xOnce", "kind": "INT", "description": "d", "idempotencyKey": "once"}
    answers = [(await workers.data("administrator", CREATE, {"input": given}))["createCustomField"] for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0]["userErrors"] == []


async def test_values_are_checked_by_kind_and_choice(workers: Workers) -> None:
    await workers.made("xMood", "CHOICE", choices=["Good", "Bad"], entity="OPPORTUNITY")
    await workers.made("xRatio", "DECIMAL", entity="OPPORTUNITY")
    await workers.made("xSite", "URL", entity="OPPORTUNITY")
    await workers.made("xTitle", "STRING", entity="OPPORTUNITY")
    opportunity = (await workers.data("administrator", "{ opportunities(first: 1) { nodes { id } } }"))[
        "opportunities"
    ]["nodes"][0]
    text = "mutation ($input: UpdateOpportunityInput!) { updateOpportunity(input: $input) { userErrors { code field } opportunity { xMood xRatio xSite xTitle } } }"
    for bad, where in (({"xMood": "Great"}, "xMood"), ({"xTitle": "t" * 256}, "xTitle")):
        found = (await workers.data("administrator", text, {"input": {**opportunity, **bad}}))["updateOpportunity"]
        assert found["userErrors"] == [{"code": "VALUE_INVALID", "field": [where]}]
    for bad in ({"xRatio": "1.1234567"}, {"xRatio": 1.5}, {"xSite": "gopher://x"}, {"xTitle": 5}):
        assert (await workers.ask("administrator", text, {"input": {**opportunity, **bad}})).codes == [
            "VARIABLE_INVALID"
        ]
    good = {"xMood": "Bad", "xRatio": "0.125", "xSite": "https://example.com/", "xTitle": "Fine"}
    found = (await workers.data("administrator", text, {"input": {**opportunity, **good}}))["updateOpportunity"]
    assert found == {"userErrors": [], "opportunity": good}
    emptied = (await workers.data("administrator", text, {"input": {**opportunity, **dict.fromkeys(good)}}))[
        "updateOpportunity"
    ]
    assert emptied["opportunity"] == dict.fromkeys(good)
