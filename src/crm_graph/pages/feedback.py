"""`/f/<secret>`: what a customer answers by a link, on a phone, without JavaScript. Opening it does nothing.

Programs that look through mails open links too, so only a form that is sent on purpose answers.
"""

import contextlib
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Final

import asyncpg
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_graph.auth.actor import Actor
from crm_graph.auth.rendering import environment
from crm_graph.auth.sign_in.page import STYLE_URL, redirect, refusing
from crm_graph.db.session import Transaction
from crm_graph.documents.language import Language, accepted, language
from crm_graph.pages.door import Door
from crm_graph.pages.linked import Links
from crm_graph.pages.proposals.page import PAPER_URL
from crm_graph.plan.changes import Effect, Outcome
from crm_graph.plan.mutations import Call
from crm_graph.plan.writes.savepoint import unless_refused
from crm_graph.resolvers.feedback import ratings, surveys
from crm_graph.resolvers.feedback.links import PATH, Opened, opened
from crm_graph.resolvers.tickets.resolving import confirm_resolution, reopen_ticket
from crm_graph.schema.ticket_states import TicketStatus

CHANNEL: Final = "feedback_page"
STYLE_PATH: Final = "/feedback.css"
_STYLE: Final = files("crm_graph.pages").joinpath("static/feedback.css").read_bytes()
_BLANK: Final = {"score": "", "comment": ""}

_templates: Final = environment("crm_graph.pages")
_templates.globals.update(
    base_url=STYLE_URL, paper_url=PAPER_URL, feedback_url=f"{STYLE_PATH}?v={hashlib.sha256(_STYLE).hexdigest()[:12]}"
)

_SHOWN: Final = """
SELECT o.name AS organization, c.locale, t.number, t.subject, t.language, t.status
  FROM organizations o
  JOIN customers c ON c.organization_id = o.organization_id AND c.id = $2
  LEFT JOIN tickets t ON t.organization_id = o.organization_id AND t.id = $3
 WHERE o.organization_id = $1"""


@dataclass(frozen=True, slots=True)
class _Visit:
    link: Opened
    actor: Actor
    token: str
    shown: asyncpg.Record
    language: Language

    @property
    def path(self) -> str:
        return f"{PATH}/{self.token}"

    @property
    def waits(self) -> bool:
        """Whether the ticket waits for its customer's word."""
        return bool(self.shown["status"] == TicketStatus.RESOLVED)


class FeedbackPage:
    """The page behind the link. What is wrong with a link is never told."""

    def __init__(self, door: Door, per_minute: int | None) -> None:
        self._door, self._links = door, Links(door, "feedback", CHANNEL, per_minute)

    def routes(self) -> list[Route]:
        """The page, its form, and how it looks."""
        return [
            Route(STYLE_PATH, _style),
            Route(f"{PATH}/{{token}}", refusing(self.show), methods=["GET"]),
            Route(f"{PATH}/{{token}}", refusing(self.answer), methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """What is asked; it changes nothing."""
        async with self._visiting(request) as (_, visit):
            return self._page(request, visit)

    async def answer(self, request: Request) -> Response:
        """What was answered, once: all of it, or nothing. A second click finds what the first has done."""
        form = await self._door.form(request)
        async with self._visiting(request, alone=True) as (tx, visit):
            call = Call(tx, visit.actor, visit.link.ticket_id or visit.link.id, {})
            fault = await _answered(call, visit, form)
        if not fault:
            return redirect(visit.path)
        async with self._visiting(request) as (_, again):  # as it is now
            return self._page(request, again, form, again.language.words.get(fault, fault))

    @contextlib.asynccontextmanager
    async def _visiting(self, request: Request, *, alone: bool = False) -> AsyncIterator[tuple[Transaction, _Visit]]:
        """A transaction with whose link it is. Raises LinkOver, TooManyAttempts."""
        async with self._links.followed(request, opened, alone=alone) as (tx, actor, link):
            about = actor.organization_id, link.customer_id, link.ticket_id
            shown = await (await tx.raw()).fetchrow(_SHOWN, *about)
            assert shown is not None
            wanted = shown["language"], shown["locale"], accepted(request.headers.get("accept-language", ""))
            yield tx, _Visit(link, actor, request.path_params["token"], shown, language(*wanted))

    def _page(self, request: Request, visit: _Visit, form: dict[str, str] | None = None, fault: str = "") -> Response:
        return self._door.rendered(
            request,
            _templates.get_template("feedback.html"),
            422 if fault else 200,
            **_asked(visit),
            organization=visit.shown["organization"],
            words=visit.language.words,
            tag=visit.language.tag,
            rtl=visit.language.locale.text_direction == "rtl",
            path=visit.path,
            form=_BLANK | (form or {}),
            fault=fault,
        )


def _asked(visit: _Visit) -> dict[str, object]:
    """What the page asks, or says where nothing is left to be asked."""
    words, shown, answered = visit.language.words, visit.shown, visit.link.score is not None
    if visit.link.ticket_id is None:
        return {
            "title": words["feedback_answered" if answered else "survey_question"].format(**shown),
            "about": "",
            "question": words["survey_scale"],
            "scale": [] if answered else list(surveys.SCORES),
            "ends": (words["survey_lowest"], words["survey_highest"]),
            "choices": [] if answered else [("rate", words["feedback_send"])],
            "said": words["feedback_thanks"] if answered else "",
        }
    ratable = not answered and shown["status"] in (TicketStatus.RESOLVED, TicketStatus.CLOSED)
    choices = [("yes", words["feedback_yes"]), ("no", words["feedback_no"])] if visit.waits else []
    if ratable and not choices:
        choices = [("rate", words["feedback_send"])]
    settled = "feedback_thanks" if shown["status"] == TicketStatus.CLOSED else "feedback_reopened"
    return {
        "title": words["feedback_resolved" if visit.waits else "feedback_title" if choices else "feedback_answered"],
        "about": words["feedback_about"].format(number=shown["number"], subject=shown["subject"]),
        "question": words["feedback_scale"],
        "scale": list(ratings.SCORES) if ratable else [],
        "ends": (words["feedback_lowest"], words["feedback_highest"]),
        "choices": choices,
        "said": "" if choices else words[settled],
    }


async def _answered(call: Call, visit: _Visit, form: dict[str, str]) -> str:
    """Do what was answered; what is wrong with it, by name or in words. What was answered before is left as it is."""
    said, comment = form.get("answer", ""), form.get("comment", "").strip()
    scores = surveys.SCORES if visit.link.ticket_id is None else ratings.SCORES
    score = next((mark for mark in scores if str(mark) == form.get("score")), None)
    # a comment belongs to a score; of what is not resolved it is said on the ticket
    rates = visit.link.score is None and (said == "rate" or score is not None or (said == "yes" and comment != ""))
    if rates and score is None:
        return "say_score"

    async def act() -> Outcome:
        done = Outcome(Effect.UNCHANGED, call.row)
        if rates and score is not None:
            words = None if said == "no" else comment
            done = await (surveys.answer if visit.link.ticket_id is None else ratings.rate)(call, score, words)
        if done.is_refused or not visit.waits:
            return done
        if said == "yes":
            return await confirm_resolution(call)
        return await reopen_ticket(replace(call, arguments={"body": comment})) if said == "no" else done

    outcome = await unless_refused(await call.tx.raw(), act)
    return outcome.errors[0].message if outcome.is_refused else ""


async def _style(_request: Request) -> Response:
    return Response(_STYLE, media_type="text/css", headers={"cache-control": "public, max-age=31536000, immutable"})
