"""`/account/confirm`: prove again who you are, before you change how you sign in; others may send people here too."""

from starlette.requests import Request
from starlette.responses import Response

from crm_graph.auth import credentials, sessions
from crm_graph.auth.account.visit import Visit, Visits
from crm_graph.auth.passwords import Passwords
from crm_graph.auth.proofs import kept_passkeys
from crm_graph.auth.proofs.passkeys import PasskeyRefused, Passkeys
from crm_graph.auth.sign_in.entrance import KEY, PASSWORD, TWO_FACTORS
from crm_graph.auth.sign_in.first_page import site_of
from crm_graph.auth.sign_in.form import destination
from crm_graph.auth.sign_in.page import redirect
from crm_graph.auth.throttle.throttles import Throttles


class Confirm:
    """By the password or a passkey; who has neither signs in anew."""

    def __init__(self, visits: Visits, passwords: Passwords, keys: Passkeys, throttles: Throttles) -> None:
        self._visits = visits
        self._passwords = passwords
        self._keys = keys
        self._throttles = throttles

    async def show(self, request: Request) -> Response:
        """GET /account/confirm?next=…"""
        return await self._shown(await self._visits.seen(request))

    async def by_password(self, request: Request) -> Response:
        """POST /account/confirm with `password`."""
        visit = await self._visits.posted(request)
        wait = await self._throttles.attempt(*visit.mine, visit.visitor.address)
        if wait > 0:
            return await self._shown(visit, "Too many attempts. Try again in a minute.", 429)
        async with self._visits.transaction(visit) as tx:
            encoded = await credentials.hash_of(tx, *visit.mine)
        if not await self._passwords.verify(encoded, visit.form.get("password", "")):
            return await self._shown(visit, "The password is not right.", 422)
        await self._throttles.succeeded(*visit.mine, visit.visitor.address)
        async with self._visits.transaction(visit) as tx:
            await sessions.prove_again(tx, visit.mine[0], visit.caller.credential_id, (PASSWORD,))
        return redirect(destination(visit.form.get("next")))

    async def by_passkey(self, request: Request) -> Response:
        """POST /account/confirm/passkey with `credential`."""
        visit = await self._visits.posted(request)
        wait = await self._throttles.attempt(*visit.mine, visit.visitor.address)
        if wait > 0:
            return await self._shown(visit, "Too many attempts. Try again in a minute.", 429)
        try:
            async with self._visits.transaction(visit) as tx:
                answer = visit.form.get("credential", "")
                await self._keys.verify(tx, visit.mine[0], site_of(request), visit.token, answer, visit.mine[1])
                await sessions.prove_again(tx, visit.mine[0], visit.caller.credential_id, (KEY, TWO_FACTORS))
        except PasskeyRefused as error:
            return await self._shown(visit, error.message, 422)
        await self._throttles.succeeded(*visit.mine, visit.visitor.address)
        return redirect(destination(visit.form.get("next")))

    async def back(self, _request: Request) -> Response:
        """GET /account/confirm/passkey: somebody reloaded the page that an attempt led to."""
        return redirect("/account")

    async def _shown(self, visit: Visit, fault: str = "", status: int = 200) -> Response:
        site = site_of(visit.request)
        async with self._visits.transaction(visit) as tx:
            has_password = await credentials.hash_of(tx, *visit.mine) is not None
            known = await kept_passkeys.credential_ids(tx, *visit.mine, site.rp_id)
        options = self._keys.options_to_sign_in(site, visit.token, known) if known else ""
        return self._visits.page(
            visit,
            "confirm.html",
            status,
            script=bool(known),
            following=destination(visit.form.get("next") or visit.request.query_params.get("next")),
            has_password=has_password,
            passkey_options=options,
            fault=fault,
        )
