"""The mapping file (TOML): which file makes which records, and where each field comes from.

source = "old-crm"                      # external ids are unique within a source

[[table]]
entity = "Opportunity"
file = "sales*.csv"                     # a pattern for the names of the files given; or `rows = [{…}, …]`
key = "opportunity_id"                  # a column, or a text like "{region}-{number}"; without one: the contents
needs = ["close_date"]                  # lines in which one of these is empty make no record
[table.clean]
product = { map = { GTXPro = "GTX Pro" } }
[table.fields]
name = "title"                          # a column; or a table:
closeOn = { column = "close_date", format = "%m/%d/%Y" }
product = { column = "product", by = "name", missing = "null" }
xRenewal = { column = "renewed", format = "%d.%m.%Y" }   # a custom field, by its name
"""

import fnmatch
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from crm_graph import schema, slots  # noqa: F401 - declares the model
from crm_graph.entity import REGISTRY, Entity
from crm_graph.errors import CrmError
from crm_graph.plan.writes.draft import writable
from crm_graph.specs import FieldSpec

Scalar = str | int | bool | Decimal | list[str]
_HOLE = re.compile(r"\{([^{}]+)\}")


class MappingInvalid(CrmError):
    """The mapping file cannot be used. The message names the place and the remedy."""

    code = "MAPPING_INVALID"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


class Cleaning(_Strict):
    """What is done to a column's text before anything reads it. Blanks around it always go."""

    map: dict[str, str] = {}
    """Text → other text; exact."""
    case: Literal["lower", "upper", "title"] | None = None
    """Letter case, after `map`."""


class From(Cleaning):
    """Where a field's value comes from: exactly one of `column`, `template`, `constant`."""

    column: str | None = None
    template: Annotated[list[str], BeforeValidator(_as_list)] = []
    """Texts like "{product} for {account}"; the first whose columns are all filled is taken."""
    constant: Scalar | None = None
    default: Scalar | None = None
    """Taken where the value is empty."""
    format: str | None = None
    """Of dates and times, as for strptime: "%m/%d/%Y"."""
    decimal: Literal[".", ","] = "."
    """The decimal sign of numbers; the other one, blanks and apostrophes separate thousands."""
    times: Decimal | None = None
    """Numbers are multiplied by it ("revenue in millions": 1000000)."""
    round: int | None = Field(default=None, ge=0, le=6)
    """Decimals that numbers are rounded to (half to even); without it too many are refused."""
    split: str | None = None
    """Separates the texts of a list."""
    by: str | None = None
    """Of a reference: the field of the target that the value is looked up in, `externalId` included."""
    source: str | None = None
    """Of a reference by `externalId`: the source it is unique in, where that is another."""
    missing: Literal["error", "null"] = "error"
    """Of a reference that nothing matches: refuse the row, or leave the field empty and say so."""

    def columns(self) -> list[str]:
        """The columns it reads."""
        return [self.column] if self.column else [hole for text in self.template for hole in _HOLE.findall(text)]


class _Table(_Strict):
    entity: str
    file: str | None = None
    rows: list[dict[str, str]] = []
    key: Annotated[list[str], BeforeValidator(_as_list)] = []
    distinct: bool = False
    """Several lines may make the same record; the first is taken."""
    needs: list[str] = []
    """A line in which one of these columns is empty makes no record."""
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    encoding: str = "utf-8-sig"
    clean: dict[str, Cleaning] = {}
    fields: dict[str, str | From]


class _File(_Strict):
    source: str = Field(min_length=1, max_length=100)
    table: list[_Table] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """A field and where its value comes from."""

    spec: FieldSpec
    origin: From
    name: str
    """As the mapping calls it."""


@dataclass(frozen=True, slots=True)
class TableMapping:
    """One entity's records, and what they come from. `rows` are given in the mapping itself."""

    entity: type[Entity]
    file: str | None
    rows: tuple[Mapping[str, str], ...]
    key: tuple[str, ...]
    distinct: bool
    delimiter: str
    encoding: str
    clean: Mapping[str, Cleaning]
    fields: tuple[FieldMapping, ...]
    own: Mapping[str, From] = field(default_factory=dict)
    """What fills fields of the organisation's own, by name; which ones there are depends on who imports where."""
    needs: tuple[str, ...] = ()
    """Columns without which a line makes no record."""

    @property
    def name(self) -> str:
        return f"{self.entity.__name__} from {self.file or 'the mapping'}"

    def columns(self) -> list[str]:
        """Every column it reads."""
        read = [c for origin in (*(f.origin for f in self.fields), *self.own.values()) for c in origin.columns()]
        read += [c for text in self.key for c in (_HOLE.findall(text) or [text])]
        read += self.needs
        return list(dict.fromkeys(read))


