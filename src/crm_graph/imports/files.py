"""Reading CSV and JSON Lines: records of texts by column, with the line each came from."""

import csv
import difflib
import json
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from crm_graph.errors import CrmError
from crm_graph.imports.mapping import MappingInvalid, TableMapping

_LONGEST_CELL = 1_000_000


class FileUnreadable(CrmError):
    """A file to import is missing, or not what its name says."""

    code = "FILE_UNREADABLE"


@dataclass(frozen=True, slots=True)
class Record:
    """One record. `fault` says why it could not be read; `values` are its cells as text."""

    file: str
    line: int
    values: Mapping[str, str]
    fault: str | None = None


def records(table: TableMapping, paths: list[Path]) -> Generator[Record, None, None]:
    """The records of a table, file by file in the order given."""
    for number, row in enumerate(table.rows, 1):
        yield Record("the mapping", number, row)
    for path in paths:
        reader = _json_lines if path.suffix.lower() in (".jsonl", ".ndjson") else _csv
        try:
            with path.open(encoding=table.encoding, newline="") as file:
                yield from reader(table, path.name, file)
        except (OSError, LookupError) as error:
            raise FileUnreadable(f"{path}: {error}.") from None
        except UnicodeDecodeError as error:
            raise FileUnreadable(
                f"{path}: byte {error.start} is not {table.encoding}."
                ' Say in the mapping what it is: encoding = "cp1252".'
            ) from None


def size(paths: list[Path]) -> int:
    """About how many records there are, for a progress bar: lines are counted."""
    lines = 0
    for path in paths:
        try:
            with path.open("rb") as file:
                lines += sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
        except OSError as error:
            raise FileUnreadable(f"{path}: {error.strerror}.") from None
    return lines


def _csv(table: TableMapping, name: str, file: TextIO) -> Iterator[Record]:
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(file, delimiter=table.delimiter, strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        _check_header(table, name, header)
        before = reader.line_num
        for cells in reader:
            line, before = before + 1, reader.line_num
            if not any(cells):
                continue
            fault = None if len(cells) == len(header) else f"it has {len(cells)} cells, the header has {len(header)}"
            yield Record(name, line, {column: cell.strip() for column, cell in zip(header, cells, strict=False)}, fault)
    except csv.Error as error:
        raise FileUnreadable(f"{name}, line {reader.line_num}: {error}.") from None


def _check_header(table: TableMapping, name: str, header: list[str]) -> None:
    if len(set(header)) < len(header):
        raise FileUnreadable(f"{name}: two columns have the same name.")
    for column in table.columns():
        if column not in header:
            near = difflib.get_close_matches(column, header, 1)
            hint = f" Is it {near[0]!r}?" if near else f" It has {', '.join(header)}."
            raise MappingInvalid(f"{name} has no column {column!r}, which the mapping reads.{hint}")


def _json_lines(table: TableMapping, name: str, file: TextIO) -> Iterator[Record]:
    columns = table.columns()
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line, parse_float=str, parse_int=str)
        except (ValueError, RecursionError):
            yield Record(name, number, {}, "this line is not JSON")
            continue
        if not isinstance(found, dict):
            yield Record(name, number, {}, "this line is not a JSON object")
            continue
        yield Record(name, number, {column: _text(_reach(found, column)) for column in columns})


def _reach(found: Mapping[str, object], column: str) -> object:
    """A member by its name, or by a path with dots where there is none of that name."""
    if column in found or "." not in column:
        return found.get(column)
    head, rest = column.split(".", 1)
    inner = found.get(head)
    return _reach(inner, rest) if isinstance(inner, dict) else None


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return value.strip()
    return json.dumps(value, ensure_ascii=False)
