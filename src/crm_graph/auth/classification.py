"""What one organisation says about fields: other levels for shipped ones, and fields of its own.

Data only: what a field is beyond that is known above (`plan/access/fields.py` makes the fields of an entity from both).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from crm_graph.auth.levels import Level


@dataclass(frozen=True, slots=True)
class Levels:
    """Levels of a shipped field in one organisation; `None`: as shipped."""

    read: Level | None = None
    write: Level | None = None


@dataclass(frozen=True, slots=True)
class CustomField:
    """A field that an organisation has added to an entity. Its values are kept in `column`, one that is always there.

    `kind` names a kind of value; `choices` are the values it may have, where they are listed.
    """

    entity: str
    name: str
    kind: str
    column: str
    description: str
    read: Level
    write: Level
    filter: bool = False
    sort: bool = False
    choices: tuple[str, ...] = ()
    search: bool = False


@dataclass(frozen=True, slots=True)
class Classification:
    """The levels by coordinate (`Customer.creditLimit`) and the custom fields of an organisation.

    Equal ones have equal keys.
    """

    levels: Mapping[str, Levels] = field(default_factory=dict)
    custom: tuple[CustomField, ...] = ()
    key: str = ""

    @classmethod
    def of(cls, levels: Mapping[str, Levels], custom: tuple[CustomField, ...]) -> "Classification":
        if not levels and not custom:
            return SHIPPED
        text = repr((sorted(levels.items()), sorted(custom, key=lambda c: (c.entity, c.name))))
        return cls(levels, custom, hashlib.sha256(text.encode()).hexdigest()[:16])

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Classification) and other.key == self.key


SHIPPED = Classification()
"""An organisation that has changed nothing."""
