"""What policies come to for each entity, field and action, by which rules; and what changes from one to another."""

import enum
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from crm_graph.auth.grants import Grant
from crm_graph.auth.levels import Category, Level
from crm_graph.auth.policy import Policy
from crm_graph.auth.rows import PARTS, Rule
from crm_graph.entity import REGISTRY, Entity
from crm_graph.plan.access.fields import fields_of
from crm_graph.plan.access.lens import Lens
from crm_graph.plan.access.matrix import Sight, sight
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.access.write_access import level_to_write, may_assign
from crm_graph.plan.policies.check import reaches
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.specs import FieldSpec


class AccessAction(enum.StrEnum):
    """What may be done with a field, or (create, delete, assign) with a record."""

    READ = enum.auto()
    FILTER = enum.auto()
    WRITE = enum.auto()
    CREATE = enum.auto()
    DELETE = enum.auto()
    ASSIGN = enum.auto()


class AccessOutcome(enum.IntEnum):
    """What it comes to on the rows that the caller sees; ordered."""

    NO = 0
    """On no row."""
    MASKED = 1
    """Masked, at most."""
    BY_ROW = 2
    """On some rows, or not on all in the same way."""
    YES = 3
    """On every row."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell; `rules` are those that give it in full where they reach a row. `field` is `None` for records."""

    entity: str
    field: str | None
    action: AccessAction
    outcome: AccessOutcome
    rules: tuple[Rule, ...]
    partly: tuple[Rule, ...] = ()
    """The rules that give at least a mask."""

    @property
    def key(self) -> tuple[str, str | None, AccessAction]:
        return self.entity, self.field, self.action

    def wider(self, other: "Cell") -> bool:
        """Whether it gives anything that the other does not; outcomes alone do not tell, where other rows are seen."""
        if not (_covers(other.rules, self.rules) and _covers(other.partly, self.partly)):
            return True
        return self.outcome > other.outcome and (self.rules, self.partly) == (other.rules, other.partly)


def _covers(rules: tuple[Rule, ...], others: tuple[Rule, ...]) -> bool:
    return Rule.EVERYONE in rules or {*others} <= {*rules}


def matrix(policy: Policy) -> tuple[Cell, ...]:
    """All cells of a policy."""
    lenses = {name: open_lens(entity, policy, Parameters(), "t") for name, entity in REGISTRY.items()}
    return tuple(cell for entity in REGISTRY.values() for cell in _of_entity(entity, policy, lenses))


def of_entity(entity: type[Entity], policy: Policy) -> tuple[Cell, ...]:
    """The cells of one entity."""
    names = {entity.__name__, *(spec.ref.entity for spec in fields_of(entity, policy).values() if spec.ref)}
    lenses = {name: open_lens(REGISTRY[name], policy, Parameters(), "t") for name in names}
    return tuple(_of_entity(entity, policy, lenses))


def _of_entity(entity: type[Entity], policy: Policy, lenses: Mapping[str, Lens | None]) -> Iterator[Cell]:
    name, lens = entity.__name__, lenses[entity.__name__]
    specs = fields_of(entity, policy)
    whole = [(AccessAction.CREATE, _created), (AccessAction.DELETE, _deleted)]
    if any(_moves(entity, spec) for spec in specs.values()):
        whole.append((AccessAction.ASSIGN, _written if may_assign(policy) else _assigned))
    for action, level in whole:
        granted = _Granted(policy, level, _written)
        yield Cell(name, None, action, granted.outcome(entity, None, 1), granted.rules(entity, None, 1))
    writing, reading = _Granted(policy, _written, _written), _Granted(policy, _seen, _seen)
    for spec in specs.values():
        if spec.read is None:
            continue
        category, field = spec.read.category, spec.graphql
        read = _OUTCOMES[sight(lens, lenses[spec.ref.entity] if spec.ref else None, spec)]
        rules = reading.rules(entity, category, spec.read.level)
        below = spec.read.level.below() if spec.read.mask else None
        partly = reading.rules(entity, category, below) if below else rules
        yield Cell(name, field, AccessAction.READ, read, rules, partly)
        if spec.filter or spec.ref:
            yield Cell(name, field, AccessAction.FILTER, read, rules, partly)
        if spec.write:
            need = level_to_write(spec)
            outcome = writing.outcome(entity, category, need)
            yield Cell(name, field, AccessAction.WRITE, outcome, writing.rules(entity, category, need))


