"""From what a write statement answers, or how it failed, to what the caller is told. Never more than they may know."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from crm_graph.auth.levels import Level
from crm_graph.entity import Entity, table_name
from crm_graph.errors import EtagMismatch, NotFound
from crm_graph.markers import camel
from crm_graph.plan.access.fields import Fields
from crm_graph.plan.changes import Action, Effect, Outcome, UserError, denied, invalid, key_taken, reference_not_found
from crm_graph.plan.writes.checks import suffix
from crm_graph.specs import FieldSpec

IN_USE = "IN_USE"
PERIOD_TAKEN = "PERIOD_TAKEN"
KEY_COLUMNS = ("source", "external_id")
FIXED = "This is given when the record is made, and stays."
FROZEN = UserError("STATE_REFUSED", "In the state it is in, the record is no longer changed so.")
NOT_FOUND = UserError(NotFound.code, "There is no such record.")


@dataclass(frozen=True, slots=True)
class Asked:
    """What one row of a statement asked for. `levelled` maps a written field to the level it needs."""

    entity: type[Entity]
    fields: Fields
    action: Action
    levelled: Mapping[str, Level]
    fixed: tuple[str, ...] = ()
    money: tuple[str, ...] = ()
    if_match: str | None = None
    trusted: bool = False

    @property
    def on_known(self) -> Mapping[str, Level]:
        """The levels that matter on a row that exists: the key it was found by is not written."""
        if self.action is not Action.UPSERT:
            return self.levelled
        return {name: level for name, level in self.levelled.items() if name not in KEY_COLUMNS}

    def spec(self, name: str) -> FieldSpec:
        return self.fields[name]


@dataclass(frozen=True, slots=True)
class Judged:
    """An outcome; `undo` says that the statement wrote what the outcome refuses, `raced` that it must run again.

    `taken` says that a record which does not exist for the caller has the key.
    """

    outcome: Outcome
    undo: bool = False
    raced: bool = False
    taken: bool = False


def judge(asked: Asked, row: Mapping[str, object]) -> Judged:
    """What came of one row."""
    if row["written"] is not None:
        return _judge_written(asked, row)
    if row["known"] is not None:
        return Judged(_judge_known(asked, row), taken=asked.action is Action.UPSERT and not row["visible"])
    if asked.action in (Action.UPDATE, Action.DELETE):
        return Judged(Outcome.refused(NOT_FOUND))
    unseen = _unseen_references(asked, row)
    if unseen:
        return Judged(Outcome.refused(*unseen))
    return Judged(Outcome.refused(key_taken("externalId")), raced=True)


def _judge_known(asked: Asked, row: Mapping[str, object]) -> Outcome:
    """A row that exists and was not written: refused, or nothing to change."""
    known = row["known"]
    assert isinstance(known, UUID)
    refusals, shown = _refusals(asked, row)
    return Outcome.refused(*refusals, row=known if shown else None) if refusals else Outcome(Effect.UNCHANGED, known)


def _refusals(asked: Asked, row: Mapping[str, object]) -> tuple[list[UserError], bool]:
    """Why a row was not written, the gravest alone; and whether the caller is shown it as it is."""
    if not row["visible"]:
        # a key that is taken out of the caller's sight, or a record that does not exist for them
        return [key_taken("externalId") if asked.action is Action.UPSERT else NOT_FOUND], False
    if asked.action is Action.DELETE:
        refusals = [] if row["may_delete"] else [denied()]
    else:
        refusals = _above(asked, asked.on_known, row, "write_level", creating=False) or _unmoved(asked, row)
    if not refusals and asked.if_match is not None and asked.if_match != row["etag"]:
        return [UserError(EtagMismatch.code, "The record has changed since you read it.", ("ifMatch",))], True
    if not refusals and row["frozen"]:
        return [FROZEN], True
    if not refusals and not row["fixed"]:
        refusals = [invalid(FIXED, asked.spec(f).input) for f in asked.fixed]
    if not refusals and not row["same_currency"]:
        refusals = [
            invalid("The record's amounts are in another currency.", asked.spec(f).input, "currency")
            for f in asked.money
        ]
    return refusals or _unseen_references(asked, row), False


def _judge_written(asked: Asked, row: Mapping[str, object]) -> Judged:
    """A row that was written: the caller's grants must hold on it as it is now, and none may have grown."""
    written = row["written"]
    assert isinstance(written, UUID)
    outcome = Outcome(Effect(str(row["effect"])), written, version=_number(row["version"]))
    if asked.trusted:
        return Judged(outcome)
    if outcome.effect is Effect.CREATED:
        refusals = _above(asked, asked.levelled, row, "create_level", creating=True)
        refusals = refusals or _overshared(asked, row) or _entrusting(asked, row)
        refusals = refusals or ([FROZEN] if row["frozen_after"] else [])
        return Judged(Outcome.refused(*refusals), undo=True) if refusals else Judged(outcome)
    refusals = _overshared(asked, row) or (_entrusting(asked, row) if row.get("moved") else [])
    if outcome.effect is Effect.UPDATED and refusals:
        return Judged(Outcome.refused(*refusals), undo=True)
    # what is fixed was as it is
    moving = [name for name in asked.levelled if name in asked.entity.__rows__.columns() and name not in asked.fixed]
    if outcome.effect is Effect.UPDATED and moving and not _still_granted(asked, row):
        return Judged(Outcome.refused(*(denied(asked.spec(name)) for name in moving)), undo=True)
    return Judged(outcome)


