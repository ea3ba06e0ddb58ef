"""Whether a customer would recommend us (NPS): asked by a link once a quarter, of those who agreed to be asked."""

from typing import Final
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL
from crm_graph.documents.language import language
from crm_graph.mail.outbox import Mail, post
from crm_graph.plan.changes import Outcome, denied, invalid, refusal
from crm_graph.plan.mutations import Argument, Call, may_write, mutation
from crm_graph.plan.writes.write import insert_fields, update_fields
from crm_graph.resolvers.consents import consented
from crm_graph.resolvers.feedback.links import PATH, WORKS
from crm_graph.resolvers.feedback.ratings import LONGEST, too_long
from crm_graph.resolvers.quarters import period
from crm_graph.resolvers.secret_links import new_link, revoke
from crm_graph.schema.consents import ConsentChannel, ConsentPurpose
from crm_graph.schema.customers import Customer
from crm_graph.schema.feedback import RelationshipRating

SCORES: Final = range(11)
_ASKED: Final = """
SELECT c.email, c.locale, o.name AS organization, o.hosts, now() AS now,
       EXISTS (SELECT 1 FROM relationship_ratings s WHERE s.organization_id = c.organization_id
                  AND s.customer_id = c.id AND s.period = $3) AS asked
  FROM customers c JOIN organizations o ON o.organization_id = c.organization_id
 WHERE c.organization_id = $1 AND c.id = $2 FOR NO KEY UPDATE OF c"""
_SURVEY: Final = (
    "SELECT score, now() AS now FROM relationship_ratings WHERE organization_id = $1 AND id = $2 FOR UPDATE"
)


@mutation(
    RelationshipRating,
    Argument("customer_id", kinds.ID, "Whom to ask.", required=True, ref="Customer"),
    needs=INTERNAL,
    creates=True,
)
async def survey_relationship(call: Call) -> Outcome:
    """Ask a customer by mail whether they would recommend us: once a quarter, if they agreed to surveys by mail."""
    customer = call.arguments["customer_id"]
    assert isinstance(customer, UUID)
    if not await may_write(call.tx, call.actor, Customer, customer, INTERNAL):
        return Outcome.refused(denied())
    connection, here = await call.tx.raw(), call.actor.organization_id
    now = await connection.fetchval("SELECT now()")
    asked = await connection.fetchrow(_ASKED, here, customer, period(now.date()))
    assert asked is not None, "the customer was seen in this transaction"
    if asked["asked"]:
        return refusal("SURVEYED_ALREADY", f"They were asked in {period(now.date())}.")
    if not await consented(connection, here, customer, ConsentPurpose.SURVEYS, ConsentChannel.EMAIL):
        return refusal("CONSENT_MISSING", "They did not agree to surveys by mail.")
    if asked["email"] is None:
        return Outcome.refused(invalid("They have no e-mail address.", "customerId"))
    url, kept = new_link(call.tx, asked["hosts"], PATH)
    values = {
        "customer_id": customer,
        "period": period(now.date()),
        "recipient": asked["email"],
        "asked_by_id": call.actor.user_id,
        "expires_at": now + WORKS,
        "token_hash": kept,
    }
    made = await insert_fields(
        call.tx, call.actor, RelationshipRating.__name__, values,
        row=call.row, event="customer.surveyed", request_id=call.request_id,
    )  # fmt: skip
    if not made.is_refused:
        words = language(asked["locale"]).words
        said = words["survey_mail"].format(organization=asked["organization"], url=url)
        subject = words["survey_question"].format(organization=asked["organization"])
        await post(connection, here, Mail(asked["email"], subject, said))
    return made


@mutation(RelationshipRating, needs=INTERNAL)
async def revoke_survey_link(call: Call) -> Outcome:
    """Take a survey's link back: from now on it leads nowhere. They are not asked again in that quarter."""
    return await revoke(call, RelationshipRating, "customer.survey_revoked")


async def answer(call: Call, score: int, comment: str | None) -> Outcome:
    """Keep the answer to the call's survey; who has its link gives it, once."""
    if score not in SCORES:
        return Outcome.refused(invalid("A score is from 0 to 10.", "score"))
    if len(comment or "") > LONGEST:
        return Outcome.refused(too_long())
    found = await (await call.tx.raw()).fetchrow(_SURVEY, call.actor.organization_id, call.row)
    assert found is not None
    if found["score"] is not None:
        return refusal("RATED_ALREADY", "This was answered already.")
    values = {"score": score, "comment": (comment or "").strip() or None, "answered_at": found["now"]}
    return await update_fields(
        call.tx, call.actor, RelationshipRating.__name__, call.row, values, "customer.survey_answered",
        request_id=call.request_id,
    )  # fmt: skip
