"""Bad requests for reading: a typed error each, by nobody's fault a 5xx, and nothing said about the inside."""

import json

import pytest

from tests.bad_input import cases
from tests.fixtures.api import Answer, Api

pytestmark = pytest.mark.asyncio(loop_scope="session")

GRAPHQL = "application/graphql-response+json"
INSIDE = (b"Traceback", b"asyncpg", b"SELECT ", b"organization_id", b".py", b"psycopg", b"sqlstate", b"$1::")


def refused(answer: Answer, code: str) -> None:
    """A well-formed refusal with this code: no data, 4xx in GraphQL's own media type, nothing of the inside (leak 37)."""
    assert 400 <= answer.status < 500, answer.body
    body = answer.json
    assert set(body) == {"errors"}, body
    assert code in answer.codes, body
    for error in body["errors"]:
        assert error["message"]
        assert error["extensions"]["requestId"] == answer.headers["x-request-id"]
    assert not [word for word in INSIDE if word in answer.body], body
    assert not answer.sql or code == "CURSOR_INVALID"


@pytest.mark.parametrize("name", cases.BODIES)
async def test_a_bad_request_is_refused(api: Api, name: str) -> None:
    body, code = cases.BODIES[name]
    refused(await api.send("administrator", body, {"accept": GRAPHQL}), code)
    as_json = await api.send("administrator", body)
    assert as_json.status in (200, 400, 413)
    assert "data" not in as_json.json
    assert code in as_json.codes


@pytest.mark.parametrize("name", [*cases.PAGES, *cases.VALUES])
async def test_a_bad_value_is_refused(api: Api, name: str) -> None:
    body, code = {**cases.PAGES, **cases.VALUES}[name]
    answer = await api.send("administrator", body, {"accept": GRAPHQL})
    if code == "OK":
        assert answer.data
    else:
        refused(answer, code)


@pytest.mark.parametrize("name", cases.CURSORS)
@pytest.mark.parametrize("order", ["", ", orderBy: [{name: ASC}, {createdAt: DESC}]"])
@pytest.mark.parametrize("persona", ["administrator", "partner_rep"])
async def test_a_bad_cursor_is_refused(api: Api, name: str, order: str, persona: str) -> None:
    """Leak 4, 5: what is no cursor of ours says no more than that."""
    query = f"query ($c: String) {{ customers(first: 1, after: $c{order}) {{ nodes {{ id }} }} }}"
    answer = await api.as_(persona)(query, {"c": cases.CURSORS[name]}, headers={"accept": GRAPHQL})
    refused(answer, "CURSOR_INVALID")
    written = query.replace("query ($c: String) ", "").replace(
        "$c", json.dumps(cases.CURSORS[name], ensure_ascii=False)
    )
    refused(await api.as_(persona)(written, headers={"accept": GRAPHQL}), "CURSOR_INVALID")


@pytest.mark.parametrize("name", cases.IDS)
async def test_a_bad_id_is_refused(api: Api, name: str) -> None:
    bad = cases.IDS[name]
    text = json.dumps(bad, ensure_ascii=False)
    ask = api.as_("administrator")
    for query, variables in (
        ("query ($v: ID!) { customer(id: $v) { id } }", {"v": bad}),
        ("query ($v: ID!) { node(id: $v) { id } }", {"v": bad}),
        ("query ($v: [ID!]!) { nodes(ids: $v) { id } }", {"v": [cases.CUSTOMER, bad]}),
        ("query ($v: ID) { customers(filter: {id: {eq: $v}}) { totalCount } }", {"v": bad}),
        ("query ($v: [ID!]) { customers(filter: {id: {in: $v}}) { totalCount } }", {"v": [bad]}),
        (f"{{ customer(id: {text}) {{ id }} }}", {}),
        (f"{{ node(id: {text}) {{ id }} }}", {}),
        (f'{{ nodes(ids: ["{cases.CUSTOMER}", {text}]) {{ id }} }}', {}),
        (f"{{ customers(filter: {{id: {{ne: {text}}}}}) {{ totalCount }} }}", {}),
        (f"{{ customers(filter: {{id: {{notIn: [{text}]}}}}) {{ totalCount }} }}", {}),
    ):
        refused(await ask(query, variables, headers={"accept": GRAPHQL}), "ID_INVALID")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_another_method_is_refused(api: Api, method: str) -> None:
    answer = await api.request(method, "/graphql")
    assert (answer.status, answer.codes) == (405, ["METHOD_NOT_ALLOWED"])


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/graphql", ""]
)
async def test_another_content_type_is_refused(api: Api, kind: str) -> None:
    answer = await api.send("administrator", b'{"query": "{ __typename }"}', {"content-type": kind})
    assert (answer.status, answer.codes) == (415, ["UNSUPPORTED_MEDIA_TYPE"])


@pytest.mark.parametrize(
    "token", ["", "x", "crm_key_", "crm_key_" + "a" * 52, "crm_ses_" + "x" * 500, "eyJhbGciOiJub25lIn0.e30.", "ä"]
)
async def test_a_token_that_does_not_work_is_not_taken_for_nobody(api: Api, token: str) -> None:
    """Leak 45: an unsigned token is a string like any other; only the empty one is nobody."""
    headers = {"authorization": b"Bearer " + token.encode("latin-1"), "content-type": "application/json"}
    answer = await api.request("POST", "/graphql", content=b'{"query": "{ __typename }"}', headers=headers)
    assert (answer.status, answer.codes) == ((401, ["UNAUTHENTICATED"]) if token else (200, []))


async def test_an_unknown_host_is_refused(api: Api) -> None:
    answer = await api.as_("storefront")("{ products { totalCount } }", headers={"host": "nobody.example"})
    assert (answer.status, answer.codes) == (404, ["UNKNOWN_HOST"])


@pytest.mark.parametrize("count", [51, 60])
async def test_an_object_with_many_aliases_has_them_all(api: Api, count: int) -> None:
    """PostgreSQL takes 100 arguments to a function; money under 51 names is more than that."""
    names = [f"a{i}" for i in range(count - 3)]
    money = " ".join(f"{name}: {'amount' if i % 2 else 'currency'}" for i, name in enumerate(names))
    query = f'{{ products(first: 1, filter: {{listPrice: {{gt: "0"}}}}) {{ nodes {{ listPrice {{ amount currency __typename {money} }} }} }} }}'
    answer = await api.as_("administrator")(query)
    if count > 53:
        assert answer.codes == ["TOO_MANY_ALIASES"]
    else:
        assert list(answer.data["products"]["nodes"][0]["listPrice"]) == ["amount", "currency", "__typename", *names]
