"""From where a request comes, as we note it beside sessions and tell it in mails."""

from dataclasses import dataclass

from starlette.requests import Request

from crm_graph.auth.authentication import is_secure
from crm_graph.auth.sign_in import browsers as sign_in_browser
from crm_graph.auth.throttle.addresses import address_of


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser and its address. `site` is the origin that it asks, `https://crm.example.com`, known to be ours."""

    address: str
    user_agent: str
    site: str

    @classmethod
    def of(cls, request: Request) -> "Visitor":
        """Ask for the organisation of the host first: that refuses a host that is none of ours."""
        scheme = "https" if is_secure(request.scope) else "http"
        return cls(
            address_of(request),
            request.headers.get("user-agent", ""),
            f"{scheme}://{request.headers.get('host', '').lower()}",
        )

    @property
    def browser(self) -> str:
        """The browser's name. It stands in mails, so none of its words are a stranger's."""
        return sign_in_browser.known(self.user_agent) or "an unknown browser"
