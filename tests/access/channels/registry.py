"""The registry of channels, and the probe that each of them is given: who asks, about what, and what must hold."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from crm_graph.entity import REGISTRY
from tests.access.asking import global_id
from tests.access.interpreter import LEVELS, Caller, Field, Matrix, Row, fields
from tests.access.masks import check_cell
from tests.access.secrets import World
from tests.fixtures.api import Answer, Api

Channel = Callable[["Probe"], Awaitable[None]]
CHANNELS: dict[str, Channel] = {}
"""Every channel by name."""
CUSTOM_CHANNELS: dict[str, Channel] = {}
"""Those by which a custom field could reach a caller, asked in a world where every entity that takes some has some."""


def channel(name: str, *, custom: bool = False) -> Callable[[Channel], Channel]:
    """Register a way to ask; `custom`: about the fields of `Probe.own`."""
    channels = CUSTOM_CHANNELS if custom else CHANNELS

    def register(function: Channel) -> Channel:
        assert name not in channels, name
        channels[name] = function
        return function

    return register


@dataclass
class Probe:
    """A role asking about an entity. Whatever is answered is searched for secrets that are not the caller's."""

    api: Api
    world: World
    role: str
    entity: str

    @property
    def matrix(self) -> Matrix:
        return self.world.rows.matrix

    @property
    def caller(self) -> Caller:
        return self.world.callers[self.role]

    @property
    def reached(self) -> bool:
        """Whether a row of the entity exists for the role."""
        return self.matrix.highest(self.role, self.entity) is not None

    @cached_property
    def fields(self) -> list[Field]:
        return fields(self.entity)

    @cached_property
    def own(self) -> list[Field]:
        """The fields that the organisation has added to the entity."""
        return list(self.world.rows.own.get(self.entity, ()))

    @cached_property
    def hidden(self) -> list[Field]:
        """The fields that the role sees on no row."""
        return [one for one in self.fields if not self.matrix.sees(self.role, one)]

    @cached_property
    def visible(self) -> list[Row]:
        return self.world.rows.visible(self.caller, self.entity)

    def level(self, one: Field) -> str:
        """What a denial of the field says that it requires."""
        of_itself = not one.listed and not one.counted and not self.matrix.reads(self.role, one.entity, one)
        if one.to and not of_itself and self.matrix.highest(self.role, one.to) is None:
            return "RESTRICTED"
        return LEVELS[one.rank]

    def denials(self, chosen: Sequence[Field] | None = None) -> dict[str, str]:
        """The coordinates among these fields (of all) that are denied, with the levels they require."""
        return {one.coordinate: self.level(one) for one in (chosen or self.fields) if one in self.hidden}

    async def ask(self, query: str, variables: Mapping[str, object] | None = None) -> Answer:
        """Send an operation as the role; no byte of its answer may be a secret of others."""
        answer: Answer = await self.world.as_(self.api, self.role)(query, variables)
        return answer

    async def denied(self, query: str, variables: Mapping[str, object] | None, wanted: Mapping[str, str]) -> Answer:
        """Ask; exactly these coordinates are denied, each saying what it requires, and the rest is answered."""
        answer = await self.ask(query, variables)
        assert answer.status == 200, (query, answer.body)
        assert "data" in answer.json, (query, answer.body)
        assert set(answer.codes) <= {"FIELD_ACCESS_DENIED"}, (query, answer.body)
        assert all(error["locations"] for error in answer.errors)
        told = {e["extensions"]["coordinate"]: e["extensions"]["requires"] for e in answer.errors}
        assert told == wanted, (self.role, query, told, wanted)
        return answer

    async def predicate(self, query: str, refused: tuple[str, str] | None, variables: Any = None) -> None:
        """Ask with a predicate: refused as a whole before any statement, naming coordinate and level; or not at all."""
        answer = await self.ask(query, variables)
        if refused is None:
            assert answer.status == 200, (query, answer.body)
            assert not answer.errors, (self.role, query, answer.body)
            return
        assert answer.codes == ["PREDICATE_ACCESS_DENIED"], (self.role, query, answer.body)
        extensions = answer.errors[0]["extensions"]
        assert (extensions["coordinate"], extensions["requires"]) == refused, (self.role, query, answer.body)
        assert set(answer.json) == {"errors"}
        assert not answer.sql

    def refusal(self, one: Field) -> tuple[str, str] | None:
        """What a predicate over the field is refused with; of a list by a hidden reference, it names that one."""
        if one not in self.hidden:
            return None
        if one.listed and one.to and self.matrix.highest(self.role, one.to) is not None:
            [link] = [f for f in fields(one.to) if f.column == one.column and not f.listed and not f.counted]
            return link.coordinate, LEVELS[link.rank]
        return one.coordinate, self.level(one)

    def check_nodes(self, nodes: Sequence[Mapping[str, Any] | None], keys: Mapping[str, Field]) -> None:
        """Each cell of these nodes is plain, masked or null, as the clearance on its row says; `id` is among them."""
        rows = self.world.rows
        for node in nodes:
            assert node is not None
            row = rows.tables[self.entity][UUID(node["id"].partition("_")[2])]
            assert rows.clearance(self.caller, self.entity, row) is not None, f"{node['id']} does not exist for them"
            for key, one in keys.items():
                if one.listed or one.counted or (one.to and one in self.hidden):
                    assert node[key] is None or one not in self.hidden, (self.role, one.coordinate)
                elif one.to is None and not one.computed:
                    check_cell(one, rows.shows(self.caller, one, row), row, node[key])
                elif rows.shows(self.caller, one, row) == "hidden":
                    assert node[key] is None, (self.role, one.coordinate)

    def some_row(self) -> Row | None:
        """A row the caller sees; else any of the organisation, which they do not."""
        tables = self.world.rows.tables[self.entity].values()
        mine = (row for row in tables if row["organization_id"] == self.world.rows.organization)
        return self.visible[0] if self.visible else next(mine, None)

    def id_of(self, row: Row) -> str:
        return global_id(self.entity, row)

    @property
    def prefix(self) -> str:
        return REGISTRY[self.entity].__prefix__
