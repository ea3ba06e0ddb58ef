"""Parts by their wholes: which of them a rule shows at some level, as conditions and as ids."""

from collections.abc import Callable
from dataclasses import dataclass

from crm_graph.auth.grants import Grant
from crm_graph.auth.levels import Category
from crm_graph.entity import Entity, table_name
from crm_graph.plan.access import sets
from crm_graph.plan.access.lens import Lens
from crm_graph.plan.sql.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Parts:
    """The rows of `alias` that a grant shows as their wholes are: those of the lens that `wholes` opens as a set.

    `through` is SQL over a part: whether shares of its whole reach it (`part_of_shared`); `wholes` takes the same.
    `published` is a further condition (` AND …` or empty).
    """

    entity: type[Entity]
    alias: str
    grant: Grant
    category: Category | None
    through: str
    published: str
    wholes: Callable[[str], Lens | None]
    parameters: Parameters

    def above(self, level: int) -> str:
        """As of a `Band`: true on those cleared up to a level or more."""
        if self.through in ("TRUE", "FALSE"):
            return f"({self._cleared(level, self.through)}{self.published})"
        # two sets that know nothing of the part, so that each is gathered once
        either = f"({self.through} AND {self._cleared(level, 'TRUE')}) OR {self._cleared(level, 'FALSE')}"
        return f"(({either}){self.published})"

    def _cleared(self, level: int, shares: str) -> str:
        many = self.wholes(shares)
        if many is None or many.band(self.category).highest < level:
            return "FALSE"
        cleared = f"{many.where()} AND {many.band(self.category).above(level)}"
        return f"({self._column} IN (SELECT {many.alias}.id FROM {many.source()} WHERE {cleared})) IS TRUE"

    def ids(self, least: int, under: int | None) -> str | None:
        """As `sets.ids` has it, of this grant alone."""
        if self.grant.read < least:
            return ""
        most = under if under is not None and self.grant.read >= under else None
        ways = []
        for condition, shares in self._ways():
            many = self.wholes(shares)
            found = "" if many is None else sets.ids(many, self.parameters, least, most) if many.rules else None
            if found is None:
                return None
            ways += [f"({condition}{self._column} IN ({found}))"] if found else []
        if not ways:
            return ""
        theirs = f"({' OR '.join(ways)}){self.published}"
        self.parameters.reaches(table_name(self.entity), self.alias, theirs)  # what one rule shows, the lens shows
        bound = f"{self.alias}.organization_id = {self.parameters.organization}"
        return f"SELECT {self.alias}.id FROM {table_name(self.entity)} {self.alias} WHERE {bound} AND {theirs}"

    @property
    def _column(self) -> str:
        return f"{self.alias}.{self.entity.__rows__.parent}"

    def _ways(self) -> tuple[tuple[str, str], ...]:
        """Through shares where they reach the part, and through the other rules everywhere."""
        if self.through in ("TRUE", "FALSE"):
            return (("", self.through),)
        return ((f"{self.through} AND ", "TRUE"), ("", "FALSE"))
