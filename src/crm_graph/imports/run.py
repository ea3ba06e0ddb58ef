"""An import: tables in the mapping's order, records in chunks, each chunk one transaction with its report.

Whatever was committed stays when the process dies; running the same command again goes on from there, since records are
upserted by their keys and those that are as they should be are left alone.
"""

import itertools
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from crm_graph.auth.actor import Actor
from crm_graph.db.ids import uuid7
from crm_graph.db.session import RETRYABLE, Database, Transaction
from crm_graph.entity import table_name
from crm_graph.errors import KeyTaken
from crm_graph.imports import journal, own_fields
from crm_graph.imports.cells import text_of
from crm_graph.imports.files import Record, records
from crm_graph.imports.lines import Fault, Line, begin, conclude, read, refer
from crm_graph.imports.mapping import FieldMapping, ImportMapping, TableMapping
from crm_graph.imports.organizations import NewOrganization
from crm_graph.imports.references import References, target
from crm_graph.plan.changes import Action, Effect, ExternalKey
from crm_graph.plan.writes.write import write_rows

logger = logging.getLogger("crm_graph.imports")

CHUNK = 5_000
_ATTEMPTS = 3
_ANALYZED = (1, 4, 16, 64, 256)
"""The chunks after which the database takes stock: with the statistics of an empty table it plans badly."""
T = TypeVar("T")

Told = Callable[[TableMapping, Sequence[Line]], None]
"""Is told of records as they are done, after their chunk is committed."""


@dataclass(slots=True)
class Result:
    """What an import came to, by table in the mapping's order."""

    run: UUID
    dry: bool
    counts: dict[str, Counter[str]] = field(default_factory=dict)

    @property
    def total(self) -> Counter[str]:
        return sum(self.counts.values(), Counter())


class _Rehearsed(Exception):
    """Ends a dry run: everything it did is rolled back."""


async def run(
    database: Database,
    actor: Actor,
    mapping: ImportMapping,
    files: Sequence[Path],
    told: Told,
    *,
    dry: bool = False,
    new: NewOrganization | None = None,
    run_id: UUID | None = None,
    chunk: int = CHUNK,
) -> Result:
    """Import files, into an organisation that is made first where `new` is given.

    A dry run does all of it in one transaction that is rolled back, so that it reports the same.

    Raises MappingInvalid and FileUnreadable before anything is written, as far as that can be seen beforehand.
    """
    mapping = own_fields.resolved(mapping, actor.policy)
    assigned = mapping.assign(files)
    for table, paths in assigned:  # a missing column is better told before the first record is written
        with closing(records(table, paths)) as found:
            next(found, None)
    result = Result(run_id or uuid7(), dry)
    if dry:
        try:
            async with database.transaction(actor.organization_id, actor.user_id, actor.channel) as tx:
                if new:
                    await new.make(tx)
                importer = _Importer(database, actor, mapping, told, result, chunk, tx)
                for table, paths in assigned:
                    await importer.table(table, paths)
                raise _Rehearsed  # noqa: TRY301 - leaves the transaction
        except _Rehearsed:
            return result
    async with database.transaction(actor.organization_id, actor.user_id, actor.channel) as tx:
        if new:
            await new.make(tx)
        await journal.begin(tx, actor, result.run, mapping.source, [f.name for f in files])
    importer = _Importer(database, actor, mapping, told, result, chunk, None)
    for table, paths in assigned:
        await importer.table(table, paths)
    async with database.transaction(actor.organization_id, actor.user_id, actor.channel) as tx:
        await journal.finish(tx, actor, result.run, result.total)
    return result


