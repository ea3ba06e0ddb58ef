"""The document in which an organisation says how its policy differs from the shipped one.

    {"roles": {"sales_rep": {"grants": {"Customer": [{"rule": "own", "read": "INTERNAL", "write": "INTERNAL"}]}},
               "auditor": {"custom": true, "extends": "service_agent", "rights": ["policy:read"]}},
     "levels": {"Customer.creditLimit": {"read": "RESTRICTED"}}}

Parsing never raises: what it does not understand is a `Problem` with its path, and is left out in the direction of
less access; a role that cannot be read grants nothing, whatever the shipped one does. Where a document is written, one
problem refuses it; where it is loaded, they are reported.
"""

import enum
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from crm_graph.auth.classification import Levels
from crm_graph.auth.default_policy import ENTITIES, ROLES
from crm_graph.auth.grants import Grant
from crm_graph.auth.levels import Category, Level
from crm_graph.auth.rights import RIGHTS, Right
from crm_graph.auth.rows import Rule
from crm_graph.errors import JSON

MOST_ROLES: Final = 100
MOST_LEVELS: Final = 5_000
MOST_GRANTS: Final = 30
LONGEST_LABEL: Final = 100
LONGEST_DESCRIPTION: Final = 1_000
ROLE_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
COORDINATE: Final = re.compile(r"([A-Z][A-Za-z0-9]{0,59})\.([a-z][A-Za-z0-9]{0,79})")
E = TypeVar("E", bound=enum.Enum)

Path = tuple[str, ...]
NOTHING: Final = Levels(Level.RESTRICTED, Level.RESTRICTED)
"""What a field falls back to whose levels cannot be read."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a document that makes no sense, or no longer does."""

    path: Path
    message: str


@dataclass(frozen=True, slots=True)
class RoleChange:
    """What a document says of a role. An entity it names has these grants and no others; `rights` as well, if given.

    `broken`: it cannot be read, and grants nothing.
    """

    label: str | None = None
    description: str | None = None
    extends: str | None = None
    grants: Mapping[str, tuple[Grant, ...]] = field(default_factory=dict)
    rights: frozenset[Right] | None = None
    custom: bool = False
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """How an organisation's policy differs from the shipped one: by role, and by field (`Customer.creditLimit`)."""

    roles: Mapping[str, RoleChange] = field(default_factory=dict)
    levels: Mapping[str, Levels] = field(default_factory=dict)
    broken: bool = False
    """It cannot be read: nobody is granted anything."""

    def to_json(self) -> dict[str, JSON]:
        """The document as it is stored; parsing it gives an equal one."""
        roles: dict[str, JSON] = {name: _role_json(role) for name, role in sorted(self.roles.items())}
        levels: dict[str, JSON] = {
            coordinate: {
                action: one.name for action, one in (("read", both.read), ("write", both.write)) if one is not None
            }
            for coordinate, both in sorted(self.levels.items())
        }
        return {"roles": roles, "levels": levels}


def broken(document: Document) -> Iterator[Problem]:
    """What of a parsed document must not be stored again: it denies, and would not any more."""
    if document.broken:
        yield Problem((), "the document in force cannot be read; go back to a version")
    for name, role in document.roles.items():
        if role.broken:
            yield Problem(("roles", name), "what is said of this role cannot be read; remove it first")


def parse(raw: object) -> tuple[Document, tuple[Problem, ...]]:
    """A document and what is wrong with it."""
    reading = _Reading([])
    given = reading.mapping(raw, ())
    reading.no_more(given, ("roles", "levels"), ())
    roles = reading.mapping(given.get("roles", {}), ("roles",))
    levels = reading.mapping(given.get("levels", {}), ("levels",))
    broken = bool(reading.problems)
    for key, found, most in (("roles", roles, MOST_ROLES), ("levels", levels, MOST_LEVELS)):
        if len(found) > most:
            reading.fault((key,), f"there are at most {most} of them")
    document = Document(
        {name: reading.role(name, one) for name, one in roles.items() if reading.names_role(name)},
        {name: reading.levels(name, one) for name, one in levels.items() if reading.names_field(name)},
        broken,
    )
    return document, tuple(reading.problems)


