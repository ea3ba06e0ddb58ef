"""Updates by the very person a record is about: at once, after a code, or after approval, as each field says.

A field that the caller may write anyhow, by a grant, is written as ever, with every check of such a write. Access is
checked before anything is done, with the row locked; then it happens in one savepoint: what grants let the caller
write, what is written at once, and a request for each field that has to wait.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import asyncpg
import orjson

from crm_graph.auth.actor import Actor
from crm_graph.db.ids import decode
from crm_graph.db.session import Transaction
from crm_graph.entity import REGISTRY, Entity, table_name
from crm_graph.errors import EtagMismatch, IdInvalid
from crm_graph.markers import Change as Rule
from crm_graph.plan.access.fields import Fields, fields_of
from crm_graph.plan.access.opening import left_out, open_lens
from crm_graph.plan.access.subject_reach import open_to_subject, the_person
from crm_graph.plan.access.write_access import level_to_write, write_access
from crm_graph.plan.changes import Action, Change, Effect, Outcome, UserError, denied, invalid
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.plan.writes.checks import suffix
from crm_graph.plan.writes.draft import Draft, read_values
from crm_graph.plan.writes.pending import Wanted, ask
from crm_graph.plan.writes.prepare import Prepared, identity, prepare
from crm_graph.plan.writes.refusals import FIXED, Asked
from crm_graph.plan.writes.run import run
from crm_graph.plan.writes.savepoint import unless_refused
from crm_graph.plan.writes.shape import Shape
from crm_graph.specs import FieldSpec


@dataclass(frozen=True, slots=True)
class _Update:
    """An update of a row by the person it is about, read."""

    actor: Actor
    entity: type[Entity]
    row: UUID
    change: Change
    draft: Draft
    fields: Fields
    rules: Mapping[str, Rule]
    request_id: str | None

    @property
    def given(self) -> list[FieldSpec]:
        return [spec for name, spec in self.fields.items() if name in self.draft.given]


async def write_as_subject(
    tx: Transaction, actor: Actor, change: Change, request_id: str | None = None
) -> Outcome | None:
    """The outcome of an update of what is about the caller; `None` where grants alone decide."""
    update = _read(actor, change, request_id)
    if update is None:
        return None
    connection = await tx.raw()
    found = await _look(connection, update)
    if found is None:
        return None
    granted = {spec.name for spec in update.given if _granted(spec, found)}
    if granted == update.draft.given and granted:
        return None
    refused = _refused(update, granted, found)
    if refused is not None:
        return refused
    return await unless_refused(connection, lambda: _carry_out(tx, update, granted, found))


def _read(actor: Actor, change: Change, request_id: str | None) -> _Update | None:
    """The update as far as it can be one of the caller's own data; what is wrong with values is told elsewhere."""
    entity = REGISTRY[change.entity]
    rules = open_to_subject(entity, actor.policy) if change.action is Action.UPDATE else {}
    if not rules or change.id is None:
        return None
    try:
        prefix, row = decode(change.id)
    except IdInvalid:
        return None
    draft = read_values(entity, actor.policy.classification, change.values)
    if prefix != entity.__prefix__ or draft.errors:
        return None
    return _Update(actor, entity, row, change, draft, fields_of(entity, actor.policy), rules, request_id)


def _granted(spec: FieldSpec, found: Mapping[str, object]) -> bool:
    """Whether a grant of the caller's lets them write the field on this row, whoever it is about."""
    level = found.get(f"write_level{suffix(spec.read.category) if spec.read else ''}", found["write_level"])
    return isinstance(level, int) and level >= level_to_write(spec)


def _refused(update: _Update, granted: set[str], found: Mapping[str, object]) -> Outcome | None:
    """Why nothing of it is done, if so: access before state."""
    refusals = [denied(spec) for spec in update.given if spec.name not in granted and spec.name not in update.rules]
    # whose a record is, and what never changes, is not mixed with this: such an update comes alone
    moving = update.entity.__rows__.columns()
    refusals += [denied(spec) for spec in update.given if spec.name in granted and spec.name in moving]
    if refusals:
        return Outcome.refused(*refusals)
    if update.change.if_match not in (None, found["etag"]):
        stale = UserError(EtagMismatch.code, "The record has changed since you read it.", ("ifMatch",))
        return Outcome.refused(stale, row=update.row)
    fixed = [spec for spec in update.given if spec.write is not None and spec.write.create_only]
    return Outcome.refused(*(invalid(FIXED, spec.input) for spec in fixed)) if fixed else None


