"""What somebody did about how a user signs in: an audit entry on that user, in the transaction of the change.

Entries name methods, keys and apps as their owner calls them; never a secret, a token or an address: from where
somebody signed in is kept beside the session, for as long as that is.
"""

import enum
from typing import Final
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm_graph.db.ids import uuid7
from crm_graph.db.session import Transaction
from crm_graph.db.traces import INTO_AUDIT
from crm_graph.errors import JSON

ENTITY: Final = "User"


class Act(enum.StrEnum):
    """What is on record; the value is the entry's `action`."""

    SIGNED_IN = "sign_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGNED_OUT = "sign_out"
    SESSION_REVOKED = "session_revoked"
    PASSWORD_SET = "password_set"  # noqa: S105 - a name
    SECOND_STEP_ON = "second_step_on"
    SECOND_STEP_OFF = "second_step_off"
    RECOVERY_CODES_MADE = "recovery_codes_made"
    RECOVERY_CODE_USED = "recovery_code_used"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    APP_CONNECTED = "app_connected"
    APP_DISCONNECTED = "app_disconnected"
    API_KEY_MADE = "api_key_made"
    API_KEY_REVOKED = "api_key_revoked"


ACTS: Final = tuple(act.value for act in Act)

# Actor and channel are those that the transaction was opened for (db/session.py); `by` is who proved it in its course.
_ADD: Final = f"""{INTO_AUDIT}
SELECT :organization, :id, a.id,
       CASE WHEN a.id IS NULL THEN :nobody WHEN u.partner_id IS NOT NULL THEN 'partner'
            WHEN u.customer_id IS NOT NULL THEN 'customer' ELSE 'staff' END,
       coalesce(nullif(current_setting('crm.channel', true), ''), 'system'), NULL, :act, '{ENTITY}', :user,
       CAST(:details AS jsonb)
  FROM (SELECT coalesce(CAST(:by AS uuid), CAST(nullif(current_setting('crm.actor_id', true), '') AS uuid)) AS id) a
  LEFT JOIN users u ON u.organization_id = :organization AND u.id = a.id"""
_STATEMENT: Final = sa.text(_ADD).bindparams(
    sa.bindparam("organization", type_=sa.Uuid),
    sa.bindparam("id", type_=sa.Uuid),
    sa.bindparam("user", type_=sa.Uuid),
    sa.bindparam("by", type_=sa.Uuid),
    sa.bindparam("nobody", type_=sa.Text),
    sa.bindparam("act", type_=sa.Text),
    sa.bindparam("details", type_=sa.Text),
)


async def note(
    tx: Transaction, organization_id: UUID, user_id: UUID, act: Act, *, by: UUID | None = None, **details: JSON
) -> None:
    """Put it on record. `by`: who did it, where the transaction was opened for nobody."""
    connection = await tx.session.connection()
    await connection.execute(_STATEMENT, _values(organization_id, user_id, act, by, "system", details))


def note_in(session: Session, organization_id: UUID, user_id: UUID, act: Act, **details: JSON) -> None:
    """The same where Authlib works; nobody's doing is the app's."""
    session.execute(_STATEMENT, _values(organization_id, user_id, act, None, "app", details))


def _values(
    organization_id: UUID, user_id: UUID, act: Act, by: UUID | None, nobody: str, details: dict[str, JSON]
) -> dict[str, object]:
    changes = {name: [None, value] for name, value in details.items() if value is not None}
    return {
        "organization": organization_id,
        "id": uuid7(),
        "user": user_id,
        "by": by,
        "nobody": nobody,
        "act": act.value,
        "details": orjson.dumps(changes).decode(),
    }