@dataclass(frozen=True, slots=True)
class ImportMapping:
    """A mapping file that has been read and found sound."""

    source: str
    tables: tuple[TableMapping, ...]

    def assign(self, files: Sequence[Path]) -> list[tuple[TableMapping, list[Path]]]:
        """Which files each table takes, in the mapping's order. Raises where one has no use or a table none."""
        used: set[Path] = set()
        assigned = []
        for table in self.tables:
            found = [f for f in files if table.file and fnmatch.fnmatchcase(f.name, table.file)]
            if table.file and not found:
                raise MappingInvalid(
                    f"No file given is called {table.file}, which {table.entity.__name__} is read from."
                )
            used.update(found)
            assigned.append((table, found))
        idle = [f.name for f in files if f not in used]
        if idle:
            raise MappingInvalid(
                f"The mapping has no use for {', '.join(idle)}. Leave it out or add a [[table]] for it."
            )
        return assigned


def fill(text: str, row: Mapping[str, str]) -> str:
    """A text with columns in braces filled in; empty where one of them is."""
    holes = _HOLE.findall(text)
    if any(not row.get(hole) for hole in holes):
        return ""
    return _HOLE.sub(lambda m: row[m[1]], text)


def load(path: Path) -> ImportMapping:
    """Read a mapping file."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise MappingInvalid(f"{path}: the mapping cannot be read: {error}.") from None
    except MappingInvalid as error:
        raise MappingInvalid(f"{path}: {error.message}") from None


def parse(text: str) -> ImportMapping:
    """Read a mapping from its text."""
    try:
        file = _File.model_validate(tomllib.loads(text, parse_float=Decimal))
    except tomllib.TOMLDecodeError as error:
        raise MappingInvalid(f"this is not TOML: {error}.") from None
    except ValidationError as error:
        places = (f"{'.'.join(map(str, p['loc']))}: {p['msg']}" for p in error.errors()[:5])
        raise MappingInvalid("; ".join(places)) from None
    return ImportMapping(file.source, tuple(_table(t, n) for n, t in enumerate(file.table, 1)))


def _table(table: _Table, number: int) -> TableMapping:
    where = f"table {number} ({table.entity})"
    if table.entity not in REGISTRY or not REGISTRY[table.entity].__imported__:
        known = ", ".join(name for name, entity in REGISTRY.items() if entity.__imported__)
        raise MappingInvalid(f"{where}: there is no such entity to import. Use one of {known}.")
    if bool(table.file) == bool(table.rows):
        raise MappingInvalid(f"{where}: give either `file` or `rows`.")
    entity = REGISTRY[table.entity]
    given = {name: From(column=one) if isinstance(one, str) else one for name, one in table.fields.items()}
    own = {name: origin for name, origin in given.items() if entity.__custom__ and slots.NAME.fullmatch(name)}
    for name, origin in own.items():
        _check_origin(origin, reference=False, where=f"{where}, {name}")
    fields = tuple(_field(entity, name, origin, where) for name, origin in given.items() if name not in own)
    mapped = TableMapping(
        entity,
        table.file,
        tuple(table.rows),
        tuple(table.key),
        table.distinct,
        table.delimiter,
        table.encoding,
        table.clean,
        fields,
        own,
        tuple(table.needs),
    )
    unread = set(table.clean) - set(mapped.columns())
    if unread:
        raise MappingInvalid(f"{where}: `clean` names {', '.join(sorted(unread))}, which nothing reads.")
    return mapped


def importable(entity: type[Entity]) -> dict[str, FieldSpec]:
    """The shipped fields that can be imported, by their names."""
    known = {s.graphql: s for s in entity.__specs__.values() if s.sql is None and writable(s, system=True)}
    known |= {s.input: s for s in known.values()}
    return {name: spec for name, spec in known.items() if spec.name not in ("source", "external_id")}


def no_such_field(where: str, known: Iterable[str]) -> MappingInvalid:
    return MappingInvalid(f"{where}: there is no such field to import. Use one of {', '.join(sorted(known))}.")


def _check_origin(origin: From, *, reference: bool, where: str) -> None:
    if sum((origin.column is not None, bool(origin.template), origin.constant is not None)) != 1:
        raise MappingInvalid(f"{where}: give exactly one of `column`, `template` and `constant`.")
    if reference != (origin.by is not None):
        remedy = "say `by` which field it is looked up" if reference else "leave `by` out: it is no reference"
        raise MappingInvalid(f"{where}: {remedy}.")


def _field(entity: type[Entity], name: str, origin: From, where: str) -> FieldMapping:
    known, where = importable(entity), f"{where}, {name}"
    spec = known.get(name)
    if spec is None:
        raise no_such_field(where, known)
    _check_origin(origin, reference=spec.ref is not None, where=where)
    if spec.ref and origin.by:
        by = {
            s.graphql
            for s in REGISTRY[spec.ref.entity].__specs__.values()
            if s.sql is None and not s.ref and s.kind.sql == "text"
        }
        if origin.by not in by:
            raise MappingInvalid(
                f"{where}: {spec.ref.entity} cannot be looked up by {origin.by!r}. Use one of {', '.join(sorted(by))}."
            )
    return FieldMapping(spec, origin, name)
