"""Who has which part of a sale."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final
from uuid import UUID

from crm_graph.auth.levels import INTERNAL
from crm_graph.errors import ReferenceNotFound
from crm_graph.plan.access.visibility import named
from crm_graph.plan.changes import Outcome, UserError, invalid, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.signatures import Id
from crm_graph.plan.writes.write import delete_rows, insert_fields, update_fields
from crm_graph.schema.opportunities import Opportunity
from crm_graph.schema.users import User

_LOCKED = "SELECT now() FROM opportunities WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE"
_SPLITS = "SELECT id, user_id, percent FROM opportunity_splits WHERE organization_id = $1 AND opportunity_id = $2"
MOST_SPLITS: Final = 20


@dataclass(frozen=True, slots=True)
class OpportunitySplitInput:
    """Somebody's part of a sale."""

    user_id: Annotated[Id, "Who has this part."]
    percent: Annotated[Decimal, "How much of the sale, in percent."]


@mutation(
    Opportunity,
    Argument(
        "splits",
        None,
        "Who has which part of a sale: together 100 percent, or none at all.",
        required=True,
        parts=OpportunitySplitInput,
        many=True,
    ),
    needs=INTERNAL,
)
async def set_opportunity_splits(call: Call) -> Outcome:
    """Say who has which part of a sale, in place of what was said before: together 100 percent, or nobody."""
    given: list[OpportunitySplitInput] = call.arguments["splits"]  # type: ignore[assignment]
    if len(given) > MOST_SPLITS:
        return Outcome.refused(invalid(f"At most {MOST_SPLITS} parts are taken.", "splits"))
    people = [await named(call.tx, call.actor, User, one.user_id) for one in given]
    if None in people:
        path = ("splits", str(people.index(None)), "userId")
        return refusal(ReferenceNotFound.code, "This names no user that you can see.", *path)
    wanted = {who: one.percent for who, one in zip(people, given, strict=True) if who is not None}
    refused = _fault(len(given), wanted)
    if refused is not None:
        return Outcome.refused(refused)
    connection = await call.tx.raw()
    now = await connection.fetchval(_LOCKED, call.actor.organization_id, call.row)
    outcome = await update_fields(
        call.tx,
        call.actor,
        "Opportunity",
        call.row,
        {"last_activity_at": now},
        "opportunity.splits_set",
        needs=INTERNAL,
        if_match=call.if_match,
        request_id=call.request_id,
    )
    if outcome.is_refused:
        return outcome
    kept = {row["user_id"]: row for row in await connection.fetch(_SPLITS, call.actor.organization_id, call.row)}
    same = {user for user, row in kept.items() if wanted.get(user) == row["percent"]}
    gone = [row["id"] for user, row in kept.items() if user not in same]
    written = await delete_rows(call.tx, call.actor, "OpportunitySplit", gone, trusted=True, request_id=call.request_id)
    for user, percent in wanted.items():
        if user not in same:
            values: dict[str, object] = {"opportunity_id": call.row, "user_id": user, "percent": percent}
            written.append(
                await insert_fields(call.tx, call.actor, "OpportunitySplit", values, request_id=call.request_id)
            )
    return next((one for one in written if one.is_refused), outcome)


def _fault(count: int, wanted: dict[UUID, Decimal]) -> UserError | None:
    if len(wanted) < count:
        return invalid("Each person is named once.", "splits")
    if any(percent <= 0 for percent in wanted.values()):
        return invalid("A part is more than nothing.", "splits")
    if wanted and sum(wanted.values()) != 100:
        return UserError("SPLITS_NOT_WHOLE", f"The parts come to {sum(wanted.values())}, not to 100.", ("splits",))
    return None
