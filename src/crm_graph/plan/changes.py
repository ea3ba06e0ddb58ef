"""What a caller asks to have written, and what came of it: the words of every write."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from crm_graph.errors import KeyTaken, ReferenceNotFound, ValueInvalid, WriteAccessDenied
from crm_graph.specs import FieldSpec


class Action(enum.StrEnum):
    """What is to happen to a row."""

    CREATE = enum.auto()
    UPDATE = enum.auto()
    DELETE = enum.auto()
    UPSERT = enum.auto()


class Effect(enum.StrEnum):
    """What did happen."""

    CREATED = enum.auto()
    UPDATED = enum.auto()
    UNCHANGED = enum.auto()
    STALE = enum.auto()
    """Nothing: what is on record is newer."""
    DELETED = enum.auto()
    REFUSED = enum.auto()


@dataclass(frozen=True, slots=True)
class ExternalKey:
    """A row's key in the system it came from."""

    source: str
    external_id: str


@dataclass(frozen=True, slots=True)
class Change:
    """One write. `values` maps input names (`creditLimit`, `ownerId`) to what the client sent, money as its parts."""

    entity: str
    action: Action
    id: str | None = None
    key: ExternalKey | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    if_match: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class UserError:
    """Why a write was refused; `field` is the path into the input, empty where it is about the whole."""

    code: str
    message: str
    field: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a write. `id` is the row to show, `None` when there is none this caller may be shown."""

    effect: Effect
    id: UUID | None = None
    errors: tuple[UserError, ...] = ()
    replayed: bool = False
    version: int | None = None
    """The row's version as written; of a deleted row the last."""
    keep: bool = False
    """Refused, and yet what was written stays (the count of codes that were tried)."""
    once: str | None = field(default=None, repr=False)
    """A secret that is told in this very answer, and is kept nowhere; a repeated request is not told it again."""

    @classmethod
    def refused(cls, *errors: UserError, row: UUID | None = None) -> "Outcome":
        return cls(Effect.REFUSED, row, errors)

    @property
    def is_refused(self) -> bool:
        return self.effect is Effect.REFUSED


def certain(*outcomes: Outcome) -> None:
    """Of writes of our own that nothing can refuse: one that was ends the transaction."""
    for one in outcomes:
        assert not one.is_refused, one.errors


def refusal(code: str, message: str, *path: str) -> Outcome:
    """Nothing was written, for this one reason."""
    return Outcome.refused(UserError(code, message, path))


def invalid(message: str, *path: str) -> UserError:
    return UserError(ValueInvalid.code, message, path)


def denied(spec: FieldSpec | None = None) -> UserError:
    if spec is None:
        return UserError(WriteAccessDenied.code, "You may not do this to this record.")
    return UserError(WriteAccessDenied.code, f"You may not write {spec.input} here.", (spec.input,))


def reference_not_found(spec: FieldSpec) -> UserError:
    return UserError(ReferenceNotFound.code, f"{spec.input} names no record that you can see.", (spec.input,))


def key_taken(*path: str) -> UserError:
    return UserError(KeyTaken.code, "This key is taken.", path)
