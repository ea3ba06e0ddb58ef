"""Registering apps: what they are told once, and what is kept of it."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from authlib.oauth2.rfc8628 import DEVICE_CODE_GRANT_TYPE
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey, RSAKey

from crm_graph.auth import tokens
from crm_graph.auth.oauth import redirects
from crm_graph.auth.oauth import scope as scope_names
from crm_graph.auth.oauth.clients import PREFIX, Listed, key
from crm_graph.auth.oauth.tables import oauth_clients
from crm_graph.db.ids import encode, uuid7
from crm_graph.db.session import Transaction
from crm_graph.errors import JSON, CrmError, ValueInvalid

LONGEST_NAME: Final = 100
LONGEST_PURPOSE: Final = 300
MOST_URIS: Final = 20
STATUSES: Final = ("PENDING", "ACTIVE", "SUSPENDED")
LONGEST_OVERLAP: Final = dt.timedelta(days=30)


class ClientUnknown(CrmError):
    """The organisation has no app of this id."""

    code = "CLIENT_UNKNOWN"


@dataclass(frozen=True, slots=True)
class Application:
    """What an app is to be registered as: with `redirect_uris`, for devices, or acting on its own as `user_id`."""

    name: str
    purpose: str
    auth_method: str
    scopes: Sequence[str]
    redirect_uris: Sequence[str] = ()
    post_logout_redirect_uris: Sequence[str] = ()
    user_id: UUID | None = None
    jwks: dict[str, JSON] | None = None
    status: str = "ACTIVE"
    device: bool = False
    """It may ask people on another device to agree (RFC 8628)."""


async def create(tx: Transaction, organization_id: UUID, wanted: Application) -> tuple[str, str | None]:
    """Register an app: its client id, and its secret where it has one, which exists nowhere else.

    Raises ValueInvalid, ScopeInvalid, RedirectUriInvalid.
    """
    _refuse_senseless(wanted)
    id_ = uuid7()
    secret = tokens.client_secret() if wanted.auth_method == "client_secret_basic" else None
    await (await tx.session.connection()).execute(
        sa.insert(oauth_clients).values(
            organization_id=organization_id,
            id=id_,
            name=wanted.name.strip(),
            purpose=wanted.purpose.strip(),
            auth_method=wanted.auth_method,
            secret_hash=None if secret is None else tokens.digest(secret.encode()),
            jwks=sa.null() if wanted.jwks is None else public_keys(wanted.jwks),
            redirect_uris=list(map(redirects.checked, wanted.redirect_uris)),
            post_logout_redirect_uris=list(map(redirects.checked, wanted.post_logout_redirect_uris)),
            grant_types=_grant_types(wanted),
            scopes=list(scope_names.checked(wanted.scopes)),
            user_id=wanted.user_id,
            status=wanted.status,
        )
    )
    return encode(PREFIX, id_), secret


async def rotate(tx: Transaction, organization_id: UUID, client_id: str, overlap: dt.timedelta) -> str:
    """A new secret, given once; the old one works until `overlap` is over. Raises ClientUnknown, ValueInvalid."""
    c = oauth_clients.c
    if not dt.timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise ValueInvalid(f"The old secret works for at most {LONGEST_OVERLAP.days} days more.")
    secret = tokens.client_secret()
    done = await (await tx.session.connection()).execute(
        sa.update(oauth_clients)
        .where(*_named(organization_id, client_id), c.auth_method == "client_secret_basic")
        .values(
            secret_hash=tokens.digest(secret.encode()),
            old_secret_hash=c.secret_hash,
            old_secret_until=sa.func.now() + overlap,
        )
    )
    if not done.rowcount:
        raise ClientUnknown(f"No app {client_id[:80]} of this organisation has a secret.")
    return secret


async def set_status(tx: Transaction, organization_id: UUID, client_id: str, status: str) -> None:
    """Let an app work, or stop it and every token it has, at once. Raises ClientUnknown."""
    assert status in STATUSES
    done = await (await tx.session.connection()).execute(
        sa.update(oauth_clients).where(*_named(organization_id, client_id)).values(status=status)
    )
    if not done.rowcount:
        raise ClientUnknown(f"This organisation has no app {client_id[:80]}.")


async def listed(tx: Transaction, organization_id: UUID) -> list[Listed]:
    """The organisation's apps, the newest first."""
    c = oauth_clients.c
    rows = await (await tx.session.connection()).execute(
        sa.select(c.id, c.name, c.auth_method, c.grant_types, c.scopes, c.status, c.created_at)
        .where(c.organization_id == organization_id)
        .order_by(c.created_at.desc(), c.id.desc())
    )
    return [
        Listed(encode(PREFIX, row.id), row.name, row.auth_method, tuple(row.grant_types), tuple(row.scopes), *row[5:])
        for row in rows
    ]


