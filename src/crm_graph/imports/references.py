"""Finding the records that references name, as the importing caller sees them; what names none gets candidates."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from crm_graph.auth.actor import Actor
from crm_graph.db.session import Transaction
from crm_graph.entity import REGISTRY
from crm_graph.imports.mapping import FieldMapping, MappingInvalid
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.sql.parameters import Parameters

Unmatched = tuple[str, str]
"""A target (`Product.name`) and the text that matched nothing there."""
_MOST_CANDIDATES = 20_000
_MOST_SEARCHED = 200


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value of the target near to one that matched nothing. `score` is 1 for equal texts, 0 for unlike ones."""

    value: str
    score: float


class References:
    """Looks up references a chunk at a time; remembers what was found, within one table of the mapping."""

    def __init__(self, actor: Actor, source: str) -> None:
        self.actor, self.source = actor, source
        self._found: dict[str, dict[str, list[UUID]]] = {}
        self._texts: dict[str, list[str]] = {}
        self._candidates: dict[Unmatched, tuple[Candidate, ...]] = {}

    async def look_up(self, tx: Transaction, field: FieldMapping, texts: Iterable[str]) -> None:
        """Find what these texts name."""
        known = self._found.setdefault(target(field), {})
        wanted = [text for text in dict.fromkeys(texts) if text and text not in known]
        if not wanted:
            return
        for text in wanted:
            known[text] = []
        for row in await self._fetch(tx, field, wanted):
            known[str(row[0])].append(row[1])

    def found(self, field: FieldMapping, text: str) -> list[UUID]:
        """The records a looked-up text names: one, none or several."""
        return self._found[target(field)][text]

    async def candidates(self, tx: Transaction, field: FieldMapping, text: str) -> tuple[Candidate, ...]:
        """The nearest values of the target. For the report only: nothing is taken because it is near."""
        place = target(field)
        known = self._candidates.get((place, text))
        if known is None:
            if len(self._candidates) >= _MOST_SEARCHED:
                return ()
            if place not in self._texts:
                self._texts[place] = [str(row[0]) for row in await self._fetch(tx, field, None)]
            known = nearest(text, self._texts[place])
            self._candidates[place, text] = known
        return known

    async def _fetch(self, tx: Transaction, field: FieldMapping, texts: list[str] | None) -> list[tuple[object, UUID]]:
        """Values and ids of the target through the caller's lens: those asked for, or some of all."""
        ref, origin = field.spec.ref, field.origin
        assert ref is not None
        entity, parameters = REGISTRY[ref.entity], Parameters()
        spec = next(s for s in entity.__specs__.values() if s.graphql == origin.by)
        lens = open_lens(entity, self.actor.policy, parameters, "t")
        column = lens.column(spec).sql if lens else None
        if lens is None or column is None:
            raise MappingInvalid(f"You may not read {target(field)}, by which {field.name} is looked up.")
        where = [lens.where()]
        if spec.name == "external_id":
            where.append(f"t.source = {parameters.constant(origin.source or self.source, 'text')}")
        if texts is not None:
            wanted = parameters.constant(texts, "text[]")
            where.append(f"{column} = ANY({wanted})")
            if spec.fold:  # the index holds the folded form
                where.append(f"t.{spec.fold} = ANY(SELECT crm_fold(x) FROM unnest({wanted}) x)")
        sql = f"SELECT {column}, t.id FROM {lens.source()} WHERE {' AND '.join(where)} AND {column} IS NOT NULL"
        sql += f" ORDER BY t.id LIMIT {_MOST_CANDIDATES}" if texts is None else ""
        sql, sources = parameters.read(sql)
        connection = await tx.raw()
        rows = await connection.fetch(sql, *(source((), self.actor) for source in sources))
        return [(row[0], row[1]) for row in rows]


def target(field: FieldMapping) -> str:
    """What a reference is looked up in: `Product.name`."""
    assert field.spec.ref is not None
    of = f" of {field.origin.source}" if field.origin.source else ""
    return f"{field.spec.ref.entity}.{field.origin.by}{of}"


def nearest(text: str, values: Iterable[str], most: int = 3) -> tuple[Candidate, ...]:
    """The values most like a text, best first, none that is too unlike it."""
    matcher = difflib.SequenceMatcher()
    wanted = text.casefold()
    matcher.set_seq2(wanted)
    scored = []
    for value in dict.fromkeys(values):
        matcher.set_seq1(value.casefold())
        if matcher.real_quick_ratio() > 0.6 and matcher.quick_ratio() > 0.6 and (score := matcher.ratio()) > 0.6:
            scored.append(Candidate(value, round(score, 2)))
    return tuple(sorted(scored, key=lambda c: (-c.score, c.value))[:most])
