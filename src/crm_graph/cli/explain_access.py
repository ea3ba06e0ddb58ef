"""`crm-graph explain-access`: which rule decides what a caller sees of a field, for a role or for one record."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Final
from uuid import UUID

import asyncpg
import orjson
import typer

from crm_graph.auth import policy as policies
from crm_graph.auth.actor import Actor, ActorKind
from crm_graph.auth.default_policy import ROLES
from crm_graph.auth.levels import Level
from crm_graph.auth.policy import Policy
from crm_graph.cli.options import DatabaseUrl, DataDir, database, settings_from
from crm_graph.cli.signals import stopping
from crm_graph.db import ids
from crm_graph.entity import Entity, table_name
from crm_graph.errors import CrmError, ServiceUnavailable
from crm_graph.plan.lens import open_lens, shown
from crm_graph.plan.parameters import Parameters
from crm_graph.plan.write_access import write_access
from crm_graph.specs import FieldSpec

Who = Annotated[str, typer.Argument(help="A role (sales_rep), several (sales_rep,service_agent), or a user's e-mail.")]
Coordinate = Annotated[str, typer.Argument(metavar="TYPE.FIELD", help="A field, such as Customer.creditLimit.")]
Row = Annotated[str | None, typer.Option(help="Decide it for this record (cus_…); needs a user's e-mail as WHO.")]

_USER: Final = """
WITH RECURSIVE caller AS (
    SELECT u.* FROM users u WHERE lower(u.email) = lower($1)
), team AS (
    SELECT t.organization_id, t.id FROM caller c JOIN teams t ON (t.organization_id, t.id) = (c.organization_id, c.team_id)
    UNION
    SELECT t.organization_id, t.id FROM team above JOIN teams t ON (t.organization_id, t.parent_id) = (above.organization_id, above.id)
)
SELECT c.organization_id, c.id, c.name, c.roles, c.status, c.partner_id, c.customer_id,
       ARRAY(SELECT t.id FROM team t WHERE t.organization_id = c.organization_id) AS teams
  FROM caller c
