"""`/graphql`: from a request's bytes to a response's bytes, as an ASGI application of its own.

It stands ahead of any framework: for a query that was seen before, a request is a look-up of the caller, of the
operation and of its plan, one statement, and a splice.
"""

import logging
import os
from collections.abc import Awaitable, Callable, Sequence

from starlette.types import Receive, Scope, Send

from crm_graph.auth.actor import Actor
from crm_graph.auth.authentication import Authenticator
from crm_graph.auth.denials import Denials
from crm_graph.auth.oauth import issuer
from crm_graph.auth.throttle.addresses import network
from crm_graph.auth.view_as import ViewAsRefused, ViewAsWrites
from crm_graph.errors import CrmError, Internal, PredicateAccessDenied
from crm_graph.graph import cross_origin, http
from crm_graph.graph.documents import Documents, Operation
from crm_graph.graph.http import ClientDisconnected, GraphQLRequest, Header, MediaType
from crm_graph.graph.known_fields import Schemas
from crm_graph.graph.reading import Reader
from crm_graph.graph.writing import Request, Writer
from crm_graph.plan.access.acting import HEADER, ActingForReads, ActingForRefused, acting_for

ViewAs = Callable[[Actor, bytes, str], Awaitable[Actor]]
"""Gives the caller looking as the user of an id, for a request of this id."""

logger = logging.getLogger("crm_graph.graph")


class Endpoint:
    """The GraphQL endpoint. What a client can send never makes it answer 5xx, SQL or a stack trace."""

    def __init__(
        self,
        authenticator: Authenticator,
        schemas: Schemas,
        documents: Documents,
        reader: Reader,
        writer: Writer,
        refusals: Denials,
        view_as: ViewAs,
        max_body: int,
    ) -> None:
        self._authenticator, self._schemas, self._documents = authenticator, schemas, documents
        self._refusals, self._view_as = refusals, view_as
        self._reader, self._writer, self._max_body = reader, writer, max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id, media = os.urandom(8).hex(), MediaType.JSON
        errors: Sequence[CrmError] = ()
        status, shared = 200, list[Header]()
        try:
            headers = dict(scope["headers"])
            if b"origin" in headers:
                shared = await cross_origin.granted(self._authenticator, headers)
                if shared and cross_origin.is_preflight(scope["method"], headers):
                    await _send(send, 204, cross_origin.preflight(shared), b"")
                    return
            media = http.negotiate(headers.get(b"accept"))
            body = await self._answer(scope, receive, headers, request_id)
        except ClientDisconnected:
            return
        except CrmError as error:
            errors = error.each()
        except Exception:
            logger.exception("request %s failed", request_id)
            errors = [Internal(request_id)]
        if errors:
            body, status = http.render_errors(errors, request_id), http.status_for(media, errors)
        challenge = issuer.challenge(scope) if any(error.status == 401 for error in errors) else ""
        response = http.response_headers(media, request_id, len(body), errors, challenge, shared)
        await _send(send, status, response, b"" if scope["method"] == "HEAD" else body)

    async def _answer(self, scope: Scope, receive: Receive, headers: dict[bytes, bytes], request_id: str) -> bytes:
        request = await self._request(scope, receive, headers)
        strict = http.is_strict(headers.get(b"x-access-mode"))
        actor = await self._authenticator.actor(scope)
        if b"x-acting-for" in headers:
            actor = self._acting(actor, scope)
        operation = await self._operation(actor, request)
        if operation.is_mutation and actor.acting_for is not None and not actor.acting_for.speaks:
            raise ActingForReads("For this customer you change nothing.")
        seen_as = headers.get(b"x-view-as")
        if seen_as is not None:
            if operation.is_mutation:
                raise ViewAsWrites("Looking as somebody else, nothing can be written.")
            try:
                actor = await self._view_as(actor, seen_as, request_id)
            except ViewAsRefused as refused:
                self._refusals.note(actor, refused.code, ["X-View-As"])
                raise
            operation = await self._operation(actor, request)  # in the schema of what both know
        try:
            if not operation.is_mutation:
                return await self._reader.read(actor, operation, request.variables, strict=strict)
            if scope["method"] != "POST":
                http.refuse_unsafe(operation.node)
            address = network(next(iter(scope.get("client") or ()), None))
            asked = Request.of(actor, operation, request.variables, request_id, strict=strict, address=address)
            return await self._writer.write(asked)
        except PredicateAccessDenied as denied:
            self._refusals.note(actor, denied.code, [str(denied.extensions.get("coordinate"))])
            raise

    def _acting(self, actor: Actor, scope: Scope) -> Actor:
        try:
            return acting_for(actor, scope["headers"])
        except ActingForRefused as refused:
            self._refusals.note(actor, refused.code, [HEADER])
            raise

    async def _operation(self, actor: Actor, request: GraphQLRequest) -> Operation:
        full = await self._schemas.of(actor.policy)
        return await self._documents.operation(request.query, request.operation_name, full)

    async def _request(self, scope: Scope, receive: Receive, headers: dict[bytes, bytes]) -> GraphQLRequest:
        if scope["method"] == "POST":
            body = await http.read_body(receive, self._max_body, headers.get(b"content-length"))
            return http.parse_request(body, headers.get(b"content-type"), headers.get(b"content-encoding"))
        if scope["method"] in ("GET", "HEAD"):
            return http.parse_query_string(scope["query_string"])
        raise http.MethodNotAllowed("GraphQL is asked by POST, or by GET for queries.", allow="GET, POST")


async def _send(send: Send, status: int, headers: list[Header], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
