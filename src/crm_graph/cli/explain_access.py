"""`crm-graph explain-access`: which rule decides what a caller sees of a field, for a role or for one record."""

import asyncio
from typing import Annotated
from uuid import UUID

import asyncpg
import typer

from crm_graph.auth import callers
from crm_graph.auth.callers import Person
from crm_graph.cli.access_report import described, entity_named, field, granted
from crm_graph.cli.options import DatabaseUrl, DataDir, database, settings_from
from crm_graph.cli.policy_asked import Organization, policy_asked
from crm_graph.cli.signals import stopping
from crm_graph.db import ids
from crm_graph.db.connection import connect
from crm_graph.db.roles import Role
from crm_graph.entity import Entity, table_name
from crm_graph.errors import CrmError
from crm_graph.imports.organizations import found_organization

Who = Annotated[
    str,
    typer.Argument(
        metavar="WHO", help="A role (sales_rep), several (sales_rep,service_agent), or a user: e-mail or usr_…."
    ),
]
Coordinate = Annotated[str, typer.Argument(metavar="TYPE.FIELD", help="A field, such as Customer.creditLimit.")]
Row = Annotated[str | None, typer.Option(help="Decide it for this record, such as cus_…; WHO must then be a user.")]


class CallerUnclear(CrmError):
    """No user, or more than one, is meant; or a role stands where a person is needed."""

    code = "CALLER_UNCLEAR"


def explain_access(
    who: Who,
    coordinate: Coordinate,
    row: Row = None,
    organization: Organization = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Say what a caller sees and writes of a field, and by which rule."""
    from crm_graph import schema  # noqa: F401 - declares the entities

    if "@" not in who and not who.startswith("usr_"):
        if row is not None:
            raise CallerUnclear("whether a rule reaches a record depends on who looks: name a user instead of a role.")
        asked = policy_asked(organization, data_dir, database_url)
        entity, spec = field(coordinate, asked.policy.classification)
        print(f"{described(entity, spec)}\n\n{granted(f'{who}, by {asked.name},', asked.resolve(who), entity, spec)}")
        return
    settings = settings_from(data_dir=data_dir, database_url=database_url)
    with stopping(), database(settings) as url:
        print(asyncio.run(_for_user(url, who, coordinate, row, organization)))


async def _for_user(url: str, who: str, coordinate: str, row: str | None, organization: str | None) -> str:
    from crm_graph.cli.access_on_row import on_row

    entity = entity_named(coordinate)
    row_id = None if row is None else _row(row, entity)
    connection = await connect(url, Role.READER)
    try:
        home = None if organization is None else (await found_organization(connection, organization)).id
        user = await _user(connection, who, entity, row_id, home)
        actor = user.actor
        entity, spec = field(coordinate, actor.policy.classification)
        name = f"{user.name} ({', '.join(actor.roles) or 'no role'}, {user.status.lower()})"
        text = f"{described(entity, spec)}\n\n{granted(name, actor.policy, entity, spec)}"
        if row_id is not None:
            text += f"\n\nOn {row}:\n\n{await on_row(connection, actor, entity, spec, row_id)}"
        return text
    finally:
        await connection.close()


def _row(row: str, entity: type[Entity]) -> UUID:
    prefix, row_id = ids.decode(row)
    if prefix != entity.__prefix__:
        raise CallerUnclear(f"{row} is not the id of a {entity.__name__} ({entity.__prefix__}_…).")
    return row_id


async def _user(
    connection: "asyncpg.Connection[asyncpg.Record]",
    who: str,
    entity: type[Entity],
    row: UUID | None,
    organization_id: UUID | None,
) -> Person:
    """The user meant, of that organisation if one is named; of several with one address, the one in the record's."""
    if "@" in who:
        users = await callers.by_email(connection, organization_id, who)
    else:
        users = await callers.by_user(connection, organization_id, ids.decode(who)[1])
    if row is not None:
        home = await connection.fetch(f"SELECT organization_id FROM {table_name(entity)} WHERE id = $1", row)
        users = [u for u in users if u.actor.organization_id in {h[0] for h in home}] or users
    if len(users) > 1:
        all_of_them = ", ".join(f"{ids.encode('usr', u.user_id)} of {u.organization_name}" for u in users)
        raise CallerUnclear(f"{who} is the address of several users; name one of them: {all_of_them}.")
    if not users:
        raise CallerUnclear(f"there is no user {who}.")
    return users[0]
