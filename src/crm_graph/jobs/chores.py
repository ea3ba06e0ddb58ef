"""Chores: what has outlived its use is removed, a batch at a time. Add one by adding it to `CHORES`."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

BATCH: Final = 1_000
"""Rows removed in one transaction, so that no lock is held for long."""


@dataclass(frozen=True, slots=True)
class Chore:
    """Rows of `table` for which `outlived` is true are removed, every `every`. `outlived` is SQL over the row."""

    name: str
    table: str
    outlived: str
    every: timedelta

    def organizations(self) -> str:
        """Which organisations have something to remove: all that is asked across them."""
        return f"SELECT DISTINCT organization_id FROM {self.table} WHERE {self.outlived}"

    def statement(self) -> str:
        """Removes at most a batch of the bound organisation; rows that somebody is writing are left for later."""
        keys = "organization_id, id"
        return (
            f"DELETE FROM {self.table} WHERE ({keys}) IN (SELECT {keys} FROM {self.table} WHERE {self.outlived}"
            f" LIMIT {BATCH} FOR UPDATE SKIP LOCKED)"
        )


CHORES: Final = (
    # A key older than 24 hours can be used anew whether or not it is still there (plan/writes/idempotency.py).
    Chore("idempotency_keys", "idempotency_keys", "created_at < now() - interval '25 hours'", timedelta(minutes=10)),
    # Ended sessions stay for a month: who looks into a break-in wants to know from where somebody signed in.
    Chore("sessions", "sessions", "least(expires_at, revoked_at) < now() - interval '30 days'", timedelta(hours=1)),
    Chore("pending_sign_ins", "pending_sign_ins", "expires_at < now()", timedelta(hours=1)),
    Chore("spent_challenges", "spent_challenges", "expires_at < now()", timedelta(hours=1)),
    # As with sessions: that somebody asked for a link is worth knowing for a month.
    Chore("password_resets", "password_resets", "expires_at < now() - interval '30 days'", timedelta(hours=1)),
    Chore("access_denials", "access_denials", "minute < now() - interval '90 days'", timedelta(hours=1)),
    # A code of an hour ago is refused as one that never was; while it is kept, its second use is noticed.
    Chore("oauth_codes", "oauth_codes", "expires_at < now() - interval '1 hour'", timedelta(minutes=10)),
    Chore("oauth_assertions", "oauth_assertions", "expires_at < now()", timedelta(minutes=10)),
    Chore("oauth_refresh_tokens", "oauth_refresh_tokens", "expires_at < now()", timedelta(hours=1)),
    # Tokens of apps that act on their own are a family each and live for minutes.
    Chore(
        "oauth_families",
        "oauth_families",
        "least(expires_at, revoked_at) < now() - CASE WHEN own THEN interval '1 hour' ELSE interval '30 days' END",
        timedelta(minutes=10),
    ),
    Chore("oauth_keys", "oauth_keys", "published_until < now() - interval '30 days'", timedelta(hours=12)),
    # Their texts are gone when they are sent; that something was sent, and to whom, stays for a month.
    Chore("outgoing_mails", "outgoing_mails", "created_at < now() - interval '30 days'", timedelta(hours=1)),
)
