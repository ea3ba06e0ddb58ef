"""The fields of an entity in one organisation: as declared, with its levels, and with its own fields beside them.

Whatever plans, checks or shows fields for a caller takes them here; `__specs__` is what the code declares.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from crm_graph import figures, kinds, sums
from crm_graph.auth.classification import SHIPPED, Classification, CustomField, Levels
from crm_graph.auth.levels import INTERNAL, Level
from crm_graph.auth.policy import Policy
from crm_graph.entity import REGISTRY, Entity
from crm_graph.markers import Read, Search, Write
from crm_graph.slots import KINDS
from crm_graph.specs import FieldSpec, Figure
from crm_graph.subjects import completed

Fields = Mapping[str, FieldSpec]
"""By name; the name of a stored field is its column's."""


def fields_of(entity: type[Entity], policy: Policy) -> Fields:
    """The entity's fields where this policy holds."""
    return classified(entity, policy.classification)


@lru_cache(maxsize=4096)
def classified(entity: type[Entity], classification: Classification) -> Fields:
    """The entity's fields in an organisation that classifies them so."""
    if classification == SHIPPED:
        return entity.__specs__
    found: dict[str, FieldSpec] = {}
    levels = {name: classification.levels.get(f"{entity.__name__}.{s.graphql}") for name, s in entity.__specs__.items()}
    currency = entity.__specs__.get("currency")
    seen = _levelled(currency, levels["currency"], {}, classification).read if currency else None
    for name, spec in entity.__specs__.items():
        if spec.proposed is not None:
            held = {key: classified(REGISTRY[key[0]], classification)[one.name] for key, one in spec.proposed.items()}
            found |= completed({name: spec}, held)
            continue
        found[name] = _with_currency(
            _summing(entity, _levelled(spec, levels[name], found, classification), classification), seen
        )
    return found | {one.column: _added(one) for one in classification.custom if one.entity == entity.__name__}


def _summing(entity: type[Entity], spec: FieldSpec, classification: Classification) -> FieldSpec:
    """A sum is not seen where what it sums is not: of one line, it is that line's amount."""
    part = sums.part(entity, spec)
    if part is None or spec.read is None:
        return spec
    return replace(spec, read=replace(spec.read, level=max(spec.read.level, requires_of(part, classification))))


def requires_of(part: sums.Part, classification: Classification) -> Level:
    """The clearance that reading what is summed needs, in an organisation that classifies fields so."""
    return classified(part.entity, classification)[part.spec.name].requires


def known_fields(fields: Fields, highest: int) -> Fields:
    """Without the custom fields above the highest clearance a caller has on any row: to them these have no name."""
    unknown = [name for name, spec in fields.items() if spec.custom and (not spec.read or spec.read.level > highest)]
    return {name: spec for name, spec in fields.items() if name not in unknown} if unknown else fields


def _added(field: CustomField) -> FieldSpec:
    """A field of the organisation's own, in its slot."""
    return FieldSpec(
        field.column,
        KINDS[field.kind][0],
        True,
        field.description,
        Read(field.read),
        Write(field.write),
        field.filter,
        field.sort,
        False,
        None,
        None,
        False,
        label=field.name,
        search=Search("D") if field.search else None,
        choices=field.choices,
    )


def _with_currency(spec: FieldSpec, currency: Read | None) -> FieldSpec:
    """An amount is not seen where its currency is not: declarations and documents say so, and here it holds."""
    if spec.kind is not kinds.MONEY or spec.read is None or currency is None or currency.level <= spec.read.level:
        return spec
    return replace(spec, read=replace(spec.read, level=currency.level))


def _made_of(figure: Figure, classification: Classification) -> list[Level]:
    """The levels of what a figure is made of, in an organisation that classifies fields so."""
    found = (figures.made_of(coordinate) for coordinate in figure.of)
    return [classified(entity, classification)[spec.name].requires for entity, spec in found]


def _levelled(spec: FieldSpec, levels: Levels | None, known: Fields, classification: Classification) -> FieldSpec:
    """A shipped field at the organisation's levels; a computed one at the highest of its inputs."""
    if spec.sql is not None and spec.read is not None:
        reads = [one.level for one in (known[name].read for name in spec.inputs) if one is not None]
        if spec.figure is not None:
            reads += [spec.figure.read.level, *_made_of(spec.figure, classification)]
        return replace(spec, read=replace(spec.read, level=max(reads, default=INTERNAL)))
    if levels is None or spec.read is None:
        return spec
    read = _read(spec.read, levels)
    write = replace(spec.write, level=levels.write) if spec.write and levels.write else spec.write
    return replace(spec, read=read, write=write)


def _read(read: Read, levels: Levels) -> Read:
    level = levels.read or read.level
    return replace(read, level=level, mask=read.mask if level.below() is not None else None)
