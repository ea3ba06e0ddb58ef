"""An app that asks: what it was registered as, and how it proves who it is."""

import datetime as dt
import hmac
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749.errors import InvalidScopeError
from sqlalchemy.orm import Session

from crm_graph.auth import tokens
from crm_graph.auth.oauth import partner_reach, redirects
from crm_graph.auth.oauth import scope as scope_names
from crm_graph.auth.oauth.tables import oauth_clients
from crm_graph.db.ids import decode_as, encode
from crm_graph.errors import JSON

PREFIX: Final = "cli"
AUTH_METHODS: Final = ("none", "client_secret_basic", "private_key_jwt")
_NOTHING: Final = bytes(32)


@dataclass(frozen=True)
class Client(ClientMixin):
    """A registered app that works, as Authlib asks about it."""

    id: UUID
    name: str
    purpose: str
    auth_method: str
    secret_hashes: tuple[bytes, ...]
    jwks: dict[str, JSON] | None
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    grant_types: tuple[str, ...]
    scopes: tuple[str, ...]
    user_id: UUID | None
    partner_id: UUID | None = None

    @property
    def client_id(self) -> str:
        return encode(PREFIX, self.id)

    @property
    def client_metadata(self) -> dict[str, list[str]]:
        return {"post_logout_redirect_uris": list(self.post_logout_redirect_uris)}

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str:
        return ""  # each request names it

    def get_allowed_scope(self, scope: object) -> str:
        """The scopes asked for, if the app may have all of them; those it was registered with if it asks for none."""
        wanted = scope_names.split(scope) if isinstance(scope, str) else ()
        if not wanted:
            return " ".join(self.scopes)
        if len(scope_names.within(wanted, self.scopes)) < len(wanted):
            raise InvalidScopeError("The app may not have one of these scopes.")
        return " ".join(wanted)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Exactly one that was registered; a native app's own machine at any port (RFC 8252, 7.3)."""
        if redirect_uri in self.redirect_uris:
            return True
        return self.auth_method == "none" and redirects.is_loopback_of(redirect_uri, self.redirect_uris)

    def check_client_secret(self, client_secret: str) -> bool:
        given = tokens.digest(client_secret.encode("utf-8", "replace"))
        return any(hmac.compare_digest(kept, given) for kept in self.secret_hashes or (_NOTHING,))

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002 - as Authlib calls it
        return method == self.auth_method

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and "authorization_code" in self.grant_types

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.grant_types


def key(client_id: object) -> UUID | None:
    """The key of what a request says is a client's id."""
    return decode_as(PREFIX, client_id) if isinstance(client_id, str) else None


def find(session: Session, organization_id: UUID, client_id: object) -> Client | None:
    """The app of this id, if it works. `None` says no more: there is none, it waits for review, it is suspended.

    A partner's has those of its scopes that its partner may have today.
    """
    found = claimed(session, organization_id, client_id)
    return None if found is None else within_partner(session, organization_id, found)


def claimed(session: Session, organization_id: UUID, client_id: object) -> Client | None:
    """The same by one statement, before it has proved who it is: a partner's may have fewer scopes."""
    c = oauth_clients.c
    row = session.execute(
        sa.select(oauth_clients, (c.old_secret_until > sa.func.now()).label("old_works")).where(
            # also asked where the id is none, so that the answer takes as long
            c.organization_id == organization_id, c.id == (key(client_id) or UUID(int=0)), c.status == "ACTIVE"
        )
    ).one_or_none()  # fmt: skip
    return None if row is None else _client(row)


def within_partner(session: Session, organization_id: UUID, found: Client) -> Client:
    """The app with those of its scopes that its partner may have today."""
    if found.partner_id is None:
        return found
    return replace(found, scopes=partner_reach.left(session, organization_id, found.partner_id, found.scopes))


def _client(row: "sa.Row[tuple[object, ...]]") -> Client:
    values = row._mapping  # noqa: SLF001 - its public name
    hashes = (values["secret_hash"], values["old_secret_hash"] if values["old_works"] else None)
    return Client(
        id=values["id"],
        name=values["name"],
        purpose=values["purpose"],
        auth_method=values["auth_method"],
        secret_hashes=tuple(one for one in hashes if one is not None),
        jwks=values["jwks"],
        redirect_uris=tuple(values["redirect_uris"]),
        post_logout_redirect_uris=tuple(values["post_logout_redirect_uris"]),
        grant_types=tuple(values["grant_types"]),
        scopes=tuple(values["scopes"]),
        user_id=values["user_id"],
        partner_id=values["partner_id"],
    )


@dataclass(frozen=True, slots=True)
class Listed:
    """An app as lists show it; nothing in it is secret. Times are UTC."""

    client_id: str
    name: str
    auth_method: str
    grant_types: tuple[str, ...]
    scopes: tuple[str, ...]
    status: str
    partner_id: UUID | None
    created_at: dt.datetime
