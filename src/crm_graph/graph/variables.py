"""Variables: split into a shape, which decides the SQL, and leaves, which are bound to it.

A reader is made once for each variable of an operation. It checks and converts what a request sends and says its
shape: null or not, which keys an input object has, what kind of record an id names, and the very value where that
changes the statement (a direction, a page size, a boolean). Requests of one shape share one plan.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    VariableDefinitionNode,
    type_from_ast,
    value_from_ast_untyped,
)

from crm_graph import kinds
from crm_graph.db import ids
from crm_graph.declaration import CHOICES
from crm_graph.errors import CrmError, VariableInvalid
from crm_graph.kinds import Kind
from crm_graph.plan.selection import Const, Leaf, Value
from crm_graph.plan.signatures import ENUMERATIONS

Shape = str | tuple["Shape", ...] | bool | int | None
"""Hashable; see `rebuild` for what each form stands for."""

Read = Callable[[object, list[object]], Shape]
"""Checks one value, appends its leaves, returns its shape."""

MAX_LIST, MAX_STRUCTURES = 1000, 100
ABSENT = "absent"
_WORDS = frozenset({"OrderDirection", "Grouping", "DateGrouping"})
"""Enumerations whose very value decides the SQL."""
_LEAF = "leaf"


@cache
def _kind(name: str) -> Kind:
    named = {k.name: k for k in (kinds.STRING, kinds.INT, kinds.BOOLEAN, *kinds.SCALARS)}
    named |= {k.name: k for k in CHOICES.values()} | ENUMERATIONS
    return named[name]


def reader(schema: GraphQLSchema, definition: VariableDefinitionNode, *, decides: bool) -> tuple[str, Read]:
    """The name of a declared variable and what reads it; `decides` when its value is a page size."""
    name = definition.variable.name.value
    declared = type_from_ast(schema, definition.type)
    default = value_from_ast_untyped(definition.default_value) if definition.default_value else ABSENT
    read = _reader(declared, decides=decides)  # type: ignore[arg-type]
    required = isinstance(declared, GraphQLNonNull) and default is ABSENT

    def read_variable(value: object, leaves: list[object]) -> Shape:
        if value is ABSENT:
            if required:
                raise VariableInvalid(f"Variable ${name} is missing.", variable=name)
            if default is ABSENT:
                return ABSENT
            value = default
        try:
            return read(value, leaves)
        except ValueError as error:
            raise VariableInvalid(f"Variable ${name}: {error}.", variable=name) from None
        except CrmError as error:
            error.extensions.setdefault("variable", name)
            raise

    return name, read_variable


def _reader(declared: GraphQLInputType, *, decides: bool) -> Read:
    if isinstance(declared, GraphQLNonNull):
        inner = _reader(declared.of_type, decides=decides)

        def read_required(value: object, leaves: list[object]) -> Shape:
            if value is None:
                raise ValueError("null is not allowed")
            return inner(value, leaves)

        return read_required
    if isinstance(declared, GraphQLList):
        return _list_reader(declared)
    if isinstance(declared, GraphQLInputObjectType):
        return _object_reader(declared)
    return _leaf_reader(declared, decides=decides)


def _leaf_reader(declared: GraphQLInputType, *, decides: bool) -> Read:
    name = getattr(declared, "name", "")
    if name == "ID":
        return _read_id
    kind, constant = None if name in _WORDS else _kind(name), decides or name == "Boolean" or name in _WORDS
    members = frozenset(declared.values) if isinstance(declared, GraphQLEnumType) else frozenset()

    def read(value: object, leaves: list[object]) -> Shape:
        if value is None:
            return None
        if kind is None and not (isinstance(value, str) and value in members):
            raise ValueError(f"one of {', '.join(sorted(members))} is needed")
        parsed = value if kind is None else kind.parse(value)
        if constant:
            return ("const", parsed)  # type: ignore[return-value]
        leaves.append(parsed)
        return _LEAF

    return read


def _read_id(value: object, leaves: list[object]) -> Shape:
    if value is None:
        return None
    prefix, uuid = (
        ids.decode(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else ids.decode("")
    )
    leaves.append(uuid)
    return ("id", prefix)


def _list_reader(declared: "GraphQLList[GraphQLInputType]") -> Read:
    inner, required = declared.of_type, False
    if isinstance(inner, GraphQLNonNull):
        inner, required = inner.of_type, True
    read_item = _reader(inner, decides=False)
    named = getattr(inner, "name", "")
    structured = isinstance(inner, GraphQLInputObjectType | GraphQLList) or named == "Boolean" or named in _WORDS
    limit = MAX_STRUCTURES if structured else MAX_LIST

    def read(value: object, leaves: list[object]) -> Shape:
        if value is None:
            return None
        items = value if isinstance(value, list) else [value]
        if len(items) > limit:
            raise ValueError(f"a list of at most {limit} is taken")
        if any(item is None for item in items) and (required or not structured):
            raise ValueError("null is not allowed in the list")
        if structured:
            return ("list", *(read_item(item, leaves) for item in items))
        own: list[object] = []
        shapes = [read_item(item, own) for item in items]
        if getattr(inner, "name", "") != "ID":
            leaves.append(own)
            return _LEAF
        pairs = [(str(shape[1]), uuid) for shape, uuid in zip(shapes, own, strict=True) if isinstance(shape, tuple)]
        leaves.append(pairs)
        most = 1 << max(len(pairs) - 1, 0).bit_length()  # few plans for all lengths
        return ("ids", most, *sorted({prefix for prefix, _ in pairs}))

    return read


def _object_reader(declared: GraphQLInputObjectType) -> Read:
    readers: dict[str, Read] = {}  # filled when first used: input types refer to themselves

    def read(value: object, leaves: list[object]) -> Shape:
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise ValueError(f"an object of type {declared.name} is needed")  # noqa: TRY004 - a fault of the value
        for name, field in declared.fields.items():
            if name not in value and isinstance(field.type, GraphQLNonNull):
                raise ValueError(f"{declared.name}.{name} is missing")
        if declared.is_one_of and (len(value) != 1 or None in value.values()):
            raise ValueError(f"{declared.name} takes exactly one field")
        shape: list[Shape] = ["object"]
        for name in sorted(value):
            if name not in readers:
                if name not in declared.fields:
                    raise ValueError(f"{declared.name} has no field {name[:80]!r}")
                readers[name] = _reader(declared.fields[name].type, decides=False)
            shape.append((name, readers[name](value[name], leaves)))
        return tuple(shape)

    return read


def rebuild(shape: Shape, numbers: Iterator[int]) -> Value:  # noqa: PLR0911 - one return a form
    """The value the planner sees: the structure of the shape with its leaves, in the order they were read."""
    match shape:
        case None:
            return None
        case "leaf":
            return Leaf(next(numbers))
        case ("const", value):
            return Const(value)
        case ("id", str() as prefix):
            return Leaf(next(numbers), (prefix,))
        case ("ids", int() as most, *prefixes):
            return Leaf(next(numbers), tuple(str(p) for p in prefixes), most)
        case ("list", *items):
            return [rebuild(item, numbers) for item in items]
        case ("object", *entries):
            found: dict[str, Value] = {}
            for entry in entries:
                assert isinstance(entry, tuple)
                found[str(entry[0])] = rebuild(entry[1], numbers)
            return found
    raise AssertionError(f"no such shape: {shape!r}")
