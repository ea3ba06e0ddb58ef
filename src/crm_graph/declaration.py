"""Reading one field's declaration: its kind, its marks, and whether they make sense together."""

import enum
import inspect
import re
import types
import typing
from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlmodel import SQLModel

from crm_graph import kinds, slots, subjects
from crm_graph.auth.levels import INTERNAL
from crm_graph.auth.rows import Rows
from crm_graph.kinds import Kind
from crm_graph.markers import (
    Days,
    DeclarationError,
    Filter,
    Frozen,
    Matching,
    Read,
    Ref,
    Search,
    Sort,
    SumOf,
    Unique,
    Write,
)
from crm_graph.specs import Benchmark, Computed, FieldSpec, Figure


def where(cls: type) -> str:
    """The file and name of a declaration, for whoever has to mend it."""
    try:
        return f"{inspect.getsourcefile(cls)}: {cls.__name__}"
    except TypeError:
        return f"{cls.__module__}.{cls.__name__}"


def refuse(cls: type, field: str, fault: str, remedy: str) -> typing.NoReturn:
    """Raise `DeclarationError`: what is wrong with a field, and what to do about that, as sentences without a dot."""
    raise DeclarationError(f"{where(cls)}.{field}: {fault}. {remedy}.")


def benchmarks(cls: type[SQLModel], specs: Mapping[str, FieldSpec]) -> dict[str, Benchmark]:
    """The benchmarks that an entity declares, by name. Raises `DeclarationError`."""
    found = {name: one for name, one in vars(cls).items() if isinstance(one, Benchmark)}
    for name, one in found.items():
        fault = one.fault(specs, [other for other_name, other in found.items() if other_name != name])
        if fault is not None:
            refuse(cls, name, *fault)
    return found


def refuse_names(cls: type, names: Iterable[str]) -> None:
    """Refuse names that custom fields have in the API."""
    for name in filter(slots.NAME.fullmatch, names):
        refuse(cls, name, "names like xName are for the fields that organisations add", "Call it otherwise")


def check_frozen(
    cls: type, frozen: Frozen | None, specs: Mapping[str, FieldSpec], of: Mapping[str, FieldSpec] | None
) -> None:
    """Refuse a condition of freezing that makes no sense; `of` are the fields of what `frozen.of` refers to."""
    if frozen is None:
        return
    if frozen.of is not None and of is None:
        refuse(cls, "__frozen__", f"{frozen.of!r} is not a reference", "Name one of this entity")
    known = of if of is not None else specs
    for name in (*re.findall(r"\{(\w+)\}", frozen.when), *frozen.but):
        if name not in known:
            refuse(
                cls, "__frozen__", f"{name!r} is not a field", "Name fields of this entity, or of what `of` refers to"
            )


def spec_of(cls: type[SQLModel], name: str, rows: Rows) -> FieldSpec:
    """What is declared of one field. Raises `DeclarationError`."""
    info = cls.model_fields[name]
    kind, nullable = _kind(cls, name, info.annotation, info.metadata)
    for carrier in (
        m for m in info.metadata if hasattr(m, "sa_type")
    ):  # where SQLModel keeps what it knows of a column
        carrier.sa_type = kind.column()
    marks = info.metadata
    read = next((m for m in marks if isinstance(m, Read)), None)
    write = next((m for m in marks if isinstance(m, Write)), None)
    ref = next((m for m in marks if isinstance(m, Ref)), None)
    if read is not None and not (info.description or "").strip() and name != "id":
        refuse(cls, name, "a readable field has no description", "Write a docstring under it")
    if read is None and (Filter in marks or Sort in marks):
        refuse(cls, name, "it can be filtered or ordered by but has no level", "Add Read(LEVEL)")
    if ref is not None and not name.endswith("_id"):
        refuse(cls, name, "a reference's name ends in _id", f"Call it {name}_id")
    if kind is kinds.MONEY and "currency" not in cls.model_fields:
        refuse(cls, name, "money needs the currency its record is kept in", "Declare `currency: CurrencyCode`")
    if read is not None and read.mask is not None and read.level.below() is None:
        refuse(
            cls,
            name,
            "a mask shows below the field's level, and nothing is below PUBLIC",
            "Raise the level or drop the mask",
        )
    days = next((m for m in marks if isinstance(m, Days)), None)
    if days is not None and kind is not kinds.DATE:
        refuse(cls, name, f"it says which days it may be and is of type {kind.name}", "Drop Days, or declare a date")
    fault = subjects.fault(rows, kind, read, write, ref)
    if fault is not None:
        refuse(cls, name, *fault)
    if read is not None and read.mask is not None and (kind.name not in read.mask.kinds or kind.choices):
        refuse(
            cls,
            name,
            f"the mask {read.mask.name} does not fit values of type {kind.name}",
            f"It is for {', '.join(read.mask.kinds)}; use another mask or none",
        )
    return FieldSpec(
        name,
        kind,
        nullable,
        (info.description or "Global id.").strip(),
        read,
        write,
        Filter in marks,
        Sort in marks,
        Unique in marks,
        ref,
        next((m for m in marks if isinstance(m, Matching)), None),
        info.is_required() and not nullable,
        search=next((m for m in marks if isinstance(m, Search)), None),
        days=days,
        sum_of=next((m for m in marks if isinstance(m, SumOf)), None),
    )


