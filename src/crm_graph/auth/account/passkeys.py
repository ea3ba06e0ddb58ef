"""`/account/passkeys`: add a passkey, call it otherwise, remove it."""

from starlette.requests import Request
from starlette.responses import Response

from crm_graph.auth.account.visit import Visit, Visits
from crm_graph.auth.proofs import kept_passkeys
from crm_graph.auth.proofs.kept_passkeys import LONGEST_NAME
from crm_graph.auth.proofs.notices import Notice, tell
from crm_graph.auth.proofs.passkeys import PasskeyRefused, Passkeys
from crm_graph.auth.sign_in.first_page import site_of
from crm_graph.auth.sign_in.page import redirect
from crm_graph.db.session import Transaction
from crm_graph.errors import ValueInvalid

PATH = "/account/passkeys"


class PasskeyPage:
    """Adding and removing ask for a fresh proof of who it is; a name does not."""

    def __init__(self, visits: Visits, keys: Passkeys) -> None:
        self._visits = visits
        self._keys = keys

    async def show(self, request: Request) -> Response:
        """GET /account/passkeys: the passkeys, and the form to add one, which needs a script."""
        visit = await self._visits.seen(request)
        async with self._visits.transaction(visit) as tx:
            await self._visits.fresh(visit, tx, PATH)
            return await self._shown(visit, tx)

    async def add(self, request: Request) -> Response:
        """POST /account/passkeys with `credential` and `name`."""
        visit = await self._visits.posted(request)
        fault = ""
        async with self._visits.transaction(visit) as tx:
            await self._visits.fresh(visit, tx, PATH)
            name, answer = visit.form.get("name", ""), visit.form.get("credential", "")
            try:
                await self._keys.add(tx, *visit.mine, site_of(request), visit.token, answer, name)
                await tell(tx, *visit.mine, Notice.PASSKEY_ADDED, visit.visitor, name.strip())
            except (PasskeyRefused, ValueInvalid) as error:
                fault = error.message
            if fault:
                return await self._shown(visit, tx, fault, 422)
        return redirect(PATH)

    async def rename(self, request: Request) -> Response:
        """POST /account/passkeys/rename with `id` and `name`."""
        visit = await self._visits.posted(request)
        async with self._visits.transaction(visit) as tx:
            id_ = visit.id()
            try:
                if id_ is not None:
                    await kept_passkeys.rename(tx, *visit.mine, id_, visit.form.get("name", ""))
            except ValueInvalid as error:
                return await self._shown(visit, tx, error.message, 422)
        return redirect(PATH)

    async def remove(self, request: Request) -> Response:
        """POST /account/passkeys/remove with `id`."""
        visit = await self._visits.posted(request)
        async with self._visits.transaction(visit) as tx:
            await self._visits.fresh(visit, tx, PATH)
            id_ = visit.id()
            name = None if id_ is None else await kept_passkeys.remove(tx, *visit.mine, id_)
            if name is not None:
                await tell(tx, *visit.mine, Notice.PASSKEY_REMOVED, visit.visitor, name)
        return redirect(PATH)

    async def back(self, _request: Request) -> Response:
        """GET of what only forms are posted to: somebody reloaded the page."""
        return redirect(PATH)

    async def _shown(self, visit: Visit, tx: Transaction, fault: str = "", status: int = 200) -> Response:
        site = site_of(visit.request)
        options = ""
        if site.has_passkeys:
            options = self._keys.options_to_add(
                site,
                visit.token,
                user_id=visit.caller.user_id,
                account=visit.account,
                name=visit.caller.name,
                organization=visit.caller.organization_name,
                known=await kept_passkeys.credential_ids(tx, *visit.mine, site.rp_id),
            )
        return self._visits.page(
            visit,
            "passkeys.html",
            status,
            script=site.has_passkeys,
            passkeys=await kept_passkeys.live(tx, *visit.mine),
            host=site.rp_id,
            passkey_options=options,
            suggested=visit.visitor.browser[:LONGEST_NAME],
            longest=LONGEST_NAME,
            fault=fault,
        )
