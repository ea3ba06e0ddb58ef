"""Totals that the database keeps: what a declaration says, and the triggers it needs.

    total: Money | None = attr(Read(PARTNER), SumOf("lines", "total"), Filter, Sort, default=None)

The column is stored, so filters, orders and indexes are as for any other; triggers on the table of the lines write it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from crm_graph import kinds
from crm_graph.entity import REGISTRY, Entity, backs, table_name
from crm_graph.markers import DeclarationError, camel
from crm_graph.specs import FieldSpec, expanded

EVENTS = ("insert", "update", "delete")


@dataclass(frozen=True, slots=True)
class Part:
    """What a field is the sum of: a field of the entity that has the lines, and the lines' reference to the whole."""

    entity: type[Entity]
    column: str
    spec: FieldSpec


@dataclass(frozen=True, slots=True)
class Kept:
    """The triggers that keep the sums of one list: on the table of the lines, and on that of the whole."""

    lines: str
    whole: str
    column: str
    sums: tuple[tuple[str, str], ...]
    """Columns of the whole, each with the SQL of what a line `l` adds to it."""

    @property
    def triggers(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """What each of them is made with, by its table and name; crm_keep_sums makes them so."""
        given = (self.column, *(part for pair in self.sums for part in pair))
        on_lines = {(self.lines, f"crm_sums_{self.whole}_{event}"): (self.whole, *given) for event in EVENTS}
        return {**on_lines, (self.whole, f"crm_sum_stays_{self.lines}"): (self.lines, *given)}

    @property
    def sql(self) -> str:
        """The statement for a migration: it makes them, and fills in the sums of the rows there are."""
        given = (self.lines, self.whole, self.column, *(part for pair in self.sums for part in pair))
        quoted = ("'" + argument.replace("'", "''") + "'" for argument in given)
        return f"SELECT crm_keep_sums({', '.join(quoted)})"


def part(entity: type[Entity], spec: FieldSpec) -> Part | None:
    """What a field of an entity sums; `None` where it is no sum, or one of nothing that exists."""
    back = backs(entity.__name__).get(camel(spec.sum_of.back)) if spec.sum_of else None
    if spec.sum_of is None or back is None:
        return None
    lines = REGISTRY[back.entity]
    found = lines.__specs__.get(spec.sum_of.field)
    return Part(lines, back.column, found) if found else None


def wholes(lines: type[Entity]) -> dict[str, type[Entity]]:
    """The entities that keep sums of these lines, by the lines' column that names the row."""
    found: dict[str, type[Entity]] = {}
    for whole in REGISTRY.values():
        for spec in whole.__specs__.values():
            one = part(whole, spec)
            if one is not None and one.entity is lines:
                found[one.column] = whole
    return found


def kept() -> Iterator[Kept]:
    """The triggers that all declared sums need."""
    for whole in REGISTRY.values():
        lists: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for spec in whole.__specs__.values():
            one = part(whole, spec)
            if one is not None:
                of_line = expanded(one.entity.__specs__, one.spec.name, "l")
                lists.setdefault((table_name(one.entity), one.column), []).append((spec.name, of_line))
        for (lines, column), sums in lists.items():
            yield Kept(lines, table_name(whole), column, tuple(sums))


def check() -> None:
    """Raises `DeclarationError` for a sum that makes no sense: once all entities are declared."""
    for entity in REGISTRY.values():
        for name, spec in entity.__specs__.items():
            if spec.sum_of is not None and (found := _fault(spec, part(entity, spec))):
                fault, remedy = found
                raise DeclarationError(f"{entity.__module__}.{entity.__name__}.{name}: {fault}. {remedy}.")


def _fault(whole: FieldSpec, found: Part | None) -> tuple[str, str] | None:
    line = found.spec if found else None
    if line is None or line.read is None or whole.read is None:
        return f"it sums {whole.sum_of}, which is no readable field of a list of its entity", "Name such a field"
    faults = (
        (
            line.kind is not kinds.MONEY or whole.kind is not kinds.MONEY,
            ("what is summed is money, into money", "Declare both as Money"),
        ),
        (whole.write is not None, ("it is a sum and can be written", "Drop Write: the database keeps it")),
        (not whole.nullable, ("without lines there is no sum", "Declare it as Money | None")),
        (
            line.read.level > whole.read.level,
            ("it tells of lines that are not seen at its level", f"Raise it to {line.read.level.name}"),
        ),
        (
            line.read.category not in (None, whole.read.category),
            (f"its lines are of the category {line.read.category}", "Give it the same one"),
        ),
        (line.read.mask is not None, ("its lines are masked one level below, and it is not", "Sum another field")),
        (
            whole.read.subject and not line.read.subject,
            ("the person it is about would see it and not its lines", "Drop subject from its Read"),
        ),
    )
    return next((one for wrong, one in faults if wrong), None)
