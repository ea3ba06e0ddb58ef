"""What a partner's app may have at most: what that partner's own people have today.

The roles of the partner's people, service users left out, are the bound of everything: scopes beyond them are not
registered and not granted, and the service user of such an app has of its roles those that they have too.
"""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

import asyncpg
import orjson
import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm_graph.auth import scopes as record_scopes
from crm_graph.auth.default_policy import ENTITIES
from crm_graph.auth.oauth.scope import IDENTITY
from crm_graph.auth.policy import Policy
from crm_graph.auth.policy.loading import LOAD, in_force, loaded_policy
from crm_graph.auth.rights import RIGHTS, Right
from crm_graph.errors import CrmError

PARTNER_ROLES: Final = """
SELECT DISTINCT role FROM users p, unnest(p.roles) AS role
 WHERE p.organization_id = {organization} AND p.partner_id = {partner} AND p.status = 'ACTIVE'
   AND NOT EXISTS (SELECT FROM oauth_clients a WHERE a.organization_id = p.organization_id AND a.user_id = p.id)
"""
_ROLES: Final = PARTNER_ROLES.format(organization="$1", partner="$2")
_ENTITIES: Final = {record_scopes.resource(name): name for name in ENTITIES}


class ScopeBeyondPartner(CrmError):
    """A scope that an app's partner may not have."""

    code = "SCOPE_BEYOND_PARTNER"


async def roles_of(
    connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID, partner_id: UUID
) -> frozenset[str]:
    """The roles that the partner's people have."""
    return frozenset(row[0] for row in await connection.fetch(_ROLES, organization_id, partner_id))


async def refuse_beyond(
    connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID, partner_id: UUID, texts: Iterable[str]
) -> None:
    """Raises ScopeBeyondPartner for scopes that the partner may not have."""
    policy = await in_force(connection, organization_id)
    reach = policy.resolve(await roles_of(connection, organization_id, partner_id))
    beyond = [text for text in texts if not reaches(reach, text)]
    if beyond:
        raise ScopeBeyondPartner(f"Not within what the partner may have: {', '.join(beyond)[:300]}.")


def left(session: Session, organization_id: UUID, partner_id: UUID, texts: Iterable[str]) -> tuple[str, ...]:
    """Those of an app's scopes that its partner may have today."""
    connection = session.connection()
    found = connection.exec_driver_sql(LOAD, (organization_id,)).scalar()
    roles = connection.execute(
        sa.text(PARTNER_ROLES.format(organization=":organization", partner=":partner")),
        {"organization": organization_id, "partner": partner_id},
    )
    loaded = orjson.loads(found) if isinstance(found, bytes | str) else {}
    reach = loaded_policy(loaded).resolve(frozenset(roles.scalars()))
    return tuple(text for text in texts if reaches(reach, text))


def works_for(session: Session, organization_id: UUID, user_id: UUID, partner_id: UUID | None) -> bool:
    """Whether somebody may use an app of this partner; one of ours (`None`) anybody may."""
    if partner_id is None:
        return True
    statement = sa.text("SELECT partner_id FROM users WHERE organization_id = :organization AND id = :user")
    return session.execute(statement, {"organization": organization_id, "user": user_id}).scalar() == partner_id


def reaches(policy: Policy, text: str) -> bool:
    """Whether who has this policy may have a scope: its action, up to its level, on some row.

    `*` is beyond everybody: it would grow with whatever is added.
    """
    if text in IDENTITY:
        return True
    if text in RIGHTS:
        return Right(text) in policy.rights
    resource, action, level = record_scopes.parse(text)
    grants = policy.on(_ENTITIES.get(resource, ""))
    if action == "read":
        return any(grant.read >= level for grant in grants)
    # what is written is read back at that level too
    return any(grant.write is not None and min(grant.write, grant.read) >= level for grant in grants)
