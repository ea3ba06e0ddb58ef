"""Rule 3: to who may not see it, a custom field is an unknown name, on every way to ask for it."""

import re
from typing import Any

import pytest

from tests.custom_fields.conftest import Workers

pytestmark = pytest.mark.asyncio(loop_scope="session")

NEVER = "xNeverWasHere"
SECRET = "xSecretScore7"
"""As long as the other, so that places in the document are the same."""
DOCUMENTS = (
    "{ customers { nodes { NAME } } }",
    "{ customers(filter: {NAME: {gt: 1}}) { totalCount } }",
    "{ customers(filter: {or: [{not: {NAME: {isNull: true}}}]}) { totalCount } }",
    '{ customers(filter: {name: {eq: "a"}, NAME: {eq: 1}}) { totalCount } }',
    "{ customers(orderBy: [{NAME: ASC}]) { totalCount } }",
    "{ tickets { nodes { customer { NAME } } } }",
    "{ tickets(filter: {customer: {NAME: {eq: 1}}}) { totalCount } }",
    '{ node(id: "x") { ... on Customer { NAME } } }',
    "{ customers { edges { node { ...F } } } } fragment F on Customer { a: NAME }",
    "{ customers { nodes { customer { NAME } NAME(a: 1) { b } } } }",
    'mutation { createCustomer(input: {name: "a", NAME: 1}) { customer { NAME } } }',
    'mutation { updateCustomer(input: {id: "x", NAME: 1}) { customer { id } } }',
    'mutation { upsertCustomer(input: {source: "a", externalId: "b", NAME: 1}) { customer { id } } }',
    "{ customerAggregate(groupBy: [{NAME: VALUE}]) { groups { count } } }",
    "{ customerAggregate { groups { count key { NAME } } } }",
    "{ customerAggregate { groups { countDistinct { NAME } sum { NAME } avg { a: NAME } min { NAME } max { NAME } } } }",
    "{ customerAggregate(having: {sum: {NAME: {gt: 1}}}) { groupCount } }",
    "{ customerAggregate(having: {max: {NAME: {isNull: false}}}) { groupCount } }",
    "{ customerAggregate(groupBy: [{kind: VALUE}], orderBy: [{sum: {NAME: ASC}}]) { groupCount } }",
    "{ customerAggregate(orderBy: [{key: {NAME: ASC}}]) { groupCount } }",
    "{ customerAggregate(filter: {NAME: {eq: 1}}) { groupCount } }",
    "{ users { nodes { customersAggregate(filter: {NAME: {eq: 1}}) { sum { NAME } } } } }",
    "query ($f: CustomerFilter = {NAME: {eq: 1}}) { customers(filter: $f) { totalCount } }",
)
VARIABLES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("query ($v: CustomerFilter) { customers(filter: $v) { totalCount } }", {"v": {"NAME": {"eq": 1}}}),
    ("query ($v: [CustomerOrderBy!]) { customers(orderBy: $v) { totalCount } }", {"v": [{"NAME": "ASC"}]}),
    ("query ($v: [CustomerGroupBy!]) { customerAggregate(groupBy: $v) { groupCount } }", {"v": [{"NAME": "VALUE"}]}),
    (
        "query ($v: CustomerHaving) { customerAggregate(having: $v) { groupCount } }",
        {"v": {"max": {"NAME": {"gt": 1}}}},
    ),
    (
        "query ($v: [CustomerGroupOrderBy!]) { customerAggregate(orderBy: $v) { groupCount } }",
        {"v": [{"min": {"NAME": "ASC"}}]},
    ),
    (
        "mutation ($v: CreateCustomerInput!) { createCustomer(input: $v) { __typename } }",
        {"v": {"name": "a", "NAME": 1}},
    ),
    (
        "mutation ($v: UpdateCustomerInput!) { updateCustomer(input: $v) { __typename } }",
        {"v": {"id": f"cus_{0:032x}", "NAME": 1}},
    ),
)


