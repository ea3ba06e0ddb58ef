"""The account page: who I am, where I am signed in, which keys act for me."""

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from crm_graph.auth import api_keys, credentials, sessions
from crm_graph.auth.account.visit import Visit, Visits
from crm_graph.auth.oauth.review import reviews
from crm_graph.auth.proofs import kept_passkeys, totp
from crm_graph.auth.scopes import ScopeInvalid
from crm_graph.auth.sign_in.page import redirect
from crm_graph.auth.trail.acts import Act, note
from crm_graph.db.ids import uuid7
from crm_graph.db.session import Transaction
from crm_graph.errors import ValueInvalid

LIFETIMES: Mapping[int, str] = {7: "a week", 30: "30 days", 90: "90 days", 365: "a year"}
EMPTY_FORM: Mapping[str, str] = {"name": "", "days": "90", "narrow": "yes", "scopes": ""}

Revoke = Callable[[Transaction, UUID, UUID, UUID], Awaitable[bool]]


class Account:
    """What a signed-in person may do to their own sessions and keys, and to nobody else's."""

    def __init__(self, visits: Visits) -> None:
        self._visits = visits

    async def show(self, request: Request) -> Response:
        """GET /account."""
        visit = await self._visits.seen(request)
        async with self._visits.transaction(visit) as tx:
            return await self._shown(visit, tx)

    async def back(self, _request: Request) -> Response:
        """GET /account/keys: somebody reloaded the page that showed a key."""
        return redirect("/account")

    async def revoke_session(self, request: Request) -> Response:
        """POST /account/sessions/revoke."""
        return await self._revoke(request, sessions.revoke, Act.SESSION_REVOKED)

    async def revoke_other_sessions(self, request: Request) -> Response:
        """POST /account/sessions/revoke-others."""
        visit = await self._visits.posted(request)
        async with self._visits.transaction(visit) as tx:
            ended = await sessions.revoke_others(tx, *visit.mine, visit.caller.credential_id)
            if ended:
                await note(tx, *visit.mine, Act.SESSION_REVOKED, sessions=ended)
        self._visits.forget(visit)
        return redirect("/account")

    async def revoke_key(self, request: Request) -> Response:
        """POST /account/keys/revoke."""
        return await self._revoke(request, api_keys.revoke, None)

    async def _revoke(self, request: Request, revoke: Revoke, act: Act | None) -> Response:
        """`act`: what is put on record, where `revoke` does not do so itself."""
        visit = await self._visits.posted(request)
        id_ = visit.id()
        if id_ is not None:
            async with self._visits.transaction(visit) as tx:
                if await revoke(tx, *visit.mine, id_) and act is not None:
                    await note(tx, *visit.mine, act, sessions=1)
            self._visits.forget(visit)
        return redirect("/account")

    async def create_key(self, request: Request) -> Response:
        """POST /account/keys: answers with the only page that ever shows the key."""
        visit = await self._visits.posted(request)
        form = visit.form
        async with self._visits.transaction(visit) as tx:
            try:
                token = await api_keys.create(
                    tx, *visit.mine, name=form.get("name", ""), days=_days(form), scopes=_scopes(form), id_=visit.id()
                )
            except (ValueInvalid, ScopeInvalid) as error:
                return await self._shown(visit, tx, form=form, fault=error.message)
            repeated = "This key was made already; its secret is not shown a second time." if token is None else ""
            return await self._shown(visit, tx, token=token, fault=repeated)

    async def _shown(
        self,
        visit: Visit,
        tx: Transaction,
        *,
        token: str | None = None,
        form: Mapping[str, str] | None = None,
        fault: str = "",
    ) -> Response:
        return self._visits.page(
            visit,
            "account.html",
            422 if fault else 200,
            roles=[role.replace("_", " ") for role in visit.caller.actor.roles],
            sessions=await sessions.live(tx, *visit.mine),
            keys=await api_keys.live(tx, *visit.mine),
            has_password=await credentials.hash_of(tx, *visit.mine) is not None,
            app_since=await totp.confirmed_at(tx, *visit.mine),
            passkeys=await kept_passkeys.live(tx, *visit.mine),
            reviews_apps=reviews(visit.caller.actor),
            lifetimes=LIFETIMES,
            new_id=uuid7(),
            token=token,
            form={**EMPTY_FORM, **(form or {})},
            fault=fault,
        )


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
