"""The response side of GraphQL over HTTP: media type, status, headers, rendered errors."""

from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_graph.errors import (
    BadRequest,
    BodyTooLarge,
    CrmError,
    GraphqlParseFailed,
    Internal,
    ServiceUnavailable,
    TooDeep,
    Unauthenticated,
)
from crm_graph.graph.http import (
    MediaType,
    MethodNotAllowed,
    NotAcceptable,
    UnsupportedMediaType,
    negotiate,
    render_errors,
    response_headers,
    status_for,
)
from crm_graph.graph.limits import Limits, parse_document

GRAPHQL, PLAIN = MediaType.GRAPHQL, MediaType.JSON


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (None, PLAIN),
        (b"", PLAIN),
        (b" ", PLAIN),
        (b"*/*", PLAIN),
        (b"application/*", PLAIN),
        (b"application/json", PLAIN),
        (b"application/json; charset=utf-8", PLAIN),
        (b"APPLICATION/GraphQL-Response+JSON", GRAPHQL),
        (b'application/graphql-response+json; charset="utf-8"', GRAPHQL),
        (b"application/graphql-response+json, application/json;q=0.9", GRAPHQL),
        (b"application/graphql-response+json;q=0.5, application/json", PLAIN),
        (b"application/json, application/graphql-response+json", GRAPHQL),
        (b"application/json, */*", PLAIN),
        (b"application/graphql-response+json, */*", GRAPHQL),
        (b"application/json;q=0, */*", GRAPHQL),
        (b"application/json;q=0.1, */*;q=0.5", GRAPHQL),
        (b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", PLAIN),
        (b"application/graphql-response+json, application/graphql+json, application/json, text/event-stream", GRAPHQL),
        (b"application/json;charset=latin1, application/graphql-response+json;q=0.1", GRAPHQL),
        (b"application/graphql-response+json;q=2, application/json;q=0.2", PLAIN),
        (b"text/html, " * 200 + b"application/json", PLAIN),
    ],
)
def test_negotiation(accept: bytes | None, media: MediaType) -> None:
    assert negotiate(accept) is media


@pytest.mark.parametrize(
    "accept",
    [
        b"text/html",
        b"image/*",
        b"application/json;q=0",
        b"application/json;q=0.0, application/graphql-response+json;q=0.000",
        b"*/*;q=0",
        b"application/json; charset=utf-16",
        b"application/json;q=x",
        b"*",
        b"\xff",
        b"text/html, " * 200,
    ],
)
def test_nothing_acceptable(accept: bytes) -> None:
    for _ in range(2):  # the refusal is cached too
        with pytest.raises(NotAcceptable) as caught:
            negotiate(accept)
    assert caught.value.status == 406


@given(st.binary(max_size=40))
def test_any_accept_header_gives_a_media_type_or_406(accept: bytes) -> None:
    with suppress(NotAcceptable):
        assert negotiate(accept) in MediaType


@pytest.mark.parametrize(
    ("errors", "plain", "graphql"),
    [
        ([GraphqlParseFailed("x")], 200, 400),
        ([TooDeep("x")], 200, 400),
        ([BadRequest("x")], 400, 400),
        ([UnsupportedMediaType("x")], 415, 415),
        ([NotAcceptable("x")], 406, 406),
        ([BodyTooLarge("x")], 413, 413),
        ([MethodNotAllowed("x", allow="POST")], 405, 405),
        ([Unauthenticated("x")], 401, 401),
        ([ServiceUnavailable("x")], 503, 503),
        ([Internal("r")], 500, 500),
        ([GraphqlParseFailed("x"), Unauthenticated("x")], 401, 401),
        ([Unauthenticated("x"), Internal("r")], 500, 500),
        ([GraphqlParseFailed("x"), BadRequest("x")], 400, 400),
    ],
)
def test_status(errors: list[CrmError], plain: int, graphql: int) -> None:
    assert (status_for(PLAIN, errors), status_for(GRAPHQL, errors)) == (plain, graphql)


def test_errors_are_rendered_without_data_and_with_the_request_id() -> None:
    rendered = orjson.loads(render_errors([TooDeep("Too deep.", limit=12), BadRequest("Bad.")], "req-1"))
    assert rendered == {
        "errors": [
            {"message": "Too deep.", "extensions": {"code": "TOO_DEEP", "limit": 12, "requestId": "req-1"}},
            {"message": "Bad.", "extensions": {"code": "BAD_REQUEST", "requestId": "req-1"}},
        ]
    }


def test_a_syntax_error_is_rendered_with_its_place() -> None:
    with pytest.raises(GraphqlParseFailed) as caught:
        parse_document("{ a\n  (", Limits())
    [error] = orjson.loads(render_errors([caught.value], "r"))["errors"]
    assert error["locations"] == [{"line": 2, "column": 4}]


def test_headers() -> None:
    headers = dict(response_headers(GRAPHQL, "req-1", 17, [Unauthenticated("x")]))
    assert headers == {
        b"content-type": b"application/graphql-response+json; charset=utf-8",
        b"content-length": b"17",
        b"vary": b"accept",
        b"cache-control": b"no-store",
        b"x-content-type-options": b"nosniff",
        b"x-request-id": b"req-1",
        b"www-authenticate": b"Bearer",
    }
    assert dict(response_headers(PLAIN, "r", 0))[b"content-type"] == b"application/json; charset=utf-8"
