"""What a role should see, worked out naively from `matrix.txt` and the fields' declared levels.

Nothing of `crm_graph.auth` or `crm_graph.plan` is imported here: this is the second opinion on what they decide.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from crm_graph import schema  # noqa: F401 - declares the entities
from crm_graph.entity import REGISTRY, backs

LEVELS = ("PUBLIC", "PARTNER", "INTERNAL", "CONFIDENTIAL", "RESTRICTED")
ROLES = (
    "administrator",
    "sales_manager",
    "sales_rep",
    "service_agent",
    "partner_rep",
    "partner_admin",
    "customer",
    "storefront",
)
DELEGATE = "delegate"
"""Not a role: a customer who acts for a company or household."""
SECOND_PARTNER = "other_partner_rep"
"""Not a role: a partner's rep who looks after a customer together with another partner."""
_STAND_FOR = {DELEGATE: "customer", SECOND_PARTNER: "partner_rep"}
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Field:
    """What is declared about one GraphQL field. `rank` is its level's place in LEVELS; `to` the entity it leads to."""

    entity: str
    name: str
    column: str
    rank: int
    mask: str | None = None
    subject: bool = False
    money: bool = False
    filters: bool = False
    orders: bool = False
    to: str | None = None
    listed: bool = False
    counted: bool = False
    computed: bool = False
    category: str | None = None
    changed: bool = False
    """By the person it is about."""

    @property
    def masked(self) -> bool:
        return self.mask is not None

    @property
    def coordinate(self) -> str:
        return f"{self.entity}.{self.name}"


@cache
def fields(entity: str) -> list[Field]:
    """All levelled fields of an entity: its columns, references, lists and counts."""
    found = [
        Field(
            entity,
            spec.graphql,
            spec.name,
            LEVELS.index(spec.read.level.name),
            spec.read.mask.name if spec.read.mask else None,
            spec.read.subject,
            spec.kind.name == "Money",
            spec.filter or spec.ref is not None,
            spec.sort,
            spec.ref.entity if spec.ref else None,
            computed=spec.sql is not None,
            category=spec.read.category.value if spec.read.category else None,
            changed=spec.write is not None and spec.write.subject is not None,
        )
        for spec in REGISTRY[entity].__specs__.values()
        if spec.read is not None and spec.proposed is None  # a value of another field: see tests/resolvers/changes
    ]
    lists = {back.name: _through(entity, back.name, back.entity, back.column) for back in backs(entity).values()}
    counts = [
        Field(
            entity,
            _camel(name),
            lists[c.back].column,
            lists[c.back].rank,
            to=lists[c.back].to,
            counted=True,
            subject=lists[c.back].subject,
        )
        for name, c in REGISTRY[entity].__counts__.items()
    ]
    return [*found, *lists.values(), *counts]


def proposed(entity: str) -> list[str]:
    """The fields that hold values of other fields."""
    return [spec.graphql for spec in REGISTRY[entity].__specs__.values() if spec.proposed is not None]


def _through(entity: str, name: str, other: str, column: str) -> Field:
    """A list: seen by who sees the column of the other entity that leads here."""
    [link] = [f for f in fields_of_columns(other) if f.column == column]
    return Field(entity, name, column, link.rank, subject=link.subject, to=other, listed=True, filters=True)


@cache
def fields_of_columns(entity: str) -> list[Field]:
    return [
        Field(entity, s.graphql, s.name, LEVELS.index(s.read.level.name), subject=s.read.subject)
        for s in REGISTRY[entity].__specs__.values()
        if s.read is not None
    ]


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)


@dataclass(frozen=True)
class Caller:
    """Who asks, as far as row rules care."""

    role: str
    user: UUID | None = None
    teams: frozenset[UUID] = frozenset()
    partner: UUID | None = None
    customer: UUID | None = None

    @property
    def grantees(self) -> frozenset[UUID]:
        return frozenset(g for g in (self.user, self.partner, *self.teams) if g)


class Granted(NamedTuple):
    """A line of the file: up to which rank a rule's rows are seen, but for fields of some categories."""

    rule: str
    rank: int
    write: int | None = None
    create: bool = False
    delete: bool = False
    without: frozenset[str] = frozenset()


def _granted(rule: str, level: str, words: list[str]) -> Granted:
    unknown = [w for w in words if w not in ("write", "create", "delete") and not w.startswith(("-", "write:"))]
    if unknown:
        raise ValueError(f"matrix.txt: {unknown}")
    writes = [level if w == "write" else w.removeprefix("write:") for w in words if w.startswith("write")]
    return Granted(
        rule,
        LEVELS.index(level),
        LEVELS.index(writes[0]) if writes else None,
        "create" in words,
        "delete" in words,
        frozenset(w[1:] for w in words if w.startswith("-")),
    )