def _still_granted(asked: Asked, row: Mapping[str, object]) -> bool:
    """Whether the row is still the caller's to write so, and no level of theirs on it has grown."""
    for s in _suffixes(row):
        before_write, before_read = _number(row[f"write_level{s}"]), _number(row[f"read_level{s}"])
        after_write, after_read = _number(row[f"write_after{s}"]), _number(row[f"read_after{s}"])
        needed = max((n for f, n in asked.on_known.items() if _suffix(asked, row, f) == s), default=0)
        if not needed <= after_write <= before_write or after_read > before_read:
            return False
    return bool(row["visible_after"])


def _suffixes(row: Mapping[str, object]) -> list[str]:
    """The categories that are judged apart, as suffixes of the levels told."""
    return [name.removeprefix("read_after") for name in row if name.startswith("read_after")]


def _suffix(asked: Asked, row: Mapping[str, object], name: str) -> str:
    """The suffix of the levels that count for a field."""
    read = asked.spec(name).read
    found = suffix(read.category) if read else ""
    return found if f"read_after{found}" in row else ""


def _above(
    asked: Asked, levelled: Mapping[str, Level], row: Mapping[str, object], told: str, *, creating: bool
) -> list[UserError]:
    """A refusal for each field above the caller's clearance on the row; for the whole where they have none."""
    allowed = _number(row[told])
    rows = asked.entity.__rows__.columns()
    above = [
        denied(asked.spec(name))
        for name, needed in levelled.items()
        if needed > _number(row[f"{told}{_suffix(asked, row, name)}"])
    ]
    if allowed == 0 and creating:
        # the row would be nobody's they may make rows for: what says whose it is, is to blame
        above = [denied(asked.spec(name)) for name in levelled if name in rows] or [denied()]
    elif allowed == 0 and not above:
        above = [denied()]
    return above


def _unmoved(asked: Asked, row: Mapping[str, object]) -> list[UserError]:
    """What says whose a row is needs the right to assign; what says how much oneself may see is for others to write."""
    rows = asked.entity.__rows__
    refused = [*(rows.columns() if row["unassigned"] else ()), *(rows.clears if row["own_clearance"] else ())]
    refused += rows.entrusts.columns if rows.entrusts and row["unentrusted"] else ()
    return [denied(asked.spec(name)) for name in asked.levelled if name in refused]


def _overshared(asked: Asked, row: Mapping[str, object]) -> list[UserError]:
    """Nobody shares what they may not write, nor more of it than they see, nor with themselves."""
    shared = asked.entity.__shares__
    if shared is None:
        return []
    if row["share_level"] is None:
        return [denied(asked.spec(shared))]
    if _number(row["share_clearance"]) > _number(row["share_level"]):
        return [denied(asked.spec("level"))]
    return [denied(asked.spec("user_id"))] if row["share_self"] else []


def _entrusting(asked: Asked, row: Mapping[str, object]) -> list[UserError]:
    """Nobody lets a person act for a customer of whom they do not see themselves what that person would."""
    entrusts = asked.entity.__rows__.entrusts
    if entrusts is None or not row["entrusts"]:
        return []
    return [denied(asked.spec(name)) for name in asked.levelled if name in entrusts.columns] or [denied()]


def _unseen_references(asked: Asked, row: Mapping[str, object]) -> list[UserError]:
    names = [key.removeprefix("ref_") for key, seen in row.items() if key.startswith("ref_") and seen is False]
    return [reference_not_found(asked.spec(name)) for name in names]


def _number(level: object) -> int:
    return level if isinstance(level, int) else 0


def from_database(  # noqa: PLR0911 - one return a kind of refusal
    error: asyncpg.PostgresError, entity: type[Entity], action: Action
) -> UserError:
    """What a constraint refused, as the caller is told it: its kind and the field, never the text or another row."""
    constraint = getattr(error, "constraint_name", None) or ""
    table = table_name(entity)
    match error:
        case asyncpg.UniqueViolationError():
            name = constraint.removeprefix(f"uq_{table}_").removesuffix("_match")
            return key_taken(*([camel(name)] if name in entity.__specs__ else []))
        case asyncpg.ExclusionViolationError():
            name = constraint.removeprefix(f"ex_{table}_")
            return UserError(PERIOD_TAKEN, "Another record has some of these days.", (camel(name),))
        case asyncpg.ForeignKeyViolationError():
            spec = entity.__specs__.get(constraint.removeprefix(f"fk_{table}_"))
            if action is Action.DELETE or spec is None or spec.ref is None:
                return UserError(IN_USE, "The record is still needed elsewhere.")
            return reference_not_found(spec)
        case asyncpg.NotNullViolationError():
            column = getattr(error, "column_name", None) or ""
            return invalid("A value is needed.", *([camel(column)] if column in entity.__specs__ else []))
        case asyncpg.CheckViolationError():
            return _checked(entity, constraint.removeprefix(f"ck_{table}_"))
    return invalid("A value is out of bounds.")


def _checked(entity: type[Entity], check: str) -> UserError:
    if check == "one_currency":  # crm_sums
        return UserError("CURRENCY_MISMATCH", "Lines are in the currency of what they are lines of.", ("currency",))
    return invalid("The values do not fit together.", *_checked_field(entity, check))


def _checked_field(entity: type[Entity], check: str) -> Sequence[str]:
    """The field a check is about, where it is about one."""
    if check in entity.__specs__:
        return [camel(check)]
    named = [
        name for name in dict.fromkeys(re.findall(r"\w+", entity.__checks__.get(check, ""))) if name in entity.__specs__
    ]
    return [camel(named[0])] if len(named) == 1 else []