class _Importer:
    def __init__(
        self,
        database: Database,
        actor: Actor,
        mapping: ImportMapping,
        told: Told,
        result: Result,
        chunk: int,
        rehearsal: Transaction | None,
    ) -> None:
        self.database, self.actor, self.mapping, self.told = database, actor, mapping, told
        self.result, self.chunk, self.rehearsal = result, chunk, rehearsal

    async def table(self, table: TableMapping, paths: list[Path]) -> None:
        """Import one table. References among its own records are put in once all of them are there."""
        counts = self.result.counts.setdefault(table.name, Counter())
        later = tuple(f for f in table.fields if f.spec.ref and f.spec.ref.entity == table.entity.__name__)
        coming = _coming(table, paths, later)
        references = References(self.actor, self.mapping.source)
        kept: list[Line] = []
        for number, part in enumerate(_batched(_lines(table, records(table, paths)), self.chunk), 1):
            lines = await self._attempt(
                partial(self._first, table=table, lines=part, references=references, later=later, coming=coming)
            )
            if number in _ANALYZED and len(lines) == self.chunk:
                await self._attempt(partial(_analyze, table=table))
            if later:
                kept += lines
            else:
                self._tell(table, counts, lines)
        fresh = References(self.actor, self.mapping.source)
        for some in _batched(kept, self.chunk):
            await self._attempt(partial(self._second, table=table, part=some, references=fresh, later=later))
            self._tell(table, counts, some)

    def _tell(self, table: TableMapping, counts: "Counter[str]", lines: Sequence[Line]) -> None:
        counts.update(line.effect.value for line in lines)
        self.told(table, lines)

    async def _attempt(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Do a chunk in its transaction; again where the database asks for it."""
        for attempt in itertools.count(1):
            try:
                async with self._transaction() as tx:
                    return await work(tx)
            except RETRYABLE:
                if self.rehearsal or attempt == _ATTEMPTS:
                    raise
                logger.info("another writer was in the way, trying the chunk again")
        raise AssertionError("the loop returns or raises")

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Transaction]:
        if self.rehearsal is not None:
            yield self.rehearsal
            return
        async with self.database.transaction(self.actor.organization_id, self.actor.user_id, self.actor.channel) as tx:
            yield tx

    async def _first(
        self,
        tx: Transaction,
        table: TableMapping,
        lines: list[Line],
        references: References,
        later: tuple[FieldMapping, ...],
        coming: dict[str, set[str]],
    ) -> list[Line]:
        fields = tuple(f for f in table.fields if f not in later)
        lines = [
            replace(line, values={}, faults=[*line.faults], notes=[]) for line in lines
        ]  # this may be a second attempt
        for line in lines:
            read(line, fields, self.actor.currency)
        await self._refer(tx, fields, lines, references)
        await self._foresee(tx, later, lines, references, coming)
        await self._write(tx, table, fields, [line for line in lines if not line.faults])
        if self.rehearsal is None:
            await journal.note(tx, self.actor, self.result.run, table, lines)
        return lines

    async def _second(
        self,
        tx: Transaction,
        table: TableMapping,
        part: Sequence[Line],
        references: References,
        later: tuple[FieldMapping, ...],
    ) -> None:
        """Put in the references among the table's own records; what was made stays, with a note, if one is missing."""
        lines = [Line(line.record, line.key, {}, line.texts) for line in part if not line.faults]
        await self._refer(tx, later, lines, references)
        await self._write(tx, table, later, [line for line in lines if not line.faults], Action.UPDATE)
        if self.rehearsal is None:
            await journal.note(tx, self.actor, self.result.run, table, [line for line in lines if not line.faults])
        done = {line.key: line for line in lines}
        for line in part:
            second = done.get(line.key)
            if line.faults or second is None:
                continue
            line.notes += [*second.faults, *second.notes]
            if line.outcome.effect is Effect.UNCHANGED and not second.faults:
                line.outcome = second.outcome

    async def _refer(
        self, tx: Transaction, fields: Iterable[FieldMapping], lines: list[Line], references: References
    ) -> None:
        for one in fields:
            if one.spec.ref is None:
                continue
            texts = [text_of(one, line.texts) for line in lines]
            await references.look_up(tx, one, texts)
            for line, text in zip(lines, texts, strict=True):
                found = references.found(one, text) if text else []
                candidates = await references.candidates(tx, one, text) if text and not found else ()
                refer(line, one, found, text, candidates, target(one))

    async def _foresee(
        self,
        tx: Transaction,
        later: Iterable[FieldMapping],
        lines: list[Line],
        references: References,
        coming: dict[str, set[str]],
    ) -> None:
        """Refuse records whose reference to the same table can come to nothing, before they are written."""
        for one in later:
            texts = [text_of(one, line.texts) for line in lines]
            await references.look_up(tx, one, [text for text in texts if text not in coming[one.name]])
            for line, text in zip(lines, texts, strict=True):
                if text and text not in coming[one.name] and not references.found(one, text):
                    trial = Line(line.record)
                    refer(trial, one, [], text, await references.candidates(tx, one, text), target(one))
                    line.faults += trial.faults

    async def _write(
        self,
        tx: Transaction,
        table: TableMapping,
        fields: tuple[FieldMapping, ...],
        lines: list[Line],
        action: Action = Action.UPSERT,
    ) -> None:
        rows = [(ExternalKey(self.mapping.source, line.key), line.values) for line in lines]
        outcomes = await write_rows(tx, self.actor, table.entity.__name__, rows, action=action)
        for line, outcome in zip(lines, outcomes, strict=True):
            conclude(line, outcome, fields)


def _coming(table: TableMapping, paths: list[Path], later: tuple[FieldMapping, ...]) -> dict[str, set[str]]:
    """For each reference of a table to itself, the values that its own records will have."""
    found: dict[str, set[str]] = {one.name: set() for one in later}
    if not later:
        return found
    by_name = {f.spec.graphql: f for f in table.fields}
    for record in records(table, paths):
        line = begin(table, record)
        for one in later:
            looked_up = by_name.get(one.origin.by or "")
            text = line.key if one.origin.by == "externalId" else text_of(looked_up, line.texts) if looked_up else ""
            found[one.name].add(text)
    return found


def _lines(table: TableMapping, found: Iterable[Record]) -> Iterator[Line]:
    """Records with their keys; one whose key came before is refused, or left out where the mapping expects that."""
    seen: dict[str, Record] = {}
    for record in found:
        line = begin(table, record)
        if not line.faults and not all(line.texts.get(column) for column in table.needs):
            continue
        first = seen.setdefault(line.key, record) if line.key else record
        if first is not record:
            if table.distinct:
                continue
            message = f"{first.file}, line {first.line} has the same key."
            line.faults.append(Fault(KeyTaken.code, message, "externalId", line.key))
        yield line


async def _analyze(tx: Transaction, table: TableMapping) -> None:
    await (await tx.raw()).execute(f"ANALYZE {table_name(table.entity)}")


def _batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while part := list(itertools.islice(iterator, size)):
        yield part