@dataclass
class Matrix:
    """The file: (role, entity) → grants, and entity → how its rules find their rows."""

    granted: dict[tuple[str, str], list[Granted]] = field(default_factory=dict)
    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    reached: dict[str, set[str]] = field(default_factory=dict)
    """By entity: the parts that a share of one of its rows reaches."""
    withheld: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By entity: the column and value of rows that no share shows to a partner they are not of."""
    delegated: set[str] = field(default_factory=set)
    """The entities whose fields about oneself a delegate sees."""

    def of(self, role: str, entity: str, category: str | None = None) -> list[tuple[str, int]]:
        """The rules a role has on an entity, with their ranks; only those that do not leave the category out."""
        return [(one.rule, one.rank) for one in self.lines(role, entity) if category not in one.without]

    def lines(self, role: str, entity: str) -> list[Granted]:
        role = _STAND_FOR.get(role, role)
        return self.granted.get((role, entity)) or self.granted.get((role, "*")) or []

    def highest(self, role: str, entity: str, category: str | None = None) -> int | None:
        """The rank a role may reach on some row of an entity; `None`: no row of it exists for them.

        With a category: for fields of that category.
        """
        found = (self._most(role, entity, category, *g) for g in self.of(role, entity, category))
        return max((rank for rank in found if rank is not None), default=None)

    def _most(self, role: str, entity: str, category: str | None, rule: str, rank: int) -> int | None:
        if rule not in ("parent", "published_part"):
            return rank
        whole = self.highest(role, self.parent(entity)[1], category)
        return None if whole is None else min(rank, whole)

    def writes(self, role: str, entity: str) -> int | None:
        """The rank up to which a role may write on some row; `None`: nowhere."""
        found = (self._writes_at_most(role, entity, one) for one in self.lines(role, entity))
        return max((rank for rank in found if rank is not None), default=None)

    def _writes_at_most(self, role: str, entity: str, one: Granted) -> int | None:
        if one.rule not in ("parent", "published_part") or one.write is None:
            return one.write
        whole = self.writes(role, self.parent(entity)[1])
        return None if whole is None else min(one.write, whole)

    def creates(self, role: str, entity: str) -> bool:
        return any(one.create for one in self.lines(role, entity))

    def parent(self, entity: str, rule: str = "parent") -> tuple[str, str]:
        column, _, whole = self.columns[entity][rule].partition(":")
        return column, whole

    def is_subject(self, role: str, entity: str) -> bool:
        """Whether all the rows a role has of an entity are about the caller."""
        if role == DELEGATE and entity not in self.delegated:
            return False
        rules = [rule for rule, rank in self.of(role, entity) if self._most(role, entity, None, rule, rank) is not None]
        return bool(rules) and all(
            rule == "self" or (rule in ("parent", "published_part") and self.is_subject(role, self.parent(entity)[1]))
            for rule in rules
        )

    def sees(self, role: str, one: Field) -> bool:
        """Whether a role sees a field, perhaps masked, on some row: then it may be selected, filtered and ordered by."""
        if one.listed or one.counted:
            assert one.to is not None
            return self.highest(role, one.entity) is not None and self.reads(role, one.to, one)
        return self.reads(role, one.entity, one) and (one.to is None or self.highest(role, one.to) is not None)

    def reads(self, role: str, entity: str, one: Field) -> bool:
        """Whether a role sees a column's value on some row of an entity, wherever it leads."""
        if self.highest(role, entity) is None:
            return False
        if one.subject and self.is_subject(role, entity):
            return True
        highest = self.highest(role, entity, one.category)
        return highest is not None and one.rank - one.masked <= highest


MATRIX = Path(__file__).with_name("matrix.txt")


def read_matrix(path: Path = MATRIX) -> Matrix:
    matrix = Matrix()
    for line in path.read_text(encoding="utf-8").splitlines():
        match line.partition("#")[0].split():
            case ["rows", entity, *rules]:
                matrix.columns[entity] = dict(rule.split("=") for rule in rules)
            case ["delegates", *entities]:
                matrix.delegated = set(entities)
            case ["withheld", entity, what]:
                column, _, value = what.partition("=")
                matrix.withheld[entity] = (column, value)
            case ["shares", entity, *parts]:
                matrix.reached[entity] = set(parts)
            case [role, entity, rule, level, *words]:
                matrix.granted.setdefault((role, entity), []).append(_granted(rule, level, words))
            case []:
                pass
            case _:
                raise ValueError(f"matrix.txt: {line!r}")
    return matrix


