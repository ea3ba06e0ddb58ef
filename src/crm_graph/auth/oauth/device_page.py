"""/device: where a person types the code that their device shows, is told what it asks for, and answers.

Somebody may have been sent a link with the code of another's device (RFC 8628, 5.4). So a link only fills the code in,
and the question names the app, the code, and what not to do.
"""

import logging
import math
from collections.abc import Callable
from typing import Final
from urllib.parse import quote
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from crm_graph.auth.callers import Caller
from crm_graph.auth.oauth import consents, device_codes
from crm_graph.auth.oauth import scope as scope_names
from crm_graph.auth.oauth.device import PAGE
from crm_graph.auth.oauth.device_codes import Waiting
from crm_graph.auth.oauth.party import Party
from crm_graph.auth.oauth.server import Exchange
from crm_graph.auth.sign_in.form import FIELD, FormForged, FormTokens, read, session_token
from crm_graph.auth.sign_in.page import Detour, page, sign_in_first
from crm_graph.auth.throttle.throttles import Throttle

logger = logging.getLogger("crm_graph.auth.oauth")

ANSWER: Final = "/device/answer"
_WRONG: Final = "This code is not right, was used, or has expired. Your device can show a new one."


class DevicePage:
    """Asks for the code, then for the answer. `throttle` slows down a person who guesses codes."""

    def __init__(self, party: Party, forms: FormTokens, throttle: Throttle) -> None:
        self._party = party
        self._forms = forms
        self._throttle = throttle

    async def form(self, request: Request) -> Response:
        """GET /device; with `user_code` in the query it is filled in, and no more."""
        code = request.query_params.get("user_code", "")
        caller, cookie = await self._signed_in(request, code)
        return self._asked(caller, cookie, code=_tidy(code))

    async def enter(self, request: Request) -> Response:
        """POST /device: the question, if a device waits with this code."""
        form = await read(request)
        typed = form.get("user_code", "")
        caller, cookie = await self._signed_in(request, typed)
        self._forms.check(form, _bound(cookie))
        here, who = caller.actor.organization_id, caller.user_id
        seconds = math.ceil(await self._throttle.attempt(here, who))
        if seconds > 0:
            logger.warning("user %s of organisation %s has guessed too many user codes", who, here)
            response = self._asked(
                caller, cookie, _tidy(typed), f"Too many attempts. Try again in {seconds} seconds.", 429
            )
            response.headers["retry-after"] = str(seconds)
            return response
        code = device_codes.normal(typed)
        found = None if code is None else await self._run(request, caller, lambda x: device_codes.waiting(x, code))
        if found is None or code is None:
            return self._asked(caller, cookie, _tidy(typed), _WRONG, 422)
        await self._throttle.give_back(here, who)
        return self._question(caller, cookie, found, device_codes.shown(code))

    async def answer(self, request: Request) -> Response:
        """POST /device/answer: it counts for the very device that the person was asked about."""
        form = await read(request)
        caller, cookie = await self._signed_in(request, "")
        asked = form.get("request", "")
        self._forms.check(form, _bound_answer(cookie, asked))
        allowed = form.get("decision") == "allow"
        done = await self._run(request, caller, lambda x: _decide(x, caller, UUID(asked), allowed=allowed))
        if done is None:
            return self._asked(caller, cookie, "", _WRONG, 422)
        logger.info("user %s answered app %s on a device: %s", caller.user_id, done.client.client_id, allowed)
        return page("device_done.html", organization=caller.organization_name, client=done.client, allowed=allowed)

    async def _signed_in(self, request: Request, code: str) -> tuple[Caller, str]:
        """Who is signed in, and their cookie. Raises Detour to the sign-in page, which leads back with the code."""
        await self._party.here(request.scope)
        caller = await self._party.authenticator.session(request.scope)
        cookie = session_token(request)
        if caller is None:
            normal = device_codes.normal(code)
            following = PAGE if normal is None else f"{PAGE}?user_code={device_codes.shown(normal)}"
            raise Detour(sign_in_first(request, quote(following, safe="")))
        if cookie is None:
            raise FormForged("There are two session cookies; one of them is not ours.")
        return caller, cookie

    def _asked(self, caller: Caller, cookie: str, code: str, fault: str = "", status: int = 200) -> Response:
        return page(
            "device.html",
            status,
            caller=caller,
            code=code,
            fault=fault,
            form_field=FIELD,
            form_token=self._forms.token(_bound(cookie)),
        )

    def _question(self, caller: Caller, cookie: str, found: Waiting, code: str) -> Response:
        identity, records = scope_names.told(found.scopes)
        return page(
            "device_consent.html",
            caller=caller,
            client=found.client,
            code=code,
            request=str(found.id),
            identity=identity,
            records=records,
            form_field=FIELD,
            form_token=self._forms.token(_bound_answer(cookie, str(found.id))),
        )

    async def _run(
        self, request: Request, caller: Caller, work: Callable[[Exchange], Waiting | None]
    ) -> Waiting | None:
        here = await self._party.here(request.scope)
        return await self._party.exchange(
            here,
            work,
            caller.user_id,
        )


def _decide(ours: Exchange, caller: Caller, id_: UUID, *, allowed: bool) -> Waiting | None:
    found = device_codes.locked(ours, id_)
    if found is None or not device_codes.decide(ours, id_, caller.user_id, caller.credential_id, approved=allowed):
        return None
    if allowed:
        consents.give(ours.session, ours.organization_id, caller.user_id, found.client, found.scopes)
    return found


def _tidy(code: str) -> str:
    """A code as it stands in the form: nothing of a link but what can be a code."""
    normal = device_codes.normal(code)
    return "" if normal is None else device_codes.shown(normal)


def _bound(cookie: str) -> str:
    return f"device {cookie}"


def _bound_answer(cookie: str, asked: str) -> str:
    return f"device answer {cookie} {asked}"