def public_keys(jwks: dict[str, JSON]) -> dict[str, JSON]:
    """A key set as it is kept; raises ValueInvalid for one with private, shared or weak keys in it."""
    try:
        keys = KeySet.import_key_set(jwks)  # type: ignore[arg-type]
    except (JoseError, ValueError, TypeError, KeyError):
        raise ValueInvalid('The keys are no JSON Web Key Set, {"keys": […]}.') from None
    if not 1 <= len(keys.keys) <= 10:
        raise ValueInvalid("A key set has one to ten keys.")
    for one in keys.keys:
        if isinstance(one, OctKey) or one.is_private:
            raise ValueInvalid("Only public keys are registered; keep the private ones to yourself.")
        if isinstance(one, RSAKey) and one.public_key.key_size < 2048:
            raise ValueInvalid("An RSA key has at least 2048 bits.")
    return jwks


def _refuse_senseless(wanted: Application) -> None:
    if not 1 <= len(wanted.name.strip()) <= LONGEST_NAME or not wanted.name.isprintable():
        raise ValueInvalid(f"An app needs a name of at most {LONGEST_NAME} printable characters.")
    if not wanted.purpose.isprintable() or len(wanted.purpose) > LONGEST_PURPOSE:
        raise ValueInvalid(f"What an app is for is said in at most {LONGEST_PURPOSE} printable characters.")
    if not wanted.scopes or len(" ".join(wanted.scopes)) > scope_names.LONGEST:
        raise ValueInvalid("An app needs at least one scope, and not more than make sense.")
    if len(wanted.redirect_uris) > MOST_URIS or len(wanted.post_logout_redirect_uris) > MOST_URIS:
        raise ValueInvalid(f"An app has at most {MOST_URIS} redirect URIs.")
    if (bool(wanted.redirect_uris) or wanted.device) == (wanted.user_id is not None):
        raise ValueInvalid("An app either has redirect URIs or is for devices, or acts on its own as a user.")
    if wanted.user_id is not None and wanted.auth_method == "none":
        raise ValueInvalid("An app that acts on its own has to prove who it is, by a secret or a key.")
    if wanted.user_id is not None and set(wanted.scopes) & set(scope_names.IDENTITY):
        raise ValueInvalid("An app that acts on its own signs nobody in: it has no scopes of OpenID.")
    if (wanted.jwks is not None) != (wanted.auth_method == "private_key_jwt"):
        raise ValueInvalid("Public keys belong to `private_key_jwt`, and it needs them.")


def _grant_types(wanted: Application) -> list[str]:
    if wanted.user_id is not None:
        return ["client_credentials"]
    code, device = (
        ["authorization_code"] if wanted.redirect_uris else [],
        [DEVICE_CODE_GRANT_TYPE] if wanted.device else [],
    )
    return [*code, *device, "refresh_token"]


def _named(organization_id: UUID, client_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return oauth_clients.c.organization_id == organization_id, oauth_clients.c.id == (key(client_id) or UUID(int=0))
