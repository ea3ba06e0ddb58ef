"""Every line of the public GraphQL-over-HTTP audit suite, against the functions of the edge in their order.

`audit/` runs the suite itself against the real server (marker `full`); this one needs no Node and names the
function at fault.
"""

import json
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode

import pytest
from graphql import ExecutionResult, build_schema, execute_sync, validate
from graphql.execution import get_variable_values

from crm_graph.errors import CrmError, GraphqlValidationFailed, VariableInvalid
from crm_graph.graph.http import (
    MediaType,
    negotiate,
    parse_query_string,
    parse_request,
    refuse_unsafe,
    render_errors,
    response_headers,
    status_for,
)
from crm_graph.graph.limits import Limits, check, measure, parse_document, select_operation

SCHEMA = build_schema("type Query { a: Int } type Mutation { b: Int }")
GRAPHQL, PLAIN = b"application/graphql-response+json", b"application/json"
TYPENAME: dict[str, object] = {"query": "{ __typename }"}
COERCE = {"query": "query CoerceFailure($id: ID!){ __typename }", "variables": {"id": None}}
UNKNOWN = {"query": "{ 8f31403dfe404bccbb0e835f2629c6a7 }"}


class Answer(NamedTuple):
    status: int
    headers: Mapping[bytes, bytes]
    body: dict[str, object]


def answer(
    body: bytes | None,
    accept: bytes | None = None,
    content_type: bytes | None = PLAIN,
    get: dict[str, str] | None = None,
) -> Answer:
    """The edge without a server: what the endpoint does, with graphql-core's executor behind it."""
    media = MediaType.JSON
    errors: list[CrmError] = []
    try:
        media = negotiate(accept)
        if get is None:
            request = parse_request(body or b"", content_type)
        else:
            request = parse_query_string(urlencode(get).encode())
        document = parse_document(request.query, Limits())
        check(measure(document, request.operation_name), Limits())
        operation = select_operation(document, request.operation_name)
        if get is not None:
            refuse_unsafe(operation)
        errors = [GraphqlValidationFailed(error.message) for error in validate(SCHEMA, document)]
        if not errors:
            coerced = get_variable_values(SCHEMA, operation.variable_definitions or (), request.variables)
            errors = [VariableInvalid(error.message) for error in coerced] if isinstance(coerced, list) else []
        if not errors:
            result = execute_sync(SCHEMA, document, {}, variable_values=request.variables)
            assert isinstance(result, ExecutionResult)
            payload = json.dumps(result.formatted).encode()
            return Answer(200, dict(response_headers(media, "r", len(payload))), json.loads(payload))
    except CrmError as error:
        errors = [error]
    payload = render_errors(errors, "r")
    return Answer(
        status_for(media, errors), dict(response_headers(media, "r", len(payload), errors)), json.loads(payload)
    )


def post(body: Mapping[str, object], accept: bytes | None = None, content_type: bytes | None = PLAIN) -> Answer:
    return answer(json.dumps(body).encode(), accept, content_type)


@pytest.mark.parametrize(
    ("audit", "accept", "content_type"),
    [
        ("22EB", GRAPHQL, GRAPHQL),
        ("4655", PLAIN, PLAIN),
        ("47DE", b"*/*", PLAIN),
        ("80D8", None, PLAIN),
    ],
)
def test_media_types(audit: str, accept: bytes | None, content_type: bytes) -> None:
    found = post(TYPENAME, accept)
    assert found.status == 200
    assert found.headers[b"content-type"] == content_type + b"; charset=utf-8"


def test_82a3_bf61_78d5_utf8() -> None:
    text = {"query": '{ __type(name: "Run🏃Swim🏊") { name } }'}
    assert answer(json.dumps(text, ensure_ascii=False).encode(), None, b"application/json; charset=utf-8").status == 200
    assert post(TYPENAME).status == 200


