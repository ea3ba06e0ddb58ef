"""`/p/<secret>`: a proposal for whoever has its link. Opening it does nothing but note that it was opened.

Programs that look through mails open links too, so accepting is a form that is sent on purpose, with a name.
"""

import contextlib
import datetime as dt
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_graph.auth.actor import Actor
from crm_graph.auth.rendering import environment
from crm_graph.auth.sign_in.page import HEADERS, STYLE_URL, redirect, refusing
from crm_graph.db.ids import encode
from crm_graph.db.session import Transaction
from crm_graph.documents.language import accepted
from crm_graph.documents.pdf import pdf
from crm_graph.errors import LinkOver
from crm_graph.pages.door import Door
from crm_graph.pages.files import attachment_of, saved
from crm_graph.pages.linked import Links
from crm_graph.pages.proposals.paper import Paper, Papers
from crm_graph.plan.changes import Outcome
from crm_graph.plan.mutations import Call
from crm_graph.resolvers.files.reading import read_file
from crm_graph.resolvers.proposals import answers, links, questions
from crm_graph.resolvers.proposals.links import PATH, Opened
from crm_graph.schema.proposals import AcceptanceWay, Proposal

CHANNEL: Final = "proposal_page"
LONGEST_NAME: Final = 100
_BLANK: Final = {"name": "", "question": "", "reason": ""}
STYLE_PATH: Final = "/proposal.css"
_STYLE: Final = files("crm_graph.pages").joinpath("static/proposal.css").read_bytes()

_templates: Final = environment("crm_graph.pages")
PAPER_URL: Final = f"{STYLE_PATH}?v={hashlib.sha256(_STYLE).hexdigest()[:12]}"
_templates.globals.update(base_url=STYLE_URL, paper_url=PAPER_URL)

Answer = Callable[[Call, dict[str, str]], Awaitable[Outcome | str]]
"""What a form does: what came of it, or the name of the word that says what it lacks."""


@dataclass(frozen=True, slots=True)
class _Visit:
    link: Opened
    actor: Actor
    token: str