"""


class CallerUnclear(CrmError):
    """No user, or more than one, has this e-mail address; or a role stands where a person is needed."""

    code = "CALLER_UNCLEAR"


def explain_access(
    who: Who, coordinate: Coordinate, row: Row = None, data_dir: DataDir = None, database_url: DatabaseUrl = None
) -> None:
    """Say what a caller sees and writes of a field, by which rule."""
    from crm_graph import schema  # noqa: F401 - declares the entities
    from crm_graph.cli import access_report
    from crm_graph.cli.schema import known

    entity, spec = access_report.field(coordinate)
    if "@" not in who:
        if row is not None:
            raise CallerUnclear("for a record say who looks at it: give a user's e-mail address instead of a role.")
        print(_report(who, policies.resolve(known(who)), entity, spec))
        return
    settings = settings_from(data_dir=data_dir, database_url=database_url)
    with stopping(), database(settings) as url:
        print(asyncio.run(_for_user(url, who, row, entity, spec)))


def _report(who: str, policy: Policy, entity: type[Entity], spec: FieldSpec) -> str:
    from crm_graph.cli.access_report import described, sees, verdict, ways, writes

    lines = [("rule", "rows", "read", "write", "sees", "may write it")]
    for way in ways(entity, policy):
        write = way.write.name if way.write is not None else "–"
        lines.append((way.rule, way.rows, way.read.name, write, sees(spec, way), writes(spec, way)))
    grants = table(lines) if len(lines) > 1 else "(nothing is granted)"
    text = (
        f"{described(entity, spec)}\n\nWhat {who} is granted on {entity.__name__}:\n\n{grants}\n\n"
        f"{verdict(entity, spec, policy)}"
    )
    if spec.ref is not None and open_lens_exists(spec.ref.entity, policy) is False:
        text += f"\nIt leads to {spec.ref.entity}, of which no row exists for the caller."
    return text


def open_lens_exists(entity: str, policy: Policy) -> bool:
    """Whether any row of an entity can exist for the caller."""
    from crm_graph.entity import REGISTRY

    return open_lens(REGISTRY[entity], policy, Parameters(), "t") is not None


async def _for_user(url: str, email: str, row: str | None, entity: type[Entity], spec: FieldSpec) -> str:
    try:
        connection = await asyncpg.connect(url, timeout=10)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise ServiceUnavailable(f"the database cannot be reached: {error}") from error
    try:
        found = await connection.fetch(_USER, email)
        if len(found) != 1:
            how = "no user has" if not found else f"{len(found)} users have"
            raise CallerUnclear(f"{how} the e-mail address {email}.")
        roles = list(ROLES.keys() & found[0]["roles"])
        who = f"{found[0]['name']} ({', '.join(sorted(roles)) or 'no role'}; {found[0]['status'].lower()})"
        actor = _actor(found[0])
        text = _report(who, actor.policy, entity, spec)
        return text if row is None else text + "\n\n" + await _on_row(connection, actor, entity, spec, row)
    finally:
        await connection.close()


def _actor(user: asyncpg.Record) -> Actor:
    return Actor(
        organization_id=user["organization_id"],
        kind=ActorKind.PARTNER if user["partner_id"] else ActorKind.CUSTOMER if user["customer_id"] else ActorKind.STAFF,
        policy=policies.resolve(frozenset(user["roles"])),
        user_id=user["id"],
        team_ids=tuple(user["teams"]),
        partner_id=user["partner_id"],
        customer_id=user["customer_id"],
        roles=tuple(user["roles"]),
    )


async def _on_row(
    connection: "asyncpg.Connection[asyncpg.Record]", actor: Actor, entity: type[Entity], spec: FieldSpec, row: str
) -> str:
    """What each grant gives on one record, and what shows there of the field, through the same lens as any read."""
    prefix, row_id = ids.decode(row)
    if prefix != entity.__prefix__:
        raise CallerUnclear(f"{row} is not the id of a {entity.__name__} ({entity.__prefix__}_…).")
    exists = await connection.fetchval(
        f"SELECT true FROM {table_name(entity)} WHERE organization_id = $1 AND id = $2", actor.organization_id, row_id
    )
    if not exists:
        return f"{row} does not exist in the caller's organisation."
    lines = [("rule", "reaches it", "read", "write")]
    for grant in actor.policy.on(entity.__name__):
        alone = Policy({**actor.policy.grants, entity.__name__: (grant,)}, f"{actor.policy.key}/{grant.rule}")
        parameters = Parameters()
        access = write_access(entity, alone, parameters, "t")
        read, write = await _ask(connection, actor, entity, row_id, parameters, f"{access.read}, {access.write}")
        lines.append((grant.rule.value, "no" if read is None else "yes", _level(read), _level(write)))
    return f"On {row}:\n\n{table(lines)}\n\n{await _shown(connection, actor, entity, spec, row_id)}"


async def _shown(
    connection: "asyncpg.Connection[asyncpg.Record]", actor: Actor, entity: type[Entity], spec: FieldSpec, row: UUID
) -> str:
    parameters = Parameters()
    lens = open_lens(entity, actor.policy, parameters, "t")
    if lens is None:
        return "So the record does not exist for the caller."
    column = lens.column(spec)
    levels = lens.by_level({level: f"'{level.name}'" for level in Level if lens.lowest <= level <= lens.highest})
    value = f"to_json({shown(column, lens)})::text" if column.sql is not None else "NULL"
    wanted = parameters.constant(row, "uuid")
    sql, sources = parameters.finish(
        f"SELECT {levels}, {value} FROM {lens.source()} WHERE {lens.where()} AND t.id = {wanted}"
    )
    found = await connection.fetchrow(sql, *[source((), actor) for source in sources])
    if found is None:
        return "So the record does not exist for the caller."
    said = orjson.loads(found[1]) if found[1] else None
    return f"So the caller's clearance on it is {found[0]}, and {entity.__name__}.{spec.graphql} shows {said!r}."


async def _ask(
    connection: "asyncpg.Connection[asyncpg.Record]",
    actor: Actor,
    entity: type[Entity],
    row: UUID,
    parameters: Parameters,
    columns: str,
) -> Sequence[int | None]:
    wanted = parameters.constant(row, "uuid")
    sql, sources = parameters.finish(
        f"SELECT {columns} FROM {table_name(entity)} t WHERE t.organization_id = {parameters.organization} AND t.id = {wanted}"
    )
    found = await connection.fetchrow(sql, *[source((), actor) for source in sources])
    assert found is not None, "the row was found a moment ago"
    return list(found)


def _level(value: int | None) -> str:
    return "–" if value is None else Level(value).name


def table(lines: Sequence[Sequence[str]]) -> str:
    """Lines of cells in columns, a rule under the first."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    head, *rest = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
    return "\n".join([head, "  ".join("─" * width for width in widths), *rest])
