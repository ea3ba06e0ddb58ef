"""Figures: fields reckoned over all rows of other entities, when they are asked for (`specs.Figure`).

Whoever sees one may not see all the rows it is made of. So it has a level of its own, and what makes no sense in it
stops the start: it is nowhere below the level, nor without the category, of a field that it is made of.
"""

from collections.abc import Callable, Iterator

from crm_graph.entity import REGISTRY, Entity, table_name
from crm_graph.markers import DeclarationError
from crm_graph.specs import FieldSpec, Figure


def figures() -> Iterator[tuple[type[Entity], FieldSpec, Figure]]:
    """All that are declared."""
    for entity in REGISTRY.values():
        for spec in entity.__specs__.values():
            if spec.figure is not None:
                yield entity, spec, spec.figure


def made_of(coordinate: str) -> tuple[type[Entity], FieldSpec]:
    """The field that `"Order.net"` names: by its name in Python. Raises `KeyError`."""
    entity, _, name = coordinate.partition(".")
    return REGISTRY[entity], REGISTRY[entity].__specs__[name]


def reaches(entity: type[Entity], alias: str, reach: Callable[..., None]) -> None:
    """Say which tables the figures of the entity's row `alias` reach, and under which conditions, for the proof."""
    for spec in entity.__specs__.values():
        if spec.figure is not None:
            columns = {name: f"{alias}.{name}" for name in spec.inputs}
            for table, by, condition in spec.figure.tables:
                reach(table, by, condition.format_map(columns))


def check() -> None:
    """Raises `DeclarationError` for a figure that makes no sense: once all entities are declared."""
    tables = {table_name(entity) for entity in REGISTRY.values()}
    for entity, spec, figure in figures():
        for fault, remedy in _faults(figure, tables):
            raise DeclarationError(f"{entity.__module__}.{entity.__name__}.{spec.name}: {fault}. {remedy}.")


def _faults(figure: Figure, tables: set[str]) -> Iterator[tuple[str, str]]:
    for table, _, condition in figure.tables:
        if table not in tables:
            yield f"it reaches {table}, which is no table of an entity", "Name one"
        if condition not in figure.sql:
            yield f"it reaches {table} where {condition!r} is not said", "Write the condition into its sql"
    for coordinate in figure.of:
        try:
            read = made_of(coordinate)[1].read
        except KeyError:
            read = None
        if read is None:
            yield f"it is made of {coordinate}, which is no readable field", "Name one"
        elif read.level > figure.read.level:
            yield f"it tells of {coordinate}, which is not seen at its level", f"Raise it to {read.level.name}"
        elif read.category not in (None, figure.read.category):
            yield f"it tells of {coordinate}, of the category {read.category}", "Give it the same one"
        elif read.mask is not None:
            yield f"it tells of {coordinate}, which is masked one level below", "Make it of another field"
