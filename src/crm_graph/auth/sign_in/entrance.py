"""What every way of signing in ends with: a session, after a second step where the user has one.

A first step (password, passkey, another provider) only says who somebody is, as a `Proof`; whether more is asked for is
decided here, so that no first step can leave it out.
"""

import logging
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from crm_graph.auth import cookies, sessions
from crm_graph.auth.authentication import is_secure
from crm_graph.auth.proofs import pending, totp
from crm_graph.auth.proofs.known_browsers import LASTS_SECONDS, KnownBrowsers
from crm_graph.auth.sign_in.form import session_token
from crm_graph.auth.sign_in.page import redirect, set_cookie
from crm_graph.auth.trail.acts import Act, note
from crm_graph.auth.visitor import Visitor
from crm_graph.db.session import Database, Transaction
from crm_graph.errors import Unauthenticated

logger = logging.getLogger("crm_graph.auth.sign_in")

SECOND_STEP: Final = "/sign-in/second-step"
PASSWORD: Final = "pwd"  # noqa: S105 - the names are of RFC 8176
CODE: Final = "otp"
KEY: Final = "pop"
TWO_FACTORS: Final = "mfa"
_MAY_SIGN_IN: Final = "SELECT EXISTS (SELECT FROM users WHERE organization_id = $1 AND id = $2 AND status = 'ACTIVE')"


@dataclass(frozen=True, slots=True)
class Proof:
    """Who somebody has shown to be, and by which methods (RFC 8176). With `mfa` among them nothing more is asked."""

    user_id: UUID
    methods: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        return TWO_FACTORS in self.methods


class Entrance:
    """Lets in whoever has proved enough. `hours` is how long a session lasts."""

    def __init__(self, database: Database, known: KnownBrowsers, hours: int) -> None:
        self._database = database
        self._known = known
        self.hours = hours

    async def admit(self, request: Request, organization_id: UUID, proof: Proof, following: str) -> Response:
        """The answer to a first step that was right: on to `following`, or to the second step first."""
        async with self._database.transaction(organization_id, proof.user_id, "sign_in") as tx:
            return await self.admitted(tx, request, organization_id, proof, following)

    async def admitted(
        self, tx: Transaction, request: Request, organization_id: UUID, proof: Proof, following: str
    ) -> Response:
        """As `admit`, in the transaction that proved it. Raises Unauthenticated for who may not sign in at all."""
        if not await (await tx.raw()).fetchval(_MAY_SIGN_IN, organization_id, proof.user_id):
            raise Unauthenticated("This account may not sign in.")
        secure = is_secure(request.scope)
        if not proof.is_complete and await totp.confirmed_at(tx, organization_id, proof.user_id) is not None:
            token = await pending.create(tx, organization_id, proof.user_id, proof.methods, following)
            response, seconds = redirect(SECOND_STEP), int(pending.LIVES.total_seconds())
            set_cookie(response, cookies.PENDING, token, secure=secure, seconds=seconds)
            return response
        token = await self.session(tx, request, organization_id, proof)
        ways, browser = ", ".join(proof.methods), Visitor.of(request).browser
        await note(tx, organization_id, proof.user_id, Act.SIGNED_IN, by=proof.user_id, methods=ways, browser=browser)
        response = redirect(following)
        set_cookie(response, cookies.SESSION, token, secure=secure, seconds=self.hours * 3600)
        set_cookie(response, cookies.FORM, "", secure=secure, seconds=0)
        known = self._known.cookie(request, organization_id, proof.user_id)
        set_cookie(response, cookies.KNOWN, known, secure=secure, seconds=LASTS_SECONDS)
        return response

    async def session(self, tx: Transaction, request: Request, organization_id: UUID, proof: Proof) -> str:
        """A new session in place of the one that the browser came with, which is never taken over."""
        visitor, old = Visitor.of(request), session_token(request)
        if old is not None:
            await sessions.revoke_token(tx, organization_id, old)
        token = await sessions.create(
            tx,
            organization_id,
            proof.user_id,
            hours=self.hours,
            user_agent=visitor.user_agent,
            address=visitor.address,
            methods=proof.methods,
        )
        logger.info("user %s of organisation %s signed in from %s", proof.user_id, organization_id, visitor.address)
        return token
