"""The four shapes: what is asked, with which variables, and the hand-written statement that answers it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from uuid import UUID

import orjson

from benchmarks.data import ORGANIZATION

FOLDER = Path(__file__).with_name("shapes")
SEGMENTS = ("SMALL_BUSINESS", "MID_MARKET", "ENTERPRISE")
STAGES = ("PROSPECT", "CUSTOMER", "REPEAT", "LOYAL")
CURSOR_KEY = "\\x" + "5a" * 32
"""Stands for the key that crm-graph derives for the caller and the list: as long, but the same for all."""

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Shape:
    """One of the four. `sql` has the placeholders `{organization}`, `{key}` and those of `parameters`."""

    name: str
    operation: str
    root: str
    parameters: Mapping[str, str]
    """SQL types of the variables, in the order they are bound after organisation and key."""
    variables: Sequence[Values]

    @property
    def query(self) -> str:
        return (FOLDER / f"{self.name}.graphql").read_text(encoding="utf-8")

    def sql(self, placeholders: Mapping[str, str]) -> str:
        """The hand-written statement with these placeholders, on one line."""
        found = (FOLDER / f"{self.name}.sql").read_text(encoding="utf-8")
        for name, placeholder in placeholders.items():
            found = found.replace("{" + name + "}", placeholder)
        return " ".join(found.split())

    def numbered(self) -> str:
        """The statement with `$1` for the organisation, then the cursor key where it is used, then the variables."""
        types = {**self.fixed, **self.parameters}
        return self.sql({name: f"${n}::{kind}" for n, (name, kind) in enumerate(types.items(), start=1)})

    @property
    def fixed(self) -> dict[str, str]:
        """SQL types of what is bound before the variables and is the same for all of them."""
        return {"organization": "uuid", **({"key": "bytea"} if self.keyed else {})}

    @property
    def keyed(self) -> bool:
        return "{key}" in (FOLDER / f"{self.name}.sql").read_text(encoding="utf-8")

    def bodies(self) -> list[bytes]:
        """The JSON bodies of the requests."""
        return [
            orjson.dumps({"query": self.query, "operationName": self.operation, "variables": dict(values)})
            for values in self.variables
        ]


def shapes(ids: Sequence[UUID]) -> list[Shape]:
    """All four, on these customers."""
    one = [{"id": f"cus_{found.hex}"} for found in ids]
    groups = [{"segment": segment, "stage": stage} for segment, stage in product(SEGMENTS, STAGES)]
    by_id, by_group = {"id": "uuid"}, {"segment": "text", "stage": "text"}
    return [
        Shape("point", "Point", "customer", by_id, one),
        Shape("customer_360", "Customer360", "customer", by_id, one),
        Shape("segment_list", "SegmentList", "customers", by_group, groups),
        Shape("connection", "Connection", "customers", by_group, groups),
    ]


def bound(shape: Shape, values: Values) -> dict[str, str]:
    """What stands for each placeholder, as text: global ids are UUIDs in SQL."""
    texts = {name: str(UUID(value.partition("_")[2])) if name == "id" else value for name, value in values.items()}
    return {"organization": str(ORGANIZATION), **({"key": CURSOR_KEY} if shape.keyed else {}), **texts}