@dataclass
class Rows:
    """The database as plain rows, by table and id, and what each caller sees of each row."""

    matrix: Matrix
    tables: Mapping[str, Mapping[UUID, Row]]
    organization: UUID
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    own: Mapping[str, Iterable[Field]] = field(default_factory=dict)
    """Fields that the organisation has added, by entity."""
    _shares: dict[str, dict[UUID, list[Row]]] = field(default_factory=dict)

    def clearance(
        self, caller: Caller, entity: str, row: Row, category: str | None = None, *, shares: bool = True
    ) -> int | None:
        """The highest rank that any rule gives the caller on a row; `None`: the row does not exist for them.

        With a category: that rules give which do not leave it out. Without `shares` as if nobody had shared it: what
        its parts go by that a share does not reach.
        """
        if row["organization_id"] != self.organization:
            return None
        rules = self.matrix.of(caller.role, entity, category)
        ranks = (
            self._rank(caller, entity, row, category, rule, rank) for rule, rank in rules if shares or rule != "shared"
        )
        return max((r for r in ranks if r is not None), default=None)

    def _rank(  # noqa: PLR0911 - one return a rule
        self, caller: Caller, entity: str, row: Row, category: str | None, rule: str, rank: int
    ) -> int | None:
        if rule == "everyone":
            return rank
        columns = self.matrix.columns[entity]
        if rule in ("parent", "published_part"):
            column, whole = self.matrix.parent(entity, rule)
            above = self.tables[whole].get(row[column])
            if above is None or (rule == "published_part" and not row[columns["published"]]):
                return None
            partner = row[columns["partner"]] if "partner" in columns else None
            what, value = self.matrix.withheld.get(entity, ("id", None))
            common = partner is None and row[what] != value
            elsewhere = caller.partner is not None and partner != caller.partner and not common
            shares = entity in self.matrix.reached.get(whole, set()) and not elsewhere
            of_whole = self.clearance(caller, whole, above, category, shares=shares)
            return None if of_whole is None else min(rank, of_whole)
        if rule == "shared":
            levels = (LEVELS.index(s["level"]) for s in self._valid(columns["shared"], row["id"], caller))
            return max((min(rank, level) for level in levels), default=None)
        if rule in ("published", "for_customers", "for_partners", "for_staff"):
            column, _, audiences = columns[rule].partition(":")
            return rank if (row[column] in audiences.split(",") if audiences else row[column]) else None
        if rule == "self":
            who, _, column = columns[rule].partition(":")
            mine = caller.user if who == "user" else caller.customer
            return rank if mine is not None and row[column] == mine else None
        wanted = {"own": {caller.user}, "team": caller.teams, "partner": {caller.partner}}[rule]
        value = row[columns[rule]]
        return rank if value is not None and value in wanted else None

    def _valid(self, where: str, row: UUID, caller: Caller) -> Iterator[Row]:
        table, _, column = where.partition(".")
        if table not in self._shares:
            entity = {"customer_shares": "CustomerShare", "opportunity_shares": "OpportunityShare"}.get(
                table, "KeyAccountShare"
            )
            by_row: dict[UUID, list[Row]] = {}
            for share in self.tables[entity].values():
                by_row.setdefault(share[column], []).append(share)
            self._shares[table] = by_row
        for share in self._shares[table].get(row, ()):
            grantee = share["user_id"] or share["team_id"] or share["partner_id"]
            if grantee in caller.grantees and share["valid_from"] <= self.now < share["valid_until"]:
                yield share

    def shows(self, caller: Caller, one: Field, row: Row) -> str:
        """How a row's own field shows: `plain`, `masked`, `hidden`; or `absent`, where the row does not exist."""
        if self.clearance(caller, one.entity, row) is None:
            return "absent"
        if one.subject and self.matrix.is_subject(caller.role, one.entity):
            return "plain"
        clearance = self.clearance(caller, one.entity, row, one.category)
        if clearance is None:
            return "hidden"
        if one.rank <= clearance:
            return "plain"
        return "masked" if one.masked and one.rank - 1 <= clearance else "hidden"

    def shows_proposed(self, caller: Caller, entity: str, row: Row) -> str:
        """How a proposed value shows: as the field it is a value of would, were it a field of this row."""
        of = [
            one
            for one in (fields(row["entity"]) if row["entity"] in REGISTRY else [])
            if one.name == row["field"] and one.changed
        ]
        return self.shows(caller, replace(of[0], entity=entity), row) if of else "hidden"

    def visible(self, caller: Caller, entity: str) -> list[Row]:
        return [row for row in self.tables[entity].values() if self.clearance(caller, entity, row) is not None]


def scalars(entity: str) -> Iterable[Field]:
    """The fields that have values of their own."""
    return (f for f in fields(entity) if f.to is None)
