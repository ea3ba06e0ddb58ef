"""A token that is presented to be looked at or ended: an access token or a refresh token, and what became of it."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from crm_graph.auth import tokens
from crm_graph.auth.oauth.access_token import AccessToken
from crm_graph.auth.oauth.clients import Client
from crm_graph.auth.oauth.server import Exchange
from crm_graph.auth.oauth.tables import oauth_families, oauth_refresh_tokens
from crm_graph.auth.tables import sessions


@dataclass(frozen=True, slots=True)
class Held:
    """A token of this organisation. Times are seconds since 1970."""

    family_id: UUID
    client_id: UUID
    user_id: UUID
    scopes: tuple[str, ...]
    issued_at: int
    expires_at: int
    works: bool
    access: bool

    def check_client(self, client: Client) -> bool:
        return self.client_id == client.id

    def is_expired(self) -> bool:
        return not self.works

    def is_revoked(self) -> bool:
        return not self.works


def find(ours: Exchange, text: str, access: AccessToken | None) -> Held | None:
    """The token of this text, `access` being what it says if it is an access token that was verified."""
    if access is not None:
        family = _family(ours, access.family_id)
        if family is None or family.client_id != access.client_id:
            return None
        return Held(
            family.id, family.client_id, family.user_id, access.scopes, access.issued_at, access.expires_at,
            family.works, access=True,
        )  # fmt: skip
    t = oauth_refresh_tokens.c
    row = ours.session.execute(
        sa.select(t.family_id, t.used_at, t.created_at, t.expires_at, (t.expires_at > sa.func.now()).label("fresh"))
        .where(t.organization_id == ours.organization_id, t.token_hash == tokens.digest(text.encode()))
    ).one_or_none()  # fmt: skip
    family = None if row is None else _family(ours, row.family_id)
    if row is None or family is None:
        return None
    return Held(
        family.id, family.client_id, family.user_id, tuple(family.scopes), _seconds(row.created_at),
        _seconds(row.expires_at), family.works and row.fresh and row.used_at is None, access=False,
    )  # fmt: skip


def _family(ours: Exchange, family_id: UUID) -> "sa.Row[tuple[object, ...]] | None":
    f, s, now = oauth_families.c, sessions.c, sa.func.now()
    users = sa.table("users", sa.column("organization_id"), sa.column("id"), sa.column("status")).alias("u")
    ends_with_session = sa.exists().where(
        s.organization_id == f.organization_id, s.id == f.session_id, s.revoked_at.is_(None), s.expires_at > now
    )
    return ours.session.execute(
        sa.select(
            oauth_families,
            sa.and_(
                f.revoked_at.is_(None),
                f.expires_at > now,
                users.c.status == "ACTIVE",
                sa.or_(f.session_id.is_(None), ends_with_session),
            ).label("works"),
        )
        .join(users, sa.and_(users.c.organization_id == f.organization_id, users.c.id == f.user_id))
        .where(f.organization_id == ours.organization_id, f.id == family_id)
    ).one_or_none()


def _seconds(at: dt.datetime) -> int:
    return int(at.timestamp())
