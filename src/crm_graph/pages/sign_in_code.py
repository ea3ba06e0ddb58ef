"""`/sign-in/code`: customers sign in without a password, by a code that is mailed to them.

Whoever asks gets the same answer after the same work, and one mail goes out: what it says is seen by the address's
owner alone.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_graph import kinds
from crm_graph.auth import credentials
from crm_graph.auth.callers import Storefront
from crm_graph.auth.people import codes, customers
from crm_graph.auth.people.codes import Asked, Codes, Purpose
from crm_graph.auth.people.customers import Known
from crm_graph.auth.sign_in.entrance import CODE, Proof
from crm_graph.auth.sign_in.form import destination, nonce
from crm_graph.auth.sign_in.page import redirect, refusing
from crm_graph.auth.throttle.addresses import address_of
from crm_graph.auth.throttle.throttles import Throttle, Throttles
from crm_graph.db.session import Transaction
from crm_graph.errors import ValueInvalid
from crm_graph.mail.outbox import Mail, post
from crm_graph.pages.door import Door, slowed
from crm_graph.plan.writes.write import insert_fields

logger = logging.getLogger("crm_graph.pages.sign_in_code")

PATH: Final = "/sign-in/code"
ENTER: Final = "/sign-in/code/enter"
CHANNEL: Final = "sign_up"
WRONG: Final = "This is not the code, or it is too old, or it was tried too often."


class CodeSignIn:
    """Asking for a code, and entering it: to sign in, or to sign up (`pages/sign_up.py`)."""

    def __init__(self, door: Door, made: Codes) -> None:
        self._door = door
        self._codes = made
        self._asking = Throttles.of_codes(door.attempts, "sign-in code")
        self._entering = Throttle(door.attempts, "sign-in code entered", 30, 10)

    def routes(self) -> list[Route]:
        """The two forms."""
        return [
            Route(PATH, refusing(self.form), methods=["GET"]),
            Route(PATH, refusing(self.ask), methods=["POST"]),
            Route(ENTER, refusing(self.entry), methods=["GET"]),
            Route(ENTER, refusing(self.enter), methods=["POST"]),
        ]

    async def form(self, request: Request) -> Response:
        """GET /sign-in/code."""
        here = await self._door.organization(request)
        return self._form(request, here, {"next": request.query_params.get("next", "")})

    async def ask(self, request: Request) -> Response:
        """POST /sign-in/code: mail a code."""
        form, here = await self._door.form(request), await self._door.organization(request)
        try:
            email = email_of(form)
        except ValueInvalid as error:
            return self._form(request, here, form, error.message)
        return await self.send(request, here, Asked(Purpose.SIGN_IN, email), form)

    async def send(self, request: Request, here: Storefront, asked: Asked, form: Mapping[str, str]) -> Response:
        """Mail a code for what is asked, and go on to where it is entered."""
        browser = nonce(request)
        assert browser is not None, "the form was checked against it"
        seconds = await self._asking.attempt(here.organization_id, asked.email.casefold(), address_of(request))
        if seconds > 0:
            raise slowed(seconds)
        async with self._door.database.transaction(here.organization_id, None, CHANNEL) as tx:
            connection = await tx.raw()
            known = await customers.by_email(connection, here.organization_id, asked.email)
            works = known.enters if known is not None else asked.purpose is Purpose.SIGN_UP
            sent = await codes.sent_lately(connection, here.organization_id, asked.email)
            whole = replace(asked, user_id=known.id if known is not None else None)
            row, code = await self._codes.issue(connection, here.organization_id, browser, whole, works=works)
            if sent < codes.MOST_AN_HOUR:
                mail = Mail(asked.email, f"Your code for {here.organization_name}", _text(here, known, code))
                if not works:
                    text = _refused(request, here, known)
                    mail = Mail(asked.email, f"Signing in to {here.organization_name}", text)
                await post(connection, here.organization_id, mail)
        return redirect(f"{ENTER}?{urlencode({'id': str(row), 'next': destination(form.get('next'))})}")

    async def entry(self, request: Request) -> Response:
        """GET /sign-in/code/enter."""
        return self._entry(request, await self._door.organization(request), request.query_params)

    async def enter(self, request: Request) -> Response:
        """POST /sign-in/code/enter: in, if the code is right."""
        form, here = await self._door.form(request), await self._door.organization(request)
        browser = nonce(request)
        assert browser is not None, "the form was checked against it"
        seconds = await self._entering.attempt(here.organization_id, address_of(request))
        if seconds > 0:
            raise slowed(seconds)
        row = uuid_of(form)
        async with self._door.database.transaction(here.organization_id, None, CHANNEL) as tx:
            connection, taken = await tx.raw(), None
            if row is not None:
                taken = await self._codes.take(connection, here.organization_id, browser, row, form.get("code", ""))
            user = await _entering(tx, here, taken) if taken is not None else None
            if user is not None:
                logger.info("user %s of organisation %s signed in by a code", user, here.organization_id)
                following = destination(form.get("next"))
                return await self._door.admitted(tx, request, here.organization_id, Proof(user, (CODE,)), following)
        return self._entry(request, here, form, WRONG)

    def _form(self, request: Request, here: Storefront, form: Mapping[str, str], fault: str = "") -> Response:
        return self._door.shown(
            request,
            "sign_in_code.html",
            422 if fault else 200,
            organization=here.organization_name,
            following=destination(form.get("next")),
            email=form.get("email", "")[:254],
            fault=fault,
        )

    def _entry(self, request: Request, here: Storefront, form: Mapping[str, str], fault: str = "") -> Response:
        return self._door.shown(
            request,
            "enter_code.html",
            422 if fault else 200,
            organization=here.organization_name,
            action=ENTER,
            following=destination(form.get("next")),
            id=form.get("id", "")[:36],
            minutes=int(codes.LIVES.total_seconds()) // 60,
            fault=fault,
        )


def email_of(form: Mapping[str, str]) -> str:
    """The address of a form; raises ValueInvalid."""
    try:
        return str(kinds.EMAIL.parse(form.get("email", "").strip()))
    except ValueError:
        raise ValueInvalid("An e-mail address is needed.") from None


def uuid_of(form: Mapping[str, str]) -> UUID | None:
    """The id of a form."""
    try:
        return UUID(form.get("id", ""))
    except ValueError:
        return None


async def _entering(tx: Transaction, here: Storefront, taken: Asked) -> UUID | None:
    """Who it is whose address was proven; of who signs up, the new user."""
    connection = await tx.raw()
    await customers.one_at_a_time(connection, here.organization_id)
    known = await customers.by_email(connection, here.organization_id, taken.email)
    if taken.purpose is Purpose.SIGN_IN:
        return known.id if known is not None and known.enters and known.id == taken.user_id else None
    if taken.purpose is not Purpose.SIGN_UP:
        return None
    if known is not None:  # whoever has the address has the account: what was typed at the form is not theirs to say
        return known.id if known.enters else None
    actor = replace(here.actor, channel=CHANNEL)
    customer = await customers.unclaimed(connection, here.organization_id, taken.email)
    if customer is None:
        person = {"name": taken.name, "kind": "PERSON", "email": taken.email}
        made = await insert_fields(tx, actor, "Customer", person, event="customer.signed_up")
        customer = made.id
    values = {"name": taken.name, "email": taken.email, "roles": ["customer"], "customer_id": customer}
    user = (await insert_fields(tx, actor, "User", values, event="user.signed_up")).id
    if customer is None or user is None:
        raise ValueInvalid("Somebody else signs in with this address by now.")
    if taken.password_hash is not None:
        await credentials.store(tx, here.organization_id, user, taken.password_hash, by=user)
    return user


def _text(here: Storefront, known: Known | None, code: str) -> str:
    half = codes.DIGITS // 2
    minutes = int(codes.LIVES.total_seconds()) // 60
    return (
        f"Your code for {here.organization_name}, good for {minutes} minutes in the browser that asked for it:\n\n"
        f"    {code[:half]} {code[half:]}\n\n"
        f"{'' if known is None else 'There is an account with this address; the code signs you in to it. '}"
        "Nobody of us will ever ask you for it. If you did not ask for it, do nothing.\n"
    )


def _refused(request: Request, here: Storefront, known: Known | None) -> str:
    site = f"{request.url.scheme}://{request.headers['host']}"
    if known is not None:
        says = f"There is an account with this address, but it does not sign in by a code. See {site}/sign-in"
    elif here.sign_up:
        says = f"There is no account with this address. You can make one: {site}/sign-up"
    else:
        says = "There is no account with this address."
    return f"Somebody asked for a code to sign in to {here.organization_name}.\n\n{says}\n"