def _kind(cls: type, name: str, annotation: object, metadata: list[object]) -> tuple[Kind, bool]:
    nullable = False
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        members = [a for a in typing.get_args(annotation) if a is not type(None)]
        nullable = len(members) < len(typing.get_args(annotation))
        annotation = members[0]
    if typing.get_origin(annotation) is typing.Annotated:
        annotation, *inner = typing.get_args(annotation)
        metadata = [*inner, *metadata]
    named = next((m for m in metadata if isinstance(m, Kind)), None)
    if named is not None:
        return named, nullable
    if annotation is UUID:
        return kinds.ID, nullable
    if isinstance(annotation, type) and issubclass(annotation, enum.StrEnum):
        return choice_kind(annotation), nullable
    if annotation in kinds.BY_PYTHON:
        return kinds.BY_PYTHON[annotation], nullable
    refuse(cls, name, f"there is no kind of value for {annotation!r}", "Use a type of crm_graph.kinds or a Choice")


CHOICES: dict[type[enum.StrEnum], Kind] = {}


def choice_kind(members: type[enum.StrEnum]) -> Kind:
    """The kind of an enumeration, which is the same wherever it is used."""
    if members not in CHOICES:
        CHOICES[members] = kinds.choice(
            members.__name__, tuple(m.value for m in members), inspect.getdoc(members) or members.__name__
        )
    return CHOICES[members]


def computed(cls: type[SQLModel], name: str, found: Computed, specs: Mapping[str, FieldSpec]) -> FieldSpec:
    """A computed field: its level, and whether a person may read it of themselves, follow from what it is made of."""
    inputs = tuple(dict.fromkeys(re.findall(r"\{(\w+)\}", found.sql)))
    levels = []
    for one in inputs:
        read = specs[one].read if one in specs else None
        if read is None:
            refuse(
                cls,
                name,
                f"it is computed from {one!r}, which is not a readable field",
                "Name fields declared above it",
            )
        levels.append(read.level)
    reads = [read for i in inputs if (read := specs[i].read) is not None]
    categories = {read.category for read in reads if read.category}
    if len(categories) > 1:
        refuse(cls, name, f"it mixes the categories {', '.join(sorted(categories))}", "Compute it from one of them")
    read = Read(
        max(levels, default=INTERNAL),
        subject=all(read.subject for read in reads),
        category=next(iter(categories), None),
    )
    return FieldSpec(
        name, found.kind, True, found.description, read, None,
        found.filter, found.sort, False, None, None, False, found.sql, inputs,
    )  # fmt: skip


def figure(cls: type[SQLModel], name: str, found: Figure, specs: Mapping[str, FieldSpec]) -> FieldSpec:
    """A figure as a field, with its own level; that it is high enough is seen once all entities are declared."""
    used = " ".join((found.sql, *(condition for _, _, condition in found.tables)))
    inputs = tuple(one for one in dict.fromkeys(re.findall(r"\{(\w+)\}", used)) if one != "organization")
    for one in inputs:
        if one not in specs or specs[one].sql is not None:
            refuse(cls, name, f"it is reckoned from {one!r}, which is no column", "Name columns declared above it")
    return FieldSpec(
        name, found.kind, True, found.description, found.read, None,
        False, False, False, None, None, False, found.sql, inputs, figure=found,
    )  # fmt: skip
