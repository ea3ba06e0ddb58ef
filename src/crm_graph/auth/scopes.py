"""Scopes `resource:action[:level]` narrow what roles grant, and name the rights they leave; they never add to it."""

from dataclasses import dataclass
from functools import cache
from typing import Literal

from crm_graph.auth.levels import Level
from crm_graph.auth.names import snake
from crm_graph.auth.rights import RIGHTS
from crm_graph.errors import CrmError

Action = Literal["read", "write"]


class ScopeInvalid(CrmError):
    """A scope is not of the form `resource:action[:level]`."""

    code = "SCOPE_INVALID"


@dataclass(frozen=True, slots=True)
class Scopes:
    """A set of scopes; hashable, so that policies are resolved once per distinct set."""

    texts: frozenset[str]

    def level(self, entity: str, action: Action) -> Level | None:
        """Up to which level these scopes let `action` go on an entity; `None`: not at all.

        A write scope implies reading back at its own level; an omitted level means PARTNER.
        """
        found = [
            lvl
            for res, act, lvl in map(parse, self.texts - RIGHTS)
            if res in ("*", resource(entity)) and action in (act, "read")
        ]
        return max(found, default=None)


def parse(text: str) -> tuple[str, Action, Level]:
    """`customers:read:internal` → its three parts. Raises `ScopeInvalid`."""
    match text.split(":"):
        case [res, "read" | "write" as action] if res:
            return res, action, Level.PARTNER
        case [res, "read" | "write" as action, level] if res and level.upper() in Level.__members__:
            return res, action, Level[level.upper()]
    raise ScopeInvalid(f"{text[:80]!r} is not a scope; one reads `resource:read` or `resource:write:internal`.")


@cache
def resource(entity: str) -> str:
    """`KeyAccount` → `key_accounts`: the name a scope uses, which is the table's."""
    one = snake(entity)
    for end, ends in _IRREGULAR.items():
        if one.endswith(end):
            return one.removesuffix(end) + ends
    if one.endswith("y") and one[-2] not in "aeiou":
        return one[:-1] + "ies"
    return one + ("es" if one.endswith("s") else "s")


_IRREGULAR = {"criterion": "criteria", "person": "people"}
"""Words whose plural takes no s."""
