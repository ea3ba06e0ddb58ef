"""Signing in and out in the browser: plain forms that work without scripts."""

import functools
import logging
import math
from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_graph.auth import cookies, credentials, sessions
from crm_graph.auth.authentication import Authenticator, is_secure
from crm_graph.auth.callers import Storefront
from crm_graph.auth.credentials import Credential
from crm_graph.auth.passwords import Passwords
from crm_graph.auth.sign_in_account import Account
from crm_graph.auth.sign_in_form import FIELD, FormTokens, destination, new_nonce, nonce, read, session_token
from crm_graph.auth.sign_in_page import STYLE_PATH, page, redirect, refusal, set_cookie, style_sheet
from crm_graph.auth.sign_in_throttle import Throttles, network
from crm_graph.db.lanes import Lanes
from crm_graph.db.session import Database
from crm_graph.errors import CrmError
from crm_graph.settings import Settings

logger = logging.getLogger("crm_graph.auth.sign_in")

LONGEST_EMAIL: Final = 254
WRONG: Final = "The e-mail address or the password is not right."
Handler = Callable[[Request], Awaitable[Response]]


class SignIn:
    """The sign-in form of whichever organisation the host selects."""

    def __init__(
        self,
        authenticator: Authenticator,
        lanes: Lanes,
        database: Database,
        passwords: Passwords,
        settings: Settings,
        throttles: Throttles | None = None,
    ) -> None:
        self._authenticator = authenticator
        self._lanes = lanes
        self._database = database
        self._passwords = passwords
        self._hours = settings.session_hours
        self._forms = FormTokens(settings.secret_bytes())
        self._throttles = throttles or Throttles()
        self._account = Account(authenticator, database, self._forms)

    def routes(self) -> list[Route]:
        """`/sign-in`, `/sign-out`, `/account` and what they need."""
        account = self._account
        return [
            Route("/sign-in", _refusing(self.form), methods=["GET"]),
            Route("/sign-in", _refusing(self.enter), methods=["POST"]),
            Route("/sign-out", _refusing(self.leave), methods=["POST"]),
            Route("/account", _refusing(account.show), methods=["GET"]),
            Route("/account/sessions/revoke", _refusing(account.revoke_session), methods=["POST"]),
            Route("/account/keys", _refusing(account.create_key), methods=["POST"]),
            Route("/account/keys", _refusing(account.back), methods=["GET"]),
            Route("/account/keys/revoke", _refusing(account.revoke_key), methods=["POST"]),
            Route(STYLE_PATH, _style_sheet, methods=["GET"]),
        ]

    async def form(self, request: Request) -> Response:
        """GET /sign-in."""
        following = destination(request.query_params.get("next"))
        here = await self._organization(request)
        if await self._authenticator.session(request.scope) is not None:
            return redirect(following)
        return self._shown(request, here, following=following)

    async def enter(self, request: Request) -> Response:
        """POST /sign-in: a new session, never one that the browser came with."""
        form = await read(request)
        self._forms.check(form, nonce(request))
        here = await self._organization(request)
        following = destination(form.get("next"))
        email, password = form.get("email", "").strip(), form.get("password", "")
        address = network(request.client.host if request.client else None)
        account = (here.organization_id, email.casefold()[:LONGEST_EMAIL])
        seconds = self._throttles.wait(account, address)
        if seconds > 0:
            logger.warning("too many attempts to sign in from %s", address)
            return self._slowed(request, here, following, email, math.ceil(seconds))
        found = await credentials.find(self._lanes, here.organization_id, email[: LONGEST_EMAIL + 1])
        if not await self._passwords.verify(found.hash if found else None, password) or found is None:
            logger.info("a wrong sign-in from %s at organisation %s", address, here.organization_id)
            return self._shown(request, here, following=following, email=email, fault=WRONG, status=422)
        self._throttles.succeeded(account, address)
        token = await self._begin(request, here.organization_id, found, password, address)
        logger.info("user %s of organisation %s signed in from %s", found.user_id, here.organization_id, address)
        response, secure = redirect(following), is_secure(request.scope)
        set_cookie(response, cookies.SESSION, token, secure=secure, seconds=self._hours * 3600)
        set_cookie(response, cookies.FORM, "", secure=secure, seconds=0)
        return response

    async def leave(self, request: Request) -> Response:
        """POST /sign-out."""
        form = await read(request)
        token = session_token(request)
        if token is not None:
            self._forms.check(form, token)
            caller = await self._authenticator.session(request.scope)
            if caller is not None:
                organization_id = caller.actor.organization_id
                async with self._database.transaction(organization_id, caller.user_id, "sign_in") as tx:
                    await sessions.revoke_token(tx, organization_id, token)
                self._authenticator.forget(organization_id, caller.user_id)
        response = redirect("/sign-in")
        set_cookie(response, cookies.SESSION, "", secure=is_secure(request.scope), seconds=0)
        return response

    async def _begin(
        self, request: Request, organization_id: UUID, found: Credential, password: str, address: str
    ) -> str:
        stronger = await self._passwords.rehash(found.hash, password)
        async with self._database.transaction(organization_id, found.user_id, "sign_in") as tx:
            if stronger is not None:
                await credentials.upgrade(tx, organization_id, found, stronger)
            old = session_token(request)
            if old is not None:
                await sessions.revoke_token(tx, organization_id, old)
            return await sessions.create(
                tx,
                organization_id,
                found.user_id,
                hours=self._hours,
                user_agent=request.headers.get("user-agent", ""),
                address=address,
            )

    async def _organization(self, request: Request) -> Storefront:
        return await self._authenticator.storefront(request.headers.get("host", "").encode("latin-1"))

    def _slowed(self, request: Request, here: Storefront, following: str, email: str, seconds: int) -> Response:
        fault = f"Too many attempts. Try again in {seconds} seconds."
        response = self._shown(request, here, following=following, email=email, fault=fault, status=429)
        response.headers["retry-after"] = str(seconds)
        return response

    def _shown(
        self,
        request: Request,
        here: Storefront,
        *,
        following: str,
        email: str = "",
        fault: str = "",
        status: int = 200,
    ) -> Response:
        known = nonce(request)
        bound_to = known or new_nonce()
        response = page(
            "sign_in.html",
            status,
            organization=here.organization_name,
            following=following,
            email=email[:LONGEST_EMAIL],
            fault=fault,
            form_field=FIELD,
            form_token=self._forms.token(bound_to),
        )
        if known is None:
            set_cookie(response, cookies.FORM, bound_to, secure=is_secure(request.scope))
        return response


def _refusing(handler: Handler) -> Handler:
    """A page instead of an exception, for whatever a browser can send."""

    @functools.wraps(handler)
    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except CrmError as error:
            return refusal(error)

    return handle


async def _style_sheet(_request: Request) -> Response:
    return style_sheet()
