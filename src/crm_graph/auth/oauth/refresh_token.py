"""The refresh token grant: each token is used once and gives the next; using one again ends the family.

Honest apps do ask twice. Two at once: one wins, the others are refused and nothing else happens, as the app has the
winner's answer. The same again after an answer that never arrived: within `GRACE` it gets the very same successor,
which is not kept but made anew from the token it presents (tokens.next_refresh_token). Whatever comes later, or after
the successor was used, is a token in two hands.
"""

import datetime as dt
import logging
import os
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from authlib.oauth2.rfc6749 import RefreshTokenGrant

from crm_graph.auth import tokens
from crm_graph.auth.oauth import access_token, families
from crm_graph.auth.oauth import scope as scope_names
from crm_graph.auth.oauth.clients import AUTH_METHODS, Client
from crm_graph.auth.oauth.partner_reach import works_for
from crm_graph.auth.oauth.server import Exchange, Server, User
from crm_graph.auth.oauth.tables import oauth_families, oauth_refresh_tokens
from crm_graph.db.ids import uuid7

logger = logging.getLogger("crm_graph.auth.oauth")

LIFE: Final = dt.timedelta(days=30)
GRACE: Final = dt.timedelta(seconds=30)
AT_ONCE: Final = dt.timedelta(seconds=1)
"""Who asks again so soon has not waited for the answer: it is another request of the same app."""


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A token that may be exchanged: `text` is what was presented, `salt` what its successor is made with."""

    id: UUID
    family_id: UUID
    client_id: UUID
    user_id: UUID
    scopes: tuple[str, ...]
    text: str
    salt: bytes
    repeated: bool
    """Its successor was given before, and got lost."""

    def check_client(self, client: Client) -> bool:
        return self.client_id == client.id

    def get_scope(self) -> str:
        return " ".join(self.scopes)


def begin(ours: Exchange, family_id: UUID) -> str:
    """The first token of a family."""
    text = tokens.refresh_token()
    _keep(ours, family_id, text)
    return text


def _keep(ours: Exchange, family_id: UUID, text: str) -> UUID:
    id_ = uuid7()
    ours.session.execute(
        sa.insert(oauth_refresh_tokens).values(
            organization_id=ours.organization_id,
            id=id_,
            family_id=family_id,
            token_hash=tokens.digest(text.encode()),
            expires_at=sa.func.now() + LIFE,
        )
    )
    return id_


class RefreshGrant(RefreshTokenGrant):
    """Rotation, one request at a time for each family."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True
    server: Server

    def authenticate_refresh_token(self, refresh_token: str) -> RefreshToken | None:  # type: ignore[override]
        """The token, its family locked, if the app that asks may exchange it."""
        ours, t = self.server.exchange, oauth_refresh_tokens.c
        family_id = ours.session.execute(
            sa.select(t.family_id).where(
                t.organization_id == ours.organization_id, t.token_hash == tokens.digest(refresh_token.encode())
            )
        ).scalar_one_or_none()
        family = None if family_id is None else self._locked(family_id)
        if family is None:
            return None
        # read only now: who waited for the lock sees what the other one has written
        found = ours.session.execute(
            sa.select(
                t.id,
                t.successor_salt,
                t.successor_id,
                t.used_at,
                (t.expires_at > sa.func.clock_timestamp()).label("fresh"),
                (sa.func.clock_timestamp() - t.used_at).label("age"),
            ).where(t.organization_id == ours.organization_id, t.token_hash == tokens.digest(refresh_token.encode()))
        ).one()
        if found.used_at is not None and not self._is_retry(family.id, found.successor_id, found.age):
            return None
        if found.used_at is None and not found.fresh:
            return None
        return RefreshToken(
            found.id,
            family.id,
            family.client_id,
            family.user_id,
            tuple(family.scopes),
            refresh_token,
            found.successor_salt or os.urandom(16),
            repeated=found.used_at is not None,
        )

    def _locked(self, family_id: UUID) -> "sa.Row[tuple[object, ...]] | None":
        """The family, if it works and is the app's."""
        ours, f, client = self.server.exchange, oauth_families.c, self.request.client
        assert isinstance(client, Client)
        row = ours.session.execute(
            sa.select(oauth_families)
            .where(
                f.organization_id == ours.organization_id,
                f.id == family_id,
                f.client_id == client.id,
                f.revoked_at.is_(None),
                f.expires_at > sa.func.clock_timestamp(),  # now() is from before it waited for the lock
            )
            .with_for_update()
        ).one_or_none()
        if row is not None and row.session_id is not None:
            alive = families.is_session_alive(ours.session, ours.organization_id, row.user_id, row.session_id)
            return row if alive else None
        return row

    def _is_retry(self, family_id: UUID, successor_id: UUID, age: dt.timedelta) -> bool:
        """Whether a used token is asked for again in good faith; ends the family where it is not."""
        ours, t = self.server.exchange, oauth_refresh_tokens.c
        successor_unused = ours.session.execute(
            sa.select(t.used_at.is_(None)).where(t.organization_id == ours.organization_id, t.id == successor_id)
        ).scalar_one_or_none()
        if successor_unused and age <= GRACE:
            return age >= AT_ONCE
        families.revoke(ours.session, ours.organization_id, family_id, "a refresh token was used twice")
        logger.warning("a refresh token of family %s was used again: the family has ended", family_id)
        return False

    def authenticate_user(self, refresh_token: RefreshToken) -> User | None:
        ours, client = self.server.exchange, self.request.client
        assert isinstance(client, Client)
        theirs = works_for(ours.session, ours.organization_id, refresh_token.user_id, client.partner_id)
        return User(refresh_token.user_id) if theirs else None

    def issue_token(self, user: User, refresh_token: RefreshToken) -> dict[str, str | int]:  # type: ignore[override]
        ours, client, old = self.server.exchange, self.request.client, refresh_token
        assert isinstance(client, Client)
        assert self.request.payload is not None
        wanted = scope_names.split(self.request.payload.scope or "") or old.scopes
        scopes = scope_names.within(wanted, client.scopes)
        token = access_token.answer(ours, client, user.id, scopes, old.family_id)
        following = tokens.next_refresh_token(old.text, old.salt, ours.secret)
        if not old.repeated:
            t = oauth_refresh_tokens.c
            successor_id = _keep(ours, old.family_id, following)
            ours.session.execute(
                sa.update(oauth_refresh_tokens)
                .where(t.organization_id == ours.organization_id, t.id == old.id)
                .values(used_at=sa.func.clock_timestamp(), successor_salt=old.salt, successor_id=successor_id)
            )
        token["refresh_token"] = following
        return token

    def revoke_old_credential(self, refresh_token: RefreshToken) -> None:  # type: ignore[override]
        """It is used up already: its successor was made with it."""
