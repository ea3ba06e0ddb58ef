"""What comes of changes that people asked for about themselves: verified by them, approved or rejected by us."""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL, Level
from crm_graph.auth.names import snake
from crm_graph.auth.policy import Policy
from crm_graph.auth.rights import Right
from crm_graph.entity import REGISTRY, Entity, table_name
from crm_graph.markers import Change
from crm_graph.plan.access.fields import fields_of
from crm_graph.plan.access.subject_reach import open_to_subject, the_person
from crm_graph.plan.access.write_access import level_to_write
from crm_graph.plan.changes import Effect, Outcome, UserError, denied, refusal
from crm_graph.plan.mutations import Argument, Call, may_write, mutation
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.plan.writes.pending import CODE_ATTEMPTS, close, code_hash
from crm_graph.plan.writes.write import update_fields
from crm_graph.resolvers.acting import for_us
from crm_graph.schema.changes import ChangeRequest
from crm_graph.specs import FieldSpec

_ASKED: Final = """
SELECT entity, row_id, field, customer_id, requested_by_id, waits_for, before_value, after_value,
       state = 'PENDING' AND expires_at > now() AS pending
  FROM change_requests WHERE organization_id = $1 AND id = $2"""
_TRY: Final = f"""
UPDATE change_codes SET attempts = attempts + 1
 WHERE organization_id = $1 AND id = $2 AND attempts < {CODE_ATTEMPTS} RETURNING code_hash"""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A change request, and the record it is about, both locked. `now` is the field's value now, as text."""

    entity: type[Entity]
    row: UUID
    spec: FieldSpec
    customer: UUID
    requested_by: UUID | None
    waits_for: str
    before: str | None
    after: str | None
    pending: bool
    now: str | None


def _verifies(policy: Policy) -> bool:
    """Whether a caller has anything to verify: some field of theirs is changed so."""
    return any(Change.VERIFIED in open_to_subject(entity, policy).values() for entity in REGISTRY.values())


def _decides(policy: Policy) -> bool:
    """Whether a caller decides about any changes."""
    return for_us(policy, ChangeRequest) or Right.CHANGES_APPROVE in policy.rights


@mutation(
    ChangeRequest,
    Argument(
        "code", kinds.STRING, "The code from the mail; capitals, spaces and hyphens do not matter.", required=True
    ),
    needs=None,
    offered=_verifies,
)
async def verify_change(call: Call) -> Outcome:
    """Make a change of your own data that waits for a code, by that code; it is then written."""
    asked = await _locked(call)
    if asked is None or not await _asked_by_caller(call, asked):
        return Outcome.refused(denied())
    refused = await _unverified(call, asked)
    if refused is not None:
        return refused
    # why it cannot be is not told: a value that is taken says that somebody has it
    impossible = UserError("CHANGE_NOT_POSSIBLE", "This value cannot be taken.")
    return await _applied(call, asked, None, lambda _errors: [impossible])


async def _unverified(call: Call, asked: _Asked) -> Outcome | None:
    """Why the code does not make the change, if so."""
    if not asked.pending or asked.waits_for != "VERIFICATION":
        return refusal("CHANGE_NOT_PENDING", "This change does not wait for a code.")
    if asked.now != asked.before:
        return refusal("CHANGE_OUTDATED", "The field was changed after you asked for this: ask for it anew.")
    # counted before it is compared, in a row that stays locked: of many tries at once each counts
    expected = await (await call.tx.raw()).fetchval(_TRY, call.actor.organization_id, call.row)
    given = code_hash(call.row, str(call.arguments["code"]))
    if expected is None or not hmac.compare_digest(given, expected):
        wrong = UserError("CODE_INVALID", "This is not the code, or it was tried too often.", ("code",))
        return Outcome(Effect.REFUSED, errors=(wrong,), keep=True)
    return None


@mutation(
    ChangeRequest,
    Argument("anyway", kinds.BOOLEAN, "Also where the field was changed after this was asked for."),
    needs=None,
    offered=_decides,
)
async def approve_change(call: Call) -> Outcome:
    """Write a change that somebody asked for about themselves, by your own right to write the field."""
    asked = await _locked(call)
    if asked is None or not await _may_decide(call, asked):
        return Outcome.refused(denied())
    if not asked.pending or asked.waits_for != "APPROVAL":
        return refusal("CHANGE_NOT_PENDING", "This change does not wait for approval.")
    if asked.now != asked.before and not call.arguments.get("anyway"):
        return refusal("CHANGE_OUTDATED", "The field was changed after this was asked for: compare, then say anyway.")
    return await _applied(
        call, asked, level_to_write(asked.spec), lambda errors: [UserError(e.code, e.message) for e in errors]
    )


