"""The one declaration: an entity's class says its columns, keys, levels, filters, order and references.

    class Customer(Entity, table=True):
        name: str = attr(Read(PUBLIC), Write(INTERNAL), Filter, Sort)
        \"\"\"Name as the customer writes it.\"\"\"

From it come the table and its history, the GraphQL type, its connection, filter, order and inputs, and what
the planner and the access matrix know. Nothing about a field is written anywhere else.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from pydantic import ConfigDict
from sqlmodel import Field, SQLModel

from crm_graph import kinds, subjects, tables
from crm_graph.auth.levels import INTERNAL, PUBLIC
from crm_graph.auth.rows import AUDIENCES, Rows
from crm_graph.auth.scopes import resource
from crm_graph.db.ids import uuid7
from crm_graph.declaration import benchmarks, check_frozen, computed, figure, refuse, refuse_names, spec_of, where
from crm_graph.markers import (
    Change,
    Choice,
    Days,
    DeclarationError,
    Filter,
    Frozen,
    Marker,
    Matching,
    Proposed,
    Read,
    Ref,
    Search,
    Sort,
    SumOf,
    Unique,
    Write,
    camel,
)
from crm_graph.specs import Back, Benchmark, Computed, FieldSpec, Figure, RelatedCount

__all__ = [
    "REGISTRY",
    "Benchmark",
    "Change",
    "Choice",
    "Computed",
    "Days",
    "DeclarationError",
    "Entity",
    "FieldSpec",
    "Figure",
    "Filter",
    "Frozen",
    "Matching",
    "Proposed",
    "Read",
    "Ref",
    "RelatedCount",
    "Search",
    "Sort",
    "SumOf",
    "Unique",
    "Write",
    "attr",
    "backs",
    "seal",
    "table_name",
    "table_of",
]


def attr(*markers: Marker, **options: Any) -> Any:
    """Declare a field: `Field` of SQLModel (its options apply), with what callers may do with it."""
    info = Field(**options)
    info.metadata = [*info.metadata, *markers]
    return info


REGISTRY: dict[str, "type[Entity]"] = {}
"""Every entity by name, in order of declaration."""


class Entity(SQLModel):
    """A row of one organisation, keyed `(organization_id, id)`, with version, times and an external id."""

    model_config = ConfigDict(use_attribute_docstrings=True)  # type: ignore[assignment]

    __rows__: ClassVar[Rows] = Rows()
    __prefix__: ClassVar[str] = ""
    """Three letters that begin the global id of every row."""
    __shares__: ClassVar[str | None] = None
    """Of a share (`schema/shares.py`): the column that names the row it shares."""
    __unexposed__: ClassVar[tuple[str, ...]] = ()
    """Columns that nobody reads by themselves, on purpose."""
    __indexes__: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Further indexes, each after `organization_id`; `-name` is descending."""
    __checks__: ClassVar[Mapping[str, str]] = {}
    """Conditions that always hold, by name."""
    __imported__: ClassVar[bool] = True
    """Whether files may be imported as such records; not where a mutation must look at each."""
    __events__: ClassVar[Mapping[str, str]] = {}
    """What events are called that are not called after what was done: {"created": "placed"} for `order.placed`."""
    __frozen__: ClassVar[Frozen | None] = None
    """When generated mutations no longer change or delete a record; verbs still move it."""
    __custom__: ClassVar[bool] = False
    """Whether organisations may add fields of their own (slots.py)."""
    __specs__: ClassVar[dict[str, FieldSpec]]
    __counts__: ClassVar[dict[str, RelatedCount]]
    __benchmarks__: ClassVar[dict[str, Benchmark]] = {}
    __history__: ClassVar[sa.Table]

    organization_id: UUID = Field(primary_key=True, sa_type=sa.Uuid)
    id: UUID = attr(Read(PUBLIC), Filter, Sort, default_factory=uuid7, primary_key=True)
    """Global id."""
    version: int = attr(Read(INTERNAL), default=1)
    """How often the record was written."""
    created_at: datetime = attr(Read(PUBLIC), Filter, Sort, default_factory=lambda: datetime.now(UTC))
    """When the record was created here."""
    updated_at: datetime = attr(Read(INTERNAL), Filter, Sort, default_factory=lambda: datetime.now(UTC))
    """When the record was last written."""
    source: str | None = attr(Read(INTERNAL), Write(INTERNAL, create_only=True), Filter, default=None)
    """The system the record came from, where it came from one."""
    external_id: str | None = attr(Read(INTERNAL), Write(INTERNAL, create_only=True), Filter, default=None)
    """The record's key in that system; unique within it."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Collect the specs before SQLAlchemy builds the table, so that constraints can still be added."""
        super().__pydantic_init_subclass__(**kwargs)
        if "__prefix__" in vars(cls):  # SQLModel says that a class is a table only after this
            _declare(cls)


def table_of(entity: type[Entity]) -> sa.Table:
    """The entity's table; typed, which `__table__` is not."""
    found = entity.__table__  # type: ignore[attr-defined]
    assert isinstance(found, sa.Table)
    return found


