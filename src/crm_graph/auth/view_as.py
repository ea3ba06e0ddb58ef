"""Looking as somebody else: the caller sees what both may see, every look is audited, and nothing can be written."""

from dataclasses import replace
from uuid import UUID

from crm_graph.auth import callers
from crm_graph.auth.actor import Actor
from crm_graph.auth.rights import Right
from crm_graph.db.ids import decode_as
from crm_graph.db.session import Database
from crm_graph.db.traces import add_audit_entry
from crm_graph.errors import CrmError


class ViewAsRefused(CrmError):
    """The caller may not look as this person, or there is no such person."""

    code = "VIEW_AS_REFUSED"
    status = 403


class ViewAsWrites(CrmError):
    """A mutation was sent while looking as somebody else."""

    code = "VIEW_AS_WRITES"
    status = 403


async def viewing_as(database: Database, viewer: Actor, wanted: bytes, request_id: str) -> Actor:
    """The caller, looking as the user of this global id. Raises `ViewAsRefused`; each success leaves an audit entry.

    Whether there is such a user is told only to those who may look as others.
    """
    if Right.ACCESS_VIEW_AS not in viewer.policy.rights or viewer.user_id is None:
        raise ViewAsRefused("You may not look as somebody else.")
    person = _user(wanted)
    async with database.transaction(viewer.organization_id, viewer.user_id, viewer.channel) as tx:
        connection = await tx.raw()
        found = await callers.by_user(connection, viewer.organization_id, person) if person else []
        if len(found) != 1:
            raise ViewAsRefused("There is no such user to look as.")
        by = (viewer.user_id, viewer.kind.value, viewer.channel)
        await add_audit_entry(
            connection, viewer.organization_id, by, request_id, "view_as", ("User", found[0].user_id), {}
        )
    seen = found[0].actor
    return replace(viewer, policy=viewer.policy.viewing_as(seen.policy), seen_as=seen)


def _user(wanted: bytes) -> UUID | None:
    return decode_as("usr", wanted.decode("ascii", "replace").strip())
