"""Reading what a caller wants written: raw input values become column values, or errors by field."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache, partial
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.classification import Classification
from crm_graph.db.ids import decode
from crm_graph.entity import REGISTRY, Entity
from crm_graph.errors import IdInvalid, WriteAccessDenied
from crm_graph.markers import camel
from crm_graph.plan.access.fields import classified
from crm_graph.plan.changes import UserError, invalid, reference_not_found
from crm_graph.specs import FieldSpec

OWN_COLUMNS = ("id", "version", "created_at", "updated_at")
"""What only the write path itself sets."""
_MASKING = "•"


@dataclass(slots=True)
class Draft:
    """Column values read from input. `given` are those the caller wrote, the rest are defaults."""

    values: dict[str, object]
    given: frozenset[str]
    currency: str | None = None
    errors: list[UserError] = field(default_factory=list)


def writable(spec: FieldSpec, *, system: bool) -> bool:
    """Whether anybody may give this field; an import (`system`) also those that only our own behaviour sets."""
    return spec.name not in OWN_COLUMNS and (spec.write is not None or (system and spec.read is not None))


@lru_cache(maxsize=4096)
def _inputs(entity: type[Entity], classification: Classification, system: bool) -> Mapping[str, FieldSpec]:
    """The fields that may be given, by their names in inputs."""
    specs = classified(entity, classification).values()
    return {spec.input: spec for spec in specs if spec.sql is None and writable(spec, system=system)}


def read_values(
    entity: type[Entity], classification: Classification, values: Mapping[str, object], *, system: bool = False
) -> Draft:
    """Read input values by input name. Every fault is collected, so that a caller can mend all at once."""
    specs, draft = _inputs(entity, classification, system), Draft({}, frozenset())
    given: list[str] = []
    for name, raw in values.items():
        spec = specs.get(name)
        if spec is None:
            draft.errors.append(UserError(WriteAccessDenied.code, f"{name[:80]} cannot be written.", (name[:80],)))
            continue
        given.append(spec.name)
        try:
            draft.values[spec.name] = _read(spec, raw, draft)
        except ValueError as error:
            draft.errors.append(invalid(_sentence(error), spec.input))
        except IdInvalid:
            draft.errors.append(reference_not_found(spec))
    draft.given = frozenset(given)
    stated = draft.values.get("currency")
    if draft.currency and isinstance(stated, str) and stated != draft.currency:
        draft.errors.append(invalid("All amounts of a record are in its one currency.", "currency"))
    draft.currency = draft.currency or (stated if isinstance(stated, str) else None)
    return draft


def _sentence(error: ValueError) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."


def _read(spec: FieldSpec, raw: object, draft: Draft) -> object:
    if raw is None:
        if not spec.nullable:
            raise ValueError("this cannot be empty")
        return None
    if spec.ref:
        return _reference(spec, raw)
    if spec.kind is kinds.MONEY:
        return _money(raw, draft)
    if isinstance(raw, dt.date | Decimal):  # a scalar that the edge has parsed already
        raw = str(raw) if isinstance(raw, Decimal) else raw.isoformat()
    value = spec.kind.parse(raw)
    if isinstance(value, str):
        _check_text(spec, value)
    if isinstance(value, dt.date) and spec.days is not None and (fault := spec.days.fault(value)):
        raise ValueError(fault)
    return value


def _check_text(spec: FieldSpec, value: str) -> None:
    if len(value) > spec.max_length:
        raise ValueError(f"at most {spec.max_length} characters are taken")
    if spec.read and spec.read.mask and _MASKING in value:
        raise ValueError("this is how a masked value is shown, not a value")
    if spec.choices and value not in spec.choices:
        raise ValueError("this is not one of its choices")
    if spec.required and not value.strip():
        raise ValueError("this cannot be blank")


def _reference(spec: FieldSpec, raw: object) -> UUID:
    """The row an id names; an id of another kind of record is answered as one that does not exist."""
    if isinstance(raw, UUID):
        return raw
    if not isinstance(raw, str):
        raise ValueError("an id is needed")  # noqa: TRY004 - a fault of the input, not of the program
    prefix, found = decode(raw)
    assert spec.ref is not None
    if prefix != REGISTRY[spec.ref.entity].__prefix__:
        raise IdInvalid("This is the id of another kind of record.")
    return found


def _money(raw: object, draft: Draft) -> Decimal:
    found = kinds.money(raw)
    if draft.currency not in (None, found.currency):
        raise ValueError("all amounts of a record are in its one currency")
    draft.currency = found.currency
    return found.amount


def with_defaults(entity: type[Entity], draft: Draft, currency: str) -> Draft:
    """The draft of a new row: what was not given takes its default; what has none and must be given is an error."""
    simple, made, required = _defaults(entity)
    values = {**simple, **draft.values}
    for name, make in made.items():
        if name not in draft.values:
            values[name] = make()
    errors = draft.errors
    absent = [name for name in required if name not in values]
    if absent:
        refused = {error.field[0] for error in errors if error.field}
        errors = [*errors, *(invalid("A value is needed.", f) for f in map(camel, absent) if f not in refused)]
    if "currency" in values and "currency" not in draft.values:
        values["currency"] = draft.currency or currency
    return Draft(values, draft.given, draft.currency, errors)


@lru_cache
def _defaults(
    entity: type[Entity],
) -> tuple[Mapping[str, object], Mapping[str, Callable[[], object]], tuple[str, ...]]:
    """Of a new row's fields: default values, those that are made anew for each row, and which have none."""
    infos = {name: info for name, info in entity.model_fields.items() if name not in (*OWN_COLUMNS, "organization_id")}
    simple = {n: i.default for n, i in infos.items() if not i.is_required() and i.default_factory is None}
    made = {
        n: partial(i.get_default, call_default_factory=True) for n, i in infos.items() if i.default_factory is not None
    }
    return simple, made, tuple(n for n, i in infos.items() if i.is_required())
