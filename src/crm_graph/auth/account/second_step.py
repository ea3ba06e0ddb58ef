"""`/account/second-step`: an authenticator app and recovery codes, set up, renewed and switched off."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from crm_graph.auth import sessions
from crm_graph.auth.account.visit import Visit, Visits
from crm_graph.auth.proofs import pending, recovery_codes, totp
from crm_graph.auth.proofs.notices import Notice, tell
from crm_graph.auth.sealing import Sealer
from crm_graph.auth.sign_in.entrance import CODE, TWO_FACTORS
from crm_graph.auth.sign_in.page import redirect
from crm_graph.auth.throttle.throttles import Throttle
from crm_graph.auth.trail.acts import Act, note
from crm_graph.db.session import Transaction

PATH = "/account/second-step"
WRONG = "This is not the app's code of this moment. Is the phone's clock right?"


class SecondStepPage:
    """Everything here asks for a fresh proof of who it is."""

    def __init__(self, visits: Visits, sealer: Sealer, tries: Throttle) -> None:
        self._visits = visits
        self._sealer = sealer
        self._tries = tries

    async def show(self, request: Request) -> Response:
        """GET /account/second-step: the key of an app that waits to be confirmed, or what is on."""
        visit = await self._visits.seen(request)
        async with self._visits.transaction(visit) as tx:
            await self._visits.fresh(visit, tx, PATH)
            return await self._shown(visit, tx)

    async def begin(self, request: Request) -> Response:
        """POST /account/second-step/begin: a new key, shown by the page."""
        visit = await self._visits.posted(request)
        async with self._visits.transaction(visit) as tx:
            await self._visits.fresh(visit, tx, PATH)
            await totp.begin(tx, self._sealer, *visit.mine)
        return redirect(PATH)

    async def confirm(self, request: Request) -> Response:
        """POST /account/second-step/confirm with `code`: from now on it is asked for; shows the recovery codes."""
        visit = await self._visits.posted(request)
        slow = await self._tries.attempt(*visit.mine) > 0
        async with self._visits.transaction(visit) as tx:
            await self._visits.fresh(visit, tx, PATH)
            if slow:
                return await self._shown(visit, tx, "Too many codes were tried. Try again in a minute.", 429)
            if not await totp.confirm(tx, self._sealer, *visit.mine, visit.form.get("code", "")):
                return await self._shown(visit, tx, WRONG, 422)
            codes = await recovery_codes.renew(tx, *visit.mine)
            await note(tx, *visit.mine, Act.SECOND_STEP_ON)
            # whoever is signed in elsewhere has not shown the second step
            await sessions.revoke_others(tx, *visit.mine, visit.caller.credential_id)
            await sessions.prove_again(tx, visit.mine[0], visit.caller.credential_id, (CODE, TWO_FACTORS))
            await tell(tx, *visit.mine, Notice.APP_ON, visit.visitor)
            response = self._visits.page(visit, "recovery_codes.html", codes=codes)
        await self._tries.forget(*visit.mine)
        self._visits.forget(visit)
        return response

    async def renew(self, request: Request) -> Response:
        """POST /account/second-step/codes: new recovery codes; the old ones work no more."""
        visit = await self._visits.posted(request)
        async with self._visits.transaction(visit) as tx:
            await self._visits.fresh(visit, tx, PATH)
            if await totp.confirmed_at(tx, *visit.mine) is None:
                return redirect(PATH)
            codes = await recovery_codes.renew(tx, *visit.mine)
            await tell(tx, *visit.mine, Notice.CODES_RENEWED, visit.visitor)
            return self._visits.page(visit, "recovery_codes.html", codes=codes)

    async def off(self, request: Request) -> Response:
        """POST /account/second-step/off: the app and the recovery codes are forgotten."""
        visit = await self._visits.posted(request)
        async with self._visits.transaction(visit) as tx:
            await self._visits.fresh(visit, tx, PATH)
            if await switch_off(tx, *visit.mine):
                await tell(tx, *visit.mine, Notice.APP_OFF, visit.visitor)
        return redirect("/account")

    async def back(self, _request: Request) -> Response:
        """GET of what only forms are posted to: somebody reloaded the page."""
        return redirect(PATH)

    async def _shown(self, visit: Visit, tx: Transaction, fault: str = "", status: int = 200) -> Response:
        confirmed_at = await totp.confirmed_at(tx, *visit.mine)
        # only a key that waits is shown; one that is on is switched off even where it cannot be opened any more
        app = None if confirmed_at else await totp.find(tx, self._sealer, *visit.mine)
        address = totp.address(app.key, visit.caller.organization_name, visit.account) if app else ""
        return self._visits.page(
            visit,
            "second_step_setup.html",
            status,
            confirmed_at=confirmed_at,
            key=" ".join(app.key[at : at + 4] for at in range(0, len(app.key), 4)) if app else "",
            address=address,
            picture=totp.picture(address) if address else "",
            codes_left=await recovery_codes.left(tx, *visit.mine),
            fault=fault,
        )


async def switch_off(tx: Transaction, organization_id: UUID, user_id: UUID) -> bool:
    """Forget app and recovery codes, and sign-ins that wait for them; False when no app counted."""
    was_on = await totp.remove(tx, organization_id, user_id)
    await recovery_codes.remove(tx, organization_id, user_id)
    await pending.end_all(tx, organization_id, user_id)
    if was_on:
        await note(tx, organization_id, user_id, Act.SECOND_STEP_OFF)
    return was_on
