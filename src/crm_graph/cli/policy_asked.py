"""Whose access policy a command speaks of: an organisation's current one, or the shipped one, which it then says."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from crm_graph.auth.access_policy import SHIPPED_POLICY, AccessPolicy
from crm_graph.auth.policy import Policy
from crm_graph.auth.policy.loading import in_force
from crm_graph.cli.options import database, settings_from
from crm_graph.cli.signals import stopping
from crm_graph.db.connection import connect
from crm_graph.db.roles import Role
from crm_graph.errors import CrmError
from crm_graph.imports.organizations import found_organization

Organization = Annotated[
    str | None,
    typer.Option(
        help="Go by the current policy of this organisation (name, host or id), with its own roles and fields;"
        " else by the shipped policy."
    ),
]


class RoleUnknown(CrmError):
    """The policy has no such role."""

    code = "ROLE_UNKNOWN"


@dataclass(frozen=True, slots=True)
class PolicyAsked:
    """A policy and what to call it."""

    policy: AccessPolicy = SHIPPED_POLICY
    name: str = "the shipped policy"

    def resolve(self, roles: str) -> Policy:
        """What a caller with the roles of such a text as `sales_rep,service_agent` may do. Raises RoleUnknown."""
        return self.policy.resolve(known(roles, self.policy.roles))


def known(roles: str, among: Iterable[str] = SHIPPED_POLICY.roles) -> frozenset[str]:
    """The roles of a text such as `sales_rep,service_agent`. Raises RoleUnknown."""
    names, there = frozenset(name.strip() for name in roles.split(",")), list(among)
    for name in sorted(names.difference(there)):
        raise RoleUnknown(f"there is no role {name!r}; there are {', '.join(there)}.")
    return names


def policy_asked(organization: str | None, data_dir: Path | None, database_url: str | None) -> PolicyAsked:
    """The organisation's policy as it is now, read from the database; the shipped one where none is named."""
    if organization is None:
        return PolicyAsked()
    settings = settings_from(data_dir=data_dir, database_url=database_url)
    with stopping(), database(settings) as url:
        return asyncio.run(_in_force(url, organization))


async def _in_force(url: str, organization: str) -> PolicyAsked:
    connection = await connect(url, Role.READER)
    try:
        found = await found_organization(connection, organization)
        policy = await in_force(connection, found.id)
    finally:
        await connection.close()
    version = f"version {policy.version}" if policy.version else "version 0, as shipped"
    return PolicyAsked(policy, f"the policy of {found.name}, {version}")