async def _carry_out(tx: Transaction, update: _Update, granted: set[str], found: Mapping[str, object]) -> Outcome:
    rules = update.rules
    others = [spec for spec in update.given if spec.name not in granted]
    at_once = [spec.name for spec in others if rules[spec.name] is Rule.AT_ONCE]
    outcome = Outcome(Effect.UNCHANGED, update.row)
    connection = await tx.raw()
    parts = [_by_grant(update, granted)] if granted else []
    parts += [_by_subject(update, at_once)] if at_once else []
    for prepared in parts:
        if isinstance(prepared, Outcome):
            return prepared
        done = (await run(connection, update.actor, [prepared], update.request_id))[0]
        if done.is_refused:
            return done
        outcome = outcome if done.effect is Effect.UNCHANGED else done
    waiting = [
        Wanted(spec, rules[spec.name], _text(found[f"old_{spec.name}"]), _text(found[f"new_{spec.name}"]))
        for spec in others
        if spec.name not in at_once and found[f"old_{spec.name}"] != found[f"new_{spec.name}"]
    ]
    if not waiting:
        return outcome
    refused = await ask(tx, update.actor, update.entity, update.row, waiting, update.request_id)
    return Outcome.refused(*refused) if refused else outcome


def _by_grant(update: _Update, granted: set[str]) -> Prepared | Outcome:
    """What grants let the caller write, with all that is checked of such a write."""
    values = {s.input: update.change.values[s.input] for s in update.given if s.name in granted}
    return prepare(update.actor, replace(update.change, values=values, if_match=None, idempotency_key=None))


def _by_subject(update: _Update, at_once: Sequence[str]) -> Prepared:
    """What is written because the record is about the caller, whatever their grants."""
    values = {name: update.draft.values[name] for name in at_once}
    shape = Shape(update.entity.__name__, Action.UPDATE, written=tuple(at_once), trusted=True)
    asked = Asked(update.entity, update.fields, Action.UPDATE, {}, trusted=True)
    return Prepared(shape, asked, {**identity(update.row), **values, "_need": 0})


def _text(value: object) -> str | None:
    return None if value is None else str(value)


async def _look(connection: "asyncpg.Connection[asyncpg.Record]", update: _Update) -> Mapping[str, object] | None:
    """The row, locked, if it is the caller's own: what they may write on it, and each given field before and after."""
    entity, policy, parameters = update.entity, update.actor.policy, Parameters()
    lens = open_lens(entity, policy, parameters, "t")
    if lens is None:
        return None
    values = orjson.dumps([update.draft.values], default=str).decode()
    given: Sequence[FieldSpec] = update.given
    taken: list[str] = []
    for one in (None, *left_out(entity, policy)):
        access = write_access(entity, policy, parameters, "t", one)
        taken.append(f"{access.write} AS write_level{suffix(one)}")
    taken.append(f"{lens.etag()} AS etag")
    taken += [f"(t.{s.name})::text AS old_{s.name}, (i.{s.name})::text AS new_{s.name}" for s in given]
    columns = ", ".join(f"{s.name} {s.kind.sql}" for s in given) or "nothing text"
    sql, sources = parameters.finish(
        f"SELECT {', '.join(taken)}"
        f" FROM json_to_recordset({parameters.constant(values, 'text')}::json) AS i({columns})"
        f" CROSS JOIN {table_name(entity)} t{lens.fence()} WHERE t.organization_id = {parameters.organization}"
        f" AND t.id = {parameters.constant(update.row, 'uuid')} AND {lens.visible}"
        f" AND {the_person(entity, policy, parameters, 't')} FOR NO KEY UPDATE OF t"
    )
    found = await connection.fetchrow(sql, *[source((), update.actor) for source in sources])
    return None if found is None else dict(found)
