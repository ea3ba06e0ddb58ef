"""One grant: what a row rule gives a role on an entity."""

from dataclasses import dataclass

from crm_graph.auth.levels import Category, Level
from crm_graph.auth.rows import Rule


@dataclass(frozen=True, slots=True)
class Grant:
    """On the rows `rule` reaches: fields up to `read` are read, fields up to `write` are written."""

    rule: Rule
    read: Level
    write: Level | None = None
    create: bool = False
    delete: bool = False
    subject: Level = Level.RESTRICTED
    """How high the view of oneself reaches; scopes lower it."""
    without: frozenset[Category] = frozenset()
    """Categories of fields that it does not reach, whatever their level."""
    assign: bool = False
    """Whether what says whose the row is (owner, team, partner) may be changed."""
    subject_write: Level | None = Level.RESTRICTED
    """How high changes of oneself reach, where fields allow them; scopes lower it."""

    def union(self, other: "Grant") -> "Grant":
        """What someone has who holds both; rule and categories left out must be the same."""
        writes = [w for w in (self.write, other.write) if w is not None]
        return Grant(
            self.rule,
            max(self.read, other.read),
            max(writes) if writes else None,
            self.create or other.create,
            self.delete or other.delete,
            max(self.subject, other.subject),
            self.without,
            self.assign or other.assign,
            max((w for w in (self.subject_write, other.subject_write) if w is not None), default=None),
        )
