"""Which other ways in the sign-in page shows, beside password and passkey."""

from urllib.parse import urlencode

from crm_graph.auth.callers import Storefront


def ways(here: Storefront, following: str) -> list[tuple[str, str]]:
    """Address and words of each link: the organisation's OpenID providers, a code by mail, signing up."""
    query = urlencode({"next": following})
    found = [(f"/sign-in/with/{name}?{query}", f"Sign in with {label}") for name, label in here.providers]
    if here.sign_up:
        found.append((f"/sign-in/code?{query}", "Customers: mail me a code"))
        found.append((f"/sign-up?{query}", "Customers: create an account"))
    return found
