"""Making Strawberry types from data: classes first, their fields later, so that nothing refers forward."""

import inspect
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import strawberry

Made = type[Any]


@dataclass(frozen=True, slots=True)
class FieldOf:
    """One field of a type to make: its annotation, GraphQL name, description and arguments."""

    annotation: Any
    name: str
    description: str
    arguments: Mapping[str, Any] | None = None


KEY_SAYS = "Of your making: a repeated request with the same key and input is answered, not carried out, for 24 hours."
"""What `idempotencyKey` is, for readers of the schema."""
ONCE_SAYS = "Told in this answer and never again, nor to a repeated request; null where there is none."


def titled(mutation: str) -> str:
    """`winOpportunity` → `WinOpportunity`: what the names of its input and its payload begin with."""
    return mutation[0].upper() + mutation[1:]


def payload_type(mutation: str) -> str:
    """The name of the type of what a mutation answers."""
    return f"{titled(mutation)}Payload"


def maybe(annotation: Any) -> Any:
    """A type or null."""
    return annotation | None


def listed(annotation: Any) -> Any:
    """A list of a type."""
    return list[annotation]


def shell(name: str, *bases: type) -> Made:
    """A class without fields, to be completed."""
    return types.new_class(name, bases)


def field(annotation: Any, name: str, description: str, arguments: Mapping[str, Any] | None = None) -> FieldOf:
    return FieldOf(annotation, name, description, arguments)


def object_type(cls: Made, fields: Mapping[str, FieldOf], description: str) -> Made:
    _attach(cls, fields)
    return strawberry.type(cls, description=description)


def interface_type(cls: Made, fields: Mapping[str, FieldOf], description: str) -> Made:
    _attach(cls, fields)
    return strawberry.interface(cls, description=description)


def input_type(cls: Made, fields: Mapping[str, FieldOf], description: str, *, one_of: bool = False) -> Made:
    """An input type. A field whose annotation allows none may be left out."""
    cls.__annotations__ = {_safe(n): f.annotation for n, f in fields.items()}
    for python_name, one in fields.items():
        optional = type(None) in getattr(one.annotation, "__args__", ())
        default = {"default": strawberry.UNSET} if optional else {}
        setattr(cls, _safe(python_name), strawberry.field(name=one.name, description=one.description, **default))
    return strawberry.input(cls, description=description, one_of=one_of or None)


def _attach(cls: Made, fields: Mapping[str, FieldOf]) -> None:
    cls.__annotations__ = {_safe(n): f.annotation for n, f in fields.items() if f.arguments is None}
    for python_name, one in fields.items():
        if one.arguments is None:
            setattr(cls, _safe(python_name), strawberry.field(name=one.name, description=one.description))
        else:
            setattr(cls, _safe(python_name), _planned(one))


def _planned(one: FieldOf) -> Any:
    """A field with arguments that the planner answers: its resolver only carries the signature and never runs."""

    def stub(**_arguments: object) -> NoReturn:
        raise AssertionError(f"{one.name} is answered by the planner")

    parameters = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=strawberry.UNSET
            if type(None) in getattr(_bare(annotation), "__args__", ())
            else inspect.Parameter.empty,
            annotation=annotation,
        )
        for name, annotation in (one.arguments or {}).items()
    ]
    stub.__signature__ = inspect.Signature(parameters, return_annotation=one.annotation)  # type: ignore[attr-defined]
    stub.__annotations__ = {**(one.arguments or {}), "return": one.annotation}
    return strawberry.field(resolver=stub, name=one.name, description=one.description)


def _bare(annotation: Any) -> Any:
    return annotation.__origin__ if hasattr(annotation, "__metadata__") else annotation


def _safe(name: str) -> str:
    """Python's key words (`in`, `not`) and pydantic's own names cannot be attributes."""
    return f"{name}_"