def table_name(entity: type[Entity]) -> str:
    return resource(entity.__name__)


_BACKS: dict[str, dict[str, Back]] = {}


def backs(name: str) -> Mapping[str, Back]:
    """The lists an entity has through references from others, by GraphQL name."""
    return _BACKS.get(name, {})


def _refuse_prefix(cls: type[Entity]) -> None:
    if cls.__name__ in REGISTRY:
        raise DeclarationError(f"{where(cls)}: the entity is declared twice. Rename one of them.")
    if not re.fullmatch("[a-z]{3}", cls.__prefix__):
        refuse(cls, "__prefix__", "three small letters are needed to begin its ids", 'Set __prefix__ = "abc"')
    for other in REGISTRY.values():
        if other.__prefix__ == cls.__prefix__:
            refuse(cls, "__prefix__", f"ids of {other.__name__} begin so, too", "Choose other letters")


def _declare(cls: type[Entity]) -> None:
    _refuse_prefix(cls)
    if not (cls.__doc__ or "").strip() or cls.__doc__ == Entity.__doc__:
        refuse(cls, "__doc__", "the entity has no description", "Add a docstring; the API shows it")
    cls.__tablename__ = table_name(cls)
    specs = {name: spec_of(cls, name, cls.__rows__) for name in cls.model_fields if name != "organization_id"}
    for name, found in list(vars(cls).items()):
        if isinstance(found, Computed):
            specs[name] = computed(cls, name, found, specs)
        elif isinstance(found, Figure):
            specs[name] = figure(cls, name, found, specs)
        elif isinstance(found, Proposed):
            specs[name] = subjects.declared(name, found)
    currency = specs["currency"].read if "currency" in specs else None
    for name, spec in specs.items():
        if spec.search_fault:
            refuse(cls, name, *spec.search_fault)
        if spec.kind is kinds.MONEY and spec.read and (currency is None or currency.level > spec.read.level):
            refuse(cls, name, "it is seen where its currency is not", "Raise its level or lower the currency's")
    cls.__specs__ = specs
    cls.__counts__ = {n: c for n, c in vars(cls).items() if isinstance(c, RelatedCount)}
    cls.__benchmarks__ = benchmarks(cls, specs)
    refuse_names(cls, (*(s.graphql for s in specs.values()), *map(camel, cls.__counts__)))
    entrusting = cls.__rows__.entrusts.columns if cls.__rows__.entrusts else ()
    audience = cls.__rows__.audience
    for column in (*cls.__rows__.columns(), cls.__rows__.published, audience, *entrusting):
        if column and column not in specs:
            refuse(cls, "__rows__", f"{column!r} is not a field", "Name a column of this entity")
    if audience and specs[audience].kind.choices != AUDIENCES:
        refuse(cls, audience, "it is no audience", f"Let its choices be {', '.join(AUDIENCES)}")
    frozen = cls.__frozen__
    of = specs[frozen.of].ref if frozen is not None and frozen.of is not None and frozen.of in specs else None
    check_frozen(cls, frozen, specs, REGISTRY[of.entity].__specs__ if of else None)
    REGISTRY[cls.__name__] = cls


def seal() -> None:
    """Finish the model once every entity is declared: derived columns, histories, back references.

    Raises `DeclarationError` for a reference to nothing, or two lists of one name.
    """
    changed = subjects.changed({name: cls.__specs__ for name, cls in REGISTRY.items()})
    for cls in REGISTRY.values():
        cls.__specs__ = subjects.completed(cls.__specs__, changed)
        table = table_of(cls)
        if f"{table.name}_history" in table.metadata.tables:
            continue
        tables.complete(
            table,
            cls.__specs__.values(),
            cls.__indexes__,
            cls.__checks__,
            cls.__rows__.columns(),
            custom=cls.__custom__,
        )
        for spec in cls.__specs__.values():
            if spec.ref:
                _link(cls, spec, spec.ref)
        cls.__history__ = tables.history(table)


def _link(cls: type[Entity], spec: FieldSpec, ref: Ref) -> None:
    if ref.entity not in REGISTRY:
        refuse(
            cls, spec.name, f"it refers to {ref.entity!r}, which is not an entity", f"Use one of {', '.join(REGISTRY)}"
        )
    if ref.same is not None and not all(ref.same in one.__specs__ for one in (cls, REGISTRY[ref.entity])):
        refuse(cls, spec.name, f"{ref.same!r} is not a field of both records", "Name a reference that both have")
    if ref.back is None:
        return
    known = _BACKS.setdefault(ref.entity, {})
    name, target = camel(ref.back), REGISTRY[ref.entity]
    back = Back(name, cls.__name__, spec.name, f"{(cls.__doc__ or '').strip().splitlines()[0]}")
    refuse_names(cls, [name])
    if known.get(name, back) != back or ref.back in target.__specs__:
        refuse(cls, spec.name, f"{ref.entity} already has something called {name!r}", "Give `back` another name")
    known[name] = back
