"""Why a caller sees what they see of a field on one record: which grants reach the record, and which of them decides.

What shows is asked of the same lens as any read; nothing here decides anything.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from crm_graph.auth.actor import Actor
from crm_graph.auth.grants import Grant
from crm_graph.auth.levels import Category, Level, Mask
from crm_graph.auth.policy import Policy
from crm_graph.auth.rows import Rule
from crm_graph.entity import Entity, table_name
from crm_graph.plan.access.lens import Lens, shown
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.access.proposed import by_unseen
from crm_graph.plan.access.write_access import level_to_write, write_access
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.specs import FieldSpec


class Shown(enum.StrEnum):
    """What a caller gets of a field on a record."""

    VALUE = enum.auto()
    MASKED = enum.auto()
    HIDDEN = enum.auto()


@dataclass(frozen=True, slots=True)
class Reach:
    """What one grant gives on the record; no levels where it does not reach it."""

    rule: Rule
    read: Level | None
    write: Level | None
    without: frozenset[Category]


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a field of one record stands for a caller.

    `clearance` is what counts for the field there (`None`: nothing, its category is left out), `by` the rules that
    give it; `oneself`: it shows because the record is about the caller. `text` is what shows, as SQL prints it.
    """

    shown: Shown
    clearance: Level | None
    requires: Level
    mask: Mask | None
    by: tuple[Rule, ...]
    oneself: bool
    may_write: bool
    write_requires: Level | None
    grants: tuple[Reach, ...]
    text: str | None


async def explain(
    connection: "asyncpg.Connection[asyncpg.Record]", actor: Actor, entity: type[Entity], spec: FieldSpec, row: UUID
) -> Explanation | None:
    """The explanation; `None` where the record does not exist for the caller."""
    assert spec.read is not None
    grants = actor.policy.on(entity.__name__)
    reached = counting = await reaches(connection, actor, entity, row, grants)
    if spec.read.category is not None:
        counting = await reaches(connection, actor, entity, row, grants, spec.read.category)
    parameters = Parameters()
    lens = open_lens(entity, actor.policy, parameters, "t")
    if lens is None:
        return None
    column = lens.column(spec)
    values = [_clearance(lens, spec), _shown(lens, spec), f"({shown(column, lens)})::text" if column.sql else "NULL"]
    found = await _ask(connection, actor, parameters, ", ".join(values), lens.source(), f" AND {lens.where()}", row)
    if found is None:
        return None
    clearance = Level(found[0]) if found[0] else None
    most = max((r.write for r in counting if r.write is not None), default=None)
    oneself = lens.about_oneself(spec) and spec.read.level > (clearance or 0)
    return Explanation(
        Shown(found[1]),
        clearance,
        spec.read.level,
        spec.read.mask,
        (Rule.SELF,) if oneself else tuple(r.rule for r in counting if r.read == clearance and clearance is not None),
        oneself,
        spec.write is not None and most is not None and most >= level_to_write(spec),
        level_to_write(spec) if spec.write else None,
        tuple(reached),
        found[2],
    )


async def reaches(
    connection: "asyncpg.Connection[asyncpg.Record]",
    actor: Actor,
    entity: type[Entity],
    row: UUID,
    grants: Sequence[Grant],
    category: Category | None = None,
) -> list[Reach]:
    """What each grant gives on one record, whether or not the caller sees it; with `category`, for its fields."""
    if not grants:
        return []
    parameters, columns = Parameters(), list[str]()
    for grant in grants:
        alone = Policy({**actor.policy.grants, entity.__name__: (grant,)}, classification=actor.policy.classification)
        access = write_access(entity, alone, parameters, "t", category)
        columns += [access.read, access.write]
    found = await _ask(connection, actor, parameters, ", ".join(columns), f"{table_name(entity)} t", "", row)
    levels = [Level(value) if isinstance(value, int) else None for value in found or [None] * len(columns)]
    return [Reach(g.rule, levels[2 * n], levels[2 * n + 1], g.without) for n, g in enumerate(grants)]


def _clearance(lens: Lens, spec: FieldSpec) -> str:
    category = spec.read.category if spec.read else None
    return lens.by_clearance(lambda at: str(int(at.get(category, at[None]))))


def _shown(lens: Lens, spec: FieldSpec) -> str:
    def said(hidden: list[str], masked: list[str]) -> str:
        shows = Shown.HIDDEN if spec.graphql in hidden else Shown.MASKED if spec.graphql in masked else Shown.VALUE
        return f"'{shows.value}'"

    return by_unseen(lens, said)


async def _ask(
    connection: "asyncpg.Connection[asyncpg.Record]",
    actor: Actor,
    parameters: Parameters,
    columns: str,
    source: str,
    where: str,
    row: UUID,
) -> "asyncpg.Record | None":
    wanted = parameters.constant(row, "uuid")
    sql, sources = parameters.finish(
        f"SELECT {columns} FROM {source} WHERE t.organization_id = {parameters.organization} AND t.id = {wanted}{where}"
    )
    return await connection.fetchrow(sql, *[source((), actor) for source in sources])
