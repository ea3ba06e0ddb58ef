"""Registering apps: what they are told once, and what is kept of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from authlib.oauth2.rfc8628 import DEVICE_CODE_GRANT_TYPE
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey, RSAKey

from crm_graph.auth import tokens
from crm_graph.auth.oauth import partner_reach, redirects
from crm_graph.auth.oauth import scope as scope_names
from crm_graph.auth.oauth.clients import PREFIX, Listed
from crm_graph.auth.oauth.tables import oauth_clients
from crm_graph.auth.oauth.traces import APP, SYSTEM, By, leave
from crm_graph.db.ids import encode, uuid7
from crm_graph.db.session import Transaction
from crm_graph.errors import JSON, ValueInvalid

LONGEST_NAME: Final = 100
LONGEST_PURPOSE: Final = 300
MOST_URIS: Final = 20


@dataclass(frozen=True, slots=True)
class Application:
    """What an app is to be registered as: with `redirect_uris`, for devices, or acting on its own as `user_id`.

    `grant_types`: those that go with that, or all but refresh tokens. `partner_id`: whose app it is; an app that acts
    on its own is its user's partner's. Only one that waits for review may have no user yet.
    """

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
    grant_types: Sequence[str] = ()
    partner_id: UUID | None = None
    requested_by: UUID | None = None

    @property
    def own(self) -> bool:
        """Whether it acts on its own."""
        return not self.redirect_uris and not self.device


async def create(
    tx: Transaction, organization_id: UUID, wanted: Application, by: By = SYSTEM
) -> tuple[str, str | None]:
    """Register an app: its client id, and its secret where it has one, which exists nowhere else.

    Raises ValueInvalid, ScopeInvalid, ScopeBeyondPartner, RedirectUriInvalid.
    """
    _refuse_senseless(wanted)
    scopes, grant_types = list(scope_names.checked(wanted.scopes)), _grant_types(wanted)
    partner_id = await _partner(tx, organization_id, wanted)
    if partner_id is not None:
        await partner_reach.refuse_beyond(await tx.raw(), organization_id, partner_id, scopes)
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
            grant_types=grant_types,
            scopes=scopes,
            user_id=wanted.user_id,
            partner_id=partner_id,
            requested_by=wanted.requested_by,
            status=wanted.status,
        )
    )
    known: dict[str, JSON] = {
        "name": wanted.name.strip(),
        "purpose": wanted.purpose.strip(),
        "authMethod": wanted.auth_method,
        "redirectUris": list(wanted.redirect_uris),
        "grantTypes": list(grant_types),
        "scopes": list(scopes),
        "userId": None if wanted.user_id is None else str(wanted.user_id),
        "partnerId": None if partner_id is None else str(partner_id),
        "status": wanted.status,
    }
    changes: dict[str, tuple[JSON, JSON]] = {name: (None, value) for name, value in known.items() if value}
    await leave(tx, organization_id, by, "app.registered", (APP, id_), changes)
    return encode(PREFIX, id_), secret


async def listed(tx: Transaction, organization_id: UUID) -> list[Listed]:
    """The organisation's apps, the newest first."""
    c = oauth_clients.c
    rows = await (await tx.session.connection()).execute(
        sa.select(c.id, c.name, c.auth_method, c.grant_types, c.scopes, c.status, c.partner_id, c.created_at)
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
    if wanted.own == (wanted.user_id is None) and not (wanted.own and wanted.status == "PENDING"):
        raise ValueInvalid("An app either has redirect URIs or is for devices, or acts on its own as a user.")
    if wanted.own and wanted.auth_method == "none":
        raise ValueInvalid("An app that acts on its own has to prove who it is, by a secret or a key.")
    if wanted.own and set(wanted.scopes) & set(scope_names.IDENTITY):
        raise ValueInvalid("An app that acts on its own signs nobody in: it has no scopes of OpenID.")
    if (wanted.jwks is not None) != (wanted.auth_method == "private_key_jwt"):
        raise ValueInvalid("Public keys belong to `private_key_jwt`, and it needs them.")


def _grant_types(wanted: Application) -> list[str]:
    may = [
        *(["authorization_code"] if wanted.redirect_uris else []),
        *([DEVICE_CODE_GRANT_TYPE] if wanted.device else []),
        *(["client_credentials"] if wanted.own else ["refresh_token"]),
    ]
    given = [name for name in may if name in wanted.grant_types] if wanted.grant_types else may
    if not set(wanted.grant_types) <= set(may) or not {*may} - {"refresh_token"} <= {*given}:
        raise ValueInvalid(
            "An app with redirect URIs has the authorization code grant, one for devices theirs, both with or without"
            " refresh tokens; one that acts on its own has client credentials alone."
        )
    return given


async def _partner(tx: Transaction, organization_id: UUID, wanted: Application) -> UUID | None:
    """Whose app it is: its user's partner's, where it has one. Raises ValueInvalid where another is named."""
    if wanted.user_id is None:
        return wanted.partner_id
    found: UUID | None = await (await tx.raw()).fetchval(
        "SELECT partner_id FROM users WHERE organization_id = $1 AND id = $2", organization_id, wanted.user_id
    )
    if wanted.partner_id is not None and wanted.partner_id != found:
        raise ValueInvalid("The app's user works for another partner than the app is of.")
    return found
