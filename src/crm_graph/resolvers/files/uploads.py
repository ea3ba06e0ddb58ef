"""How files come in: a mutation gives a link, and what is sent there is attached once, if its sender still may.

A kind of attachment is known here once it has called `takes_files`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from crm_graph.auth.file_links import PATH, UPLOAD
from crm_graph.db.ids import uuid7
from crm_graph.entity import Entity
from crm_graph.errors import JSON, FileRefused
from crm_graph.plan.access.visibility import sees
from crm_graph.plan.changes import Effect, Outcome, invalid, refusal
from crm_graph.plan.mutations import Call
from crm_graph.plan.writes.write import insert_fields
from crm_graph.resolvers.files.naming import LONGEST, UNKNOWN, file_name, media_type
from crm_graph.schema.attachments import Attachment

MOST: Final = 50
"""Files attached to one record."""
_SAVE: Final = "INSERT INTO file_contents (organization_id, id, content) VALUES ($1, $2, $3)"

Opens = Callable[[Call], Awaitable[Outcome | None]]
"""Locks the record of a call and gives the refusal if its caller may not attach a file to it now."""


@dataclass(frozen=True, slots=True)
class _Place:
    entity: type[Attachment]
    whole: type[Entity]
    column: str
    opens: Opens


_PLACES: Final[dict[str, _Place]] = {}


def takes_files(entity: type[Attachment], whole: type[Entity], column: str, opens: Opens) -> None:
    """Records of `whole` take files as records of `entity`, whose `column` refers to them."""
    _PLACES[entity.__name__] = _Place(entity, whole, column, opens)


async def upload_link(call: Call, entity: type[Attachment], values: Mapping[str, JSON]) -> Outcome:
    """A link to send a file to, told once, for a file of the call's `name`; `values` are its further columns."""
    place, name = _PLACES[entity.__name__], file_name(str(call.arguments["name"]))
    if name is None:
        return Outcome.refused(invalid(f"A file's name of at most {LONGEST} characters is needed.", "name"))
    full = await _full(call, place)
    if full is not None:
        return full
    facts: dict[str, JSON] = {
        "entity": entity.__name__, "whole": call.row.hex, "row": uuid7().hex, "name": name, "values": dict(values),
    }  # fmt: skip
    ticket = call.links.ticket(call.actor, UPLOAD, facts) if call.links is not None else None
    if ticket is None:
        return refusal("STATE_REFUSED", "Only who calls by a token or session sends files.")
    return Outcome(Effect.UNCHANGED, call.row, once=f"{PATH}/{ticket}")


async def attach(call: Call, facts: Mapping[str, JSON], content: bytes) -> Outcome:
    """Attach what was sent to such a link, as the caller who asked for it. Raises FileRefused.

    The call's row is `whole` of the facts. Refused where the record does not exist for them or takes no file any more.
    """
    place, row = _PLACES[str(facts["entity"])], UUID(str(facts["row"]))
    name, values = str(facts["name"]), facts["values"]
    assert isinstance(values, dict)
    sort = media_type(name, content)
    if not await sees(call.tx, call.actor, place.whole, call.row):
        return refusal("NOT_FOUND", "There is no such record, or none that you may see.")
    refused = await place.opens(call) or await _full(call, place, row)
    if refused is not None:
        return refused
    return await _keep(call, place, row, {**values, "name": name, "media_type": sort}, content)


async def take_over(call: Call, entity: type[Attachment], name: str, content: bytes) -> Outcome | None:
    """Attach a file that came by another way to the call's record; `None` where that has too many, or it is empty.

    Whoever sent it may call it anything: where its content is not what the name says, it is of no sort that is known.
    """
    place, called = _PLACES[entity.__name__], file_name(name[-LONGEST:]) or "file"
    if not content or await _full(call, place) is not None:
        return None
    try:
        sort = media_type(called, content)
    except FileRefused:
        sort = UNKNOWN
    return await _keep(call, place, uuid7(), {"name": called, "media_type": sort}, content)


async def _keep(call: Call, place: _Place, row: UUID, values: Mapping[str, object], content: bytes) -> Outcome:
    connection, content_id = await call.tx.raw(), uuid7()
    await connection.execute(_SAVE, call.actor.organization_id, content_id, content)
    given = {
        **values, place.column: call.row, "size": len(content), "added_by_id": call.actor.user_id,
        "content_id": content_id,
    }  # fmt: skip
    return await insert_fields(call.tx, call.actor, place.entity.__name__, given, row=row, request_id=call.request_id)


async def _full(call: Call, place: _Place, row: UUID | None = None) -> Outcome | None:
    """Why the record takes no further file, or not this one again."""
    found = await (await call.tx.raw()).fetchrow(
        f"SELECT count(*) AS files, coalesce(bool_or(id = $3), FALSE) AS sent FROM {place.entity.__tablename__}"
        f" WHERE organization_id = $1 AND {place.column} = $2",
        call.actor.organization_id,
        call.row,
        row,
    )
    assert found is not None
    if found["sent"]:
        return refusal("KEY_TAKEN", "A file was sent to this link already.")
    if found["files"] >= MOST:
        return refusal("TOO_MANY_FILES", f"A record has at most {MOST} files.")
    return None
