"""`/invitation`: who opens the link that was mailed sets name and password, and is in."""

import logging
from dataclasses import replace
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_graph.auth import callers, credentials
from crm_graph.auth.actor import Actor
from crm_graph.auth.callers import Storefront
from crm_graph.auth.passwords import Passwords
from crm_graph.auth.people import invitations
from crm_graph.auth.people.invitations import Invitation, InvitationState
from crm_graph.auth.policy.loading import in_force
from crm_graph.auth.sign_in.entrance import PASSWORD, Proof
from crm_graph.auth.sign_in.page import refusing
from crm_graph.auth.throttle.addresses import address_of
from crm_graph.auth.throttle.throttles import Throttle
from crm_graph.db.session import Transaction
from crm_graph.errors import CrmError, ValueInvalid
from crm_graph.pages.door import Door, slowed
from crm_graph.plan.policies import people
from crm_graph.plan.writes.audit_trail import leave
from crm_graph.plan.writes.write import insert_fields
from crm_graph.resolvers.invitations import ENTITY, LONGEST_NAME

logger = logging.getLogger("crm_graph.pages.invitation")

PATH: Final = "/invitation"
CHANNEL: Final = "invitation"


class InvitationInvalid(CrmError):
    """The link is unknown, used, withdrawn, replaced or too old, or who sent it may not invite so any more."""

    code = "INVITATION_INVALID"
    status = 410


class InvitationPage:
    """The page behind the link; what is wrong with a link is never told."""

    def __init__(self, door: Door, passwords: Passwords) -> None:
        self._door = door
        self._passwords = passwords
        self._attempts = Throttle(door.attempts, "invitation", 20, 10)

    def routes(self) -> list[Route]:
        """GET and POST /invitation."""
        return [
            Route(PATH, refusing(self.show), methods=["GET"]),
            Route(PATH, refusing(self.accept), methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """The form, to who has a link that works."""
        here, token = await self._door.organization(request), request.query_params.get("token", "")
        await self._counted(request, here)
        async with self._door.database.transaction(here.organization_id, None, CHANNEL) as tx:
            found, _ = await _valid(tx, here, token)
        return self._form(request, here, found, token, found.name)

    async def accept(self, request: Request) -> Response:
        """Make the user, who is signed in then; the link works no more."""
        form, here = await self._door.form(request), await self._door.organization(request)
        await self._counted(request, here)
        token, name = form.get("token", ""), form.get("name", "").strip()
        fault = "" if 1 <= len(name) <= LONGEST_NAME and name.isprintable() else "Say your name."
        encoded = None
        try:
            encoded = await self._passwords.hash(form.get("password", ""))
        except ValueInvalid as error:
            fault = fault or error.message
        async with self._door.database.transaction(here.organization_id, None, CHANNEL) as tx:
            found, inviter = await _valid(tx, here, token)
            if fault or encoded is None:
                return self._form(request, here, found, token, name, fault)
            actor = replace(inviter, channel=CHANNEL)
            values = {
                "name": name, "email": found.email, "roles": list(found.roles), "partner_id": found.partner_id
            }  # fmt: skip
            made = await insert_fields(tx, actor, "User", values, event="user.joined")
            if made.id is None:
                raise InvitationInvalid("Somebody signs in with this address already. Sign in, or ask who invited you.")
            await credentials.store(tx, here.organization_id, made.id, encoded, by=made.id)
            connection = await tx.raw()
            await invitations.end(connection, here.organization_id, found.id, InvitationState.ACCEPTED, made.id)
            changed = {"state": (found.state.name, InvitationState.ACCEPTED.name), "user_id": (None, made.id)}
            await leave(connection, actor, None, "invitation.accepted", ENTITY, found.id, changed)
            logger.info("user %s of organisation %s came in by an invitation", made.id, here.organization_id)
            return await self._door.admitted(tx, request, here.organization_id, Proof(made.id, (PASSWORD,)), "/account")

    async def _counted(self, request: Request, here: Storefront) -> None:
        seconds = await self._attempts.attempt(here.organization_id, address_of(request))
        if seconds > 0:
            raise slowed(seconds)

    def _form(
        self, request: Request, here: Storefront, found: Invitation, token: str, name: str, fault: str = ""
    ) -> Response:
        return self._door.shown(
            request,
            "invitation.html",
            422 if fault else 200,
            organization=here.organization_name,
            email=found.email,
            token=token,
            name=name[:LONGEST_NAME],
            fault=fault,
        )


async def _valid(tx: Transaction, here: Storefront, token: str) -> tuple[Invitation, Actor]:
    """The invitation, and who sent it: they may still give its roles. Raises InvitationInvalid."""
    connection = await tx.raw()
    found = await invitations.by_token(connection, here.organization_id, token)
    if found is not None:
        senders = await callers.by_user(connection, here.organization_id, found.invited_by)
        sender = senders[0] if senders and senders[0].status == "ACTIVE" else None
        if sender is not None and people.reaches(sender.actor, found.partner_id):
            policy = await in_force(connection, here.organization_id)
            kind = people.kind_of(found.partner_id)
            if not await people.ungivable(sender.actor, policy, found.roles, kind):
                return found, sender.actor
    raise InvitationInvalid("This link does not work, or not any more. Ask for a new invitation.")
