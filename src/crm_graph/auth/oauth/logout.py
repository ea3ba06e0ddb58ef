"""/oauth/logout: an app asks that the person be signed out (OpenID Connect RP-Initiated Logout)."""

import logging
from typing import Final
from urllib.parse import urlencode

from authlib.common.urls import add_params_to_uri
from joserfc import jws, jwt
from joserfc.errors import JoseError
from starlette.requests import Request
from starlette.responses import Response

from crm_graph.auth import cookies, sessions
from crm_graph.auth.authentication import is_secure
from crm_graph.auth.callers import Caller
from crm_graph.auth.oauth import clients, id_token, requests
from crm_graph.auth.oauth.keys import ALGORITHM
from crm_graph.auth.oauth.party import Here, Party
from crm_graph.auth.sign_in.form import FIELD, FormForged, FormTokens, read, session_token
from crm_graph.auth.sign_in.page import page, redirect, set_cookie
from crm_graph.auth.trail.acts import Act, note

logger = logging.getLogger("crm_graph.auth.oauth")

PATH: Final = "/oauth/logout"
_REGISTRY: Final = jws.JWSRegistry(algorithms=[ALGORITHM])


class Logout:
    """Signs out at once when the app shows an ID token of this very session; else the person is asked."""

    def __init__(self, party: Party, forms: FormTokens) -> None:
        self._party = party
        self._forms = forms

    async def start(self, request: Request) -> Response:
        """GET /oauth/logout."""
        return await self._went_on(request, requests.query(request), confirmed=False)

    async def start_by_form(self, request: Request) -> Response:
        """POST /oauth/logout: an app's form, or the answer of a person whom we have asked."""
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return redirect(f"{PATH}?{urlencode(await requests.form(request))}")
        form = await read(request)
        if FIELD not in form:
            return redirect(f"{PATH}?{urlencode(form)}")
        cookie = session_token(request)
        if cookie is not None:
            self._forms.check(form, _bound(cookie, form.get("request", "")))
        return await self._went_on(request, requests.parameters(form.get("request", "")), confirmed=True)

    async def _went_on(self, request: Request, given: dict[str, str], *, confirmed: bool) -> Response:
        here = await self._party.here(request.scope)
        claims = await self._hint(here, given.get("id_token_hint", ""))
        following = await self._following(here, given, claims)
        caller = await self._party.authenticator.session(request.scope)
        if caller is not None:
            of_this_session = claims.get("sid") == id_token.session(caller.credential_id)
            if not (confirmed or of_this_session):
                return self._asked(request, here, caller, given, following)
            await self._end(request, caller)
        response = (
            page("signed_out.html", organization=here.organization_name) if not following else redirect(following)
        )
        set_cookie(response, cookies.SESSION, "", secure=is_secure(request.scope), seconds=0)
        return response

    async def _end(self, request: Request, caller: Caller) -> None:
        organization_id, token = caller.actor.organization_id, session_token(request)
        assert token is not None
        async with self._party.database.transaction(organization_id, caller.user_id, "oauth") as tx:
            if await sessions.revoke_token(tx, organization_id, token):
                await note(tx, organization_id, caller.user_id, Act.SIGNED_OUT)
        self._party.authenticator.forget(organization_id, caller.user_id)
        logger.info("user %s of organisation %s was signed out by an app", caller.user_id, organization_id)

    async def _hint(self, here: Here, text: str) -> dict[str, object]:
        """What an ID token of ours says, also when it has expired; nothing for any other text."""
        if not text or len(text) > requests.LONGEST_QUERY:
            return {}
        try:
            kid = jws.extract_compact(text.encode()).headers().get("kid")
            key = await self._party.published.find(here.organization_id, kid) if isinstance(kid, str) else None
            token = jwt.decode(text, key, registry=_REGISTRY) if key is not None else None
        except (JoseError, ValueError):
            return {}
        if token is None or token.header.get("typ") != "JWT":
            return {}
        return token.claims

    async def _following(self, here: Here, given: dict[str, str], claims: dict[str, object]) -> str | None:
        """Where to go afterwards: only where the app of the ID token has registered to go."""
        wanted, app = given.get("post_logout_redirect_uri"), claims.get("aud")
        if wanted is None or not isinstance(app, str) or given.get("client_id", app) != app:
            return None
        client = await self._party.exchange(
            here,
            lambda ours: clients.find(ours.session, ours.organization_id, app),
        )
        if client is None or wanted not in client.post_logout_redirect_uris:
            return None
        return add_params_to_uri(wanted, [("state", given["state"])]) if "state" in given else wanted

    def _asked(
        self, request: Request, here: Here, caller: Caller, given: dict[str, str], following: str | None
    ) -> Response:
        cookie, query = session_token(request), urlencode(given)
        if cookie is None:
            raise FormForged("There are two session cookies; one of them is not ours.")
        return page(
            "sign_out.html",
            organization=here.organization_name,
            caller=caller,
            request=query,
            leads_to=following or "",
            form_field=FIELD,
            form_token=self._forms.token(_bound(cookie, query)),
        )


def _bound(cookie: str, query: str) -> str:
    return f"logout {cookie} {query}"
