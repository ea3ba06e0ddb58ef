"""What a write statement is known by, and what it is sent with."""

from dataclasses import dataclass

from crm_graph.auth.actor import Actor
from crm_graph.plan.changes import Action
from crm_graph.plan.sql.parameters import Source


@dataclass(frozen=True, slots=True)
class Shape:
    """What a statement's text depends on, beside the policy.

    `written` are columns an existing row takes, `inserted` those a new one takes, `fixed` those that an existing row
    must already have. `trusted` leaves the caller's grants out: our own behaviour writes, after its own checks.
    """

    entity: str
    action: Action
    written: tuple[str, ...] = ()
    inserted: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    by_key: bool = False
    team_default: bool = False
    trusted: bool = False
    guarded: bool = False
    """Whether it is refused on rows that are frozen (`Entity.__frozen__`)."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that may differ afterwards."""
        return tuple(dict.fromkeys((*self.written, *self.inserted)))


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with its parameters' sources; the leaves are those of `arguments`."""

    sql: str
    sources: tuple[Source, ...]

    def arguments(self, actor: Actor, rows: str, request_id: str | None, event: str | None) -> list[object]:
        """The values to send, for rows as JSON text."""
        leaves = (rows, request_id, event)
        return [source(leaves, actor) for source in self.sources]
