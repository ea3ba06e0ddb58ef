"""Where a caller may write: the grants of a policy, as SQL over one row.

Seeing is the lens's business (`lens.py`); this adds how much of a seen row may be written, and whether a row may be
made or removed. Each expression is total and reads only the row of `alias`, so that it also holds in RETURNING: what
it says there is about the row as the statement leaves it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from crm_graph.auth.grants import Grant
from crm_graph.auth.levels import Category, Level
from crm_graph.auth.policy import Policy
from crm_graph.auth.rights import Right
from crm_graph.auth.rows import PARTS, Rule, predicate, share_clearance
from crm_graph.entity import REGISTRY, Entity, table_name
from crm_graph.plan.access.shares import part_of_shared
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.specs import FieldSpec

NONE = "NULL::integer"
_Level = Callable[[Grant], Level | None]


@dataclass(frozen=True, slots=True)
class WriteAccess:
    """SQL over a row: the levels it may be read, written and created at (null: not at all), and whether removed.

    `assign` says whether it may be made somebody else's.
    """

    read: str
    write: str
    create: str
    delete: str
    assign: str


def write_access(
    entity: type[Entity],
    policy: Policy,
    parameters: Parameters,
    alias: str,
    category: Category | None = None,
    shares: str = "TRUE",
) -> WriteAccess:
    """Compile what a policy lets a caller do to a row of `entity`; with `category`, to its fields of that category."""
    rules = _Rules(entity, policy, parameters, alias, category, shares)
    return WriteAccess(
        read=rules.highest(lambda g: g.read, lambda whole: whole.read),
        write=rules.highest(lambda g: g.write, lambda whole: whole.write),
        create=rules.highest(lambda g: g.write if g.create else None, lambda whole: whole.write),
        delete=rules.highest(lambda g: g.read if g.delete else None, lambda whole: whole.write) + " IS NOT NULL",
        assign="TRUE"
        if may_assign(policy)
        else rules.highest(lambda g: g.write if g.assign else None, lambda whole: whole.write) + " IS NOT NULL",
    )


def level_to_write(spec: FieldSpec) -> Level:
    """The clearance that writing the field needs.

    Who sees a field masked cannot write the mask back, whatever an organisation has made of its write level.
    """
    assert spec.write is not None
    masked = spec.read is not None and spec.read.mask is not None
    return max(spec.write.level, spec.read.level) if masked and spec.read else spec.write.level


def may_assign(policy: Policy) -> bool:
    """Whether the caller may assign records wherever they may write, by a right of theirs."""
    return Right.RECORDS_ASSIGN in policy.rights


def highest_create(entity: type[Entity], policy: Policy) -> Level | None:
    """The most a caller may write on a row they make, whatever the row; `None`: they make none."""
    return max((g.write for g in policy.on(entity.__name__) if g.create and g.write is not None), default=None)


@dataclass(frozen=True, slots=True)
class _Rules:
    entity: type[Entity]
    policy: Policy
    parameters: Parameters
    alias: str
    category: Category | None
    shares: str

    def highest(self, level: _Level, of_whole: Callable[[WriteAccess], str]) -> str:
        """The highest level of the grants that reach the row, without those that leave the category out."""
        found = (
            self._reach(g, granted, of_whole)
            for g in self.policy.on(self.entity.__name__)
            if (granted := level(g)) is not None and self.category not in g.without
        )
        return _greatest(sql for sql in found if sql is not None)

    def _reach(self, grant: Grant, level: Level, of_whole: Callable[[WriteAccess], str]) -> str | None:
        rows, table = self.entity.__rows__, table_name(self.entity)
        if grant.rule in PARTS:
            return self._part(grant, level, of_whole)
        sql = predicate(grant.rule, rows, table, self.alias, self.parameters.organization, self.parameters.actor)
        if sql is None:
            return None
        if grant.rule is Rule.SHARED:
            if self.shares == "FALSE":
                return None
            shared = share_clearance(table, self.alias, self.parameters.organization, self.parameters.actor, level)
            return shared if self.shares == "TRUE" else f"CASE WHEN {self.shares} THEN {shared} END"
        return str(level.value) if sql == "TRUE" else f"CASE WHEN {sql} THEN {level.value} END"

    def _part(self, grant: Grant, level: Level, of_whole: Callable[[WriteAccess], str]) -> str | None:
        """A part is written as its whole is, up to the grant's level."""
        column = self.entity.__rows__.parent
        if column is None:
            return None
        ref = self.entity.__specs__[column].ref
        assert ref is not None
        parent, above = REGISTRY[ref.entity], f"{self.alias}w"
        through = part_of_shared(self.entity, self.policy, self.parameters, self.alias)
        whole = of_whole(write_access(parent, self.policy, self.parameters, above, self.category, through))
        if whole == NONE:
            return None
        published = f" AND {self.alias}.{self.entity.__rows__.published}" if grant.rule is Rule.PUBLISHED_PART else ""
        # least() ignores nulls, and no clearance on the whole is none on the part
        return (
            f"(SELECT CASE WHEN {whole} IS NOT NULL THEN least({level.value}, {whole}) END"
            f" FROM {table_name(parent)} {above} WHERE {above}.organization_id = {self.parameters.organization}"
            f" AND {above}.id = {self.alias}.{column}{published})"
        )


def _greatest(found: Iterable[str]) -> str:
    expressions = list(found)
    match expressions:
        case []:
            return NONE
        case [only]:
            return f"({only})"
        case _ if all(e.isdigit() for e in expressions):
            return str(max(map(int, expressions)))
    return f"greatest({', '.join(expressions)})"
