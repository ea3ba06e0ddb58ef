"""The account page: who I am, where I am signed in, which keys act for me."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from crm_graph.auth import api_keys, cookies, sessions
from crm_graph.auth.authentication import Authenticator, is_secure
from crm_graph.auth.callers import Caller
from crm_graph.auth.scopes import ScopeInvalid
from crm_graph.auth.sign_in_form import FIELD, FormForged, FormTokens, read, session_token
from crm_graph.auth.sign_in_page import page, redirect, set_cookie
from crm_graph.db.ids import uuid7
from crm_graph.db.session import Database, Transaction
from crm_graph.errors import ValueInvalid

LIFETIMES: Mapping[int, str] = {7: "a week", 30: "30 days", 90: "90 days", 365: "a year"}
EMPTY_FORM: Mapping[str, str] = {"name": "", "days": "90", "narrow": "yes", "scopes": ""}

Revoke = Callable[[Transaction, UUID, UUID, UUID], Awaitable[bool]]


class Account:
    """What a signed-in person may do to their own sessions and keys, and to nobody else's."""

    def __init__(self, authenticator: Authenticator, database: Database, forms: FormTokens) -> None:
        self._authenticator = authenticator
        self._database = database
        self._forms = forms

    async def show(self, request: Request) -> Response:
        """GET /account."""
        caller = await self._caller(request)
        if caller is None:
            return self._sign_in_first(request)
        async with self._transaction(caller) as tx:
            return await self._shown(request, caller, tx)

    async def back(self, _request: Request) -> Response:
        """GET /account/keys: somebody reloaded the page that showed a key."""
        return redirect("/account")

    async def revoke_session(self, request: Request) -> Response:
        """POST /account/sessions/revoke."""
        return await self._revoke(request, sessions.revoke)

    async def revoke_key(self, request: Request) -> Response:
        """POST /account/keys/revoke."""
        return await self._revoke(request, api_keys.revoke)

    async def _revoke(self, request: Request, revoke: Revoke) -> Response:
        form = await read(request)
        caller = await self._checked(request, form)
        if caller is None:
            return self._sign_in_first(request)
        id_ = _uuid(form)
        if id_ is not None:
            async with self._transaction(caller) as tx:
                await revoke(tx, caller.actor.organization_id, caller.user_id, id_)
            self._authenticator.forget(caller.actor.organization_id, caller.user_id)
        return redirect("/account")

    async def create_key(self, request: Request) -> Response:
        """POST /account/keys: answers with the only page that ever shows the key."""
        form = await read(request)
        caller = await self._checked(request, form)
        if caller is None:
            return self._sign_in_first(request)
        async with self._transaction(caller) as tx:
            try:
                token = await api_keys.create(
                    tx,
                    caller.actor.organization_id,
                    caller.user_id,
                    name=form.get("name", ""),
                    days=_days(form),
                    scopes=_scopes(form),
                    id_=_uuid(form),
                )
            except (ValueInvalid, ScopeInvalid) as error:
                return await self._shown(request, caller, tx, form=form, fault=error.message)
            repeated = "This key was made already; its secret is not shown a second time." if token is None else ""
            return await self._shown(request, caller, tx, token=token, fault=repeated)

    def _transaction(self, caller: Caller) -> AbstractAsyncContextManager[Transaction]:
        return self._database.transaction(caller.actor.organization_id, caller.user_id, "account")

    async def _caller(self, request: Request) -> Caller | None:
        return await self._authenticator.session(request.scope)

    async def _checked(self, request: Request, form: dict[str, str]) -> Caller | None:
        caller = await self._caller(request)
        if caller is not None:
            self._forms.check(form, session_token(request))
        return caller

    def _sign_in_first(self, request: Request) -> Response:
        response = redirect("/sign-in?next=/account")
        if session_token(request) is not None:
            set_cookie(response, cookies.SESSION, "", secure=is_secure(request.scope), seconds=0)
        return response

    async def _shown(
        self,
        request: Request,
        caller: Caller,
        tx: Transaction,
        *,
        token: str | None = None,
        form: Mapping[str, str] | None = None,
        fault: str = "",
    ) -> Response:
        mine = (caller.actor.organization_id, caller.user_id)
        cookie = session_token(request)
        if cookie is None:
            raise FormForged("There are two session cookies; one of them is not ours.")
        return page(
            "account.html",
            422 if fault else 200,
            caller=caller,
            roles=[role.replace("_", " ") for role in caller.actor.roles],
            sessions=await sessions.live(tx, *mine),
            keys=await api_keys.live(tx, *mine),
            lifetimes=LIFETIMES,
            new_id=uuid7(),
            token=token,
            form={**EMPTY_FORM, **(form or {})},
            fault=fault,
            form_field=FIELD,
            form_token=self._forms.token(cookie),
        )


def _uuid(form: Mapping[str, str]) -> UUID | None:
    try:
        return UUID(form.get("id", ""))
    except ValueError:
        return None


def _days(form: Mapping[str, str]) -> int:
    text = form.get("days", "")
    if text not in map(str, LIFETIMES):
        raise ValueInvalid("Choose how long the key lasts.")
    return int(text)


def _scopes(form: Mapping[str, str]) -> list[str] | None:
    if form.get("narrow") == "no":
        return None
    found = form.get("scopes", "").split()
    if not found:
        raise ScopeInvalid("Name at least one scope, or let the key do all that you may.")
    return found
