"""Invitations as they are stored: by whom, for whom, until when; the link's token only as its hash."""

import datetime as dt
import enum
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from crm_graph.auth import tokens
from crm_graph.db.ids import uuid7

LIVES: Final = dt.timedelta(days=7)
MOST_A_DAY: Final = 100
"""Invitations that one partner's people (or one of us) may send in 24 hours."""
MOST_MAILS_A_DAY: Final = 5
"""Mails that one address gets from invitations in 24 hours, whoever sends them."""
_COLUMNS: Final = "id, email, name, roles, partner_id, invited_by, state, user_id, created_at, expires_at"
_OF: Final = "organization_id = $1 AND ($2::uuid IS NULL OR partner_id = $2)"


class InvitationState(enum.StrEnum):
    """What became of an invitation."""

    PENDING = enum.auto()
    """Its link works."""
    ACCEPTED = enum.auto()
    """Somebody came in by it."""
    WITHDRAWN = enum.auto()
    """It was taken back."""
    REPLACED = enum.auto()
    """The same address was invited again."""
    EXPIRED = enum.auto()
    """Nobody used it in time."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """One invitation. Times are UTC."""

    id: UUID
    email: str
    name: str
    roles: tuple[str, ...]
    partner_id: UUID | None
    invited_by: UUID
    state: InvitationState
    user_id: UUID | None
    created_at: dt.datetime
    expires_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom to invite; `partner_id` is whom they will work for."""

    email: str
    name: str
    roles: tuple[str, ...]
    partner_id: UUID | None


async def add(
    connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID, by: UUID, wanted: Wanted
) -> tuple[UUID, str]:
    """Keep an invitation in place of earlier ones of the same sender's side; gives its id and the link's token."""
    await connection.execute(
        "UPDATE invitations SET state = 'REPLACED', ended_at = now() WHERE organization_id = $1 AND state = 'PENDING'"
        " AND partner_id IS NOT DISTINCT FROM $2 AND crm_match_email(email) = crm_match_email($3)",
        organization_id, wanted.partner_id, wanted.email,
    )  # fmt: skip
    row, token = uuid7(), tokens.link_token()
    await connection.execute(
        "INSERT INTO invitations (organization_id, id, email, name, roles, partner_id, invited_by, token_hash,"
        " expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now() + $9)",
        organization_id, row, wanted.email, wanted.name, list(wanted.roles), wanted.partner_id, by,
        tokens.digest(token.encode()), LIVES,
    )  # fmt: skip
    return row, token


async def sent_lately(
    connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID, by: UUID, partner_id: UUID | None
) -> int:
    """How many the sender's side has sent in 24 hours; others of the same side wait until this transaction ends."""
    side = partner_id or by
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"invitations {side}")
    found = await connection.fetchval(
        "SELECT count(*) FROM invitations WHERE organization_id = $1 AND created_at > now() - interval '24 hours'"
        " AND CASE WHEN $2::uuid IS NULL THEN invited_by = $3 ELSE partner_id = $2 END",
        organization_id, partner_id, by,
    )  # fmt: skip
    return int(found)


async def mailed_lately(connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID, email: str) -> int:
    """How many invitations went to this address in 24 hours, whoever sent them."""
    found = await connection.fetchval(
        "SELECT count(*) FROM invitations WHERE organization_id = $1 AND crm_match_email(email) = crm_match_email($2)"
        " AND created_at > now() - interval '24 hours'",
        organization_id, email,
    )  # fmt: skip
    return int(found)


async def newest(
    connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID, partner_id: UUID | None, most: int
) -> list[Invitation]:
    """The invitations of a partner's people, or all where none is named; newest first."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM invitations WHERE {_OF} ORDER BY created_at DESC, id DESC LIMIT $3",
        organization_id, partner_id, most,
    )  # fmt: skip
    return [_invitation(row) for row in rows]


async def by_id(
    connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID, partner_id: UUID | None, row: UUID
) -> Invitation | None:
    """One invitation, if it is of that partner (`None`: of whomever); locked."""
    found = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM invitations WHERE {_OF} AND id = $3 FOR UPDATE", organization_id, partner_id, row
    )
    return None if found is None else _invitation(found)


async def by_token(
    connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID, token: str
) -> Invitation | None:
    """The invitation whose link this is, if it still works; locked."""
    found = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM invitations WHERE organization_id = $1 AND token_hash = $2 AND state = 'PENDING'"
        " AND expires_at > now() FOR UPDATE",
        organization_id, tokens.digest(token.encode()),
    )  # fmt: skip
    return None if found is None else _invitation(found)


async def end(
    connection: "asyncpg.Connection[asyncpg.Record]",
    organization_id: UUID,
    row: UUID,
    state: InvitationState,
    user_id: UUID | None = None,
) -> None:
    """Say what became of an invitation: its link is worth nothing from then on."""
    await connection.execute(
        "UPDATE invitations SET state = $3, user_id = $4, ended_at = now() WHERE organization_id = $1 AND id = $2",
        organization_id, row, state.value.upper(), user_id,
    )  # fmt: skip


def _invitation(row: asyncpg.Record) -> Invitation:
    state = InvitationState[row["state"]]
    if state is InvitationState.PENDING and row["expires_at"] <= dt.datetime.now(dt.UTC):
        state = InvitationState.EXPIRED
    return Invitation(
        row["id"], row["email"], row["name"], tuple(row["roles"]), row["partner_id"], row["invited_by"], state,
        row["user_id"], row["created_at"], row["expires_at"],
    )  # fmt: skip
