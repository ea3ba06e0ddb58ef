"""`/files/…`: where files are sent to and read from, by links that mutations and records give.

Whoever follows a link is the caller who was given it, as they are now: what they may no longer see or write, the link
opens no more. A file is always saved, never shown: nothing in it runs as a page of ours.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crm_graph.auth.actor import Actor
from crm_graph.auth.authentication import Authenticator
from crm_graph.auth.file_links import DOWNLOAD, PATH, UPLOAD, Carried, FileLinks, over
from crm_graph.auth.sign_in.page import refusing
from crm_graph.db.ids import encode
from crm_graph.db.session import Database
from crm_graph.entity import REGISTRY
from crm_graph.errors import CrmError, Unauthenticated
from crm_graph.graph import cross_origin
from crm_graph.graph.http import ClientDisconnected, Header, read_body
from crm_graph.plan.access.acting import HEADER, ActingForReads, ActingForRefused, acting_for
from crm_graph.plan.mutations import Call
from crm_graph.plan.sql.ids import record_of
from crm_graph.plan.writes.savepoint import unless_refused
from crm_graph.resolvers.files.reading import File, read_file
from crm_graph.resolvers.files.uploads import attach
from crm_graph.schema.attachments import Attachment

CHANNEL: Final = "file"
HEADERS: Final[Mapping[str, str]] = {
    "cache-control": "private, no-store",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class FilePages:
    """Files in and out; `largest` is in bytes."""

    def __init__(self, authenticator: Authenticator, database: Database, secret: bytes, largest: int) -> None:
        self._authenticator, self._database, self._largest = authenticator, database, largest
        self._links = FileLinks(secret)

    def routes(self) -> list[Route]:
        """The one to read from, and the one to send to, which pages of the organisation's apps may."""
        return [
            Route(f"{PATH}/{{file}}/{{link}}", refusing(self.download), methods=["GET"]),
            Route(f"{PATH}/{{ticket}}", self.upload, methods=["POST", "OPTIONS"]),
        ]

    async def download(self, request: Request) -> Response:
        """A file. Raises LinkOver, whatever is wrong with the link or has changed since it was given."""
        ticket, _, signature = request.path_params["link"].rpartition(".")
        entity, row = attachment_of(request.path_params["file"])
        opened = self._links.opened(ticket, DOWNLOAD)
        if not self._links.fits(ticket, row, signature):
            raise over()
        actor = await self._caller(opened)
        async with self._database.transaction(actor.organization_id, actor.user_id, CHANNEL) as tx:
            found = await read_file(await tx.raw(), actor, entity, row)
        if found is None:
            raise over()
        return saved(found)

    async def upload(self, request: Request) -> Response:
        """Take a file: its bytes are the body of the request. Answers its id, or why it was refused."""
        headers = dict(request.scope["headers"])
        shared = await cross_origin.granted(self._authenticator, headers) if b"origin" in headers else []
        if request.method == "OPTIONS":
            preflight = shared and cross_origin.is_preflight(request.method, headers)
            return _with(Response(status_code=204), cross_origin.preflight(shared) if preflight else [])
        try:
            answer = await self._attached(request, headers)
        except CrmError as error:
            answer = JSONResponse({"errors": [error.to_graphql()]}, error.status)
        except ClientDisconnected:
            answer = Response(status_code=400)
        return _with(answer, [*shared, (b"cache-control", b"no-store"), (b"vary", b"origin")])

    async def _attached(self, request: Request, headers: Mapping[bytes, bytes]) -> Response:
        carried = self._links.opened(request.path_params["ticket"], UPLOAD)
        actor = await self._caller(carried)
        if actor.acting_for is not None and not actor.acting_for.speaks:
            raise ActingForReads("For this customer you change nothing.")
        content = await read_body(request.receive, self._largest, headers.get(b"content-length"))
        async with self._database.transaction(actor.organization_id, actor.user_id, CHANNEL) as tx:
            call = Call(tx, actor, UUID(str(carried.facts["whole"])), {})
            outcome = await unless_refused(await tx.raw(), lambda: attach(call, carried.facts, content))
        if outcome.id is None or outcome.is_refused:
            said = [{"code": error.code, "message": error.message} for error in outcome.errors]
            return JSONResponse({"id": None, "userErrors": said}, 409)
        prefix = REGISTRY[str(carried.facts["entity"])].__prefix__
        return JSONResponse({"id": encode(prefix, outcome.id), "userErrors": []}, 201)

    async def _caller(self, carried: Carried) -> Actor:
        """Who was given the link, as they are now. Raises LinkOver."""
        try:
            actor = await self._authenticator.again(carried.credential)
            if carried.acting_for is not None:
                named = encode("cus", UUID(carried.acting_for)).encode()
                actor = acting_for(actor, [(HEADER.lower().encode(), named)])
        except (Unauthenticated, ActingForRefused):
            raise over() from None
        return actor


def attachment_of(file: str) -> tuple[type[Attachment], UUID]:
    """The kind of file and the row that an id names. Raises LinkOver."""
    found = record_of(file)
    if found is None or not issubclass(found[0], Attachment):
        raise over()
    return found[0], found[1]


def saved(file: File) -> Response:
    """A file for a browser to save, whatever is in it."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_. ") else "_" for c in file.name)
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file.name, safe='')}"
    headers = {**HEADERS, "content-type": file.media_type, "content-disposition": disposition}
    return Response(file.content, headers=headers)


def _with(response: Response, headers: list[Header]) -> Response:
    for name, value in headers:
        response.headers[name.decode()] = value.decode()
    return response
