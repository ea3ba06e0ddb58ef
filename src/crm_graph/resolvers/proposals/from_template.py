"""Proposals that begin with the texts of a template."""

import datetime as dt
from typing import Final

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL
from crm_graph.plan.changes import Action, Change, Outcome, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.writes.write import write
from crm_graph.schema.proposals import Proposal

_TEMPLATE: Final = """
SELECT title, language, introduction, terms, closing, valid_days, active, now()::date AS today
  FROM proposal_templates WHERE organization_id = $1 AND id = $2"""


@mutation(
    Proposal,
    Argument("template_id", kinds.ID, "What it begins with.", required=True, ref="ProposalTemplate"),
    Argument("number", kinds.STRING, "Number on the paper, unique.", required=True),
    Argument("customer_id", kinds.ID, "For whom it is.", required=True, ref="Customer"),
    Argument("opportunity_id", kinds.ID, "The opportunity it belongs to.", ref="Opportunity"),
    Argument("title", kinds.STRING, "What is offered; the template's title if it is left out."),
    Argument("currency", kinds.CURRENCY, "Currency of the amounts; the organisation's if it is left out."),
    needs=INTERNAL,
    creates=True,
)
async def create_proposal_from_template(call: Call) -> Outcome:
    """Begin a proposal with the texts, the language and the validity of a template."""
    template = await (await call.tx.raw()).fetchrow(
        _TEMPLATE, call.actor.organization_id, call.arguments["template_id"]
    )
    assert template is not None, "the template was seen in this transaction"
    if not template["active"]:
        return refusal("STATE_REFUSED", "The template is not in use any more.", "templateId")
    title = call.arguments.get("title") or template["title"]
    if not title:
        return refusal("VALUE_INVALID", "The template has no title: give one.", "title")
    given: dict[str, object] = {
        "number": call.arguments["number"],
        "customerId": call.arguments["customer_id"],
        "title": title,
        **{name: template[name] for name in ("language", "introduction", "terms", "closing")},
    }
    if template["valid_days"] is not None:
        given["validUntil"] = template["today"] + dt.timedelta(days=template["valid_days"])
    if "opportunity_id" in call.arguments:
        given["opportunityId"] = call.arguments["opportunity_id"]
    if "currency" in call.arguments:
        given["currency"] = call.arguments["currency"]
    change = Change(Proposal.__name__, Action.CREATE, values=given)
    return await write(call.tx, call.actor, change, request_id=call.request_id)
