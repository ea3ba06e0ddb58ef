"""Taking an import back: what it made goes, what it changed becomes what it was, unless someone worked on it since."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from crm_graph import slots
from crm_graph.auth.actor import Actor
from crm_graph.auth.levels import RESTRICTED
from crm_graph.db.ids import encode
from crm_graph.db.session import Database, Transaction
from crm_graph.entity import REGISTRY, Entity, table_name
from crm_graph.errors import CrmError
from crm_graph.plan.access.fields import fields_of
from crm_graph.plan.changes import Action, Change, Effect, Outcome
from crm_graph.plan.writes.draft import OWN_COLUMNS
from crm_graph.plan.writes.role_assignment import guarded_rows
from crm_graph.plan.writes.write import delete_rows, update_rows

CHUNK = 1_000
CHANGED = "someone has changed it since"
GONE = "it is gone already"
FORGOTTEN = "its values before the import are not known"
ARCHIVED = "a field that it filled has been archived since"
HAS_PARTS = "someone has added parts to it since"


class ImportRunUnknown(CrmError):
    """There is no import of that id in this organisation, or it was undone before."""

    code = "IMPORT_RUN_UNKNOWN"


@dataclass(slots=True)
class Undone:
    """What undoing came to; `kept` says of each record that was left as it is, why."""

    counts: Counter[str] = field(default_factory=Counter)
    kept: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Written:
    row: UUID
    created: bool
    obstacle: str | None
    before: dict[str, Any] | None


async def undo(database: Database, actor: Actor, run: UUID) -> Undone:
    """Take back a run, in chunks. Running it again goes on where it was interrupted, and does nothing once done."""
    undone = Undone()
    async with database.transaction(actor.organization_id, actor.user_id, actor.channel) as tx:
        entities = await _entities(tx, actor, run)
    failed: list[tuple[str, list[UUID]]] = []
    for entity in entities:
        async with database.transaction(actor.organization_id, actor.user_id, actor.channel) as tx:
            rows = await _rows(tx, actor, run, entity)
        blocked: list[UUID] = []
        for start in range(0, len(rows), CHUNK):
            async with database.transaction(actor.organization_id, actor.user_id, actor.channel) as tx:
                blocked += await _take_back(tx, actor, run, REGISTRY[entity], rows[start : start + CHUNK], undone)
        failed.append((entity, blocked))
    # what was still needed by a record of the same run may be free now
    while True:
        before = sum(len(rows) for _, rows in failed)
        again = []
        for entity, rows in failed:
            async with database.transaction(actor.organization_id, actor.user_id, actor.channel) as tx:
                again.append((entity, await _take_back(tx, actor, run, REGISTRY[entity], rows, undone) if rows else []))
        failed = again
        if sum(len(rows) for _, rows in failed) in (0, before):
            break
    for entity, rows in failed:
        undone.kept += [(encode(REGISTRY[entity].__prefix__, row), "it is still needed elsewhere") for row in rows]
    blocked_rows = sum(len(rows) for _, rows in failed)
    if blocked_rows:
        undone.counts["kept"] += blocked_rows
    async with database.transaction(actor.organization_id, actor.user_id, actor.channel) as tx:
        await (await tx.raw()).execute(
            "UPDATE import_runs SET status = 'UNDONE' WHERE organization_id = $1 AND id = $2",
            actor.organization_id,
            run,
        )
    return undone


async def _entities(tx: Transaction, actor: Actor, run: UUID) -> list[str]:
    """The entities a run wrote, the last first, so that what refers goes before what it refers to."""
    raw = await tx.raw()
    status = await raw.fetchval(
        "SELECT status FROM import_runs WHERE organization_id = $1 AND id = $2 FOR UPDATE", actor.organization_id, run
    )
    if status in (None, "UNDONE"):
        raise ImportRunUnknown(
            "There is no import of that id to undo." if status is None else "This import has been undone."
        )
    found = await raw.fetch(
        "SELECT entity FROM import_rows WHERE organization_id = $1 AND run_id = $2 AND effect <> 'refused'"
        " GROUP BY entity ORDER BY max(id::text) DESC",
        actor.organization_id,
        run,
    )
    return [row["entity"] for row in found]


async def _rows(tx: Transaction, actor: Actor, run: UUID, entity: str) -> list[UUID]:
    found = await (await tx.raw()).fetch(
        "SELECT row_id FROM import_rows"
        " WHERE organization_id = $1 AND run_id = $2 AND entity = $3 AND effect <> 'refused'"
        " GROUP BY row_id ORDER BY max(id::text) DESC",
        actor.organization_id,
        run,
        entity,
    )
    return [row["row_id"] for row in found]


async def _take_back(
    tx: Transaction, actor: Actor, run: UUID, entity: type[Entity], rows: list[UUID], undone: Undone
) -> list[UUID]:
    """Take back some rows of one entity; gives those that something else still needs."""
    written = await _inspect(tx, actor, run, entity, rows)
    prefix = entity.__prefix__
    for one in written:
        if one.obstacle:
            undone.kept.append((encode(prefix, one.row), one.obstacle))
            undone.counts["gone" if one.obstacle == GONE else "kept"] += 1
    free = [one for one in written if one.obstacle is None]
    made = [one.row for one in free if one.created]
    changed = [(one.row, one.before) for one in free if not one.created and one.before is not None]
    outcomes = await _write(tx, actor, entity, made, changed)
    blocked = []
    for row, outcome in zip([*made, *(row for row, _ in changed)], outcomes, strict=True):
        if outcome.is_refused and any(e.code == "IN_USE" for e in outcome.errors):
            blocked.append(row)
        else:
            _count(undone, prefix, row, outcome)
    return blocked


async def _write(
    tx: Transaction,
    actor: Actor,
    entity: type[Entity],
    made: list[UUID],
    changed: list[tuple[UUID, dict[str, Any]]],
) -> list[Outcome]:
    """Remove rows and restore others, and of users what may be: outcomes in order."""
    name, prefix = entity.__name__, entity.__prefix__
    changes = [Change(name, Action.DELETE, id=encode(prefix, row)) for row in made]
    changes += [Change(name, Action.UPDATE, id=encode(prefix, row), values=before) for row, before in changed]

    async def act(refused: Mapping[int, Outcome]) -> list[Outcome]:
        outcomes = dict(refused)
        gone = [n for n in range(len(made)) if n not in refused]
        back = [n for n in range(len(made), len(changes)) if n not in refused]
        removed = await delete_rows(tx, actor, name, [made[n] for n in gone])
        restored = await update_rows(tx, actor, name, [changed[n - len(made)] for n in back], needs=RESTRICTED)
        outcomes.update(zip([*gone, *back], [*removed, *restored], strict=True))
        return [outcomes[n] for n in range(len(changes))]

    return await guarded_rows(tx, actor, changes, act, restoring=True)


def _count(undone: Undone, prefix: str, row: UUID, outcome: Outcome) -> None:
    if outcome.is_refused:
        undone.kept.append((encode(prefix, row), " ".join(e.message for e in outcome.errors)))
        undone.counts["kept"] += 1
    else:
        undone.counts["removed" if outcome.effect is Effect.DELETED else "restored"] += 1


async def _inspect(tx: Transaction, actor: Actor, run: UUID, entity: type[Entity], rows: list[UUID]) -> list[_Written]:
    """For rows of a run: whether it made them, what stands in the way, and the values they had before.

    The versions a run left and found are in the history. Compared are values, not versions, so that a later import
    that was itself undone is no obstacle.
    """
    table = table_name(entity)
    fields = fields_of(entity, actor.policy).values()
    columns = [s.name for s in fields if s.sql is None and s.name not in OWN_COLUMNS]
    # slots that have no name now: of archived fields, whose values cannot be written
    nameless = [slot for slot, _ in slots.columns() if slot not in columns] if entity.__custom__ else []
    image = "(SELECT to_jsonb(x) FROM (SELECT {}) x)"
    # a sum follows its lines, whoever writes those
    sums = {s.name for s in fields if s.sum_of}
    same = [c for c in (*columns, *nameless) if c not in sums]
    compared = {"t": same, "h": same, "p": columns}
    of = {alias: image.format(", ".join(f"{alias}.{c}" for c in some)) for alias, some in compared.items()}
    archived = "ROW({}) IS DISTINCT FROM ROW({})".format(
        *(", ".join(f"{alias}.{slot}" for slot in nameless) for alias in ("h", "p"))
    )
    parts = [
        f"EXISTS (SELECT 1 FROM {table_name(other)} c WHERE c.organization_id = $1 AND c.{spec.name} = t.id)"
        for other in REGISTRY.values()
        for spec in other.__specs__.values()
        if spec.ref and spec.ref.owned and spec.ref.entity == entity.__name__
    ]
    version = (
        "LEFT JOIN LATERAL (SELECT v.* FROM {table}_history v WHERE v.organization_id = $1 AND v.id = g.row_id"
        " AND v.version {at} AND NOT v.history_deleted ORDER BY v.version {order} LIMIT 1) {alias} ON TRUE"
    )
    found = await (await tx.raw()).fetch(
        f"SELECT g.row_id, g.created, t.id IS NULL AS gone, {of['t']} IS DISTINCT FROM {of['h']} AS changed,"
        f" {archived if nameless else 'FALSE'} AS archived,"
        f" ({' OR '.join(parts) or 'FALSE'}) AS parts, p.id IS NOT NULL AS known, {of['p']}::text AS before"
        " FROM (SELECT row_id, bool_or(effect = 'created') AS created, min(version) AS first, max(version) AS last"
        " FROM import_rows WHERE organization_id = $1 AND run_id = $2 AND row_id = ANY($3) AND effect <> 'refused'"
        " GROUP BY row_id) g"
        f" LEFT JOIN {table} t ON t.organization_id = $1 AND t.id = g.row_id"
        # a version that its own transaction replaced, for a sum, is not in the history: the next one is
        f" {version.format(table=table, at='>= g.last', order='', alias='h')}"
        f" {version.format(table=table, at='< g.first', order='DESC', alias='p')}"
        " ORDER BY array_position($3::uuid[], g.row_id)",
        actor.organization_id,
        run,
        rows,
    )
    return [_Written(r["row_id"], r["created"], _obstacle(r), json.loads(r["before"], parse_float=str)) for r in found]


def _obstacle(row: Any) -> str | None:
    if row["gone"]:
        return GONE
    if row["changed"]:
        return CHANGED
    if row["created"]:
        return HAS_PARTS if row["parts"] else None
    if not row["known"]:
        return FORGOTTEN
    return ARCHIVED if row["archived"] else None
