"""The page on which signing in begins; every first step leads back to it when it fails."""

import math

from starlette.requests import Request
from starlette.responses import Response

from crm_graph.auth import origin
from crm_graph.auth.authentication import Authenticator
from crm_graph.auth.callers import Storefront
from crm_graph.auth.proofs.passkeys import Passkeys, Site
from crm_graph.auth.sign_in.form import LONGEST_EMAIL, FormTokens, browser
from crm_graph.auth.sign_in.page import form_page
from crm_graph.auth.sign_in.ways import ways
from crm_graph.auth.visitor import Visitor


class FirstPage:
    """Shows it, to whichever organisation the host selects."""

    def __init__(self, authenticator: Authenticator, forms: FormTokens, passkeys: Passkeys) -> None:
        self._authenticator = authenticator
        self._forms = forms
        self._passkeys = passkeys

    async def organization(self, request: Request) -> Storefront:
        """The organisation whose host is asked; raises UnknownHost."""
        return await self._authenticator.storefront(request.headers.get("host", "").encode("latin-1"))

    def shown(
        self,
        request: Request,
        here: Storefront,
        *,
        following: str,
        email: str = "",
        fault: str = "",
        status: int = 200,
    ) -> Response:
        """The page, which says what was wrong with the last attempt."""
        bound_to, site = browser(request), site_of(request)
        return form_page(
            request,
            self._forms,
            bound_to,
            "sign_in.html",
            status,
            script=site.has_passkeys,
            organization=here.organization_name,
            following=following,
            email=email[:LONGEST_EMAIL],
            fault=fault,
            ways=ways(here, following),
            passkey_options=self._passkeys.options_to_sign_in(site, bound_to) if site.has_passkeys else "",
        )

    def slowed(
        self, request: Request, here: Storefront, *, following: str, email: str = "", seconds: float
    ) -> Response:
        """The page that asks for patience: 429."""
        whole = math.ceil(seconds)
        fault = f"Too many attempts. Try again in {whole} seconds."
        response = self.shown(request, here, following=following, email=email, fault=fault, status=429)
        response.headers["retry-after"] = str(whole)
        return response


def site_of(request: Request) -> Site:
    """Where passkeys are made and used; the organisation of the host was asked for before, so it is a host of ours."""
    host = origin.host_name(request.headers.get("host", "").encode("latin-1")) or ""
    return Site(host, Visitor.of(request).site)
