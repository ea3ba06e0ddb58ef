"""Signing in with a passkey: the browser knows whose it is, so nothing is typed and no second step follows."""

import logging

from starlette.requests import Request
from starlette.responses import Response

from crm_graph.auth.proofs.passkeys import PasskeyRefused, Passkeys
from crm_graph.auth.sign_in.entrance import KEY, TWO_FACTORS, Entrance, Proof
from crm_graph.auth.sign_in.first_page import FirstPage, site_of
from crm_graph.auth.sign_in.form import FormTokens, destination, nonce, read
from crm_graph.auth.sign_in.page import redirect
from crm_graph.auth.throttle.addresses import address_of
from crm_graph.auth.throttle.throttles import Throttles
from crm_graph.db.session import Database

logger = logging.getLogger("crm_graph.auth.sign_in")


class PasskeySignIn:
    """A first step that is two factors at once."""

    def __init__(
        self,
        first: FirstPage,
        entrance: Entrance,
        database: Database,
        passkeys: Passkeys,
        forms: FormTokens,
        throttles: Throttles,
    ) -> None:
        self._first = first
        self._entrance = entrance
        self._database = database
        self._passkeys = passkeys
        self._forms = forms
        self._throttles = throttles

    async def back(self, _request: Request) -> Response:
        """GET /sign-in/passkey: somebody reloaded the page that an attempt led to."""
        return redirect("/sign-in")

    async def enter(self, request: Request) -> Response:
        """POST /sign-in/passkey with the authenticator's answer in `credential`."""
        form = await read(request)
        bound_to = nonce(request)
        self._forms.check(form, bound_to)
        assert bound_to is not None  # or the form was forged
        here = await self._first.organization(request)
        following = destination(form.get("next"))
        address = address_of(request)
        seconds = await self._throttles.address.attempt(here.organization_id, address)
        if seconds > 0:
            return self._first.slowed(request, here, following=following, seconds=seconds)
        site = site_of(request)
        try:
            async with self._database.transaction(here.organization_id, None, "sign_in") as tx:
                user_id = await self._passkeys.verify(
                    tx, here.organization_id, site, bound_to, form.get("credential", "")
                )
                proof = Proof(user_id, (KEY, TWO_FACTORS))
                response = await self._entrance.admitted(tx, request, here.organization_id, proof, following)
        except PasskeyRefused as error:
            logger.info("a passkey was refused from %s at organisation %s", address, here.organization_id)
            return self._first.shown(request, here, following=following, fault=error.message, status=422)
        await self._throttles.address.give_back(here.organization_id, address)
        return response