def renamed(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {k.replace("NAME", name): renamed(v, name) for k, v in value.items()}
    return [renamed(v, name) for v in value] if isinstance(value, list) else value


def without_names(body: bytes) -> str:
    return re.sub(r'"requestId":"\w+"', "", body.decode().replace(SECRET, "NAME").replace(NEVER, "NAME"))


@pytest.mark.parametrize("persona", ["service_agent", "customer", "storefront", "other_org_administrator"])
async def test_it_is_answered_like_a_name_that_never_was(workers: Workers, persona: str) -> None:
    if not await workers.fetch("SELECT 1 FROM custom_fields WHERE name = $1", SECRET):
        await workers.made(SECRET, "INT")
    asked = [(d, {}) for d in DOCUMENTS] + list(VARIABLES)
    for document, variables in asked:
        answers = [
            await workers.ask(persona, document.replace("NAME", name), renamed(variables, name))
            for name in (SECRET, NEVER)
        ]
        assert without_names(answers[0].body) == without_names(answers[1].body), document
        assert answers[0].status == answers[1].status
        assert answers[0].errors, document
        known = await workers.ask("administrator", document.replace("NAME", SECRET), renamed(variables, SECRET))
        assert without_names(known.body) != without_names(answers[0].body), document


async def test_no_suggestion_names_it(workers: Workers) -> None:
    for persona in ("service_agent", "administrator"):
        answer = await workers.ask(persona, "{ customers { nodes { xSecretScor } } }")
        assert answer.codes == ["GRAPHQL_VALIDATION_FAILED"]
        assert SECRET not in answer.body.decode()


async def test_nothing_else_of_the_service_agents_answers_names_it(workers: Workers) -> None:
    asked = (
        "{ __schema { types { name description fields { name } inputFields { name } enumValues { name } } } }",
        "{ customers(first: 50) { nodes { hiddenFields maskedFields etag } } }",
        "{ customFields(first: 5) { nodes { name } totalCount } }",
        '{ __type(name: "CustomField") { name } }',
    )
    for document in asked:
        assert SECRET not in (await workers.ask("service_agent", document)).body.decode(), document
    sdl = await workers.first.request("GET", "/schema.graphql", headers=workers.first.headers("service_agent"))
    assert SECRET not in sdl.body.decode()
    assert "CustomField" not in sdl.body.decode()


async def test_explanations_and_audit_entries_do_not_know_it_either(workers: Workers) -> None:
    if not await workers.fetch("SELECT 1 FROM custom_fields WHERE name = $1", SECRET):
        await workers.made(SECRET, "INT")
    made = f'mutation {{ createCustomer(input: {{name: "Audited", {SECRET}: 987654}}) {{ customer {{ id }} }} }}'
    customer = (await workers.data("administrator", made))["createCustomer"]["customer"]["id"]
    audit = "query ($id: ID!) { auditEntries(node: $id) { changes { field before after hidden } } }"
    entries = (await workers.data("sales_manager", audit, {"id": customer}))["auditEntries"]
    assert {"field": SECRET, "before": None, "after": "987654", "hidden": False} in entries[0]["changes"]
    told = (await workers.ask("service_agent", audit, {"id": customer})).body.decode()
    assert '"field":"name"' in told
    assert SECRET not in told
    assert "987654" not in told
    explain = "query ($id: ID!, $field: String!) { explainAccess(node: $id, field: $field) { shown } }"
    asked = [await workers.ask("service_agent", explain, {"id": customer, "field": f}) for f in (SECRET, NEVER)]
    assert asked[0].codes == ["ARGUMENT_INVALID"]
    assert without_names(asked[0].body) == without_names(asked[1].body)
    found = await workers.data("administrator", explain, {"id": customer, "field": SECRET})
    assert found == {"explainAccess": {"shown": "VALUE"}}


async def test_looking_as_somebody_else_only_shows_what_both_know(workers: Workers) -> None:
    if not await workers.fetch("SELECT 1 FROM custom_fields WHERE name = $1", SECRET):
        await workers.made(SECRET, "INT")
    agent = (await workers.fetch("SELECT id FROM users WHERE 'service_agent' = ANY(roles) LIMIT 1"))[0]["id"]
    as_agent = {"x-view-as": f"usr_{agent.hex}"}
    answers = [
        await workers.first.as_("administrator")(f"{{ customers {{ nodes {{ {n} }} }} }}", headers=as_agent)
        for n in (SECRET, NEVER)
    ]
    assert answers[0].codes == ["GRAPHQL_VALIDATION_FAILED"]
    assert without_names(answers[0].body) == without_names(answers[1].body)
    shown = await workers.first.as_("administrator")("{ customers { nodes { hiddenFields } } }", headers=as_agent)
    assert shown.data["customers"]["nodes"]
    assert SECRET not in shown.body.decode()


async def test_its_definition_is_for_administrators(workers: Workers) -> None:
    field = (await workers.fetch("SELECT id FROM custom_fields LIMIT 1"))[0]["id"]
    text = "query ($id: ID!) { customField(id: $id) { name } node(id: $id) { id } customFields { totalCount } }"
    given = {"id": f"cfd_{field.hex}"}
    assert (await workers.data("administrator", text, given))["customFields"]["totalCount"] > 0
    for persona in ("sales_manager", "sales_rep", "customer"):
        answer = await workers.ask(persona, text, given)
        assert answer.json["data"] == {"customField": None, "node": None, "customFields": None}
    other = await workers.data("other_org_administrator", text, given)
    assert other == {"customField": None, "node": None, "customFields": {"totalCount": 0}}


async def test_two_organisations_have_fields_of_one_name_and_different_kinds(workers: Workers) -> None:
    await workers.made("xBoth", "INT")
    await workers.made("xBoth", "STRING", by="other_org_administrator")
    text = 'mutation { createCustomer(input: {name: "Both", xBoth: VALUE}) { customer { xBoth } } }'
    ours = await workers.data("administrator", text.replace("VALUE", "7"))
    theirs = await workers.data("other_org_administrator", text.replace("VALUE", '"seven"'))
    assert ours["createCustomer"]["customer"] == {"xBoth": 7}
    assert theirs["createCustomer"]["customer"] == {"xBoth": "seven"}
    assert (await workers.ask("other_org_administrator", text.replace("VALUE", "7"))).codes == [
        "GRAPHQL_VALIDATION_FAILED"
    ]
    same = "query ($f: CustomerFilter) { customers(filter: $f) { nodes { xBoth } } }"  # one document, two schemas
    assert (await workers.data("administrator", same, {"f": {"xBoth": {"eq": 7}}}))["customers"]["nodes"] == [
        {"xBoth": 7}
    ]
    found = await workers.data("other_org_administrator", same, {"f": {"xBoth": {"eq": "seven"}}})
    assert found["customers"]["nodes"] == [{"xBoth": "seven"}]
