"""Which organisation an import is for, and as whom it writes."""

from dataclasses import dataclass, replace
from uuid import UUID

import asyncpg

from crm_graph.auth.actor import Actor, ActorKind
from crm_graph.auth.callers import by_email
from crm_graph.auth.classification import SHIPPED, Classification
from crm_graph.auth.default_policy import ADMINISTRATOR
from crm_graph.auth.policy.loading import in_force
from crm_graph.auth.system import everything
from crm_graph.db.ids import decode, uuid7
from crm_graph.db.session import Database, Transaction
from crm_graph.errors import CrmError, IdInvalid

CHANNEL = "import"
_MOST_LISTED = 10


class OrganizationUnknown(CrmError):
    """Which organisation is meant cannot be told."""

    code = "ORGANIZATION_UNKNOWN"


class UserUnknown(CrmError):
    """Nobody active signs in by this address."""

    code = "USER_UNKNOWN"


async def importing_actor(database: Database, organization: str | None, email: str | None) -> Actor:
    """The actor of an import: the user signing in by `email`, else the command line as an administrator."""
    async with database.across_organizations() as connection:
        found = await found_organization(connection, organization)
        if email is None:
            policy = await in_force(connection, found.id)
            return _administrator(found.id, found.currency, policy.classification)
        people = await by_email(connection, found.id, email)
    active = [person.actor for person in people if person.status == "ACTIVE"]
    if not active:
        raise UserUnknown(f"No active user of this organisation signs in as {email}.")
    return replace(active[0], channel=CHANNEL)


@dataclass(frozen=True, slots=True)
class FoundOrganization:
    """An organisation that is there."""

    id: UUID
    name: str
    currency: str


async def found_organization(connection: "asyncpg.Connection[asyncpg.Record]", wanted: str | None) -> FoundOrganization:
    """The organisation of that id, name or host; the only one when none is named. Raises OrganizationUnknown."""
    found = await connection.fetch(
        "SELECT id, name, currency FROM organizations"
        " WHERE $1::text IS NULL OR id = $2 OR lower(name) = lower($1) OR $1 = ANY(hosts)"
        f" ORDER BY name LIMIT {_MOST_LISTED + 1}",
        wanted,
        _as_id(wanted),
    )
    if len(found) == 1:
        return FoundOrganization(**found[0])
    if not found and wanted is None:
        raise OrganizationUnknown(
            "There is no organisation yet. Make one with --new-organization NAME --currency CODE."
        )
    if not found:
        raise OrganizationUnknown(f"There is no organisation called {wanted}.")
    names = ", ".join(str(row["name"]) for row in found[:_MOST_LISTED])
    raise OrganizationUnknown(
        f"Say which organisation by --organization: {names}{', …' if len(found) > _MOST_LISTED else ''}."
    )


def _as_id(text: str | None) -> UUID | None:
    try:
        prefix, found = decode(text or "")
    except IdInvalid:
        return None
    return found if prefix == "org" else None


@dataclass(frozen=True, slots=True)
class NewOrganization:
    """An organisation that the import is to make first."""

    id: UUID
    name: str
    currency: str

    @property
    def actor(self) -> Actor:
        """The command line as its administrator."""
        return _administrator(self.id, self.currency)

    async def make(self, tx: Transaction) -> None:
        await (await tx.raw()).execute(
            "INSERT INTO organizations (organization_id, id, version, created_at, updated_at, name, currency, hosts)"
            " VALUES ($1, $1, 1, now(), now(), $2, $3, '{}')",
            self.id,
            self.name,
            self.currency,
        )


async def missing_organization(database: Database, name: str, currency: str) -> NewOrganization | None:
    """The organisation to make; `None` where there is one of that name."""
    async with database.across_organizations() as connection:
        known = await connection.fetchval("SELECT 1 FROM organizations WHERE lower(name) = lower($1)", name)
    return None if known else NewOrganization(uuid7(), name, currency)


def _administrator(organization: UUID, currency: str, classification: Classification = SHIPPED) -> Actor:
    """An administrator as shipped, whatever the organisation has made of that role, with the fields that it has."""
    policy = everything(classification)
    return Actor(organization, ActorKind.STAFF, policy, currency, roles=(ADMINISTRATOR,), channel=CHANNEL)
