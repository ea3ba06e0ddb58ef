"""The request side of GraphQL over HTTP: body, JSON, URL parameters."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

import orjson
import pytest
from graphql import parse
from hypothesis import given
from hypothesis import strategies as st

from crm_graph.errors import (
    BadRequest,
    BodyTooLarge,
)
from crm_graph.graph.http import (
    ClientDisconnected,
    GraphQLRequest,
    MediaType,
    MethodNotAllowed,
    UnsupportedMediaType,
    parse_query_string,
    parse_request,
    read_body,
    refuse_unsafe,
    render_errors,
    response_headers,
)
from crm_graph.graph.limits import Limits, parse_document, select_operation

JSON = b"application/json"


def receiving(messages: Iterable[dict[str, object]]):
    waiting = iter(messages)
    taken = []

    async def receive():
        message = next(waiting)
        taken.append(message)
        return message

    return receive, taken


def body_of(*chunks: bytes) -> list[dict[str, object]]:
    return [{"type": "http.request", "body": chunk, "more_body": i < len(chunks) - 1} for i, chunk in enumerate(chunks)]


@pytest.mark.parametrize("chunks", [(b"",), (b"abc",), (b"a", b"b", b"c"), (b"", b"abc", b"")])
def test_the_body_is_joined(chunks: tuple[bytes, ...]) -> None:
    receive, _ = receiving(body_of(*chunks))
    assert asyncio.run(read_body(receive, 3)) == b"".join(chunks)


def test_a_body_over_the_limit_is_refused_before_reading_when_its_length_is_told() -> None:
    receive, taken = receiving(body_of(b"x" * 4))
    with pytest.raises(BodyTooLarge) as caught:
        asyncio.run(read_body(receive, 3, b"4"))
    assert (caught.value.status, caught.value.extensions, taken) == (413, {"limit": 3}, [])


@pytest.mark.parametrize("length", [b"9" * 5_000, b"99999999999999999999"])
def test_an_absurd_content_length_is_too_large(length: bytes) -> None:
    receive, _ = receiving([])
    with pytest.raises(BodyTooLarge):
        asyncio.run(read_body(receive, 3, length))


@pytest.mark.parametrize("length", [b"-1", b"x", b"", b"1.0", "٣".encode()])
def test_a_content_length_that_is_no_number_is_a_bad_request(length: bytes) -> None:
    receive, _ = receiving([])
    with pytest.raises(BadRequest):
        asyncio.run(read_body(receive, 3, length))


def test_a_body_over_the_limit_stops_the_reading() -> None:
    receive, taken = receiving({"type": "http.request", "body": b"xx", "more_body": True} for _ in range(1_000))
    with pytest.raises(BodyTooLarge):
        asyncio.run(read_body(receive, 5))
    assert len(taken) == 3


def test_a_client_that_leaves_is_not_answered() -> None:
    receive, _ = receiving([{"type": "http.request", "body": b"x", "more_body": True}, {"type": "http.disconnect"}])
    with pytest.raises(ClientDisconnected):
        asyncio.run(read_body(receive, 5))


def test_a_full_request() -> None:
    body = b'{"query": "{ a }", "variables": {"x": [1, {"y": null}]}, "operationName": "Q", "extensions": {}, "z": 2}'
    assert parse_request(body, JSON) == GraphQLRequest("{ a }", {"x": [1, {"y": None}]}, "Q", {})


def test_null_is_as_absent() -> None:
    body = b'{"query": "{ a }", "variables": null, "operationName": null, "extensions": null}'
    assert parse_request(body, JSON) == GraphQLRequest("{ a }", {}, None, {})


@pytest.mark.parametrize(
    "content_type",
    [
        b"application/json",
        b"Application/JSON",
        b" application/json ; charset=utf-8",
        b'application/json; charset="UTF-8"',
        b"application/json;charset=utf8;profile=x",
        b"application/json;",
    ],
)
def test_content_types_that_are_json_in_utf8(content_type: bytes) -> None:
    assert parse_request(b'{"query": "{a}"}', content_type).query == "{a}"


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        b"",
        b"text/plain",
        b"application/graphql",
        b"application/jsonx",
        b"application/x-www-form-urlencoded",
        b"multipart/form-data; boundary=application/json",
        b"application/json; charset=iso-8859-1",
        b"application/json; charset=utf-8; charset=utf-16",
        b"application/json, text/plain",
        b"application/json; x=" + b"y" * 10_000,
        b"\xff\xfe",
    ],
)
def test_other_content_types_are_not_supported(content_type: bytes | None) -> None:
    with pytest.raises(UnsupportedMediaType) as caught:
        parse_request(b'{"query": "{a}"}', content_type)
    assert caught.value.status == 415


def test_a_compressed_body_is_not_supported() -> None:
    assert parse_request(b'{"query": "{a}"}', JSON, b"identity").query == "{a}"
    with pytest.raises(UnsupportedMediaType):
        parse_request(b"\x1f\x8b", JSON, b"gzip")


BAD_BODIES = {
    "empty": b"",
    "blank": b"  ",
    "truncated": b'{ "not a JSON',
    "null": b"null",
    "number": b"1",
    "string": b'"{ a }"',
    "true": b"true",
    "batch": b'[{"query": "{ a }"}]',
    "empty batch": b"[]",
    "two documents": b'{"query": "{a}"} {}',
    "trailing comma": b'{"query": "{a}",}',
    "invalid UTF-8": b'{"query": "{ a(x: \\"\xff\\") }"}',
    "UTF-16": '{"query": "{a}"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"query": "{a}"}',
    "encoded surrogate": b'{"query": "{a}\xed\xa0\x80"}',
    "lone high surrogate": rb'{"query": "{a}", "variables": {"x": "\ud800"}}',
    "lone low surrogate": rb'{"query": "{a}", "variables": {"x": "\udc00x"}}',
    "lone surrogate in a key": rb'{"query": "{a}", "variables": {"\ud800": 1}}',
    "NUL in a variable": rb'{"query": "{a}", "variables": {"x": [{"y": "a\u0000b"}]}}',
    "NUL in a key": rb'{"query": "{a}", "variables": {"\u0000": 1}}',
    "NUL in the query": rb'{"query": "{a}\u0000"}',
    "NUL in the name": rb'{"query": "{a}", "operationName": "\u0000"}',
    "raw NUL": b'{"query": "{a}\x00"}',
    "NaN": b'{"query": "{a}", "variables": {"x": NaN}}',
    "Infinity": b'{"query": "{a}", "variables": {"x": -Infinity}}',
    "infinite number": b'{"query": "{a}", "variables": {"x": 1e400}}',
    "integer over 64 bits": b'{"query": "{a}", "variables": {"x": 9223372036854775808}}',
    "integer under 64 bits": b'{"query": "{a}", "variables": {"x": [-9223372036854775809]}}',
    "huge integer": b'{"query": "{a}", "variables": {"x": 1' + b"0" * 300 + b"}}",
    "very huge integer": b'{"query": "{a}", "variables": {"x": ' + b"7" * 100_000 + b"}}",
    "repeated key": b'{"query": "{a}", "query": "{b}"}',
    "repeated key, spaced": b'{"query"\n\t: "{a}", "query" : "{b}"}',
    "repeated key, escaped": rb'{"query": "{a}", "qu\u0065ry": "{b}"}',
    "repeated key in variables": b'{"query": "{a}", "variables": {"x": {"y": 1, "z": 2, "y": 3}}}',
    "repeated unknown key": b'{"query": "{a}", "q": 1, "q": 2}',
    "deep variables": b'{"query": "{a}", "variables": {"x": ' + b"[" * 50 + b"]" * 50 + b"}}",
    "very deep variables": b'{"query": "{a}", "variables": {"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    "very deep and open": b'{"a":' * 100_000,
    "deep unknown key": b'{"query": "{a}", "x": ' + b'{"a":' * 500 + b"1" + b"}" * 500 + b"}",
    "no query": b'{"qeury": "{a}"}',
    "null query": b'{"query": null}',
    **{f"query {value!r}": b'{"query": %b}' % value for value in (b"{}", b"0", b"false", b'["array"]')},
    **{
        f"operationName {value!r}": b'{"query": "{a}", "operationName": %b}' % value
        for value in (b"{}", b"0", b"false", b'["array"]')
    },
    **{
        f"{name} {value!r}": b'{"query": "{a}", "%b": %b}' % (name.encode(), value)
        for name in ("variables", "extensions")
        for value in (b'"string"', b"0", b"false", b'["array"]', b'""')
    },
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES)
def test_bad_bodies_are_bad_requests(body: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_request(body, JSON)
    error = caught.value
    assert (type(error), error.code, error.status) == (BadRequest, "BAD_REQUEST", 400)
    assert len(error.message) < 300
    assert orjson.loads(render_errors([error], "r"))["errors"][0]["message"] == error.message


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775807", -(2**63) + 1),
        ("1e30", 1e30),
        ("-1.5E+25", -1.5e25),
        (r'"\ud83d\ude00"', "😀"),
        (r'"\\u0000"', "\\u0000"),
        (r'"\":\":"', '":":'),
        ('{"a:": {"a": {":": {}}}}', {"a:": {"a": {":": {}}}}),
    ],
)
def test_unusual_but_right_values_are_kept(value: str, expected: object) -> None:
    body = f'{{"query": "{{a}}", "variables": {{"x": {value}}}}}'.encode()
    assert parse_request(body, JSON).variables == {"x": expected}


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(texts, values, max_size=4))
def test_what_is_sent_is_what_is_read(variables: dict[str, object]) -> None:
    body = orjson.dumps({"query": "{ a }", "variables": variables})
    assert parse_request(body, JSON).variables == variables


@given(st.binary(max_size=60))
def test_any_bytes_give_a_request_or_a_typed_error(body: bytes) -> None:
    for text in (body, b'{"query":"{a}","variables":' + body + b"}"):
        with suppress(BadRequest):  # nothing else may come out
            assert isinstance(parse_request(text, JSON), GraphQLRequest)


@given(st.binary(max_size=60))
def test_any_query_string_gives_a_request_or_a_typed_error(text: bytes) -> None:
    for query_string in (text, b"query=%7Ba%7D&variables=" + text):
        with suppress(BadRequest):
            assert isinstance(parse_query_string(query_string), GraphQLRequest)


def test_a_full_query_string() -> None:
    found = parse_query_string(
        b"query=query+Q(%24x:Int){a}&variables=%7B%22x%22:1%7D&operationName=Q&extensions={}&other=1"
    )
    assert found == GraphQLRequest("query Q($x:Int){a}", {"x": 1}, "Q", {})


def test_empty_optional_parameters_are_as_absent_and_null_is_a_name() -> None:
    found = parse_query_string(b"query={a}&variables=&operationName=&extensions=")
    assert found == GraphQLRequest("{a}", {}, None, {})
    assert parse_query_string(b"query={a}&operationName=null").operation_name == "null"


@pytest.mark.parametrize(
    "query_string",
    [
        b"",
        b"qeury={a}",
        b"query={a}&query={b}",
        b"query={a}&%71uery={b}",
        b"query=%ff",
        b"query=%ed%a0%80",
        b"query={a}%00",
        b"query={a}&operationName=%00",
        b"query={a}&variables=1",
        b"query={a}&variables=null",
        b"query={a}&variables=[]",
        b"query={a}&variables={",
        b"query={a}&variables={%22x%22:NaN}",
        b"query={a}&extensions=%22x%22",
    ],
)
def test_bad_query_strings_are_bad_requests(query_string: bytes) -> None:
    with pytest.raises(BadRequest):
        parse_query_string(query_string)


def test_a_mutation_by_get_is_refused_with_the_method_that_is_allowed() -> None:
    document = parse_document("query A { a } mutation B { b }", Limits())
    refuse_unsafe(select_operation(document, "A"))
    with pytest.raises(MethodNotAllowed) as caught:
        refuse_unsafe(select_operation(document, "B"))
    assert caught.value.status == 405
    assert (b"allow", b"POST") in response_headers(MediaType.JSON, "r", 0, [caught.value])


def test_subscriptions_by_get_are_left_to_the_endpoint() -> None:
    refuse_unsafe(select_operation(parse("subscription { a }"), None))
