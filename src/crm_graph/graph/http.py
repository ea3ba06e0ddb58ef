"""GraphQL over HTTP without a web framework: bytes in, bytes out, every refusal a typed error.

Status codes are those of the public audit suite (https://github.com/graphql/graphql-http): a request that
cannot run gets 400 where the caller accepts `application/graphql-response+json`, and 200 without `data` where
it accepts only `application/json`; what is wrong with the HTTP request itself is 4xx in both.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from urllib.parse import unquote_to_bytes

import orjson
from graphql.language import OperationDefinitionNode, OperationType
from starlette.types import Receive

from crm_graph.errors import JSON, BadRequest, BodyTooLarge, CrmError
from crm_graph.graph.json_input import read_object

LONGEST_CACHED_HEADER = 256
QUALITY = re.compile(rb"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")

Header = tuple[bytes, bytes]


class MediaType(Enum):
    """The two ways to answer; the value is the content type without its charset."""

    GRAPHQL = b"application/graphql-response+json"
    JSON = b"application/json"


class NotAcceptable(CrmError):
    """The Accept header excludes both media types."""

    code = "NOT_ACCEPTABLE"
    status = 406


class MethodNotAllowed(CrmError):
    """Not GET or POST, or a mutation by GET."""

    code = "METHOD_NOT_ALLOWED"
    status = 405

    def __init__(self, message: str, *, allow: str) -> None:
        super().__init__(message)
        self.allow = allow


class UnsupportedMediaType(CrmError):
    """The body is not said to be JSON in UTF-8."""

    code = "UNSUPPORTED_MEDIA_TYPE"
    status = 415


class ClientDisconnected(Exception):
    """The client left before its request was read: there is nobody to answer."""


@dataclass(slots=True)
class GraphQLRequest:
    """A well-formed request; whether `query` is GraphQL is not yet known."""

    query: str
    variables: dict[str, JSON] = field(default_factory=dict)
    operation_name: str | None = None
    extensions: dict[str, JSON] = field(default_factory=dict)


async def read_body(receive: Receive, limit: int, content_length: bytes | None = None) -> bytes:
    """The whole body; BODY_TOO_LARGE (413) over `limit` bytes, before reading where Content-Length says so."""
    if content_length is not None:
        if not content_length.isdigit():
            raise BadRequest("Content-Length is not a number.")
        if len(content_length) > 18 or int(content_length) > limit:
            raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientDisconnected
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        if not message.get("more_body", False):
            return b"".join([*chunks, chunk]) if chunks else chunk
        chunks.append(chunk)


def parse_request(body: bytes, content_type: bytes | None, content_encoding: bytes | None = None) -> GraphQLRequest:
    """Read a POST body. BAD_REQUEST (400) or UNSUPPORTED_MEDIA_TYPE (415) for all that is no GraphQL request."""
    if content_type is None:
        raise UnsupportedMediaType("The request has no Content-Type; send application/json.")
    if not _is_json(content_type):
        raise UnsupportedMediaType("The Content-Type must be application/json in UTF-8.")
    if content_encoding is not None and content_encoding.strip().lower() not in (b"", b"identity"):
        raise UnsupportedMediaType("The body must not be compressed: its Content-Encoding is not supported.")
    if not body:
        raise BadRequest("The request has no body.")
    return _request(read_object(body, "The body"))


def parse_query_string(query_string: bytes) -> GraphQLRequest:
    """Read a GET request's `?query=&variables=&operationName=&extensions=` (raw, percent-encoded)."""
    values: dict[str, JSON] = {}
    for part in query_string.split(b"&"):
        raw_name, _, raw_value = part.partition(b"=")
        name = unquote_to_bytes(raw_name.replace(b"+", b" "))
        if name not in (b"query", b"variables", b"operationName", b"extensions"):
            continue
        key = name.decode()
        if key in values:
            raise BadRequest(f'The URL has the parameter "{key}" twice.')
        try:
            value = unquote_to_bytes(raw_value.replace(b"+", b" ")).decode()
        except UnicodeDecodeError:
            raise BadRequest(f'The URL parameter "{key}" is not valid UTF-8.') from None
        if "\0" in value:
            raise BadRequest(f'The URL parameter "{key}" has a NUL character.')
        if key in ("variables", "extensions"):
            values[key] = read_object(value.encode(), f'The URL parameter "{key}"') if value else None
        else:
            values[key] = value if value or key == "query" else None
    return _request(values)


def refuse_unsafe(operation: OperationDefinitionNode) -> None:
    """METHOD_NOT_ALLOWED (405, Allow: POST) for an operation that must not be sent by GET."""
    if operation.operation is OperationType.MUTATION:
        raise MethodNotAllowed("A mutation cannot be sent by GET; use POST.", allow="POST")


def negotiate(accept: bytes | None) -> MediaType:
    """The media type to answer in; NOT_ACCEPTABLE (406) when the Accept header excludes both."""
    if accept is None:
        return MediaType.JSON
    media = _negotiated(accept) if len(accept) <= LONGEST_CACHED_HEADER else _negotiate(accept)
    if media is None:
        raise NotAcceptable("Accept must allow application/graphql-response+json or application/json.")
    return media