class ProposalPages:
    """The page behind the link. What is wrong with a link is never told."""

    def __init__(self, door: Door, papers: Papers, fonts: Path | None, per_minute: int | None) -> None:
        self._door, self._papers, self._fonts = door, papers, fonts
        self._links = Links(door, "proposals", CHANNEL, per_minute)

    def routes(self) -> list[Route]:
        """The page, its PDF, and its three forms."""
        return [
            Route(STYLE_PATH, _style),
            Route(f"{PATH}/{{token}}", refusing(self.show), methods=["GET"]),
            Route(f"{PATH}/{{token}}/pdf", refusing(self.download), methods=["GET"]),
            Route(f"{PATH}/{{token}}/files/{{file}}", refusing(self.file), methods=["GET"]),
            Route(f"{PATH}/{{token}}/accept", refusing(self.accept), methods=["POST"]),
            Route(f"{PATH}/{{token}}/decline", refusing(self.decline), methods=["POST"]),
            Route(f"{PATH}/{{token}}/ask", refusing(self.ask), methods=["POST"]),
            Route("/proposals/{proposal}/pdf", refusing(self.print), methods=["GET"]),
        ]

    async def show(self, request: Request) -> Response:
        """The proposal, and what may be answered."""
        async with self._visiting(request) as (tx, visit):
            if _is_browser(request):
                call = Call(tx, visit.actor, visit.link.proposal_id, {})
                await links.note_opened(call, visit.link)
                await answers.mark_viewed(call)
        return await self._page(request, visit)

    async def download(self, request: Request) -> Response:
        """The same as a PDF."""
        async with self._visiting(request) as (_, visit):
            pass
        return await self._pdf(request, visit.actor, encode(Proposal.__prefix__, visit.link.proposal_id))

    async def file(self, request: Request) -> Response:
        """A file that comes with it."""
        entity, row = attachment_of(request.path_params["file"])
        async with self._visiting(request) as (tx, visit):
            found = await read_file(await tx.raw(), visit.actor, entity, row)
        if found is None or found.whole_id != visit.link.proposal_id:
            raise LinkOver("There is no such file, or not for you.")
        return saved(found)

    async def print(self, request: Request) -> Response:
        """The PDF for who signs in, as far as they see the proposal."""
        actor = await self._door.authenticator.actor(request.scope)
        return await self._pdf(request, actor, request.path_params["proposal"])

    async def accept(self, request: Request) -> Response:
        """Accept it, by name: the order is made, once, however often this is sent."""

        async def run(call: Call, form: dict[str, str]) -> Outcome | str:
            name = _name(form)
            if name is None:
                return "say_name"
            if form.get("agree") != "yes":
                return "say_agree"
            accepted_now = await answers.accept(call, name, AcceptanceWay.PAGE)
            if not accepted_now.is_refused:
                await questions.tell_owner(call, call.row, "{title} ({number}) was accepted", f"Accepted by {name}.\n")
            return accepted_now

        return await self._answered(request, run)

    async def decline(self, request: Request) -> Response:
        """Decline it, with a reason."""

        async def run(call: Call, form: dict[str, str]) -> Outcome | str:
            name, reason = _name(form), form.get("reason", "").strip()[: questions.LONGEST]
            if name is None or not reason:
                return "say_name" if name is None else "say_reason"
            declined = await answers.decline(call, name, reason)
            if not declined.is_refused:
                body = f"Declined by {name}:\n\n{reason}\n"
                await questions.tell_owner(call, call.row, "{title} ({number}) was declined", body)
            return declined

        return await self._answered(request, run)

    async def ask(self, request: Request) -> Response:
        """Ask a question on it."""

        async def run(call: Call, form: dict[str, str]) -> Outcome | str:
            name, question = _name(form), form.get("question", "").strip()
            if name is None or not question:
                return "say_name" if name is None else "say_question"
            return await questions.ask(call, name, question)

        return await self._answered(request, run)

    async def _answered(self, request: Request, run: Answer) -> Response:
        form = await self._door.form(request)
        async with self._visiting(request) as (tx, visit):
            # a refusal takes back all it did; nothing but the answer is written here
            said = await run(Call(tx, visit.actor, visit.link.proposal_id, {}), form)
        if isinstance(said, Outcome) and not said.is_refused:
            return redirect(f"{PATH}/{visit.token}")
        fault = said if isinstance(said, str) else said.errors[0].message
        return await self._page(request, visit, form, fault, 422 if isinstance(said, str) else 409)

    @contextlib.asynccontextmanager
    async def _visiting(self, request: Request) -> AsyncIterator[tuple[Transaction, _Visit]]:
        """A transaction with whose link it is. Raises LinkOver, TooManyAttempts."""
        async with self._links.followed(request, links.opened) as (tx, actor, link):
            yield tx, _Visit(link, actor, request.path_params["token"])

    async def _page(
        self, request: Request, visit: _Visit, form: dict[str, str] | None = None, fault: str = "", status: int = 200
    ) -> Response:
        paper = await self._paper(request, visit.actor, encode(Proposal.__prefix__, visit.link.proposal_id))
        return self._door.rendered(
            request,
            _templates.get_template("proposal.html"),
            status,
            **paper.shown,
            open=paper.record["open"],
            status=paper.record["status"],
            questions=[_question(paper, one) for one in paper.record["questions"]["nodes"]],
            files=paper.record["attachments"]["nodes"],
            path=f"{PATH}/{visit.token}",
            form=_BLANK | (form or {}),
            fault=paper.language.words.get(fault, fault),
        )

    async def _paper(self, request: Request, actor: Actor, proposal: str) -> Paper:
        paper = await self._papers.of(actor, proposal, accepted(request.headers.get("accept-language", "")))
        if paper is None:
            raise LinkOver("There is no such proposal, or not for you.")
        return paper

    async def _pdf(self, request: Request, actor: Actor, proposal: str) -> Response:
        paper = await self._paper(request, actor, proposal)
        made_at = paper.record["decidedAt"] or paper.record["sentAt"]
        moment = dt.datetime.fromisoformat(made_at) if made_at else dt.datetime.now(dt.UTC)
        body = await pdf("proposal", paper.shown, moment, self._fonts)
        name = "".join(c if c.isascii() and c.isalnum() else "-" for c in paper.shown["number"]) or "proposal"
        return Response(
            body,
            media_type="application/pdf",
            headers={**HEADERS, "content-disposition": f'inline; filename="{name}.pdf"'},
        )


def _is_browser(request: Request) -> bool:
    """Whether somebody seems to look: browsers say that they navigate, programs that look through mails do not."""
    headers = request.headers
    navigates = headers.get("sec-fetch-mode") == "navigate" and "sec-purpose" not in headers
    return navigates and request.method == "GET"


def _name(form: dict[str, str]) -> str | None:
    name = form.get("name", "").strip()
    return name if 1 <= len(name) <= LONGEST_NAME and name.isprintable() else None


def _question(paper: Paper, one: dict[str, str]) -> dict[str, str]:
    words, day = paper.language.words, paper.language.day
    return {
        "question": one["question"],
        "asked": words["asked_by"].format(name=one["askedBy"], day=day(one["askedAt"])),
        "answer": one["answer"] or "",
        "answered": words["answered_on"].format(day=day(one["answeredAt"])) if one["answeredAt"] else "",
    }


async def _style(_request: Request) -> Response:
    return Response(_STYLE, media_type="text/css", headers={"cache-control": "public, max-age=31536000, immutable"})
