"""What is written by hand at the root of the API: its arguments and its result, read off the function's signature.

    @query(right=Right.POLICY_READ)
    async def access_policy(ask: Ask, version: Annotated[int | None, "Which one."] = None) -> AccessPolicyView | None:

Objects and inputs are frozen dataclasses whose fields carry their description the same way; their names are the
GraphQL names. Known besides: str, int, bool, Decimal, date, datetime, `Id`, enumerations, lists, and `None` beside any.
"""

import dataclasses
import datetime as dt
import enum
import inspect
import types
import typing
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, NewType

from crm_graph import kinds
from crm_graph.auth.levels import Category, Level
from crm_graph.auth.rights import Right
from crm_graph.auth.rows import Rule
from crm_graph.declaration import CHOICES
from crm_graph.kinds import Kind
from crm_graph.markers import Choice, DeclarationError, camel

if TYPE_CHECKING:
    from crm_graph.auth.actor import Actor
    from crm_graph.auth.sealing import Sealer
    from crm_graph.db.session import Transaction

Id = NewType("Id", str)
"""A global id as the API has it (`usr_…`)."""

NAMES: dict[type[enum.Enum], str] = {
    Level: "AccessLevel",
    Category: "FieldCategory",
    Right: "AccessRight",
    Rule: "RowRule",
}
"""Enumerations whose own name says too little in GraphQL."""


@dataclasses.dataclass(frozen=True, slots=True)
class Ask:
    """One request: who asks, and the transaction it runs in (of a query: one that cannot write)."""

    tx: "Transaction"
    actor: "Actor"
    request_id: str | None = None
    sealer: "Sealer | None" = None
    """For secrets that are kept to be read again; queries have none."""


@dataclasses.dataclass(frozen=True, slots=True)
class Member:
    """An argument, or a field of an object or input: `required` where it has no default."""

    name: str
    annotation: Any
    description: str
    required: bool

    @property
    def graphql(self) -> str:
        return camel(self.name)


@dataclasses.dataclass(frozen=True, slots=True)
class Signature:
    """A root field: its name in GraphQL, what it takes and what it answers."""

    name: str
    description: str
    arguments: tuple[Member, ...]
    result: Any


def signature(function: Callable[..., Any]) -> Signature:
    """The signature of a function whose first parameter is an `Ask`. Raises `DeclarationError`."""
    where = f"{function.__module__}.{function.__name__}"
    hints = typing.get_type_hints(function, include_extras=True)
    _, *parameters = inspect.signature(function).parameters.values()
    members = tuple(
        _member(where, p.name, hints[p.name], required=p.default is inspect.Parameter.empty) for p in parameters
    )
    if not (function.__doc__ or "").strip():
        raise DeclarationError(f"{where}: it has no description. Add a docstring; the API shows it.")
    return Signature(camel(function.__name__), inspect.getdoc(function) or "", members, hints["return"])


_MEMBERS: dict[object, tuple[Member, ...]] = {}


def members(cls: type[Any]) -> tuple[Member, ...]:
    """The fields of a declared object or input. Raises `DeclarationError`."""
    if cls not in _MEMBERS:
        hints = typing.get_type_hints(cls, include_extras=True)
        missing = dataclasses.MISSING
        _MEMBERS[cls] = tuple(
            _member(
                f"{cls.__module__}.{cls.__name__}",
                f.name,
                hints[f.name],
                required=f.default is missing and f.default_factory is missing,
            )
            for f in dataclasses.fields(cls)
        )
    return _MEMBERS[cls]


def _member(where: str, name: str, hint: Any, *, required: bool) -> Member:
    if typing.get_origin(hint) is not Annotated:
        raise DeclarationError(f'{where}.{name}: it has no description. Annotate it: Annotated[…, "What it is."].')
    annotation, description, *_ = typing.get_args(hint)
    return Member(name, annotation, str(description), required)


def unwrapped(annotation: Any) -> tuple[Any, bool]:
    """The annotation without `| None`, and whether it had it."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        rest = [a for a in typing.get_args(annotation) if a is not type(None)]
        return rest[0], len(rest) < len(typing.get_args(annotation))
    return annotation, False


def item(annotation: Any) -> Any | None:
    """What a list is of; `None` where the annotation is no list."""
    return typing.get_args(annotation)[0] if typing.get_origin(annotation) in (list, tuple) else None


_SIMPLE: dict[object, Kind] = {
    str: kinds.STRING,
    int: kinds.INT,
    bool: kinds.BOOLEAN,
    Decimal: kinds.DECIMAL,
    dt.datetime: kinds.DATETIME,
    dt.date: kinds.DATE,
    Id: kinds.ID,
    kinds.Amount: kinds.MONEY,
}


def kind_of(annotation: Any) -> Kind | None:
    """The kind of a plain value; `None` for an object."""
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return enumeration(annotation)
    return _SIMPLE.get(annotation)


@cache
def enumeration(members_of: type[enum.Enum]) -> Kind:
    """The kind of an enumeration: its members' names are its values."""
    if issubclass(members_of, Choice) and members_of in CHOICES:
        return CHOICES[members_of]
    name = NAMES.get(members_of, members_of.__name__)
    says = (inspect.getdoc(members_of) or name).splitlines()[0]
    found = kinds.choice(name, tuple(members_of.__members__), says)
    ENUMERATIONS[name] = found
    return found


ENUMERATIONS: dict[str, Kind] = {}
"""Those made by `enumeration`, by name."""
