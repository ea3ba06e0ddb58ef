"""What an import tells: a line of JSON for every record, and a summary a person can act on."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import orjson
from rich.console import Console
from rich.table import Table

from crm_graph.errors import ReferenceNotFound
from crm_graph.imports.journal import faults_as_json
from crm_graph.imports.lines import Fault, Line
from crm_graph.imports.mapping import TableMapping
from crm_graph.imports.run import Result
from crm_graph.plan.changes import Effect

_REASONS = 20
_Reason = tuple[str, str, str, str]


@dataclass(slots=True)
class Report:
    """Collects what happened to each record; `file` gets one JSON object a line."""

    file: BinaryIO | None = None
    _reasons: Counter[_Reason] = field(default_factory=Counter)
    _examples: dict[_Reason, tuple[Fault, str, bool]] = field(default_factory=dict)

    def add(self, table: TableMapping, lines: Sequence[Line]) -> None:
        """Take records that are done."""
        for line in lines:
            for refused, faults in ((True, line.faults), (False, line.notes)):
                for fault in faults:
                    reason = (table.name, fault.field, fault.code + fault.message, fault.value)
                    self._reasons[reason] += 1
                    self._examples.setdefault(reason, (fault, f"{line.record.file}:{line.record.line}", refused))
        if self.file is not None:
            self.file.writelines(orjson.dumps(_as_json(table, line)) + b"\n" for line in lines)

    def show(self, console: Console, result: Result) -> None:
        """Print the counts, then why records were refused or fields left empty, most frequent first."""
        counts = Table(
            "records", *(e.value for e in _EFFECTS), title="Dry run: nothing was written" if result.dry else None
        )
        for name, found in result.counts.items():
            counts.add_row(name, *(f"{found[e.value]:,}" for e in _EFFECTS))
        console.print(counts)
        if not self._reasons:
            return
        reasons = Table("how many", "what", "value", "nearest", "first")
        for reason, count in self._reasons.most_common(_REASONS):
            fault, place, refused = self._examples[reason]
            near = ", ".join(f"{c.value} ({c.score:.2f})" for c in fault.candidates)
            what = f"{fault.field + ': ' if fault.field else ''}{fault.message}{'' if refused else ' Left empty.'}"
            reasons.add_row(f"{count:,}", what, fault.value, near, place)
        console.print(reasons)
        if len(self._reasons) > _REASONS:
            console.print(f"… and {len(self._reasons) - _REASONS:,} more reasons; the report has every record.")
        self._advise(console)

    def _advise(self, console: Console) -> None:
        near = next(
            (f for f, _, _ in self._examples.values() if f.candidates and f.code == ReferenceNotFound.code), None
        )
        if near is not None:
            console.print(
                f"Nothing is guessed. If {near.value!r} means {near.candidates[0].value!r},"
                f" say so in the mapping, at {near.field}:"
            )
            console.print(f'    map = {{ "{near.value}" = "{near.candidates[0].value}" }}', markup=False)


_EFFECTS = (Effect.CREATED, Effect.UPDATED, Effect.UNCHANGED, Effect.REFUSED)


def _as_json(table: TableMapping, line: Line) -> dict[str, object]:
    found: dict[str, object] = {
        "entity": table.entity.__name__,
        "file": line.record.file,
        "line": line.record.line,
        "key": line.key,
        "effect": line.effect.value,
        "id": f"{table.entity.__prefix__}_{line.row.hex}" if line.row else None,
    }
    if line.faults:
        found["errors"] = faults_as_json(line)
    if line.notes:
        found["leftEmpty"] = [{"field": n.field, "value": n.value, "message": n.message} for n in line.notes]
    return found


@contextmanager
def writing(path: Path | None) -> Iterator[Report]:
    """A report that is written to a file as it grows."""
    if path is None:
        yield Report()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        yield Report(file)
