"""Signing in and out in the browser: plain forms that work without scripts. Here are the routes, and the password."""

import logging
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_graph.auth import cookies, credentials, sessions
from crm_graph.auth.account.overview import Account
from crm_graph.auth.account.routes import account_routes
from crm_graph.auth.account.visit import Visits
from crm_graph.auth.authentication import Authenticator, is_secure
from crm_graph.auth.passwords import Passwords
from crm_graph.auth.proofs.known_browsers import KnownBrowsers
from crm_graph.auth.proofs.passkeys import Passkeys
from crm_graph.auth.sealing import Sealer
from crm_graph.auth.sign_in.entrance import PASSWORD, SECOND_STEP, Entrance, Proof
from crm_graph.auth.sign_in.first_page import FirstPage
from crm_graph.auth.sign_in.form import LONGEST_EMAIL, FormTokens, destination, nonce, read, session_token
from crm_graph.auth.sign_in.page import SCRIPT_PATH, STYLE_PATH, redirect, refusing, script, set_cookie, style_sheet
from crm_graph.auth.sign_in.passkey import PasskeySignIn
from crm_graph.auth.sign_in.reset import Reset
from crm_graph.auth.sign_in.second_step import SecondStep
from crm_graph.auth.throttle.addresses import address_of
from crm_graph.auth.throttle.attempts import Attempts
from crm_graph.auth.throttle.throttles import Throttle, Throttles
from crm_graph.auth.trail.acts import Act, note
from crm_graph.auth.trail.failures import Failures
from crm_graph.db.lanes import Lanes
from crm_graph.db.session import Database
from crm_graph.settings import Settings

logger = logging.getLogger("crm_graph.auth.sign_in")

WRONG: Final = "The e-mail address or the password is not right."


class SignIn:
    """The sign-in pages of whichever organisation the host selects, and the account pages of who is signed in."""

    def __init__(
        self,
        authenticator: Authenticator,
        lanes: Lanes,
        database: Database,
        passwords: Passwords,
        settings: Settings,
        attempts: Attempts | None = None,
        throttles: Throttles | None = None,
    ) -> None:
        secret = settings.secret_bytes()
        self._authenticator = authenticator
        self._lanes = lanes
        self._database = database
        self._passwords = passwords
        self._forms = FormTokens(secret)
        attempts = attempts or Attempts(lanes, database)
        self._throttles = throttles or Throttles.of_sign_in(attempts)
        self._second_tries = Throttle(attempts, "second step", 5, 5 * 60)
        self._first_codes = Throttle(attempts, "first code", 10, 30)
        self._known = KnownBrowsers(secret)
        self._failures = Failures(database)
        self._sealer = Sealer(settings.sealing_key_texts())
        self._passkeys = Passkeys(secret)
        self._first = FirstPage(authenticator, self._forms, self._passkeys)
        self.entrance = Entrance(database, self._known, settings.session_hours)
        """Where every first step ends, those of other files too."""
        self._reset = Reset(self._first, database, passwords, self._forms, self._throttles, authenticator)

    def routes(self) -> list[Route]:
        """`/sign-in`, `/sign-out`, `/account` and what they need."""
        passkey = PasskeySignIn(
            self._first, self.entrance, self._database, self._passkeys, self._forms, self._throttles
        )
        second = SecondStep(
            self._first, self.entrance, self._database, self._sealer, self._forms, self._throttles, self._known,
            self._failures, self._second_tries,
        )  # fmt: skip
        visits = Visits(self._authenticator, self._database, self._forms)
        reset = self._reset
        return [
            Route("/sign-in", refusing(self.form), methods=["GET"]),
            Route("/sign-in", refusing(self.enter), methods=["POST"]),
            Route("/sign-in/passkey", refusing(passkey.enter), methods=["POST"]),
            Route("/sign-in/passkey", refusing(passkey.back), methods=["GET"]),
            Route(SECOND_STEP, refusing(second.form), methods=["GET"]),
            Route(SECOND_STEP, refusing(second.enter), methods=["POST"]),
            Route("/sign-in/forgotten", refusing(reset.ask), methods=["GET"]),
            Route("/sign-in/forgotten", refusing(reset.asked), methods=["POST"]),
            Route("/sign-in/reset", refusing(reset.form), methods=["GET"]),
            Route("/sign-in/reset", refusing(reset.enter), methods=["POST"]),
            Route("/sign-out", refusing(self.leave), methods=["POST"]),
            *account_routes(
                Account(visits),
                visits,
                self._passwords,
                self._sealer,
                self._passkeys,
                self._throttles,
                self._first_codes,
                self.entrance,
            ),
            Route(STYLE_PATH, style_sheet, methods=["GET"]),
            Route(SCRIPT_PATH, script, methods=["GET"]),
        ]

    async def close(self) -> None:
        """Finish what goes on behind answers that were given."""
        await self._reset.close()
        await self._failures.close()

    async def form(self, request: Request) -> Response:
        """GET /sign-in."""
        following = destination(request.query_params.get("next"))
        here = await self._first.organization(request)
        # `again`: who is signed in shall prove it anew, for an app that asks for that
        if "again" not in request.query_params and await self._authenticator.session(request.scope) is not None:
            return redirect(following)
        return self._first.shown(request, here, following=following)

    async def enter(self, request: Request) -> Response:
        """POST /sign-in: a new session, never one that the browser came with, or the second step."""
        form = await read(request)
        self._forms.check(form, nonce(request))
        here = await self._first.organization(request)
        organization_id = here.organization_id
        following = destination(form.get("next"))
        email, password = form.get("email", "").strip(), form.get("password", "")
        found = await credentials.find(self._lanes, organization_id, email[: LONGEST_EMAIL + 1])
        address = address_of(request)
        # a browser that the account knows has attempts of its own: neighbours who guess do not use them up
        source = (found and self._known.device(request, organization_id, found.user_id)) or address
        account = email.casefold()[:LONGEST_EMAIL]
        seconds = await self._throttles.attempt(organization_id, account, source)
        if seconds > 0:
            logger.warning("too many attempts to sign in from %s", address)
            return self._first.slowed(request, here, following=following, email=email, seconds=seconds)
        if not await self._passwords.verify(found.hash if found else None, password) or found is None:
            logger.info("a wrong sign-in from %s at organisation %s", address, organization_id)
            if found is not None:
                self._failures.note(organization_id, found.user_id)
            return self._first.shown(request, here, following=following, email=email, fault=WRONG, status=422)
        await self._throttles.succeeded(organization_id, account, source)
        stronger = await self._passwords.rehash(found.hash, password)
        async with self._database.transaction(organization_id, found.user_id, "sign_in") as tx:
            if stronger is not None:
                await credentials.upgrade(tx, organization_id, found, stronger)
            proof = Proof(found.user_id, (PASSWORD,))
            return await self.entrance.admitted(tx, request, organization_id, proof, following)

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
                    if await sessions.revoke_token(tx, organization_id, token):
                        await note(tx, organization_id, caller.user_id, Act.SIGNED_OUT)
                self._authenticator.forget(organization_id, caller.user_id)
        response = redirect("/sign-in")
        set_cookie(response, cookies.SESSION, "", secure=is_secure(request.scope), seconds=0)
        return response
