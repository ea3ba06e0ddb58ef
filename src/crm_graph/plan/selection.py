"""What the planner knows of an operation: a tree of fields, and values whose leaves are bound later.

The GraphQL edge makes these from the document (`graph/selection.py` is the only reader of its AST); a value that
came from a variable keeps its structure here, since structure decides the SQL, and has a `Leaf` where the data is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Leaf:
    """The value at `index` of the request's leaves: parsed, never null. `prefixes`: the kinds of id it holds."""

    index: int
    prefixes: tuple[str, ...] = ()
    many: int = 0
    """Of a list of ids: at most how many it holds."""


@dataclass(frozen=True, slots=True)
class Const:
    """A value written in the document, or one whose very value decides the SQL."""

    value: object


Value = Leaf | Const | list["Value"] | dict[str, "Value"] | None
"""An argument: null, a leaf, a constant, or a structure of them."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the document a field stands: response keys from the root, and the first line and column."""

    path: tuple[str, ...]
    line: int
    column: int
    in_list: bool = False


@dataclass(frozen=True, slots=True)
class Selected:
    """One field of the response: the key it answers under, and what is selected below it for a given type."""

    key: str
    name: str
    place: Place
    arguments: Mapping[str, Value] = field(default_factory=dict)
    on: Callable[[str], tuple["Selected", ...]] = lambda _type: ()
    plain: Callable[[Mapping[str, object]], dict[str, object]] = lambda _variables: {}
    """The arguments as plain JSON, given the request's variables: what a write takes."""
