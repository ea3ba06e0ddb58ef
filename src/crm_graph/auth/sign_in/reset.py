"""Setting a new password by a link sent to the address on file.

Whoever asks is answered before anything is looked up, so neither the answer nor its time tells who has an account.
"""

import asyncio
import logging
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response

from crm_graph.auth import cookies, credentials
from crm_graph.auth.authentication import Authenticator, is_secure
from crm_graph.auth.passwords import LONGEST, SHORTEST, Passwords
from crm_graph.auth.proofs import password_resets
from crm_graph.auth.proofs.notices import Notice, tell
from crm_graph.auth.sign_in.first_page import FirstPage
from crm_graph.auth.sign_in.form import LONGEST_EMAIL, FormTokens, browser, nonce, read
from crm_graph.auth.sign_in.page import form_page, page, set_cookie
from crm_graph.auth.throttle.throttles import Throttles
from crm_graph.auth.visitor import Visitor
from crm_graph.db.session import Database
from crm_graph.errors import CrmError, LinkOver, ServiceUnavailable, ValueInvalid
from crm_graph.mail.outbox import Mail, post

logger = logging.getLogger("crm_graph.auth.sign_in")

MOST_AT_ONCE: Final = 200


_OVER: Final = "This link was used already, or it is older than an hour. Ask for another one."


class Reset:
    """The pages of who has forgotten the password."""

    def __init__(
        self,
        first: FirstPage,
        database: Database,
        passwords: Passwords,
        forms: FormTokens,
        throttles: Throttles,
        authenticator: Authenticator,
    ) -> None:
        self._first = first
        self._database = database
        self._passwords = passwords
        self._forms = forms
        self._throttles = throttles
        self._authenticator = authenticator
        self._sending: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(2)
        """Of the connections for writes, those who forgot their passwords take no more."""

    async def close(self) -> None:
        """Finish the mails that were asked for."""
        await asyncio.gather(*self._sending, return_exceptions=True)

    async def ask(self, request: Request) -> Response:
        """GET /sign-in/forgotten."""
        here = await self._first.organization(request)
        return self._page(request, "forgotten.html", organization=here.organization_name, sent=False, fault="")

    async def asked(self, request: Request) -> Response:
        """POST /sign-in/forgotten: the same answer for every address there is or is not."""
        form = await read(request)
        self._forms.check(form, nonce(request))
        here = await self._first.organization(request)
        visitor = Visitor.of(request)
        seconds = await self._throttles.address.attempt(here.organization_id, visitor.address)
        if seconds > 0:
            fault = "Too many attempts. Try again in a minute."
            return self._page(
                request, "forgotten.html", 429, organization=here.organization_name, sent=False, fault=fault
            )
        if len(self._sending) >= MOST_AT_ONCE:
            raise ServiceUnavailable("Too many people are asking for a link at this moment; try again in a minute.")
        email = form.get("email", "").strip()[: LONGEST_EMAIL + 1]
        task = asyncio.create_task(self._send(here.organization_id, here.organization_name, email, visitor))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)
        return self._page(request, "forgotten.html", organization=here.organization_name, sent=True, fault="")

    async def form(self, request: Request) -> Response:
        """GET /sign-in/reset?token=…: programs that look at mail may open it, so it uses nothing up."""
        here = await self._first.organization(request)
        token = request.query_params.get("token", "")
        async with self._database.transaction(here.organization_id, None, "sign_in") as tx:
            if await password_resets.owner(tx, here.organization_id, token) is None:
                raise LinkOver(_OVER)
        return self._chosen(request, here.organization_name, token)

    async def enter(self, request: Request) -> Response:
        """POST /sign-in/reset: set the password, end all sessions. Signing in is another thing, with both steps."""
        form = await read(request)
        self._forms.check(form, nonce(request))
        here = await self._first.organization(request)
        organization_id, token, visitor = here.organization_id, form.get("token", ""), Visitor.of(request)
        seconds = await self._throttles.address.attempt(here.organization_id, visitor.address)
        if seconds > 0:
            return self._chosen(
                request, here.organization_name, token, "Too many attempts. Try again in a minute.", 429
            )
        async with self._database.transaction(organization_id, None, "sign_in") as tx:
            if await password_resets.owner(tx, organization_id, token) is None:
                raise LinkOver(_OVER)
        try:
            encoded = await self._passwords.hash(form.get("password", ""))
        except ValueInvalid as error:
            return self._chosen(request, here.organization_name, token, error.message, 422)
        async with self._database.transaction(organization_id, None, "sign_in") as tx:
            user_id = await password_resets.use(tx, organization_id, token)
            if user_id is None:
                raise LinkOver(_OVER)
            await credentials.store(tx, organization_id, user_id, encoded, by=user_id)
            await tell(tx, organization_id, user_id, Notice.PASSWORD_CHANGED, visitor)
        self._authenticator.forget(organization_id, user_id)
        logger.info("user %s of organisation %s has a new password by a link", user_id, organization_id)
        response = page("reset_done.html", organization=here.organization_name)
        set_cookie(response, cookies.SESSION, "", secure=is_secure(request.scope), seconds=0)
        return response

    async def _send(self, organization_id: UUID, organization: str, email: str, visitor: Visitor) -> None:
        try:
            async with self._turns, self._database.transaction(organization_id, None, "sign_in") as tx:
                found = await credentials.who_forgot(tx, organization_id, email)
                token = await password_resets.create(tx, organization_id, found[0]) if found else None
                if found is None or token is None:
                    logger.info("no link to set a password for who asked from %s", visitor.address)
                    return
                # to the address on file, never to the one that was typed
                await post(await tx.raw(), organization_id, _mail(found[1], organization, token, visitor))
        except (CrmError, sa.exc.SQLAlchemyError, OSError) as error:
            logger.warning("could not send a link to set a password: %s", type(error).__name__)

    def _chosen(self, request: Request, organization: str, token: str, fault: str = "", status: int = 200) -> Response:
        return self._page(
            request,
            "reset.html",
            status,
            organization=organization,
            token=token,
            fault=fault,
            shortest=SHORTEST,
            longest=LONGEST,
        )

    def _page(self, request: Request, template: str, status: int = 200, **values: str | int) -> Response:
        return form_page(request, self._forms, browser(request), template, status, **values)


def _mail(recipient: str, organization: str, token: str, visitor: Visitor) -> Mail:
    return Mail(
        recipient,
        "Set a new password",
        f"Somebody, probably you, asked for a new password at {organization}, from {visitor.browser}"
        f" ({visitor.address}). Set it within an hour here:\n\n    {visitor.site}/sign-in/reset?token={token}\n\n"
        "The link works once. If you did not ask for it, do nothing: your password stays as it is.\n",
    )
