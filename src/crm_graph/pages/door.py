"""What the pages share by which people come in: whose page it is, forms of this browser, and letting somebody in."""

import functools
import math
from collections.abc import Awaitable, Callable
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from crm_graph.auth import cookies
from crm_graph.auth.authentication import Authenticator, is_secure
from crm_graph.auth.callers import Storefront
from crm_graph.auth.sign_in_entrance import Entrance, Proof
from crm_graph.auth.sign_in_form import FIELD, FormTokens, new_nonce, nonce, read
from crm_graph.auth.sign_in_page import page, refusal, set_cookie
from crm_graph.auth.sign_in_throttle import network
from crm_graph.db.session import Database, Transaction
from crm_graph.errors import CrmError

Handler = Callable[[Request], Awaitable[Response]]


class TooManyAttempts(CrmError):
    """Too much was tried from one address; `retryAfter` is in seconds."""

    code = "TOO_MANY_ATTEMPTS"
    status = 429


class Door:
    """Whose pages a request asks for, and how somebody who has proven who they are is let in."""

    def __init__(self, authenticator: Authenticator, database: Database, secret: bytes, entrance: Entrance) -> None:
        self.authenticator = authenticator
        self.database = database
        self._entrance = entrance
        self._forms = FormTokens(secret)

    async def organization(self, request: Request) -> Storefront:
        """The organisation that the host selects. Raises UnknownHost."""
        return await self.authenticator.storefront(request.headers.get("host", "").encode("latin-1"))

    async def form(self, request: Request) -> dict[str, str]:
        """What this browser posted by a form of ours. Raises FormForged, BadRequest, BodyTooLarge."""
        found = await read(request)
        self._forms.check(found, nonce(request))
        return found

    def shown(self, request: Request, template: str, status: int = 200, **values: object) -> Response:
        """A page with a form for this browser."""
        known = nonce(request)
        bound_to = known or new_nonce()
        response = page(
            template, status, script=False, form_field=FIELD, form_token=self._forms.token(bound_to), **values
        )
        if known is None:
            set_cookie(response, cookies.FORM, bound_to, secure=is_secure(request.scope))
        return response

    async def admitted(
        self, tx: Transaction, request: Request, organization_id: UUID, proof: Proof, following: str
    ) -> Response:
        """On to `following` with a new session, or to the second step first, in the transaction that proved it."""
        return await self._entrance.admitted(tx, request, organization_id, proof, following)


def address(request: Request) -> str:
    """Where a request comes from, as attempts are counted."""
    return network(request.client.host if request.client else None)


def slowed(seconds: float) -> TooManyAttempts:
    """What to raise for an attempt that has to wait."""
    wait = math.ceil(seconds)
    return TooManyAttempts(f"Too many attempts. Try again in {wait} seconds.", retryAfter=wait)


def answering(handler: Handler) -> Handler:
    """A page instead of an exception, for whatever a browser can send."""

    @functools.wraps(handler)
    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except CrmError as error:
            response = refusal(error)
            if isinstance(error, TooManyAttempts):
                response.headers["retry-after"] = str(error.extensions["retryAfter"])
            return response

    return handle