@mutation(
    ChangeRequest,
    Argument("reason", kinds.STRING, "Why; the person reads it.", required=True),
    needs=None,
    offered=_decides,
)
async def reject_change(call: Call) -> Outcome:
    """Refuse a change that somebody asked for about themselves, with the reason."""
    asked = await _locked(call)
    if asked is None or not await _may_decide(call, asked):
        return Outcome.refused(denied())
    reason = str(call.arguments["reason"]).strip()
    if not reason:
        return refusal("VALUE_INVALID", "The reason cannot be blank.", "reason")
    if not asked.pending:
        return refusal("CHANGE_NOT_PENDING", "This change waits for nothing.")
    return await _close(call, "REJECTED", reason=reason)


async def _applied(
    call: Call, asked: _Asked, needs: Level | None, told: Callable[[Sequence[UserError]], Sequence[UserError]]
) -> Outcome:
    """The change is closed and the field written, by the caller's own right where it `needs` one."""
    closed = await _close(call, "APPLIED")
    if closed.is_refused:
        return closed
    entity = asked.entity.__name__
    written = await update_fields(
        call.tx,
        call.actor,
        entity,
        asked.row,
        {asked.spec.name: asked.after},
        f"{snake(entity)}.updated",
        needs=needs,
        request_id=call.request_id,
    )
    if written.is_refused:
        return Outcome.refused(*told(written.errors))
    return Outcome(Effect.UPDATED, call.row)


async def _close(call: Call, state: str, **more: object) -> Outcome:
    return await close(call.tx, call.actor, call.row, state, call.request_id, if_match=call.if_match, **more)


async def _may_decide(call: Call, asked: _Asked) -> bool:
    """Whether the caller decides about such changes and may write the field.

    By the right to, or by a grant that lets them write the request; and never who asked, or whom it is about.
    """
    actor = call.actor
    if actor.user_id is None or actor.user_id == asked.requested_by or actor.customer_id == asked.customer:
        return False
    if Right.CHANGES_APPROVE not in actor.policy.rights and not await may_write(
        call.tx, actor, ChangeRequest, call.row, INTERNAL
    ):
        return False
    category = asked.spec.read.category if asked.spec.read else None
    return await may_write(call.tx, actor, asked.entity, asked.row, level_to_write(asked.spec), category)


async def _asked_by_caller(call: Call, asked: _Asked) -> bool:
    """Whether the caller asked for it and may still change this field of themselves after verification."""
    actor, parameters = call.actor, Parameters()
    if actor.user_id is None or actor.user_id != asked.requested_by:
        return False
    if open_to_subject(asked.entity, actor.policy).get(asked.spec.name) is not Change.VERIFIED:
        return False
    row = parameters.constant(asked.row, "uuid")
    sql, sources = parameters.finish(
        f"SELECT {the_person(asked.entity, actor.policy, parameters, 't')} FROM {table_name(asked.entity)} t"
        f" WHERE t.organization_id = {parameters.organization} AND t.id = {row}"
    )
    return bool(await (await call.tx.raw()).fetchval(sql, *[source((), actor) for source in sources]))


async def _locked(call: Call) -> _Asked | None:
    """The request and its record, locked: the record first, as whoever asks anew does. `None`: the record is gone."""
    connection, organization = await call.tx.raw(), call.actor.organization_id
    known = await connection.fetchrow(_ASKED, organization, call.row)
    assert known is not None, "the request was seen in this transaction"
    entity = REGISTRY[known["entity"]]
    found = (s for s in fields_of(entity, call.actor.policy).values() if s.input == known["field"])
    spec = next(found, None)
    if spec is None or spec.write is None:  # it is not written any more
        return None
    current = await connection.fetchrow(
        f"SELECT ({spec.name})::text AS now FROM {table_name(entity)} WHERE organization_id = $1 AND id = $2"
        " FOR NO KEY UPDATE",
        organization,
        known["row_id"],
    )
    asked = await connection.fetchrow(f"{_ASKED} FOR UPDATE", organization, call.row)
    if current is None or asked is None:
        return None
    return _Asked(
        entity,
        asked["row_id"],
        spec,
        asked["customer_id"],
        asked["requested_by_id"],
        asked["waits_for"],
        asked["before_value"],
        asked["after_value"],
        asked["pending"],
        current["now"],
    )
