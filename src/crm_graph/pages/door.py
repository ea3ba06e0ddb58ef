"""What the pages share by which people come in: whose page it is, forms of this browser, and letting somebody in."""

import math
from uuid import UUID

from jinja2 import Template
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from crm_graph.auth.authentication import Authenticator
from crm_graph.auth.callers import Storefront
from crm_graph.auth.sign_in.entrance import Entrance, Proof
from crm_graph.auth.sign_in.form import FIELD, FormTokens, browser, nonce, read
from crm_graph.auth.sign_in.page import HEADERS, bound, form_page
from crm_graph.auth.throttle.attempts import Attempts
from crm_graph.db.session import Database, Transaction
from crm_graph.errors import CrmError


class TooManyAttempts(CrmError):
    """Too much was tried from one address; `retryAfter` is in seconds."""

    code = "TOO_MANY_ATTEMPTS"
    status = 429


class Door:
    """Whose pages a request asks for, and how somebody who has proven who they are is let in."""

    def __init__(
        self, authenticator: Authenticator, database: Database, secret: bytes, entrance: Entrance, attempts: Attempts
    ) -> None:
        self.authenticator = authenticator
        self.database = database
        self.attempts = attempts
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
        return form_page(request, self._forms, browser(request), template, status, **values)

    def rendered(self, request: Request, template: Template, status: int = 200, /, **values: object) -> Response:
        """A page with a form for this browser, of a template that brings its own style."""
        bound_to = browser(request)
        body = template.render(values, form_field=FIELD, form_token=self._forms.token(bound_to))
        return bound(request, HTMLResponse(body, status, dict(HEADERS)), bound_to)

    async def admitted(
        self, tx: Transaction, request: Request, organization_id: UUID, proof: Proof, following: str
    ) -> Response:
        """On to `following` with a new session, or to the second step first, in the transaction that proved it."""
        return await self._entrance.admitted(tx, request, organization_id, proof, following)


def slowed(seconds: float) -> TooManyAttempts:
    """What to raise for an attempt that has to wait."""
    wait = math.ceil(seconds)
    return TooManyAttempts(f"Too many attempts. Try again in {wait} seconds.", retryAfter=wait)
