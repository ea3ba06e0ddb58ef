"""`/approvals/<id>`: a request for approval as whoever is asked sees it, and the decision; mails lead here."""

from dataclasses import replace
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_graph.auth.account.visit import Visit, Visits
from crm_graph.auth.actor import Actor
from crm_graph.auth.authentication import Authenticator
from crm_graph.auth.sign_in.form import FormTokens
from crm_graph.auth.sign_in.page import redirect, refusing
from crm_graph.db.ids import decode_as, uuid7
from crm_graph.db.session import Database
from crm_graph.errors import NotFound
from crm_graph.graph.documents import Documents
from crm_graph.graph.known_fields import Schemas
from crm_graph.graph.reading import Reader
from crm_graph.graph.writing import Request as Mutation
from crm_graph.graph.writing import Writer
from crm_graph.resolvers.authority.telling import PATH, WHAT
from crm_graph.schema.authority import ApprovalRequest, AuthorityAction

CHANNEL: Final = "approval_page"
LONGEST: Final = 1_000
_ASKED: Final = """
query Approval($id: ID!) {
  approvalRequest(id: $id) {
    id action amount { amount currency } percent note state reason expiresAt
    requestedBy { name } askedOf { name } decidedBy { name }
    proposals(first: 1) { nodes { number title customer { name } } }
    opportunities(first: 1) { nodes { name customer { name } } }
    customers(first: 1) { nodes { name } }
    compensations(first: 1) { nodes { customer { name } } }
  }
}"""
_DECIDE: Final = """
mutation Decide($i: %sInput!) { %s(input: $i) { userErrors { message } } }"""


class _NotForYou(NotFound):
    status = 404


class ApprovalPages:
    """One request, and two buttons. It is read and decided as through the API, by the reader's own access."""

    def __init__(
        self,
        authenticator: Authenticator,
        database: Database,
        secret: bytes,
        schemas: Schemas,
        documents: Documents,
        reader: Reader,
        writer: Writer,
    ) -> None:
        self._authenticator, self._database, self._forms = authenticator, database, FormTokens(secret)
        self._schemas, self._documents, self._reader, self._writer = schemas, documents, reader, writer

    def routes(self) -> list[Route]:
        """GET and POST /approvals/<id>."""
        path = f"{PATH}/{{asked}}"
        return [
            Route(path, refusing(self.show), methods=["GET"]),
            Route(path, refusing(self.decide), methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """What is asked. Raises NotFound where there is no such request for whoever looks."""
        visits, asked = self._visits(request)
        return await self._page(visits, await visits.seen(request), asked)

    async def decide(self, request: Request) -> Response:
        """Approve or reject it."""
        visits, asked = self._visits(request)
        visit = await visits.posted(request)
        verb = "approveRequest" if visit.form.get("decision") == "approve" else "rejectRequest"
        actor = _actor(visit)
        text = _DECIDE % (verb[0].upper() + verb[1:], verb)
        operation = await self._documents.operation(text, None, await self._schemas.of(actor.policy))
        given = {"i": {"id": asked, "reason": visit.form.get("reason", "").strip()[:LONGEST]}}
        answer = orjson.loads(await self._writer.write(Mutation.of(actor, operation, given, uuid7().hex)))
        errors = answer["data"][verb]["userErrors"]
        if errors:
            return await self._page(visits, visit, asked, errors[0]["message"])
        return redirect(f"{PATH}/{asked}")

    def _visits(self, request: Request) -> tuple[Visits, str]:
        asked: str = request.path_params["asked"]
        if decode_as(ApprovalRequest.__prefix__, asked) is None:
            raise _NotForYou("There is no such request.")
        return Visits(self._authenticator, self._database, self._forms, f"{PATH}/{asked}"), asked

    async def _page(self, visits: Visits, visit: Visit, asked: str, fault: str = "") -> Response:
        actor = _actor(visit)
        operation = await self._documents.operation(_ASKED, None, await self._schemas.of(actor.policy))
        answer = orjson.loads(await self._reader.read(actor, operation, {"id": asked}))
        found = answer["data"]["approvalRequest"]
        if found is None:
            raise _NotForYou("There is no such request, or not for you.")
        return visits.page(
            visit,
            "approval.html",
            409 if fault else 200,
            asked=found,
            what=WHAT[AuthorityAction(found["action"])],
            size=_size(found),
            about=_about(found),
            path=f"{PATH}/{asked}",
            fault=fault,
            given=visit.form.get("reason", ""),
            longest=LONGEST,
        )


def _actor(visit: Visit) -> Actor:
    return replace(visit.caller.actor, channel=CHANNEL)


def _size(found: dict[str, Any]) -> str:
    """How much is asked for, as far as the reader sees it."""
    if found["percent"] is not None:
        return f"{found['percent']} %"
    return f"{found['amount']['amount']} {found['amount']['currency']}" if found["amount"] else ""


def _about(found: dict[str, Any]) -> str:
    """What it is about, as far as the reader sees it."""
    for name in ("proposals", "opportunities", "customers", "compensations"):
        for one in (found[name] or {"nodes": []})["nodes"]:
            customer = (one.get("customer") or {}).get("name")
            words = [one.get("number"), one.get("title") or one.get("name"), customer]
            return " · ".join(word for word in words if word)
    return ""