def is_strict(mode: bytes | None) -> bool:
    """Whether `X-Access-Mode` asks for no answer rather than one with holes. BAD_REQUEST (400) for what is no mode."""
    if mode is None:
        return False
    wanted = mode.strip().lower()
    if wanted not in (b"strict", b"lenient"):
        raise BadRequest("X-Access-Mode is strict or lenient.")
    return wanted == b"strict"


def status_for(media: MediaType, errors: Sequence[CrmError]) -> int:
    """Status of a response without `data`."""
    if any(error.status >= 500 for error in errors):
        return max(error.status for error in errors)
    for error in errors:
        if error.status != 400:
            return error.status
    if media is MediaType.GRAPHQL or any(isinstance(error, BadRequest) for error in errors):
        return 400
    return 200


def render_errors(errors: Sequence[CrmError], request_id: str) -> bytes:
    """`{"errors": [...]}` without `data`; each error carries the request id that is in the log."""
    rendered = []
    for error in errors:
        entry = error.to_graphql()
        extensions = entry["extensions"]
        assert isinstance(extensions, dict)
        extensions["requestId"] = request_id
        if "locations" in extensions:  # of the error itself, says the specification
            entry["locations"] = extensions.pop("locations")
        rendered.append(entry)
    return orjson.dumps({"errors": rendered})


def response_headers(
    media: MediaType,
    request_id: str,
    length: int,
    errors: Sequence[CrmError] = (),
    challenge: str = "Bearer",
    shared: Sequence[Header] = (),
) -> list[Header]:
    """Headers of every GraphQL response; `errors` are those that kept the request from running.

    `challenge` tells who has to prove themselves how they can; `shared` lets a page of another origin read it.
    """
    headers = [
        (b"content-type", CONTENT_TYPES[media]),
        (b"content-length", b"%d" % length),
        (b"vary", b"accept, origin" if shared else b"accept"),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", request_id.encode("ascii", "replace")),
    ]
    headers.extend(shared)
    for error in errors:
        if isinstance(error, MethodNotAllowed):
            headers.append((b"allow", error.allow.encode()))
        elif error.status == 401:
            headers.append((b"www-authenticate", challenge.encode()))
    return headers


CONTENT_TYPES = {media: media.value + b"; charset=utf-8" for media in MediaType}


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than {limit} bytes.", limit=limit)


def _request(values: dict[str, JSON]) -> GraphQLRequest:
    query = values.get("query")
    if type(query) is not str:
        raise BadRequest("query is missing." if query is None else "query must be a string.")
    operation_name = values.get("operationName")
    if operation_name is not None and type(operation_name) is not str:
        raise BadRequest("operationName must be a string.")
    return GraphQLRequest(query, _map(values, "variables"), operation_name, _map(values, "extensions"))


def _map(values: dict[str, JSON], name: str) -> dict[str, JSON]:
    value = values.get(name)
    if value is None:
        return {}
    if type(value) is not dict:
        raise BadRequest(f"{name} must be an object.")
    return value


def _parameters(parts: list[bytes]) -> list[tuple[bytes, bytes]]:
    pairs = []
    for part in parts:
        name, _, value = part.partition(b"=")
        pairs.append((name.strip().lower(), value.strip().strip(b'"').lower()))
    return pairs


def _is_utf8(parameters: list[tuple[bytes, bytes]]) -> bool:
    return all(value in (b"utf-8", b"utf8") for name, value in parameters if name == b"charset")


@lru_cache(maxsize=64)
def _cached_is_json(content_type: bytes) -> bool:
    name, *rest = content_type.split(b";")
    return name.strip().lower() == b"application/json" and _is_utf8(_parameters(rest))


def _is_json(content_type: bytes) -> bool:
    return len(content_type) <= LONGEST_CACHED_HEADER and _cached_is_json(content_type)


def _negotiate(accept: bytes) -> MediaType | None:
    """Best media type by RFC 9110: the most specific range that matches a type says its quality."""
    best: dict[MediaType, tuple[int, float]] = {}
    for item in accept.split(b","):
        name, *rest = item.split(b";")
        name = name.strip().lower()
        parameters = _parameters(rest)
        if not _is_utf8(parameters):
            continue
        quality = next((value for key, value in parameters if key == b"q"), b"1")
        if not name or not QUALITY.fullmatch(quality):
            continue
        for media in MediaType:
            specificity = 2 if name == media.value else 1 if name == b"application/*" else 0 if name == b"*/*" else -1
            if specificity >= 0:
                best[media] = max(best.get(media, (-1, 0.0)), (specificity, float(quality)))
    if not best:
        return None if accept.strip() else MediaType.JSON
    chosen = max(best, key=lambda media: (best[media][1], best[media][0], _preferred(media, best[media][0])))
    return chosen if best[chosen][1] > 0 else None


def _preferred(media: MediaType, specificity: int) -> bool:
    """At equal quality and specificity: graphql-response+json where it is named, json under wildcards."""
    return (media is MediaType.GRAPHQL) == (specificity == 2)


_negotiated = lru_cache(maxsize=256)(_negotiate)
