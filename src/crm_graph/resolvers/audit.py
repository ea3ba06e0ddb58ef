"""Who wrote what on a record, at today's level of each field."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import orjson

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL
from crm_graph.auth.rights import Right
from crm_graph.auth.trail.acts import ACTS, ENTITY, Act
from crm_graph.db.ids import encode
from crm_graph.entity import REGISTRY, Entity
from crm_graph.errors import PageSizeInvalid
from crm_graph.plan.access.fields import Fields
from crm_graph.plan.access.opening import fields_known, open_lens
from crm_graph.plan.queries import query
from crm_graph.plan.reads.paging import MAX_SIZE
from crm_graph.plan.signatures import Ask, Id
from crm_graph.plan.sql.ids import record_of
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.resolvers.people import NOT_SEEN, customers, people
from crm_graph.specs import FieldSpec


@dataclass(frozen=True, slots=True)
class AuditChange:
    """One field of a change."""

    field: Annotated[str, "Name of the field; of what was done about signing in, what is told of it."]
    before: Annotated[str | None, "What it was, as text; null if it was empty, or if you may not see it."]
    after: Annotated[str | None, "What it became, as text; null if it was emptied, or if you may not see it."]
    hidden: Annotated[bool, "Whether you may not see the values: today, on this record."]


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change of a record, one look at it as somebody else, or what was done about how a user signs in."""

    at: Annotated[dt.datetime, "When."]
    action: Annotated[str, "create, update, delete, view_as; on a user also sign_in, password_set and the like."]
    user_id: Annotated[Id | None, "Who did it; null where nobody was signed in, or you do not see them."]
    user_name: Annotated[str | None, "Their name, as you may see it."]
    user_kind: Annotated[str, "Which sort of caller they were."]
    channel: Annotated[str, "Through what: api, import, …"]
    acting_for_id: Annotated[Id | None, "The customer for whom they acted; null if for nobody, or you do not see it."]
    acting_for_name: Annotated[str | None, "That customer's name, as you may see it."]
    request_id: Annotated[str | None, "The request, as the log has it."]
    changes: Annotated[list[AuditChange], "What changed, by field."]


_ENTRIES = """
SELECT at, action, actor_id, actor_kind, channel, acting_for, request_id, changes::text AS changes FROM audit_entries
 WHERE organization_id = $1 AND row_id = $2 AND entity = $3 AND at < coalesce($4::timestamptz, 'infinity')
   AND action <> ALL($6::text[])
 ORDER BY at DESC, id DESC LIMIT $5"""
# Failures are counters; each is shown where its last one was.
_WITH_SIGN_IN = f"""
SELECT * FROM (
    (SELECT at, id, action, actor_id, actor_kind, channel, acting_for, request_id, changes::text AS changes
       FROM audit_entries
      WHERE organization_id = $1 AND row_id = $2 AND entity = $3 AND at < coalesce($4::timestamptz, 'infinity')
      ORDER BY at DESC, id DESC LIMIT $5)
    UNION ALL
    (SELECT last_at, id, '{Act.SIGN_IN_FAILED}', NULL, 'storefront', 'sign_in', NULL, NULL,
            json_build_object('times', json_build_array(NULL, times), 'since', json_build_array(NULL, hour))::text
       FROM sign_in_failures
      WHERE organization_id = $1 AND user_id = $2 AND last_at < coalesce($4::timestamptz, 'infinity')
      ORDER BY last_at DESC, id DESC LIMIT $5)
) e ORDER BY at DESC, id DESC LIMIT $5"""


@query()
async def audit_entries(
    ask: Ask,
    node: Annotated[Id, "The record."],
    first: Annotated[int, "How many, the newest first; at most 200."] = 50,
    before: Annotated[dt.datetime | None, "Only what was done before this moment."] = None,
) -> list[AuditEntry] | None:
    """What was done to a record. Null for partners, and where you do not see the record at INTERNAL or above."""
    if not 0 <= first <= MAX_SIZE:
        raise PageSizeInvalid(f"`first` is a number from 0 to {MAX_SIZE}.")
    record = record_of(node)
    # a share shows a record from its beginning on, and entries tell of the time before
    hidden = None if record is None or ask.actor.partner_id is not None else await _hidden(ask, *record)
    if record is None or hidden is None:
        return None
    entity, row = record
    connection, given = await ask.tx.raw(), (ask.actor.organization_id, row, entity.__name__, before, first)
    if entity.__name__ == ENTITY and _may_see_sign_ins(ask, row):
        found = await connection.fetch(_WITH_SIGN_IN, *given)
    else:
        found = await connection.fetch(_ENTRIES, *given, ACTS)
    by = await people(ask, (entry["actor_id"] for entry in found))
    whom = await customers(ask, (entry["acting_for"] for entry in found))
    known = fields_known(entity, ask.actor.policy)
    fields = {spec.label or name: spec for name, spec in known.items()}
    changes = [
        _changes(fields, hidden, json.loads(entry["changes"], parse_float=str)) if entry["action"] not in ACTS else []
        for entry in found
    ]
    seen = await _seen(ask, changes)
    return [
        AuditEntry(
            entry["at"],
            entry["action"],
            by.get(entry["actor_id"], NOT_SEEN).id,
            by.get(entry["actor_id"], NOT_SEEN).name,
            entry["actor_kind"],
            entry["channel"],
            whom.get(entry["acting_for"], NOT_SEEN).id,
            whom.get(entry["acting_for"], NOT_SEEN).name,
            entry["request_id"],
            _told(entry["changes"]) if entry["action"] in ACTS else [_shown(one, seen) for one in changed],
        )
        for entry, changed in zip(found, changes, strict=True)
    ]


