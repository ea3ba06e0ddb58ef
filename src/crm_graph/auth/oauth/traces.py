"""What a change of an app or a signing key leaves: an audit entry and an event, without anything secret."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from crm_graph.auth.actor import Actor
from crm_graph.db.session import Transaction
from crm_graph.db.traces import add_audit_entry, add_event
from crm_graph.errors import JSON

APP: Final = "App"
KEY: Final = "SigningKey"


@dataclass(frozen=True, slots=True)
class By:
    """Who makes a change: user, sort of caller, channel and request."""

    user_id: UUID | None = None
    kind: str = "system"
    channel: str = "cli"
    request_id: str | None = None

    @classmethod
    def of(cls, actor: Actor, request_id: str | None = None, *, channel: str | None = None) -> "By":
        """A caller; `channel`: another than the one they call by."""
        return cls(actor.user_id, actor.kind.value, channel or actor.channel, request_id)


SYSTEM: Final = By()


async def leave(
    tx: Transaction,
    organization_id: UUID,
    by: By,
    event: str,
    of: tuple[str, UUID],
    changes: Mapping[str, tuple[JSON, JSON]],
) -> None:
    """Note a change: `changes` maps a field to what it was and what it became."""
    connection = await tx.raw()
    action = "create" if all(before is None for before, _ in changes.values()) else "update"
    changed = {name: list(both) for name, both in changes.items()}
    who = (by.user_id, by.kind, by.channel)
    await add_audit_entry(connection, organization_id, who, by.request_id, action, of, changed)
    await add_event(connection, organization_id, event, of, {"id": str(of[1]), "fields": sorted(changed)})