_OUTCOMES = {
    Sight.HIDDEN: AccessOutcome.NO,
    Sight.MASKED: AccessOutcome.MASKED,
    Sight.ROWS: AccessOutcome.BY_ROW,
    Sight.VALUE: AccessOutcome.YES,
}


@dataclass(frozen=True, slots=True)
class _Granted:
    """What grants give that is not read: a level on the rows they reach."""

    policy: Policy
    level: Callable[[Grant], Level | None]
    whole: Callable[[Grant], Level | None]
    """Which of the clearances on its whole a part has to do with."""

    def rules(self, entity: type[Entity], category: Category | None, need: int) -> tuple[Rule, ...]:
        found = {g.rule for g, low, high in self._reached(entity, category) if high >= need}
        return tuple(rule for rule in Rule if rule in found)

    def outcome(self, entity: type[Entity], category: Category | None, need: int) -> AccessOutcome:
        reached = [(low, high) for _, low, high in self._reached(entity, category)]
        if max((low for low, _ in reached), default=0) >= need:
            return AccessOutcome.YES
        return AccessOutcome.BY_ROW if max((high for _, high in reached), default=0) >= need else AccessOutcome.NO

    def _reached(self, entity: type[Entity], category: Category | None) -> Iterator[tuple[Grant, int, int]]:
        """The grants that can reach a row, with the least and the most they give where they are looked at."""
        wholes = _Granted(self.policy, self.whole, self.whole)
        for grant in self.policy.on(entity.__name__):
            level = self.level(grant)
            if level is None or category in grant.without or not reaches(grant.rule, entity.__rows__):
                continue
            if grant.rule not in PARTS:
                yield grant, level if grant.rule is Rule.EVERYONE else 0, level
                continue
            parent = entity.__specs__[entity.__rows__.parent or ""]
            assert parent.ref is not None
            above = [(low, high) for _, low, high in wholes._reached(REGISTRY[parent.ref.entity], category)]
            low = max((low for low, _ in above), default=0)
            high = min(level, max((high for _, high in above), default=0))
            whole = grant.rule is Rule.PARENT and not parent.nullable
            if high:
                yield grant, min(level, low) if whole else 0, high


def _written(grant: Grant) -> Level | None:
    return grant.write


def _created(grant: Grant) -> Level | None:
    return grant.write if grant.create else None


def _deleted(grant: Grant) -> Level | None:
    return grant.read if grant.delete else None


def _assigned(grant: Grant) -> Level | None:
    return grant.write if grant.assign else None


def _moves(entity: type[Entity], spec: FieldSpec) -> bool:
    """Whether writing the field changes by which rules a record is reached."""
    return spec.name in entity.__rows__.columns() and spec.write is not None and not spec.write.create_only


def _seen(grant: Grant) -> Level | None:
    return grant.read


@dataclass(frozen=True, slots=True)
class CellChange:
    """A cell that differs between two policies of a role."""

    role: str
    before: Cell
    after: Cell

    @property
    def widens(self) -> bool:
        return self.after.wider(self.before)


def changes(role: str, before: Policy, after: Policy) -> list[CellChange]:
    """The cells that differ."""
    if before.key == after.key:
        return []
    known: Mapping[object, Cell] = {cell.key: cell for cell in matrix(before)}
    return [
        CellChange(role, known.get(cell.key, _nothing(cell)), cell)
        for cell in matrix(after)
        if known.get(cell.key) != cell
    ]


def _nothing(cell: Cell) -> Cell:
    return Cell(cell.entity, cell.field, cell.action, AccessOutcome.NO, ())
