"""`/account/password`: change the password by the one there is, or set a first one."""

from starlette.requests import Request
from starlette.responses import Response

from crm_graph.auth import cookies, credentials, sessions
from crm_graph.auth.account.visit import Visit, Visits
from crm_graph.auth.authentication import is_secure
from crm_graph.auth.passwords import LONGEST, SHORTEST, Passwords
from crm_graph.auth.proofs.notices import Notice, tell
from crm_graph.auth.sign_in.entrance import PASSWORD, Entrance, Proof
from crm_graph.auth.sign_in.page import redirect, set_cookie
from crm_graph.auth.throttle.throttles import Throttles
from crm_graph.errors import ValueInvalid

PATH = "/account/password"


class PasswordPage:
    """Other sessions end; this browser gets a new one."""

    def __init__(self, visits: Visits, passwords: Passwords, throttles: Throttles, entrance: Entrance) -> None:
        self._visits = visits
        self._passwords = passwords
        self._throttles = throttles
        self._entrance = entrance

    async def show(self, request: Request) -> Response:
        """GET /account/password."""
        return await self._shown(await self._visits.seen(request))

    async def change(self, request: Request) -> Response:
        """POST /account/password with `current` and `password`."""
        visit = await self._visits.posted(request)
        organization_id, user_id = visit.mine
        async with self._visits.transaction(visit) as tx:
            before = await credentials.hash_of(tx, *visit.mine)
            if before is None:  # what they signed in with has to be fresh instead
                await self._visits.fresh(visit, tx, PATH)
        if before is not None:
            if await self._throttles.attempt(*visit.mine, visit.visitor.address) > 0:
                return await self._shown(visit, "Too many attempts. Try again in a minute.", 429)
            if not await self._passwords.verify(before, visit.form.get("current", "")):
                return await self._shown(visit, "The current password is not right.", 422)
            await self._throttles.succeeded(*visit.mine, visit.visitor.address)
        try:
            encoded = await self._passwords.hash(visit.form.get("password", ""))
        except ValueInvalid as error:
            return await self._shown(visit, error.message, 422)
        async with self._visits.transaction(visit) as tx:
            known = await sessions.proved(tx, organization_id, visit.caller.credential_id)
            await credentials.store(tx, organization_id, user_id, encoded)
            methods = tuple(dict.fromkeys((PASSWORD, *(known.methods if known else ()))))
            token = await self._entrance.session(tx, request, organization_id, Proof(user_id, methods))
            await tell(tx, organization_id, user_id, Notice.PASSWORD_CHANGED, visit.visitor)
        self._visits.forget(visit)
        response = redirect("/account")
        seconds = self._entrance.hours * 3600
        set_cookie(response, cookies.SESSION, token, secure=is_secure(request.scope), seconds=seconds)
        return response

    async def _shown(self, visit: Visit, fault: str = "", status: int = 200) -> Response:
        async with self._visits.transaction(visit) as tx:
            has_password = await credentials.hash_of(tx, *visit.mine) is not None
        return self._visits.page(
            visit, "password.html", status, has_password=has_password, fault=fault, shortest=SHORTEST, longest=LONGEST
        )
