"""Chores: what has outlived its use is removed or emptied, a batch at a time. Add one by adding it to `CHORES`."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

BATCH: Final = 1_000
"""Rows removed or emptied in one transaction, so that no lock is held for long."""


@dataclass(frozen=True, slots=True)
class Chore:
    """Rows of `table` for which `outlived` is true are removed, every `every`. `outlived` is SQL over the row.

    With `empties` they stay and these columns become null, after which `outlived` must be false.
    `key` tells rows apart.
    """

    table: str
    outlived: str
    every: timedelta
    empties: tuple[str, ...] = ()
    key: str = "organization_id, id"

    @property
    def done(self) -> str:
        """What is done to the rows, in a word."""
        return "emptied" if self.empties else "removed"

    def organizations(self) -> str:
        """Which organisations have something to do: all that is asked across them."""
        return f"SELECT DISTINCT organization_id FROM {self.table} WHERE {self.outlived}"

    def statement(self) -> str:
        """Does at most a batch of the bound organisation; rows that somebody is writing are left for later."""
        nulls = ", ".join(f"{column} = NULL" for column in self.empties)
        act = f"UPDATE {self.table} SET {nulls}" if self.empties else f"DELETE FROM {self.table}"
        return (
            f"{act} WHERE ({self.key}) IN (SELECT {self.key} FROM {self.table} WHERE {self.outlived}"
            f" LIMIT {BATCH} FOR UPDATE OF {self.table} SKIP LOCKED)"
        )


# What was asked for is a person's data: nobody needs it a month after it was decided, or came to nothing.
_PROPOSED: Final = ("before_value", "after_value")
_DECIDED: Final = (
    "num_nonnulls(before_value, after_value) > 0 AND coalesce(decided_at, expires_at) < now() - interval '30 days'"
)
_IN_VAIN: Final = (
    "NOT EXISTS (SELECT FROM change_requests r WHERE r.organization_id = change_codes.organization_id"
    " AND r.id = change_codes.id AND r.state = 'PENDING' AND r.expires_at > now())"
)
_WITH_FILES: Final = ("proposal_attachments", "message_attachments")
"""The tables whose rows refer to the bytes of files; the foreign key refuses what is missing here."""

CHORES: Final = (
    # A key older than 24 hours can be used anew whether or not it is still there (plan/writes/idempotency.py).
    Chore("idempotency_keys", "created_at < now() - interval '25 hours'", timedelta(minutes=10)),
    # Ended sessions stay for a month: who looks into a break-in wants to know from where somebody signed in.
    Chore("sessions", "least(expires_at, revoked_at) < now() - interval '30 days'", timedelta(hours=1)),
    Chore("pending_sign_ins", "expires_at < now()", timedelta(hours=1)),
    Chore("spent_challenges", "expires_at < now()", timedelta(hours=1)),
    # As with sessions: that somebody asked for a link is worth knowing for a month.
    Chore("password_resets", "expires_at < now() - interval '30 days'", timedelta(hours=1)),
    # A bucket that is full again is as none.
    Chore("attempts", "full_at < now()", timedelta(minutes=10), key="organization_id, key"),
    Chore("sign_in_failures", "hour < now() - interval '1 year'", timedelta(hours=12)),
    Chore("access_denials", "minute < now() - interval '90 days'", timedelta(hours=1)),
    # A code of an hour ago is refused as one that never was; while it is kept, its second use is noticed.
    Chore("oauth_codes", "expires_at < now() - interval '1 hour'", timedelta(minutes=10)),
    Chore("oauth_device_codes", "expires_at < now() - interval '1 hour'", timedelta(minutes=10)),
    Chore("oauth_assertions", "expires_at < now()", timedelta(minutes=10)),
    Chore("oauth_refresh_tokens", "expires_at < now()", timedelta(hours=1)),
    # Tokens of apps that act on their own are a family each and live for minutes.
    Chore(
        "oauth_families",
        "least(expires_at, revoked_at) < now() - CASE WHEN own THEN interval '1 hour' ELSE interval '30 days' END",
        timedelta(minutes=10),
    ),
    Chore("oauth_keys", "published_until < now() - interval '30 days'", timedelta(hours=12)),
    # Their texts are gone when they are sent; that something was sent, and to whom, stays for a month.
    Chore("outgoing_mails", "created_at < now() - interval '30 days'", timedelta(hours=1)),
    # What came in is known again for a month; of its text, what became a message stays as that.
    Chore("incoming_mails", "created_at < now() - interval '30 days' AND done_at IS NOT NULL", timedelta(hours=1)),
    # A code is removed when its change is decided; that of a change which expired is left over.
    Chore("change_codes", _IN_VAIN, timedelta(minutes=10)),
    # The change itself first: emptying it leaves what it was as a version of its history.
    Chore("change_requests", _DECIDED, timedelta(hours=1), _PROPOSED),
    Chore(
        "change_requests_history",
        _DECIDED,
        timedelta(hours=1),
        _PROPOSED,
        "organization_id, id, history_from",
    ),
    # The bytes of a file that was removed; what is being attached right now is in no other transaction's sight.
    Chore(
        "file_contents",
        " AND ".join(
            f"NOT EXISTS (SELECT FROM {table} a WHERE a.organization_id = file_contents.organization_id"
            " AND a.content_id = file_contents.id)"
            for table in _WITH_FILES
        ),
        timedelta(hours=1),
    ),
    # An expired code is worth nothing; how many an address got within the hour is counted by them.
    Chore("sign_in_codes", "expires_at < now() - interval '1 day'", timedelta(hours=1)),
)
