"""Reading a file's bytes: through the lens of its record, in one statement."""

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from crm_graph.auth.actor import Actor
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.schema.attachments import Attachment


@dataclass(frozen=True, slots=True)
class File:
    """A file, and the record that it is attached to."""

    name: str
    media_type: str
    content: bytes
    whole_id: UUID


async def read_file(
    connection: "asyncpg.Connection[asyncpg.Record]", actor: Actor, entity: type[Attachment], row: UUID
) -> File | None:
    """The file of a record as the caller may read it now; `None` where there is none for them.

    Its bytes are behind the same level as the link to them.
    """
    parameters = Parameters()
    lens = open_lens(entity, actor.policy, parameters, "t")
    if lens is None:
        return None
    name = lens.column(lens.spec("name")).sql
    shown = lens.column(lens.spec("download_url")).sql
    if name is None or shown is None:
        return None
    parameters.reaches("file_contents", "c", "c.id = t.content_id")
    sql, sources = parameters.read(
        f"SELECT {name} AS name, t.media_type, t.{entity.__rows__.parent} AS whole_id, c.content FROM {lens.source()}"
        f" JOIN file_contents c ON c.organization_id = {Parameters.organization} AND c.id = t.content_id"
        f" WHERE {lens.where()} AND t.id = {parameters.constant(row, 'uuid')} AND {shown} IS NOT NULL"
    )
    found = await connection.fetchrow(sql, *[source((), actor) for source in sources])
    return None if found is None else File(**dict(found))
