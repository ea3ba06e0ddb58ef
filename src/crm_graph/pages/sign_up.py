"""`/sign-up`: shoppers become customers, once they have proven that their address is theirs."""

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_graph.auth.callers import Storefront
from crm_graph.auth.passwords import Passwords
from crm_graph.auth.people.codes import Asked, Purpose
from crm_graph.auth.sign_in.form import destination
from crm_graph.auth.sign_in.page import refusing
from crm_graph.errors import CrmError, ValueInvalid
from crm_graph.pages.door import Door
from crm_graph.pages.sign_in_code import CodeSignIn, email_of

PATH: Final = "/sign-up"
LONGEST_NAME: Final = 100


class SignUpClosed(CrmError):
    """The organisation takes in no customers this way."""

    code = "SIGN_UP_CLOSED"
    status = 403


class SignUp:
    """The form; nobody is made before the code that is mailed was entered (`pages/sign_in_code.py`)."""

    def __init__(self, door: Door, passwords: Passwords, code: CodeSignIn) -> None:
        self._door = door
        self._passwords = passwords
        self._code = code

    def routes(self) -> list[Route]:
        """GET and POST /sign-up."""
        return [
            Route(PATH, refusing(self.form), methods=["GET"]),
            Route(PATH, refusing(self.ask), methods=["POST"]),
        ]

    async def form(self, request: Request) -> Response:
        """The form."""
        return self._form(request, await self._open(request), {"next": request.query_params.get("next", "")})

    async def ask(self, request: Request) -> Response:
        """Mail a code to the address."""
        form, here = await self._door.form(request), await self._open(request)
        try:
            name, email = _name(form), email_of(form)
            password = form.get("password", "")
            encoded = await self._passwords.hash(password) if password else None
        except ValueInvalid as error:
            return self._form(request, here, form, error.message)
        return await self._code.send(request, here, Asked(Purpose.SIGN_UP, email, name, encoded), form)

    async def _open(self, request: Request) -> Storefront:
        here = await self._door.organization(request)
        if not here.sign_up:
            raise SignUpClosed("Here nobody signs up by themselves. Ask us for an invitation.")
        return here

    def _form(self, request: Request, here: Storefront, form: Mapping[str, str], fault: str = "") -> Response:
        return self._door.shown(
            request,
            "sign_up.html",
            422 if fault else 200,
            organization=here.organization_name,
            following=destination(form.get("next")),
            name=form.get("name", "")[:LONGEST_NAME],
            email=form.get("email", "")[:254],
            fault=fault,
        )


def _name(form: Mapping[str, str]) -> str:
    name = form.get("name", "").strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise ValueInvalid("Say your name.")
    return name
