"""What partners record about the customers that are shared with them."""

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL
from crm_graph.declaration import choice_kind
from crm_graph.plan.changes import Outcome, invalid
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.writes.write import insert_fields
from crm_graph.schema.partner_activities import PartnerActivity, PartnerActivityKind
from crm_graph.specs import INDEXED_TEXT


@mutation(
    PartnerActivity,
    Argument("partner_id", kinds.ID, "Whose activity it is; left out: your own partner's.", ref="Partner"),
    Argument("customer_id", kinds.ID, "The customer it is about.", required=True, ref="Customer"),
    Argument("kind", choice_kind(PartnerActivityKind), "What was done; left out: NOTE."),
    Argument("subject", kinds.STRING, "What it was about.", required=True),
    Argument("notes", kinds.STRING, "What came of it."),
    Argument("happened_at", kinds.DATETIME, "When it was; left out: now."),
    needs=INTERNAL,
    creates=True,
)
async def record_partner_activity(call: Call) -> Outcome:
    """Record a visit to, a call with or a note about a customer; who looks after the customer reads it at once."""
    partner = call.arguments.get("partner_id") or call.actor.partner_id
    subject = str(call.arguments["subject"]).strip()
    if partner is None:
        return Outcome.refused(invalid("Say whose activity it is.", "partnerId"))
    if len(subject) > INDEXED_TEXT:
        return Outcome.refused(invalid(f"At most {INDEXED_TEXT} characters.", "subject"))
    if not subject:
        return Outcome.refused(invalid("The subject cannot be blank.", "subject"))
    happened_at = call.arguments.get("happened_at") or await (await call.tx.raw()).fetchval("SELECT now()")
    return await insert_fields(
        call.tx,
        call.actor,
        "PartnerActivity",
        {
            "partner_id": partner,
            "customer_id": call.arguments["customer_id"],
            "kind": call.arguments.get("kind") or PartnerActivityKind.NOTE,
            "subject": subject,
            "notes": call.arguments.get("notes"),
            "happened_at": happened_at,
            "author_id": call.actor.user_id,
        },
        row=call.row,
        event="partner_activity.recorded",
        request_id=call.request_id,
    )
