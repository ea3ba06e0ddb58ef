"""Why somebody sees what they see, and what callers were refused."""

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from crm_graph.auth import callers
from crm_graph.auth.actor import Actor
from crm_graph.auth.levels import Category, Level
from crm_graph.auth.rights import Right
from crm_graph.auth.rows import Rule
from crm_graph.entity import REGISTRY, Entity
from crm_graph.errors import FieldAccessDenied, PageSizeInvalid
from crm_graph.plan.access.opening import fields_known
from crm_graph.plan.access.visibility import sees
from crm_graph.plan.policies.explain import Explanation, Shown, explain
from crm_graph.plan.queries import query
from crm_graph.plan.reads.paging import MAX_SIZE
from crm_graph.plan.refusals import ArgumentInvalid
from crm_graph.plan.signatures import Ask, Id
from crm_graph.plan.sql.ids import record_of
from crm_graph.resolvers.people import NOT_SEEN, people
from crm_graph.specs import FieldSpec


@dataclass(frozen=True, slots=True)
class AccessReach:
    """What one grant gives on a record."""

    rule: Annotated[Rule, "The relation between caller and record."]
    read: Annotated[Level | None, "Up to which level the record is read by it; null where it does not reach it."]
    write: Annotated[Level | None, "Up to which level the record is written by it."]
    leaves_out: Annotated[list[Category], "Categories of fields that it does not reach, whatever their level."]


@dataclass(frozen=True, slots=True)
class AccessExplanation:
    """What decides how a field of a record shows."""

    coordinate: Annotated[str, "The field, as `Customer.name`."]
    exists: Annotated[bool, "Whether the record exists for the person."]
    shown: Annotated[Shown, "What they get."]
    requires: Annotated[Level, "The field's level."]
    mask: Annotated[str | None, "The mask that shows one level below."]
    clearance: Annotated[Level | None, "What the person has on the record, as far as it counts for the field."]
    by: Annotated[list[Rule], "The rules that decide: those that give this clearance."]
    oneself: Annotated[bool, "Whether it shows because the record is about the person."]
    may_write: Annotated[bool, "Whether the person may write the field on the record."]
    write_requires: Annotated[Level | None, "The level needed to write it; null where nobody writes it."]
    grants: Annotated[list[AccessReach], "All grants of the person on such records."]


@query()
async def explain_access(
    ask: Ask,
    node: Annotated[Id, "The record; one that you see."],
    field: Annotated[str, "Name of the field."],
    user: Annotated[Id | None, "The user to explain it for, if not yourself; needs the right POLICY_READ."] = None,
) -> AccessExplanation | None:
    """Which rule decides what you (or somebody else) see of a field of a record. Null where you see no such record."""
    record = record_of(node)
    if record is None or not await sees(ask.tx, ask.actor, *record):
        return None
    entity, row = record
    spec = next((s for s in fields_known(entity, ask.actor.policy).values() if s.graphql == field and s.read), None)
    if spec is None:
        raise ArgumentInvalid(f"{entity.__name__} has no field {field[:80]!r}.")
    actor = ask.actor if user is None else await _somebody(ask, user)
    found = await explain(await ask.tx.raw(), actor, entity, spec, row)
    return _explanation(entity, spec, found)


async def _somebody(ask: Ask, user: str) -> Actor:
    actor, person = ask.actor, record_of(user)
    if person == (REGISTRY["User"], actor.user_id):
        return actor
    if Right.POLICY_READ not in actor.policy.rights:
        raise FieldAccessDenied(
            "You may ask this for yourself only.", coordinate="Query.explainAccess", requires=Right.POLICY_READ.value
        )
    found = []
    if person is not None and person[0] is REGISTRY["User"]:
        found = await callers.by_user(await ask.tx.raw(), actor.organization_id, person[1])
    if len(found) != 1:
        raise ArgumentInvalid("user names no user.")
    return found[0].actor


def _explanation(entity: type[Entity], spec: FieldSpec, found: Explanation | None) -> AccessExplanation:
    assert spec.read is not None
    coordinate, mask = f"{entity.__name__}.{spec.graphql}", spec.read.mask.name if spec.read.mask else None
    if found is None:
        write = spec.write.level if spec.write else None
        return AccessExplanation(
            coordinate, False, Shown.HIDDEN, spec.read.level, mask, None, [], False, False, write, []
        )
    grants = [AccessReach(g.rule, g.read, g.write, sorted(g.without)) for g in found.grants]
    return AccessExplanation(
        coordinate,
        True,
        found.shown,
        found.requires,
        mask,
        found.clearance,
        list(found.by),
        found.oneself,
        found.may_write,
        found.write_requires,
        grants,
    )


@dataclass(frozen=True, slots=True)
class AccessDenial:
    """How often one caller was refused one thing."""

    coordinate: Annotated[str, "What was asked for; `*` stands for what was too much to count apart."]
    code: Annotated[str, "The refusal."]
    user_id: Annotated[Id | None, "Who was refused; null where nobody was signed in, or you do not see them."]
    user_name: Annotated[str | None, "Their name, as you may see it."]
    times: Annotated[int, "How often."]
    last_at: Annotated[dt.datetime, "The minute in which it happened last."]


_DENIALS = """
SELECT coordinate, code, actor_id, least(sum(times), 2147483647)::int AS times, max(minute) AS last_at
  FROM access_denials WHERE organization_id = $1 AND minute >= $2
 GROUP BY coordinate, code, actor_id
 ORDER BY sum(times) DESC, coordinate, code, actor_id LIMIT $3"""


@query(right=Right.POLICY_READ)
async def access_denials(
    ask: Ask,
    since: Annotated[dt.datetime | None, "From when; a day back if it is left out."] = None,
    first: Annotated[int, "How many, the most frequent first; at most 200."] = 50,
) -> list[AccessDenial]:
    """What callers were refused: mistakes of front ends, and people who try doors."""
    if not 0 <= first <= MAX_SIZE:
        raise PageSizeInvalid(f"`first` is a number from 0 to {MAX_SIZE}.")
    begin = since or dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    rows = await (await ask.tx.raw()).fetch(_DENIALS, ask.actor.organization_id, begin, first)
    seen = await people(ask, (r["actor_id"] for r in rows))
    return [
        AccessDenial(r["coordinate"], r["code"], by.id, by.name, r["times"], r["last_at"])
        for r in rows
        for by in [seen.get(r["actor_id"], NOT_SEEN)]
    ]
