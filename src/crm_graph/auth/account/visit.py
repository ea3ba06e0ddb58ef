"""A request of somebody who is signed in, to one of their own pages; everybody else signs in first."""

import datetime as dt
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from crm_graph.auth import sessions
from crm_graph.auth.authentication import Authenticator
from crm_graph.auth.callers import Caller
from crm_graph.auth.sign_in.form import FIELD, FormForged, FormTokens, read, session_token
from crm_graph.auth.sign_in.page import Detour, page, redirect, sign_in_first
from crm_graph.auth.visitor import Visitor
from crm_graph.db.session import Database, Transaction

FRESH: Final = dt.timedelta(minutes=10)
"""How long after proving who they are somebody may change how they sign in."""
CONFIRM: Final = "/account/confirm"


@dataclass(frozen=True, slots=True)
class Visit:
    """Who is here, by which session, with which form (empty for GET)."""

    request: Request
    caller: Caller
    token: str
    form: Mapping[str, str]

    @property
    def mine(self) -> tuple[UUID, UUID]:
        """Organisation and user: whose rows are looked at and changed."""
        return self.caller.actor.organization_id, self.caller.user_id

    @property
    def visitor(self) -> Visitor:
        return Visitor.of(self.request)

    @property
    def account(self) -> str:
        """What the account is called where it stands among others, as in an app."""
        return self.caller.email or self.caller.name

    def id(self) -> UUID | None:
        """The `id` in the form, if it is one."""
        try:
            return UUID(self.form.get("id", ""))
        except ValueError:
            return None


class Visits:
    """Opens visits, and shows their pages; to `following` who had to sign in first comes back."""

    def __init__(
        self, authenticator: Authenticator, database: Database, forms: FormTokens, following: str = "/account"
    ) -> None:
        self._following = following
        self._authenticator = authenticator
        self._database = database
        self._forms = forms

    async def seen(self, request: Request) -> Visit:
        """For GET. Raises Detour to the sign-in page, and FormForged when two session cookies came."""
        return await self._opened(request, {})

    async def posted(self, request: Request) -> Visit:
        """For POST of a form of ours. Raises Detour to the sign-in page, FormForged and what reading a form raises."""
        form = await read(request)
        visit = await self._opened(request, form)
        self._forms.check(form, session_token(request))
        return visit

    def transaction(self, visit: Visit) -> AbstractAsyncContextManager[Transaction]:
        """What is done in it is done by this user."""
        return self._database.transaction(*visit.mine, "account")

    async def fresh(self, visit: Visit, tx: Transaction, following: str) -> None:
        """Raise Detour to prove again who they are, unless they have done so within `FRESH`."""
        known = await sessions.proved(tx, visit.mine[0], visit.caller.credential_id)
        if known is None or known.at < dt.datetime.now(dt.UTC) - FRESH:
            raise Detour(redirect(f"{CONFIRM}?{urlencode({'next': following})}"))

    def forget(self, visit: Visit) -> None:
        """What this process remembers of the user's sessions and keys is not true any more."""
        self._authenticator.forget(*visit.mine)

    def page(
        self, visit: Visit, template: str, status: int = 200, *, script: bool = False, **values: object
    ) -> Response:
        """A page with forms that count for this session."""
        token = self._forms.token(visit.token)
        return page(template, status, script=script, caller=visit.caller, form_field=FIELD, form_token=token, **values)

    async def _opened(self, request: Request, form: Mapping[str, str]) -> Visit:
        caller = await self._authenticator.session(request.scope)
        token = session_token(request)
        if caller is None:
            raise Detour(sign_in_first(request, self._following))
        if token is None:
            raise FormForged("There are two session cookies; one of them is not ours.")
        return Visit(request, caller, token, form)
