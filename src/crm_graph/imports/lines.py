"""One record on its way: what is to be written, and what was found wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from crm_graph.errors import ReferenceNotFound, ValueInvalid
from crm_graph.imports.cells import CellFault, cleaned, external_id, text_of, value_of
from crm_graph.imports.files import Record
from crm_graph.imports.mapping import FieldMapping, TableMapping
from crm_graph.imports.references import Candidate, nearest
from crm_graph.kinds import CURRENCY
from crm_graph.plan.changes import Effect, Outcome

SUGGESTED = 3
"""Nearest candidates that are reported."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a record was refused, or (`noted`) a field left empty. `value` is the text it is about."""

    code: str
    message: str
    field: str = ""
    value: str = ""
    candidates: tuple[Candidate, ...] = ()


@dataclass(slots=True)
class Line:
    """A record of a file and what becomes of it."""

    record: Record
    key: str = ""
    values: dict[str, object] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    notes: list[Fault] = field(default_factory=list)
    outcome: Outcome = field(default_factory=Outcome.refused)

    @property
    def effect(self) -> Effect:
        return Effect.REFUSED if self.faults else self.outcome.effect

    @property
    def row(self) -> UUID | None:
        return None if self.faults else self.outcome.id


def begin(table: TableMapping, record: Record) -> Line:
    """A record with its key."""
    line = Line(record)
    if record.fault:
        line.faults.append(Fault(ValueInvalid.code, f"The line cannot be read: {record.fault}."))
        return line
    line.texts = cleaned(table, record.values)
    line.key = external_id(table, line.texts)
    if not line.key:
        message = f"The record has no key: {', '.join(table.key)} is empty."
        line.faults.append(Fault(ValueInvalid.code, message, "externalId"))
    return line


def read(line: Line, fields: tuple[FieldMapping, ...], currency: str) -> None:
    """Read a record's own values; references are put in later, a chunk at a time."""
    if line.record.fault:
        return
    stated = next((f for f in fields if f.spec.kind is CURRENCY and f.spec.name == "currency"), None)
    for one in ([stated] if stated else []) + [f for f in fields if f is not stated]:
        if one.spec.ref:
            continue
        try:
            value = value_of(one, line.texts, currency)
        except CellFault as fault:
            line.faults.append(_fault(one, line.texts, fault.message, fault.value))
            continue
        if one is stated and isinstance(value, str):
            currency = value
        if value is not None or one.spec.nullable:
            line.values[one.spec.input] = value


def refer(
    line: Line, one: FieldMapping, found: list[UUID], text: str, candidates: tuple[Candidate, ...], target: str
) -> None:
    """Put a reference in, or say why it cannot be: it is never guessed."""
    if not text:
        if one.spec.nullable:
            line.values[one.spec.input] = None
        return
    if len(found) == 1:
        line.values[one.spec.input] = found[0]
        return
    message = f"{len(found)} records have this {target}." if found else f"No {target} is like this."
    fault = Fault(ReferenceNotFound.code, message, one.name, text, candidates)
    if one.origin.missing == "null" and one.spec.nullable:
        line.values[one.spec.input] = None
        line.notes.append(fault)
    else:
        line.faults.append(fault)


def conclude(line: Line, outcome: Outcome, fields: tuple[FieldMapping, ...]) -> None:
    """Take what the write path said, in the words of the mapping."""
    line.outcome = outcome
    by_input = {f.spec.input: f for f in fields}
    for error in outcome.errors:
        one = by_input.get(error.field[0]) if error.field else None
        if one is None:
            line.faults.append(Fault(error.code, error.message, ".".join(error.field)))
        else:
            line.faults.append(_fault(one, line.texts, error.message, text_of(one, line.texts), error.code))


def _fault(
    one: FieldMapping, texts: Mapping[str, str], message: str, value: str, code: str = ValueInvalid.code
) -> Fault:
    raw = texts.get(one.origin.column or "", value)
    known = [*one.origin.map, *one.spec.kind.choices, *one.spec.choices]
    return Fault(code, message, one.name, raw, nearest(raw, known, SUGGESTED) if raw and known else ())
