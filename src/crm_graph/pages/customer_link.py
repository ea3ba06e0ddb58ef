"""`/account/customer`: who signed up takes over the customer record that they had before, by a code to its address.

The claim alone is worth nothing, and whether there is such a record is told to nobody but the owner of its address.
"""

import logging
from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_graph.auth.authentication import Authenticator
from crm_graph.auth.callers import Caller
from crm_graph.auth.people import codes, customers
from crm_graph.auth.people.codes import Asked, Codes, Purpose
from crm_graph.auth.sign_in.form import FIELD, FormTokens, read, session_token
from crm_graph.auth.sign_in.page import page, redirect, refusing
from crm_graph.auth.throttle.addresses import address_of
from crm_graph.auth.throttle.attempts import Attempts
from crm_graph.auth.throttle.throttles import Throttle, Throttles
from crm_graph.db.session import Database, Transaction
from crm_graph.errors import CrmError, ValueInvalid
from crm_graph.mail.outbox import Mail, post
from crm_graph.pages.door import slowed
from crm_graph.pages.sign_in_code import WRONG, email_of, uuid_of
from crm_graph.plan.changes import Effect
from crm_graph.plan.writes.write import update_fields

logger = logging.getLogger("crm_graph.pages.customer_link")

PATH: Final = "/account/customer"
ENTER: Final = "/account/customer/enter"
CHANNEL: Final = "customer_link"


class CustomersOnly(CrmError):
    """The page is for people who sign in as a customer, in person."""

    code = "CUSTOMERS_ONLY"
    status = 403


class CustomerLink:
    """The two forms, for signed-in customers; a code is bound to the session in which it was asked for."""

    def __init__(
        self, authenticator: Authenticator, database: Database, secret: bytes, made: Codes, attempts: Attempts
    ) -> None:
        self._authenticator = authenticator
        self._database = database
        self._forms = FormTokens(secret)
        self._codes = made
        self._asking = Throttles.of_codes(attempts, "customer link")
        self._entering = Throttle(attempts, "customer link code", 20, 30)

    def routes(self) -> list[Route]:
        """The two forms."""
        return [
            Route(PATH, refusing(self.form), methods=["GET"]),
            Route(PATH, refusing(self.ask), methods=["POST"]),
            Route(ENTER, refusing(self.enter), methods=["POST"]),
        ]

    async def form(self, request: Request) -> Response:
        """Which record was it? With an id: what was the code?"""
        caller, session = await self._caller(request)
        if caller is None:
            return redirect(f"/sign-in?next={PATH}")
        if "id" in request.query_params:
            return self._entry(session, caller, request.query_params)
        return self._form(session, caller, request.query_params)

    async def ask(self, request: Request) -> Response:
        """Mail a code to the address, if there is a record to take over."""
        form = await read(request)
        caller, session = await self._caller(request)
        if caller is None:
            return redirect(f"/sign-in?next={PATH}")
        self._forms.check(form, session)
        try:
            email = email_of(form)
        except ValueInvalid as error:
            return self._form(session, caller, form, error.message)
        organization_id, name = caller.actor.organization_id, caller.organization_name
        seconds = await self._asking.attempt(organization_id, caller.user_id, address_of(request))
        if seconds > 0:
            raise slowed(seconds)
        async with self._database.transaction(organization_id, caller.user_id, CHANNEL) as tx:
            connection = await tx.raw()
            record = await customers.unclaimed(connection, organization_id, email)
            sent = await codes.sent_lately(connection, organization_id, email)
            asked = Asked(Purpose.LINK, email, user_id=caller.user_id, customer_id=record)
            row, code = await self._codes.issue(connection, organization_id, session, asked, works=record is not None)
            if sent < codes.MOST_AN_HOUR:
                text = _text(name, code) if record is not None else _none(name)
                await post(connection, organization_id, Mail(email, f"Your customer record at {name}", text))
        return redirect(f"{PATH}?id={row}")

    async def enter(self, request: Request) -> Response:
        """Take the record over, if the code is right."""
        form = await read(request)
        caller, session = await self._caller(request)
        if caller is None:
            return redirect(f"/sign-in?next={PATH}")
        self._forms.check(form, session)
        row, organization_id = uuid_of(form), caller.actor.organization_id
        seconds = await self._entering.attempt(organization_id, caller.user_id)
        if seconds > 0:
            raise slowed(seconds)
        async with self._database.transaction(organization_id, caller.user_id, CHANNEL) as tx:
            connection, taken = await tx.raw(), None
            if row is not None:
                code = form.get("code", "")
                taken = await self._codes.take(connection, organization_id, session, row, code)
            linked = taken is not None and await _linked(tx, caller, taken)
        if not linked:
            return self._entry(session, caller, form, WRONG)
        self._authenticator.forget(organization_id, caller.user_id)
        logger.info("user %s of organisation %s took a customer record over", caller.user_id, organization_id)
        return redirect("/account")

    async def _caller(self, request: Request) -> tuple[Caller | None, str]:
        """Who is signed in, as a customer, and their session's token."""
        caller, session = await self._authenticator.session(request.scope), session_token(request)
        if caller is None or session is None:
            return None, ""
        if caller.actor.customer_id is None:
            raise CustomersOnly("This page is for customers.")
        return caller, session

    def _form(self, session: str, caller: Caller, form: Mapping[str, str], fault: str = "") -> Response:
        return page(
            "customer_link.html",
            422 if fault else 200,
            organization=caller.organization_name,
            email=form.get("email", "")[:254],
            fault=fault,
            form_field=FIELD,
            form_token=self._forms.token(session),
        )

    def _entry(self, session: str, caller: Caller, form: Mapping[str, str], fault: str = "") -> Response:
        return page(
            "enter_code.html",
            422 if fault else 200,
            organization=caller.organization_name,
            action=ENTER,
            following="/account",
            id=form.get("id", "")[:36],
            minutes=int(codes.LIVES.total_seconds()) // 60,
            fault=fault,
            form_field=FIELD,
            form_token=self._forms.token(session),
        )


async def _linked(tx: Transaction, caller: Caller, taken: Asked) -> bool:
    """Make the user that customer, if the record is still nobody's and still has the address that was proven."""
    connection, organization_id = await tx.raw(), caller.actor.organization_id
    if taken.purpose is not Purpose.LINK or taken.user_id != caller.user_id or taken.customer_id is None:
        return False
    await customers.one_at_a_time(connection, organization_id)
    if await customers.unclaimed(connection, organization_id, taken.email) != taken.customer_id:
        return False
    values = {"customer_id": taken.customer_id}
    done = await update_fields(tx, caller.actor, "User", caller.user_id, values, "user.customer_linked")
    return done.effect is Effect.UPDATED


def _text(organization: str, code: str) -> str:
    half = codes.DIGITS // 2
    return (
        f"Somebody who is signed in at {organization} says that this customer record is theirs. If it was you, enter"
        f" this code where you were asked for it:\n\n    {code[:half]} {code[half:]}\n\n"
        "If it was not you, do nothing: without the code nothing changes. Give it to nobody.\n"
    )


def _none(organization: str) -> str:
    return (
        f"Somebody who is signed in at {organization} says that the customer record with this address is theirs."
        " There is none that can be taken over. There is nothing to do.\n"
    )
