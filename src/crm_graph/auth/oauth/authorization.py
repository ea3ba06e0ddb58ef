"""What becomes of an authorization request: an error, a sign-in first, a question to the person, or a code.

Nobody is sent to an address before it was found among those that the app registered.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.errors import AccessDeniedError, InvalidRequestError, UnsupportedResponseTypeError
from authlib.oidc.core.errors import ConsentRequiredError, LoginRequiredError

from crm_graph.auth.oauth import consents, families, partner_reach, redirects
from crm_graph.auth.oauth import scope as scope_names
from crm_graph.auth.oauth.authorization_code import LONGEST_NONCE, CodeGrant
from crm_graph.auth.oauth.clients import Client
from crm_graph.auth.oauth.pkce import S256
from crm_graph.auth.oauth.requests import OAuthRequest
from crm_graph.auth.oauth.server import Answer, Exchange, Server, User

PROMPTS: Final = frozenset({"none", "login", "consent", "select_account"})
UNSUPPORTED: Final = {
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
}
Decision = Literal["allow", "deny"] | None


@dataclass(frozen=True, slots=True)
class Refused:
    """The request cannot be believed in so much as to send anybody anywhere: a page of ours says so."""

    message: str


@dataclass(frozen=True, slots=True)
class Sent:
    """Back to the app, with a code or an error."""

    location: str


@dataclass(frozen=True, slots=True)
class SignInFirst:
    """The person has to sign in, perhaps again."""


@dataclass(frozen=True, slots=True)
class Ask:
    """The person has to be asked."""

    client: Client
    scopes: tuple[str, ...]
    redirect_uri: str


Outcome = Refused | Sent | SignInFirst | Ask


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in, and whether they have just done so for this very request."""

    user_id: UUID
    session_id: UUID
    signed_in_since: int | None
    """They were asked to sign in then, in seconds since 1970."""


def decide(ours: Exchange, given: Mapping[str, str], person: Person | None, decision: Decision) -> Outcome:
    """Run the request as far as it goes. `decision` is what the person has answered on the consent page."""
    server = Server(ours)
    server.register_grant(CodeGrant, [S256()])
    request = OAuthRequest("GET", f"{ours.issuer}{redirects.AUTHORIZE}", given)
    try:
        grant = _grant(server, request, given, person)
    except OAuth2Error as error:
        return _error(ours, given, error)
    client = request.client
    assert isinstance(client, Client)
    try:
        return _answered(ours, server, request, grant, client, person, decision)
    except OAuth2Error as error:
        error.redirect_uri = grant.redirect_uri
        return _error(ours, given, error)


def _grant(server: Server, request: OAuthRequest, given: Mapping[str, str], person: Person | None) -> CodeGrant:
    """The valid request; raises OAuth2Error, with a redirect URI only where that was registered."""
    client = server.query_client(given.get("client_id", ""))
    redirect_uri = given.get("redirect_uri", "")
    if client is None or not client.check_redirect_uri(redirect_uri):
        raise InvalidRequestError("The app is not known here, or has not registered the address it wants to go to.")
    try:
        _refuse_unsupported(given)
        # Authlib quotes the parameter in its error, and stumbles over some characters
        if given.get("response_type") != "code":
            raise UnsupportedResponseTypeError("other", redirect_uri=redirect_uri)
        user = None if person is None else User(person.user_id, person.session_id)
        grant: CodeGrant = server.get_consent_grant(request, user)  # type: ignore[no-untyped-call]
    except OAuth2Error as error:
        error.redirect_uri = redirect_uri
        raise
    return grant


def _refuse_unsupported(given: Mapping[str, str]) -> None:
    for name, code in UNSUPPORTED.items():
        if name in given:
            raise OAuth2Error(error=code, description=f"'{name}' is not supported.")
    if given.get("response_mode", "query") != "query":
        raise InvalidRequestError("'response_mode' must be query.")
    prompts = given.get("prompt", "").split()
    if not PROMPTS.issuperset(prompts) or ("none" in prompts and len(prompts) > 1):
        raise InvalidRequestError("'prompt' has values that are unknown or exclude each other.")
    if len(given.get("nonce", "")) > LONGEST_NONCE or len(given.get("scope", "")) > scope_names.LONGEST:
        raise InvalidRequestError("A parameter is too long.")
    if not given.get("max_age", "0").isascii() or not given.get("max_age", "0").isdigit():
        raise InvalidRequestError("'max_age' must be a number of seconds.")


def _answered(
    ours: Exchange,
    server: Server,
    request: OAuthRequest,
    grant: CodeGrant,
    client: Client,
    person: Person | None,
    decision: Decision,
) -> Outcome:
    given = request.payload.data
    prompts = given.get("prompt", "").split()
    if person is None or not _is_recent(ours, given, prompts, person):
        if "none" in prompts:
            raise LoginRequiredError
        return SignInFirst()
    if not partner_reach.works_for(ours.session, ours.organization_id, person.user_id, client.partner_id):
        raise AccessDeniedError("The app is for the people of its partner.")
    scopes = scope_names.split(request.scope)
    if decision is None and not _agreed(ours, client, person, scopes, prompts, grant.redirect_uri):
        if "none" in prompts:
            raise ConsentRequiredError
        return Ask(client, scopes, grant.redirect_uri)
    if decision == "deny":
        raise AccessDeniedError
    if decision == "allow":
        consents.give(ours.session, ours.organization_id, person.user_id, client, scopes)
    answer = server.create_authorization_response(request, request.user, grant)
    assert isinstance(answer, Answer)
    assert answer.location is not None
    return Sent(add_params_to_uri(answer.location, [("iss", ours.issuer)]))


def _is_recent(ours: Exchange, given: Mapping[str, str], prompts: list[str], person: Person) -> bool:
    """Whether the person proved who they are as lately as the request wants."""
    proved = families.proved(ours.session, ours.organization_id, person.user_id, person.session_id)
    if proved is None:
        return False
    since = person.signed_in_since
    if since is not None and proved.at.timestamp() >= since:
        return True
    if {"login", "select_account"} & set(prompts):
        return False
    return "max_age" not in given or proved.at.timestamp() + int(given["max_age"][:12]) >= time.time()


def _agreed(
    ours: Exchange, client: Client, person: Person, scopes: tuple[str, ...], prompts: list[str], redirect_uri: str
) -> bool:
    """Whether the person need not be asked again. An app that anybody can pretend to be always asks (RFC 8252, 8.6)."""
    if "consent" in prompts or (client.auth_method == "none" and not redirects.is_proof(redirect_uri)):
        return False
    agreed = consents.given(ours.session, ours.organization_id, person.user_id, client.id)
    return len(scope_names.within(scopes, agreed)) == len(scopes)


def _error(ours: Exchange, given: Mapping[str, str], error: OAuth2Error) -> Outcome:
    if not error.redirect_uri:
        return Refused(error.description or "The app's request cannot be understood.")
    error.state = given.get("state")
    params = [(name, text) for name, text in error.get_body() if text is not None]
    return Sent(add_params_to_uri(error.redirect_uri, [*params, ("iss", ours.issuer)]))