def _may_see_sign_ins(ask: Ask, user: UUID) -> bool:
    """How somebody signs in is the business of themselves and of who manages people."""
    return user == ask.actor.user_id or Right.PEOPLE_MANAGE in ask.actor.policy.rights


def _told(changes: str) -> list[AuditChange]:
    """What is told of something done about signing in: it has no level, as it names no field."""
    found = sorted(json.loads(changes).items())
    return [AuditChange(name, None, str(after), hidden=False) for name, (_, after) in found]


async def _hidden(ask: Ask, entity: type[Entity], row: UUID) -> frozenset[str] | None:
    """The fields of a record that do not show whole; `None` where the caller has not INTERNAL on it."""
    parameters = Parameters()
    lens = open_lens(entity, ask.actor.policy, parameters, "t")
    if lens is None or lens.highest < INTERNAL:
        return None
    unseen = lens.by_clearance(lambda at: _literal([*lens.unseen(at)[0], *lens.unseen(at)[1]]))
    level = lens.by_clearance(lambda at: str(int(at[None])))
    wanted = parameters.constant(row, "uuid")
    sql, sources = parameters.finish(
        f"SELECT {unseen}, {level} FROM {lens.source()} WHERE {lens.where()} AND t.id = {wanted}"
    )
    found = await (await ask.tx.raw()).fetchrow(sql, *[source((), ask.actor) for source in sources])
    return None if found is None or found[1] < INTERNAL else frozenset(found[0].split())


def _literal(names: list[str]) -> str:
    return f"'{' '.join(names)}'"


@dataclass(frozen=True, slots=True)
class _Change:
    spec: FieldSpec
    before: Any
    after: Any
    hidden: bool


def _changes(fields: Fields, hidden: frozenset[str], changes: Mapping[str, list[Any]]) -> list[_Change]:
    """What changed in fields that are there today; the columns that only the write path sets are left out."""
    found = []
    for column, (before, after) in sorted(changes.items()):
        spec = fields.get(column)
        if spec is not None and spec.read is not None:
            found.append(_Change(spec, before, after, spec.graphql in hidden))
    return found


async def _seen(ask: Ask, changes: list[list[_Change]]) -> set[tuple[str, str]]:
    """The records that references of these changes lead to and that the caller sees: entity and uuid as text."""
    asked: dict[str, set[str]] = {}
    for one in (change for changed in changes for change in changed):
        if one.spec.ref and not one.hidden:
            asked.setdefault(one.spec.ref.entity, set()).update(v for v in (one.before, one.after) if v)
    seen: set[tuple[str, str]] = set()
    for name, rows in asked.items():
        parameters = Parameters()
        lens = open_lens(REGISTRY[name], ask.actor.policy, parameters, "t")
        if lens is None:
            continue
        wanted = parameters.constant([UUID(row) for row in rows], "uuid[]")
        sql, sources = parameters.finish(
            f"SELECT t.id::text FROM {lens.source()} WHERE {lens.where()} AND t.id = ANY({wanted})"
        )
        found = await (await ask.tx.raw()).fetch(sql, *[source((), ask.actor) for source in sources])
        seen |= {(name, row[0]) for row in found}
    return seen


def _shown(change: _Change, seen: set[tuple[str, str]]) -> AuditChange:
    ref = change.spec.ref
    if change.hidden or (ref and any(v and (ref.entity, v) not in seen for v in (change.before, change.after))):
        return AuditChange(change.spec.graphql, None, None, hidden=True)
    return AuditChange(
        change.spec.graphql, _text(change.spec, change.before), _text(change.spec, change.after), hidden=False
    )


def _text(spec: FieldSpec, value: Any) -> str | None:
    if value is None:
        return None
    if spec.ref:
        return encode(REGISTRY[spec.ref.entity].__prefix__, UUID(value))
    if spec.kind in (kinds.DECIMAL, kinds.MONEY):
        return str(value)
    return value if isinstance(value, str) else orjson.dumps(value).decode()