def test_2c94_03d4_post() -> None:
    assert post(TYPENAME).body == {"data": {"__typename": "Query"}}


def test_5a70_get() -> None:
    assert answer(None, get={"query": "{ __typename }"}).status == 200


def test_9c48_no_mutation_by_get() -> None:
    found = answer(None, GRAPHQL, get={"query": "mutation { __typename }"})
    assert (found.status, found.headers[b"allow"]) == (405, b"POST")


def test_9abe_content_type_is_required() -> None:
    assert 400 <= post(TYPENAME, content_type=None).status < 500
    assert post(TYPENAME, content_type=b"text/plain;charset=UTF-8").status == 415


def test_a5bf_body_is_required() -> None:
    assert answer(None).status == 400


@pytest.mark.parametrize("accept", [GRAPHQL, PLAIN, None])
@pytest.mark.parametrize(
    "body",
    [
        {"notquery": "{ __typename }"},  # 423L, 8764, 3E3A
        *({"query": value} for value in ({"obj": "ect"}, 0, False, ["array"])),  # LKJ0-3
        *({**TYPENAME, "operationName": value} for value in ({"obj": "ect"}, 0, False, ["array"])),  # 6C00-3
        *({**TYPENAME, "variables": value} for value in ("string", 0, False, ["array"])),  # 4760-3
        *({**TYPENAME, "extensions": value} for value in ("string", 0, False, ["array"])),  # 58B0-3
    ],
)
def test_wrong_parameters(body: dict[str, object], accept: bytes | None) -> None:
    assert post(body, accept).status == 400


@pytest.mark.parametrize("accept", [GRAPHQL, PLAIN])
@pytest.mark.parametrize(
    "body",
    [
        TYPENAME,  # 34A2, 13EE
        {"query": "query Query { __typename }", "operationName": "Query"},  # 8161, B8B3
        *({**TYPENAME, name: None} for name in ("variables", "operationName", "extensions")),  # 94B0-2, 0220-2
        {
            "query": "query Type($name: String!) { __type(name: $name) { name } }",
            "variables": {"name": "t"},
        },  # 2EA1, 28B9
        {**TYPENAME, "extensions": {"some": "value"}},  # 428F, 1B7A
    ],
)
def test_right_parameters(body: dict[str, object], accept: bytes) -> None:
    found = post(body, accept)
    assert found.status == 200
    assert "errors" not in found.body


@pytest.mark.parametrize("accept", [GRAPHQL, PLAIN])
def test_d6d5_6a70_variables_by_get(accept: bytes) -> None:
    query = "query Type($name: String!) { __type(name: $name) { name } }"
    found = answer(None, accept, get={"query": query, "variables": json.dumps({"name": "t"})})
    assert found.status == 200
    assert "errors" not in found.body


@pytest.mark.parametrize("accept", [GRAPHQL, PLAIN])
def test_b6dc_bcf8_b7n8_json_failure(accept: bytes) -> None:
    assert answer(b'{ "not a JSON', accept).status == 400


@pytest.mark.parametrize("body", [{"query": "{"}, UNKNOWN, COERCE], ids=["parse", "validate", "coerce"])
def test_572b_fde2_7b9b_failures_as_json(body: dict[str, object]) -> None:
    found = post(body, PLAIN)
    assert found.status == 200
    assert "data" not in found.body
    assert found.body["errors"]


@pytest.mark.parametrize("body", [{"query": "{"}, UNKNOWN, COERCE], ids=["parse", "validate", "coerce"])
def test_865d_556a_d586_51fe_74ff_5e5b_86ee_failures_as_graphql_response(body: dict[str, object]) -> None:
    found = post(body, GRAPHQL)
    assert found.status == 400
    assert "data" not in found.body
    assert found.body["errors"]


def test_not_acceptable_is_answered_in_json() -> None:
    found = post(TYPENAME, b"text/html")
    assert (found.status, found.headers[b"content-type"]) == (406, b"application/json; charset=utf-8")
