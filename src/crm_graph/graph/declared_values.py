"""Values of what is written by hand: arguments from plain JSON, results to JSON as they are selected."""

import dataclasses
import datetime as dt
import enum
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from crm_graph import kinds
from crm_graph.errors import VariableInvalid
from crm_graph.plan.selection import Selected
from crm_graph.plan.signatures import Member, item, kind_of, members, unwrapped


def arguments(wanted: Sequence[Member], given: Mapping[str, object], path: str = "") -> dict[str, Any]:
    """Python arguments by name; those not given are left to their defaults. Raises `VariableInvalid`."""
    found: dict[str, Any] = {}
    for one in wanted:
        if one.graphql in given and (given[one.graphql] is not None or unwrapped(one.annotation)[1]):
            found[one.name] = _value(one.annotation, given[one.graphql], f"{path}{one.graphql}")
        elif one.required:
            raise VariableInvalid(f"{path}{one.graphql} is missing.")
    return found


def _value(annotation: Any, given: object, path: str) -> Any:
    inner, optional = unwrapped(annotation)
    if given is None:
        if optional:
            return None
        raise VariableInvalid(f"{path} cannot be null.")
    inside = item(inner)
    if inside is not None:
        return [_value(inside, one, path) for one in (given if isinstance(given, list) else [given])]
    kind = kind_of(inner)
    if kind is None:
        assert isinstance(inner, type)
        assert dataclasses.is_dataclass(inner)
        if not isinstance(given, Mapping):
            raise VariableInvalid(f"{path}: an object is needed.")
        return inner(**arguments(members(inner), given, f"{path}."))
    try:
        parsed = kinds.money(given) if kind is kinds.MONEY else kind.parse(given)
    except ValueError as error:
        raise VariableInvalid(f"{path}: {error}.") from None
    return inner[str(parsed)] if isinstance(inner, type) and issubclass(inner, enum.Enum) else parsed


def shown(value: object, selected: Selected) -> object:
    """A result as JSON, with the fields selected of its objects."""
    if isinstance(value, list | tuple):
        return [shown(one, selected) for one in value]
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        name, names = type(value).__name__, {m.graphql: m.name for m in members(type(value))}
        return {
            s.key: name if s.name == "__typename" else shown(getattr(value, names[s.name]), s)
            for s in selected.on(name)
        }
    assert value is None or isinstance(value, str | int | float | bool), type(value)
    return value