@dataclass(frozen=True, slots=True)
class _Reading:
    problems: list[Problem]

    def fault(self, path: Path, message: str) -> None:
        self.problems.append(Problem(tuple(part[:80] for part in path), message))

    def mapping(self, raw: object, path: Path) -> Mapping[str, object]:
        if isinstance(raw, Mapping):
            return raw
        self.fault(path, "an object is needed")
        return {}

    def no_more(self, given: Mapping[str, object], known: tuple[str, ...], path: Path) -> bool:
        unknown = sorted(given.keys() - set(known))
        for name in unknown:
            self.fault((*path, name), f"there is no such entry; there are {', '.join(known)}")
        return not unknown

    def names_role(self, name: str) -> bool:
        if ROLE_NAME.fullmatch(name):
            return True
        self.fault(
            ("roles", name), "a role's name has small letters, digits and _, at most 40, and begins with a letter"
        )
        return False

    def names_field(self, coordinate: str) -> bool:
        if COORDINATE.fullmatch(coordinate):
            return True
        self.fault(("levels", coordinate), "a field reads like Customer.creditLimit")
        return False

    def role(self, name: str, raw: object) -> RoleChange:
        path: Path = ("roles", name)
        known, given = len(self.problems), self.mapping(raw, path)
        self.no_more(given, ("custom", "label", "description", "extends", "grants", "rights"), path)
        custom = given.get("custom", False)
        if not isinstance(custom, bool):
            self.fault((*path, "custom"), "true or false is needed")
        if not custom and name not in ROLES:
            self.fault(path, "there is no shipped role of this name, and the role is not said to be custom")
        by_entity = self.mapping(given.get("grants", {}), (*path, "grants"))
        broken = len(self.problems) > known
        return RoleChange(
            self.text(given.get("label"), (*path, "label"), LONGEST_LABEL),
            self.text(given.get("description"), (*path, "description"), LONGEST_DESCRIPTION),
            self.extends(given.get("extends"), (*path, "extends"), custom=custom is True),
            {entity: self.grants(one, (*path, "grants", entity)) for entity, one in by_entity.items()},
            None if given.get("rights") is None else self.rights(given["rights"], (*path, "rights")),
            custom is True,
            broken,
        )

    def extends(self, raw: object, path: Path, *, custom: bool) -> str | None:
        if raw is None:
            return None
        if not custom:
            self.fault(path, "only a custom role extends another")
        elif isinstance(raw, str) and raw in ROLES:
            return raw
        else:
            self.fault(path, "there is no such shipped role")
        return None

    def text(self, raw: object, path: Path, longest: int) -> str | None:
        if raw is None:
            return None
        if isinstance(raw, str) and raw.strip() and len(raw) <= longest and raw.isprintable():
            return raw
        self.fault(path, f"a text of 1 to {longest} printable characters is needed")
        return None

    def rights(self, raw: object, path: Path) -> frozenset[Right]:
        found = set()
        for name in self.items(raw, path):
            if isinstance(name, str) and name in RIGHTS:
                found.add(Right(name))
            else:
                self.fault((*path, str(name)), f"there is no such right; there are {', '.join(sorted(RIGHTS))}")
        return frozenset(found)

    def items(self, raw: object, path: Path) -> list[object]:
        if isinstance(raw, list):
            return raw
        self.fault(path, "a list is needed")
        return []

    def grants(self, raw: object, path: Path) -> tuple[Grant, ...]:
        """The grants on an entity; one that cannot be read as a whole is left out as a whole."""
        entity = path[-1]
        if entity not in ENTITIES:
            self.fault(path, f"there is no entity {entity[:80]!r}")
        listed = self.items(raw, path)
        if len(listed) > MOST_GRANTS:
            self.fault(path, f"there are at most {MOST_GRANTS} grants")
        found: dict[tuple[Rule, frozenset[Category]], Grant] = {}
        for grant, place in self._grants(listed, path):
            same = grant.rule, grant.without
            if same in found:
                self.fault(place, f"the rule {grant.rule.value} is granted twice")
                continue
            found[same] = grant
        return tuple(found.values()) if entity in ENTITIES else ()

    def _grants(self, listed: list[object], path: Path) -> Iterator[tuple[Grant, Path]]:
        for number, one in enumerate(listed[:MOST_GRANTS]):
            place = (*path, str(number))
            known, given = len(self.problems), self.mapping(one, place)
            self.no_more(given, ("rule", "read", "write", "create", "delete", "assign", "without"), place)
            rule = self.member(Rule, given.get("rule"), (*place, "rule"), by_value=True)
            read = self.member(Level, given.get("read"), (*place, "read"))
            write = self.member(Level, given["write"], (*place, "write")) if given.get("write") is not None else None
            flags = {name: given.get(name, False) for name in ("create", "delete", "assign")}
            for name, value in flags.items():
                if not isinstance(value, bool):
                    self.fault((*place, name), "true or false is needed")
            without = {
                self.member(Category, c, (*place, "without"))
                for c in self.items(given.get("without") or [], (*place, "without"))
            }
            if write is None and any(flags.values()):
                self.fault((*place, "write"), "who creates, deletes or assigns records writes them up to a level")
            if rule is not None and read is not None and len(self.problems) == known:
                left_out = frozenset(c for c in without if c is not None)
                create, delete = flags["create"] is True, flags["delete"] is True
                assign = flags["assign"] is True
                yield Grant(rule, read, write, create, delete, without=left_out, assign=assign), place

    def member(self, of: type[E], raw: object, path: Path, *, by_value: bool = False) -> E | None:
        named = {str(one.value): one for one in of} if by_value else dict(of.__members__)
        if isinstance(raw, str) and raw in named:
            return named[raw]
        self.fault(path, f"one of {', '.join(named)} is needed")
        return None

    def levels(self, coordinate: str, raw: object) -> Levels:
        """The levels of a field; nobody but the highest clearance sees or writes it where they cannot be read."""
        path: Path = ("levels", coordinate)
        known, given = len(self.problems), self.mapping(raw, path)
        self.no_more(given, ("read", "write"), path)
        read, write = (
            self.member(Level, given[action], (*path, action)) if given.get(action) is not None else None
            for action in ("read", "write")
        )
        if len(self.problems) > known:
            return NOTHING
        return Levels(read, write)


def _role_json(role: RoleChange) -> JSON:
    found: dict[str, JSON] = {
        name: text
        for name, text in (("label", role.label), ("description", role.description), ("extends", role.extends))
        if text is not None
    }
    if role.custom:
        found["custom"] = True
    if role.grants:
        found["grants"] = {entity: [_grant_json(g) for g in grants] for entity, grants in sorted(role.grants.items())}
    if role.rights is not None:
        found["rights"] = [right.value for right in sorted(role.rights)]
    return found


def _grant_json(grant: Grant) -> JSON:
    found: dict[str, JSON] = {"rule": grant.rule.value, "read": grant.read.name}
    if grant.write is not None:
        found["write"] = grant.write.name
    for name, given in (("create", grant.create), ("delete", grant.delete), ("assign", grant.assign)):
        if given:
            found[name] = True
    if grant.without:
        found["without"] = [category.name for category in sorted(grant.without)]
    return found
