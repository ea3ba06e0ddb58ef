"""The second step: a code of the app, or a recovery code, from the browser in which the first step was right."""

import datetime as dt
import logging
import math
from collections.abc import Hashable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from crm_graph.auth import cookies
from crm_graph.auth.authentication import is_secure
from crm_graph.auth.callers import Storefront
from crm_graph.auth.proofs import pending, recovery_codes, totp
from crm_graph.auth.proofs.known_browsers import KnownBrowsers
from crm_graph.auth.proofs.notices import Notice, tell
from crm_graph.auth.proofs.pending import Pending
from crm_graph.auth.sealing import Sealer
from crm_graph.auth.sign_in.entrance import CODE, TWO_FACTORS, Entrance, Proof
from crm_graph.auth.sign_in.first_page import FirstPage
from crm_graph.auth.sign_in.form import FIELD, FormTokens, pending_token, read
from crm_graph.auth.sign_in.page import Detour, page, redirect, set_cookie
from crm_graph.auth.throttle.throttles import Throttle, Throttles
from crm_graph.auth.trail.acts import Act, note
from crm_graph.auth.trail.failures import Failures
from crm_graph.auth.visitor import Visitor
from crm_graph.db.session import Database, Transaction
from crm_graph.errors import CrmError

logger = logging.getLogger("crm_graph.auth.sign_in")

WRONG: Final = "This code is not right, or it was used already."


class SignInOver(CrmError):
    """The sign-in has waited too long for its second step, or had too many wrong codes."""

    code = "SIGN_IN_OVER"
    status = 403


_OVER: Final = "This sign-in took too long, or too many codes were wrong. Sign in again."


class SecondStep:
    """What is asked after a first step of a user who has an authenticator app."""

    def __init__(
        self,
        first: FirstPage,
        entrance: Entrance,
        database: Database,
        sealer: Sealer,
        forms: FormTokens,
        throttles: Throttles,
        known: KnownBrowsers,
        failures: Failures,
        tries: Throttle,
    ) -> None:
        self._first = first
        self._entrance = entrance
        self._database = database
        self._sealer = sealer
        self._forms = forms
        self._throttles = throttles
        self._known = known
        self._failures = failures
        self._known_attempts = tries
        """Attempts of a browser that the account knows: nobody else can use them up."""

    async def form(self, request: Request) -> Response:
        """GET /sign-in/second-step."""
        here = await self._first.organization(request)
        token = self._token(request)
        async with self._database.transaction(here.organization_id, None, "sign_in") as tx:
            found = await pending.find(tx, here.organization_id, token)
        if found is None:
            raise SignInOver(_OVER)
        return self._shown(here, token, found.following)

    async def enter(self, request: Request) -> Response:
        """POST /sign-in/second-step with `code` of the app, or `recovery_code`."""
        form = await read(request)
        here = await self._first.organization(request)
        token = self._token(request)
        self._forms.check(form, token)
        visitor = Visitor.of(request)
        by_recovery = bool(form.get("recovery_code", "").strip())
        async with self._database.transaction(here.organization_id, None, "sign_in") as tx:
            waiting = await pending.find(tx, here.organization_id, token)
            if waiting is None:
                raise SignInOver(_OVER)
        device = self._known.device(request, here.organization_id, waiting.user_id)
        throttle, key = self._counted_by(waiting, device, visitor)
        wait = dt.timedelta(seconds=await throttle.attempt(here.organization_id, key))
        if wait:
            return self._slowed(here, token, waiting.following, wait)
        async with self._database.transaction(here.organization_id, None, "sign_in") as tx:
            if not by_recovery and device is None:
                wait = await totp.guess(tx, here.organization_id, waiting.user_id)
                if wait:
                    return self._slowed(here, token, waiting.following, wait)
            done, asked = None, await pending.attempt(tx, here.organization_id, token)
            if asked is None:
                raise SignInOver(_OVER)
            if by_recovery:
                right = await self._recovers(tx, here, asked, form["recovery_code"], visitor)
            else:
                right = await totp.check(tx, self._sealer, here.organization_id, asked.user_id, form.get("code", ""))
            if right:
                if not by_recovery and device is None:
                    await totp.give_back(tx, here.organization_id, asked.user_id)
                done = await self._done(tx, request, here, asked)
            elif asked.attempts == pending.MOST_ATTEMPTS:
                await tell(tx, here.organization_id, asked.user_id, Notice.CODES_GUESSED, visitor)
        if done is not None:
            await throttle.give_back(here.organization_id, key)
            return done
        logger.info("a wrong code from %s at organisation %s", visitor.address, here.organization_id)
        self._failures.note(here.organization_id, asked.user_id)
        if asked.attempts >= pending.MOST_ATTEMPTS:
            raise SignInOver(_OVER)
        return self._shown(here, token, asked.following, fault=WRONG, by_recovery=by_recovery, status=422)

    async def _done(self, tx: Transaction, request: Request, here: Storefront, asked: Pending) -> Response:
        if not await pending.end(tx, here.organization_id, asked.id):
            raise SignInOver(_OVER)
        proof = Proof(asked.user_id, (*asked.methods, CODE, TWO_FACTORS))
        response = await self._entrance.admitted(tx, request, here.organization_id, proof, asked.following)
        set_cookie(response, cookies.PENDING, "", secure=is_secure(request.scope), seconds=0)
        return response

    async def _recovers(self, tx: Transaction, here: Storefront, asked: Pending, code: str, visitor: Visitor) -> bool:
        if not await recovery_codes.use(tx, here.organization_id, asked.user_id, code):
            return False
        left = await recovery_codes.left(tx, here.organization_id, asked.user_id)
        user_id = asked.user_id
        await note(tx, here.organization_id, user_id, Act.RECOVERY_CODE_USED, by=user_id, left=left)
        await tell(tx, here.organization_id, asked.user_id, Notice.CODE_USED, visitor, f"{left} are left")
        return True

    def _counted_by(self, waiting: Pending, device: str | None, visitor: Visitor) -> tuple[Throttle, Hashable]:
        """A browser that the account knows has attempts of its own; neighbours at one address share theirs."""
        if device is not None:
            return self._known_attempts, (waiting.user_id, device)
        return self._throttles.address, visitor.address

    def _token(self, request: Request) -> str:
        token = pending_token(request)
        if token is None:
            raise Detour(redirect("/sign-in"))
        return token

    def _slowed(self, here: Storefront, token: str, following: str, wait: dt.timedelta) -> Response:
        minutes = math.ceil(wait.total_seconds() / 60)
        fault = (
            f"Too many codes were tried. Try again in {minutes} minute{'s' * (minutes > 1)},"
            " or use a recovery code or a passkey."
        )
        response = self._shown(here, token, following, fault=fault, status=429)
        response.headers["retry-after"] = str(math.ceil(wait.total_seconds()))
        return response

    def _shown(
        self,
        here: Storefront,
        token: str,
        following: str,
        *,
        fault: str = "",
        by_recovery: bool = False,
        status: int = 200,
    ) -> Response:
        return page(
            "second_step.html",
            status,
            organization=here.organization_name,
            following=following,
            fault=fault,
            by_recovery=by_recovery,
            form_field=FIELD,
            form_token=self._forms.token(token),
        )
