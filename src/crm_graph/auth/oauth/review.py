"""What becomes of a registered app: it is approved, rejected, suspended, and given new secrets. Each is on record."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from crm_graph.auth import tokens
from crm_graph.auth.actor import Actor
from crm_graph.auth.oauth import partner_reach
from crm_graph.auth.oauth.clients import key
from crm_graph.auth.oauth.tables import oauth_clients
from crm_graph.auth.oauth.traces import APP, SYSTEM, By, leave
from crm_graph.auth.rights import Right
from crm_graph.db.session import Transaction
from crm_graph.errors import JSON, CrmError, ValueInvalid

STATUSES: Final = ("PENDING", "ACTIVE", "SUSPENDED", "REJECTED")
LONGEST_OVERLAP: Final = dt.timedelta(days=30)
LONGEST_NOTE: Final = 500
_EVENTS: Final = {"ACTIVE": "app.approved", "SUSPENDED": "app.suspended", "REJECTED": "app.rejected"}


class ClientUnknown(CrmError):
    """The organisation has no app of this id."""

    code = "CLIENT_UNKNOWN"


class AppState(CrmError):
    """The app is in no state in which this could be done to it."""

    code = "APP_STATE"


@dataclass(frozen=True, slots=True)
class Reviewed:
    """An app as it is before something becomes of it; its row is locked."""

    id: UUID
    name: str
    status: str
    auth_method: str
    grant_types: tuple[str, ...]
    scopes: tuple[str, ...]
    user_id: UUID | None
    partner_id: UUID | None
    requested_by: UUID | None

    @property
    def own(self) -> bool:
        """Whether it acts on its own."""
        return "client_credentials" in self.grant_types


def reviews(actor: Actor) -> bool:
    """Whether the caller decides about apps: whoever works for a partner, or is a customer, never does."""
    return Right.APPS_REVIEW in actor.policy.rights and actor.partner_id is None and actor.customer_id is None


async def locked(tx: Transaction, organization_id: UUID, client_id: str) -> Reviewed:
    """The app, until the transaction ends. Raises ClientUnknown."""
    c = oauth_clients.c
    row = (
        await (await tx.session.connection()).execute(
            sa.select(
                c.id, c.name, c.status, c.auth_method, c.grant_types, c.scopes, c.user_id, c.partner_id, c.requested_by
            )
            .where(c.organization_id == organization_id, c.id == (key(client_id) or UUID(int=0)))
            .with_for_update()
        )
    ).one_or_none()
    if row is None:
        raise ClientUnknown(f"This organisation has no app {client_id[:80]}.")
    return Reviewed(
        row.id, row.name, row.status, row.auth_method, tuple(row.grant_types), tuple(row.scopes), row.user_id,
        row.partner_id, row.requested_by,
    )  # fmt: skip


async def set_status(
    tx: Transaction,
    organization_id: UUID,
    app: Reviewed,
    status: str,
    by: By = SYSTEM,
    *,
    among: Iterable[str] = STATUSES,
    note: str | None = None,
    user_id: UUID | None = None,
) -> None:
    """Let an app work, or stop it and every token it has, at once.

    `among`: in which states it may be for that; `note`: why, for those whose app it is; `user_id`: the service user
    made for it. Raises AppState, ValueInvalid, ScopeBeyondPartner.
    """
    assert status in STATUSES
    if note is not None and (len(note) > LONGEST_NOTE or not note.isprintable()):
        raise ValueInvalid(f"A note has at most {LONGEST_NOTE} printable characters.")
    if app.status not in among or app.status == status:
        raise AppState(f"The app is {app.status}.")
    acts_as = user_id or app.user_id
    if status == "ACTIVE":
        if app.own and acts_as is None:
            raise AppState("The app acts on its own, and has no user yet whose roles it would have.")
        if app.partner_id is not None:
            await partner_reach.refuse_beyond(await tx.raw(), organization_id, app.partner_id, app.scopes)
    await (await tx.session.connection()).execute(
        sa.update(oauth_clients)
        .where(oauth_clients.c.organization_id == organization_id, oauth_clients.c.id == app.id)
        .values(status=status, review_note=note, user_id=acts_as)
    )
    changes: dict[str, tuple[JSON, JSON]] = {"status": (app.status, status), "reviewNote": (None, note)}
    if acts_as != app.user_id:
        changes["userId"] = (None, str(acts_as))
    await leave(tx, organization_id, by, _EVENTS[status], (APP, app.id), changes)


async def rotate(
    tx: Transaction, organization_id: UUID, app: Reviewed, overlap: dt.timedelta, by: By = SYSTEM
) -> str:  # fmt: skip
    """A new secret, given once; the old one works until `overlap` is over. Raises AppState, ValueInvalid."""
    c = oauth_clients.c
    if not dt.timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise ValueInvalid(f"The old secret works for at most {LONGEST_OVERLAP.days} days more.")
    if app.auth_method != "client_secret_basic":
        raise AppState("The app has no secret.")
    secret = tokens.client_secret()
    until = (
        await (await tx.session.connection()).execute(
            sa.update(oauth_clients)
            .where(c.organization_id == organization_id, c.id == app.id)
            .values(
                secret_hash=tokens.digest(secret.encode()),
                old_secret_hash=c.secret_hash,
                old_secret_until=sa.func.now() + overlap,
            )
            .returning(c.old_secret_until)
        )
    ).scalar_one()
    # whoever reads it sees that a secret was changed, and until when the old one works; hashes are told to nobody
    changes: dict[str, tuple[JSON, JSON]] = {"secret": ("changed", "changed"), "oldSecretUntil": (None, str(until))}
    await leave(tx, organization_id, by, "app.secret_rotated", (APP, app.id), changes)
    return secret
