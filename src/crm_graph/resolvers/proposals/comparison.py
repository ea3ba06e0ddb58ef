"""What is different between two proposals, versions of one or not, as the caller sees both. Read in one statement."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

import orjson

from crm_graph.auth.policy import Policy
from crm_graph.db.ids import decode_as, encode
from crm_graph.entity import REGISTRY, Entity
from crm_graph.plan.access.lens import Lens
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.queries import query
from crm_graph.plan.signatures import Ask, Id
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.schema.products import Product
from crm_graph.schema.proposals import Proposal, ProposalLine
from crm_graph.specs import FieldSpec

_OWN: Final = {"id", "version", "created_at", "updated_at", "source", "external_id", "number", "root_id", "revision"}
_OWN_OF: Final = {
    Proposal.__name__: _OWN | {"current", "lines_changed_at"},
    ProposalLine.__name__: _OWN | {"proposal_id", "product_id"},
}
"""What is different in each, whatever it says; of a line, its product is told beside."""


class LineChange(enum.StrEnum):
    """What became of a line."""

    ADDED = enum.auto()
    REMOVED = enum.auto()
    CHANGED = enum.auto()


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """A field that is different."""

    field: Annotated[str, "Name of the field."]
    before: Annotated[str | None, "What it is in the first one, as text; null if it is empty there."]
    after: Annotated[str | None, "What it is in the second one, as text; null if it is empty there."]


@dataclass(frozen=True, slots=True)
class ProposalLineDifference:
    """A line that is different, or in one of them only."""

    change: Annotated[LineChange, "What became of it."]
    product_id: Annotated[Id | None, "Its product, if you see it."]
    product_name: Annotated[str | None, "The product's name, if you see it."]
    fields: Annotated[list[FieldDifference], "What is different; of a line in one of them only, all that it says."]


@dataclass(frozen=True, slots=True)
class ProposalComparison:
    """What is different between two proposals."""

    fields: Annotated[list[FieldDifference], "Fields that are different."]
    lines: Annotated[list[ProposalLineDifference], "Lines that are different, in the order of the second one."]
    hidden: Annotated[list[str], "Fields that are not compared, as you do not see them on both."]


Row = Mapping[str, Any]


@query()
async def compare_proposals(
    ask: Ask, a: Annotated[Id, "The first, such as an earlier version."], b: Annotated[Id, "The second."]
) -> ProposalComparison | None:
    """What is different in the second of two proposals. Null where you do not see both."""
    ids = [decode_as(Proposal.__prefix__, one) for one in (a, b)]
    if None in ids:
        return None
    rows = await _read(ask, [one for one in ids if one is not None])
    before, after = (next((row for row in rows["proposals"] if row["id"] == str(one)), None) for one in ids)
    if before is None or after is None:
        return None
    first, second = ({line["key"]: line for line in rows["lines"] if line["of"] == str(one)} for one in ids)
    lines = [_line(first.get(key), line) for key, line in second.items()]
    lines += [_line(line, None) for key, line in first.items() if key not in second]
    hidden = _unseen(before) | _unseen(after)
    return ProposalComparison(
        _differences(Proposal, before, after), [line for line in lines if line is not None], sorted(hidden)
    )


def _line(before: Row | None, after: Row | None) -> ProposalLineDifference | None:
    """How a line is different; `None` where it is not."""
    changes = _differences(ProposalLine, before, after)
    if before is not None and after is not None and not changes:
        return None
    change = LineChange.ADDED if before is None else LineChange.REMOVED if after is None else LineChange.CHANGED
    known = after or before or {}
    product = known["product"]
    product_id = Id(encode(Product.__prefix__, UUID(product["id"]))) if product else None
    return ProposalLineDifference(change, product_id, product["name"] if product else None, changes)


def _differences(entity: type[Entity], before: Row | None, after: Row | None) -> list[FieldDifference]:
    """Of fields that show on both; of what is there once, all that shows."""
    here = [row for row in (before, after) if row is not None]
    hidden = set[str]().union(*map(_unseen, here))
    found = []
    for name in here[0]["values"]:
        spec = entity.__specs__[name]
        old, new = (_text(spec, row["values"][name]) if row else None for row in (before, after))
        if spec.graphql not in hidden and old != new:
            found.append(FieldDifference(spec.graphql, old, new))
    return found


def _unseen(row: Row) -> set[str]:
    names: str = row["unseen"]
    return set(names.split())


def _text(spec: FieldSpec, value: str | None) -> str | None:
    if value is None or spec.ref is None:
        return value
    return encode(REGISTRY[spec.ref.entity].__prefix__, UUID(value))


async def _read(ask: Ask, ids: Sequence[UUID]) -> Mapping[str, Sequence[Row]]:
    """The proposals and their lines as the caller sees them: an array of each."""
    policy, parameters = ask.actor.policy, Parameters()
    wanted = parameters.constant(list(ids), "uuid[]")
    whole = open_lens(Proposal, policy, parameters, "t")
    part = open_lens(ProposalLine, policy, parameters, "l")
    if whole is None:
        return {"proposals": [], "lines": []}
    lines = "NULL"
    if part is not None:
        taken = (
            f"{_taken(part, policy, parameters)}, 'of', l.proposal_id, 'key', coalesce(l.origin, l.id),"
            f" 'product', {_product(policy, parameters)}"
        )
        lines = (
            f"(SELECT json_agg(json_build_object({taken}) ORDER BY l.position, l.id) FROM {part.source()}"
            f" WHERE {part.where()} AND l.proposal_id = ANY({wanted}))"
        )
    taken = f"{_taken(whole, policy, parameters)}, 'id', t.id"
    sql, sources = parameters.read(
        "SELECT json_build_object('proposals', coalesce((SELECT json_agg(json_build_object("
        f"{taken})) FROM {whole.source()} WHERE {whole.where()} AND t.id = ANY({wanted})), '[]'),"
        f" 'lines', coalesce({lines}, '[]'))"
    )
    found = await (await ask.tx.raw()).fetchval(sql, *[source((), ask.actor) for source in sources])
    read: Mapping[str, Sequence[Row]] = orjson.loads(found)
    return read


def _taken(lens: Lens, policy: Policy, parameters: Parameters) -> str:
    """What is read of a row: values as text, and the names of the fields that do not show whole."""
    own = _OWN_OF[lens.entity.__name__]
    values = []
    for number, spec in enumerate(s for s in lens.specs.values() if s.name not in own):
        sql = lens.column(spec).sql
        if sql is None:
            continue
        if spec.ref is not None:
            target = open_lens(REGISTRY[spec.ref.entity], policy, parameters, f"{lens.alias}r{number}")
            seen = (
                "FALSE"
                if target is None
                else f"EXISTS (SELECT 1 FROM {target.source()} WHERE {target.where()} AND {target.alias}.id = {sql})"
            )
            sql = f"CASE WHEN {seen} THEN {sql} END"
        values.append(f"'{spec.name}', to_jsonb({sql}) #>> '{{}}'")
    halves = [", ".join(values[n : n + 40]) for n in range(0, len(values), 40)]  # a function takes 100 arguments
    built = " || ".join(f"jsonb_build_object({half})" for half in halves) or "'{}'::jsonb"
    unseen = lens.by_clearance(lambda at: f"'{' '.join(name for some in lens.unseen(at) for name in some)}'")
    return f"'values', {built}, 'unseen', {unseen}"


def _product(policy: Policy, parameters: Parameters) -> str:
    lens = open_lens(Product, policy, parameters, "pr")
    name = lens.column(lens.spec("name")).sql if lens else None
    if lens is None:
        return "NULL"
    return (
        f"(SELECT json_build_object('id', pr.id, 'name', {name or 'NULL'}) FROM {lens.source()}"
        f" WHERE {lens.where()} AND pr.id = l.product_id)"
    )
