"""Registering a deal. It is taken down and no more: nothing about the answer depends on what else there is."""

from typing import Final

from crm_graph import kinds
from crm_graph.auth.levels import PARTNER
from crm_graph.jobs.timers import set_timer
from crm_graph.kinds import Amount
from crm_graph.plan.changes import Outcome, invalid
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.writes.write import insert_fields
from crm_graph.resolvers.deals.answering import ANSWER, answer_due
from crm_graph.resolvers.deals.checking import CHECK
from crm_graph.schema.deals import DealRegistration
from crm_graph.specs import INDEXED_TEXT

_GIVEN: Final = (
    "customer_email",
    "customer_phone",
    "customer_tax_number",
    "customer_country",
    "product_id",
    "close_on",
)


@mutation(
    DealRegistration,
    Argument("partner_id", kinds.ID, "Whose deal it is; left out: your own partner's.", ref="Partner"),
    Argument("customer_name", kinds.STRING, "The customer's name, as you know it.", required=True),
    Argument("customer_email", kinds.EMAIL, "The customer's e-mail address."),
    Argument("customer_phone", kinds.PHONE, "The customer's telephone number."),
    Argument("customer_tax_number", kinds.STRING, "The customer's tax number."),
    Argument("customer_country", kinds.COUNTRY, "The customer's country."),
    Argument("product_id", kinds.ID, "What is to be sold.", ref="Product"),
    Argument("amount", kinds.MONEY, "What the deal is worth.", required=True),
    Argument("close_on", kinds.DATE, "When it is expected to close.", required=True),
    needs=PARTNER,
    creates=True,
)
async def register_deal(call: Call) -> Outcome:
    """Register a deal: it is received, and answered two days later, or in as many days again until it is decided."""
    partner = call.arguments.get("partner_id") or call.actor.partner_id
    name, amount = str(call.arguments["customer_name"]).strip(), call.arguments["amount"]
    assert isinstance(amount, Amount)
    if partner is None:
        return Outcome.refused(invalid("Say whose deal it is.", "partnerId"))
    if not name:
        return Outcome.refused(invalid("The name cannot be blank.", "customerName"))
    for given, value in (("customerName", name), ("customerTaxNumber", call.arguments.get("customer_tax_number"))):
        if len(str(value or "")) > INDEXED_TEXT:
            return Outcome.refused(invalid(f"At most {INDEXED_TEXT} characters.", given))
    if amount.amount <= 0:
        return Outcome.refused(invalid("The deal is worth more than nothing.", "amount"))
    values = {column: call.arguments.get(column) for column in _GIVEN}
    outcome = await insert_fields(
        call.tx,
        call.actor,
        "DealRegistration",
        {
            "partner_id": partner,
            "customer_name": name,
            "amount": amount.amount,
            "currency": amount.currency,
            **values,
        },
        row=call.row,
        event="deal_registration.received",
        request_id=call.request_id,
    )
    if not outcome.is_refused:
        organization = call.actor.organization_id
        now = await (await call.tx.raw()).fetchval("SELECT now()")
        await set_timer(call.tx, organization, CHECK, call.row, now)
        await set_timer(call.tx, organization, ANSWER, call.row, answer_due(now, now))
    return outcome
