"""A compiled statement: SQL, where its parameters come from, and what the answer holds besides."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from crm_graph.auth.levels import Level
from crm_graph.auth.rights import Right
from crm_graph.db.lanes import Lane
from crm_graph.errors import JSON, CrmError, FieldAccessDenied
from crm_graph.plan.selection import Place
from crm_graph.plan.sql.parameters import Source
from crm_graph.plan.sql.proof import Proven


@dataclass(frozen=True, slots=True)
class Denial:
    """A place in the document whose field shows on no row the caller can see."""

    coordinate: str
    requires: Level | Right
    place: Place

    @property
    def needed(self) -> str:
        """The level or right that is missing, by name."""
        return self.requires.name if isinstance(self.requires, Level) else self.requires.value

    def to_graphql(self) -> dict[str, object]:
        """The error of this place; its path is given where no list stands in between."""
        error: dict[str, object] = {
            "message": f"You may not read {self.coordinate}.",
            "locations": [{"line": self.place.line, "column": self.place.column}],
            "extensions": {
                "code": FieldAccessDenied.code,
                "coordinate": self.coordinate,
                "requires": self.needed,
            },
        }
        if not self.place.in_list:
            error["path"] = list(self.place.path)
        return error

    def refusal(self) -> FieldAccessDenied:
        """The same as an error of the whole request, with its place."""
        at: JSON = [{"line": self.place.line, "column": self.place.column}]
        return FieldAccessDenied(
            f"You may not read {self.coordinate}.",
            coordinate=self.coordinate,
            requires=self.needed,
            locations=at,
        )


class AccessIncomplete(FieldAccessDenied):
    """A strict request selects what its caller may not see: nothing of it is carried out."""

    def __init__(self, denials: Sequence[Denial]) -> None:
        super().__init__(f"You may not read {denials[0].coordinate}.")
        self.denials = denials

    def each(self) -> Sequence[CrmError]:
        return [denial.refusal() for denial in self.denials]


@dataclass(frozen=True, slots=True)
class Statement:
    """One compiled operation. `sql` is proved to reach tables by the lens only, or empty when nothing has to be asked.

    The statement returns one JSON value: the data object, or, where there is a single root field, that field's value,
    which `before` and `after` complete to the response. `introspects`: the document also asks for the schema;
    `by_hand`: hand-written queries answer some of it.
    """

    sql: Proven
    sources: tuple[Source, ...]
    before: bytes
    after: bytes
    lane: Lane = Lane.GENERIC
    denials: tuple[Denial, ...] = ()
    introspects: bool = False
    by_hand: bool = False

    def response(self, value: bytes | None) -> bytes:
        """The whole response, around what the database answered."""
        return self.before + ((value or b"null") if self.sql else b"") + self.after


def errors_json(denials: Sequence[Denial]) -> bytes:
    """`,"errors":[…]` as it stands in the response; empty when nothing was denied."""
    return b',"errors":' + orjson.dumps([d.to_graphql() for d in denials]) if denials else b""
