"""The plain server's loaders: one per kind of look-up, each answering all keys of a moment by one statement."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import aliased
from strawberry.dataloader import DataLoader

from benchmarks.data import ORGANIZATION

Sessions = async_sessionmaker[AsyncSession]
Batch = Callable[[list[UUID]], Awaitable[Sequence[Any]]]


class Loaders:
    """The loaders of one request, made when first asked for."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions
        self._made: dict[object, DataLoader[UUID, Any]] = {}

    def one(self, model: Any) -> DataLoader[UUID, Any]:
        """Records of a model by id."""
        return self._loader(("one", model), lambda: _one(self.sessions, model))

    def some(
        self,
        model: Any,
        column: str,
        order: Sequence[tuple[str, bool]],
        first: int,
        where: sa.ColumnElement[bool] | None = None,
    ) -> DataLoader[UUID, Any]:
        """The first records, in an order of (column, descending), whose column holds the key."""
        key = ("some", model, column, tuple(order), first, str(where))
        return self._loader(key, lambda: _some(self.sessions, model, column, order, first, where))

    def count(self, model: Any, column: str, where: sa.ColumnElement[bool]) -> DataLoader[UUID, Any]:
        """How many records whose column holds the key match."""
        return self._loader(("count", model, column, str(where)), lambda: _count(self.sessions, model, column, where))

    def _loader(self, key: object, make: Callable[[], Batch]) -> DataLoader[UUID, Any]:
        if key not in self._made:
            self._made[key] = DataLoader(load_fn=make())
        return self._made[key]


def _one(sessions: Sessions, model: Any) -> Batch:
    async def load(keys: list[UUID]) -> Sequence[Any]:
        async with sessions() as session:
            rows = await session.scalars(
                sa.select(model).where(model.organization_id == ORGANIZATION, model.id.in_(keys))
            )
            found = {row.id: row for row in rows}
        return [found.get(key) for key in keys]

    return load


def _some(
    sessions: Sessions,
    model: Any,
    column: str,
    order: Sequence[tuple[str, bool]],
    first: int,
    where: sa.ColumnElement[bool] | None,
) -> Batch:
    async def load(keys: list[UUID]) -> Sequence[Any]:
        by = [getattr(model, name).desc() if down else getattr(model, name) for name, down in order]
        place = sa.func.row_number().over(partition_by=getattr(model, column), order_by=by).label("place")
        inner = sa.select(model, place).where(model.organization_id == ORGANIZATION, getattr(model, column).in_(keys))
        ranked = (inner if where is None else inner.where(where)).subquery()
        row = aliased(model, ranked)
        statement = sa.select(row).where(ranked.c.place <= first).order_by(ranked.c.place)
        found: dict[UUID, list[Any]] = defaultdict(list)
        async with sessions() as session:
            for one in await session.scalars(statement):
                found[getattr(one, column)].append(one)
        return [found[key] for key in keys]

    return load


def _count(sessions: Sessions, model: Any, column: str, where: sa.ColumnElement[bool]) -> Batch:
    async def load(keys: list[UUID]) -> Sequence[Any]:
        parent = getattr(model, column)
        statement = sa.select(parent, sa.func.count()).where(
            model.organization_id == ORGANIZATION, parent.in_(keys), where
        )
        async with sessions() as session:
            found: dict[UUID, int] = dict((await session.execute(statement.group_by(parent))).tuples().all())
        return [found.get(key, 0) for key in keys]

    return load
