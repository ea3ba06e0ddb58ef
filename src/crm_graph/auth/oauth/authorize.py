"""/oauth/authorize and /oauth/consent: where an app sends a person, and where they answer."""

import logging
import re
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from crm_graph.auth.callers import Caller
from crm_graph.auth.oauth import redirects, requests
from crm_graph.auth.oauth import scope as scope_names
from crm_graph.auth.oauth.authorization import Ask, Decision, Outcome, Person, Refused, Sent, decide
from crm_graph.auth.oauth.party import Here, Party
from crm_graph.auth.sign_in.form import FIELD, FormForged, FormTokens, read, session_token
from crm_graph.auth.sign_in.page import page, redirect, sign_in_first
from crm_graph.errors import BadRequest

logger = logging.getLogger("crm_graph.auth.oauth")

AGAIN: Final = "signed_in_since"
"""Our own parameter: the request comes back from a sign-in that it had to ask for."""
_AGAIN: Final = re.compile(r"([0-9]{1,12})\.([0-9a-f]{64})")
LONGEST_FOLLOWING: Final = 6_000


class Authorize:
    """The authorization endpoint in the browser; plain pages and forms, no scripts."""

    def __init__(self, party: Party, forms: FormTokens) -> None:
        self._party = party
        self._forms = forms

    async def start(self, request: Request) -> Response:
        """GET /oauth/authorize."""
        return await self._went_on(request, requests.query(request), None)

    async def start_by_form(self, request: Request) -> Response:
        """POST /oauth/authorize: as OpenID wants it. Goes on by GET, which browsers send our cookie with."""
        return redirect(f"{redirects.AUTHORIZE}?{urlencode(await requests.form(request))}")

    async def answer(self, request: Request) -> Response:
        """POST /oauth/consent: the person's answer, which counts for the very request that was shown to them."""
        form = await read(request)
        query = form.get("request", "")
        if len(query) > requests.LONGEST_QUERY:
            raise BadRequest("The form is too long.")
        cookie = session_token(request)
        if await self._party.authenticator.session(request.scope) is None or cookie is None:
            return redirect(f"{redirects.AUTHORIZE}?{query}" if re.fullmatch(r"[!-~]*", query) else "/sign-in")
        self._forms.check(form, _bound(cookie, query))
        decision: Decision = "allow" if form.get("decision") == "allow" else "deny"
        return await self._went_on(request, requests.parameters(query), decision)

    async def _went_on(self, request: Request, given: dict[str, str], decision: Decision) -> Response:
        here = await self._party.here(request.scope)
        caller = await self._party.authenticator.session(request.scope)
        again = given.pop(AGAIN, "")
        person = None
        if caller is not None:
            person = Person(caller.user_id, caller.credential_id, self._since(again, given))
        outcome: Outcome = await self._party.exchange(
            here,
            lambda ours: decide(ours, given, person, decision),
            None if caller is None else caller.user_id,
        )
        match outcome:
            case Refused(message):
                raise BadRequest(message)
            case Sent(location):
                return redirect(location)
            case Ask():
                assert caller is not None
                return self._asked(request, here, caller, outcome, given, again)
        return self._sign_in_first(request, given, caller)

    def _asked(
        self, request: Request, here: Here, caller: Caller, ask: Ask, given: Mapping[str, str], again: str
    ) -> Response:
        cookie = session_token(request)
        if cookie is None:
            raise FormForged("There are two session cookies; one of them is not ours.")
        query = urlencode({**given, **({AGAIN: again} if again else {})})
        identity, records = scope_names.told(ask.scopes)
        return page(
            "consent.html",
            organization=here.organization_name,
            caller=caller,
            client=ask.client,
            identity=identity,
            records=records,
            goes_to=redirects.shown(ask.redirect_uri),
            following=f"{redirects.AUTHORIZE}?{query}",
            request=query,
            form_field=FIELD,
            form_token=self._forms.token(_bound(cookie, query)),
        )

    def _sign_in_first(self, request: Request, given: Mapping[str, str], caller: Caller | None) -> Response:
        """To the sign-in page and back; the way back says since when, so that it is asked for once only."""
        now = str(int(time.time()))
        marked = {**given, AGAIN: f"{now}.{self._forms.token(_marked(now, given))}"}
        following = f"{redirects.AUTHORIZE}?{urlencode(marked)}"
        if len(following) > LONGEST_FOLLOWING:
            raise BadRequest("The app's request is too long.")
        return sign_in_first(request, quote(following, safe=""), again=caller is not None)

    def _since(self, again: str, given: Mapping[str, str]) -> int | None:
        """When the person was sent to sign in for this request; `None` unless it was we who say so."""
        match = _AGAIN.fullmatch(again)
        if match is None or not self._forms.is_token(match[2], _marked(match[1], given)):
            return None
        return int(match[1])


def _bound(cookie: str, query: str) -> str:
    return f"consent {cookie} {query}"


def _marked(now: str, given: Mapping[str, str]) -> str:
    return f"signed in since {now} {urlencode(given)}"
