"""Full-text search: which rows match, how well, and where, by what the caller sees of each row.

A row's *lens vector* is made of the vectors of the fields that the caller sees unmasked on that very row. Match, rank
and highlights come from it alone, so a hidden text cannot change them. The index is over all fields of the row, for
everybody; its condition is asked beside the exact one and never decides: what is asked is words that must all be
there, the last by its beginning, and no negation or phrase, so whatever the lens vector matches the index has too.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from crm_graph import slots
from crm_graph.entity import Entity
from crm_graph.errors import PredicateAccessDenied, SearchInvalid
from crm_graph.plan.access.lens import Column, Lens
from crm_graph.plan.reads.ordering import Key, order_keys
from crm_graph.plan.selection import Const, Leaf, Selected, Value
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.plan.sql.rendering import json_object
from crm_graph.specs import FieldSpec
from crm_graph.tables import indexed_sql

MAX_LENGTH, MAX_WORDS = 200, 12
_DROPPED = re.compile("[\u0300-\u036f\u00ad\u200b-\u200f\u2060\ufeff]")
_WORD = re.compile(
    "[^\u0000-\u002f\u003a-\u0060\u007b-\u00bf\u00d7\u00f7\u02b0-\u02ff\u180e\u2000-\u2bff\u3000-\u3004\u3008-\u3020\ufe00-\ufe6f]+"
)
"""As crm_words parts them (db/functions.sql)."""


def searched(entity: type[Entity]) -> list[FieldSpec]:
    """The shipped fields of an entity that are searched."""
    return [spec for spec in entity.__specs__.values() if spec.search]


def indexed(entity: type[Entity], alias: str) -> str:
    """What the entity's index is over: the searched fields, and what any organisation keeps in its own texts."""
    own = slots.vectors() if entity.__custom__ else ()
    return indexed_sql(f"{alias}.", [spec.vector for spec in searched(entity)], own)


def checked(text: object) -> str:
    """What is searched for, as it was given. Raises `SearchInvalid` where there is no word in it, or too much."""
    if not isinstance(text, str) or len(text) > MAX_LENGTH:
        raise SearchInvalid(f"`search` has at most {MAX_LENGTH} characters.")
    words = len(_WORD.findall(_DROPPED.sub("", unicodedata.normalize("NFKD", text)).lower()))
    if not 0 < words <= MAX_WORDS:
        raise SearchInvalid(f"`search` has 1 to {MAX_WORDS} words of letters and digits, this has {words}.")
    return text


@dataclass(frozen=True, slots=True)
class Search:
    """One search on one lens, as SQL: `condition` begins with AND, `rank` is a real."""

    lens: Lens
    text: str
    visible: tuple[tuple[FieldSpec, Column], ...]

    @property
    def vector(self) -> str:
        """What the caller sees of a row, as one vector."""
        parts = [f"coalesce({c.sql}, ''::tsvector)" if c.varies else str(c.sql) for _, c in self.visible]
        return f"({' || '.join(parts)})"

    @property
    def condition(self) -> str:
        exact = f" AND {self.vector} @@ (SELECT crm_query({self.text}))"
        if self.lens.table:  # a history has no such index
            return exact
        everything = indexed(self.lens.entity, self.lens.alias)
        here = f"('''' || {self.lens.organization} || '''')::tsquery"
        return f" AND {everything} @@ (SELECT crm_query({self.text}) && {here}){exact}"

    @property
    def rank(self) -> str:
        whole = f"(SELECT crm_query_whole({self.text}))"
        return f"(ts_rank({self.vector}, {self._any}) + ts_rank({self.vector}, {whole}))"

    @property
    def _any(self) -> str:
        return f"(SELECT crm_query_any({self.text}))"

    def edge(self, selected: Selected) -> str:
        """SQL of an edge's `rank` or `highlights`."""
        return self.rank if selected.name == "rank" else self._highlights(selected)

    def _highlights(self, selected: Selected) -> str:
        marked = []
        for spec, vector in self.visible:
            shown = (
                f"crm_highlight({self.lens.column(spec, spec.name).sql}, (SELECT crm_words({self.text})), {self._any})"
            )
            marked.append(f"('{spec.graphql}', CASE WHEN {vector.sql} @@ {self._any} THEN {shown} END)")
        parts = {"field": "h.field", "text": "h.text", "__typename": "'Highlight'::text"}
        one = json_object([(s.key, parts[s.name]) for s in selected.on("Highlight")])
        return (
            f"(SELECT coalesce(json_agg({one}), '[]'::json) FROM (VALUES {', '.join(marked)}) h(field, text)"
            " WHERE h.text IS NOT NULL)"
        )


def search(lens: Lens, parameters: Parameters, coordinate: str, arguments: Mapping[str, Value]) -> Search | None:
    """What `search` asks of this lens; `None` where it is not given.

    Raises `PredicateAccessDenied` where the caller sees no searched field of the entity on any row.
    """
    value = arguments.get("search")
    if value is None:
        return None
    fields = visible(lens)
    if not fields:
        lowest = min(spec.read.level for spec in lens.specs.values() if spec.search and spec.read)
        raise PredicateAccessDenied(
            f"{coordinate} cannot be searched here.", coordinate=f"{coordinate}(search:)", requires=lowest.name
        )
    return Search(lens, _parameter(parameters, value), fields)


def visible(lens: Lens) -> tuple[tuple[FieldSpec, Column], ...]:
    """The searched fields that the caller sees on some row, with their vectors where they see them."""
    columns = [(spec, lens.column(spec, spec.vector)) for spec in lens.specs.values() if spec.search]
    return tuple((spec, column) for spec, column in columns if column.sql is not None)


def _parameter(parameters: Parameters, value: Value) -> str:
    match value:
        case Leaf(index=index):
            return parameters.add(lambda leaves, _actor: checked(leaves[index]), "text", ("search", index))
        case Const(value=constant):
            text = checked(constant)
            return parameters.add(lambda _leaves, _actor: text, "text", ("searched", text))
    raise SearchInvalid("`search` is a string.")


def keys(lens: Lens, found: Search | None, order: Value) -> tuple[Key, ...]:
    """The order of a list: what `orderBy` says, else the best matches first, of equal ones the newest."""
    if found is None or (order is not None and order != []):
        return order_keys(lens, order)
    return Key("rank", found.rank, descending=True), Key("id", f"{lens.alias}.id", descending=True)
