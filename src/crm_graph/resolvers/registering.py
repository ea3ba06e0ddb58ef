"""A partner brings a possible sale."""

from crm_graph import kinds
from crm_graph.auth.levels import PARTNER
from crm_graph.auth.policy import Policy
from crm_graph.auth.rows import Rule
from crm_graph.markers import camel
from crm_graph.plan.changes import Outcome, denied
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.writes.draft import read_values
from crm_graph.plan.writes.write import insert_fields
from crm_graph.resolvers.pipelines import beginning
from crm_graph.schema.opportunities import Opportunity


def _for_partners(policy: Policy) -> bool:
    """Whether the caller works on sales because these are their partner's."""
    return any(g.rule is Rule.PARTNER and g.write is not None and g.write >= PARTNER for g in policy.on("Opportunity"))


@mutation(
    Opportunity,
    Argument("name", kinds.STRING, "What is to be sold, in a few words.", required=True),
    Argument("customer_id", kinds.ID, "To whom, if you see that customer.", ref="Customer"),
    Argument("product_id", kinds.ID, "The main product.", ref="Product"),
    Argument("amount", kinds.MONEY, "What the sale is worth."),
    Argument("engaged_on", kinds.DATE, "When talks began."),
    Argument("close_on", kinds.DATE, "When the sale is expected to close."),
    needs=None,
    creates=True,
    offered=_for_partners,
)
async def register_opportunity(call: Call) -> Outcome:
    """Bring a possible sale to us, as a partner: open, in the default pipeline, yours, and nobody's of ours yet."""
    if call.actor.partner_id is None:
        return Outcome.refused(denied())
    given: dict[str, object] = {camel(name): value for name, value in call.arguments.items()}
    amount = given.get("amount")
    if isinstance(amount, kinds.Amount):
        given["amount"] = {"amount": amount.amount, "currency": amount.currency}
    draft = read_values(Opportunity, call.actor.policy.classification, given)
    if draft.errors:
        return Outcome.refused(*draft.errors)
    values = {**draft.values, "partner_id": call.actor.partner_id}
    if draft.currency is not None:
        values["currency"] = draft.currency
    begins = await beginning(call.tx, call.actor.organization_id)
    if begins is not None:
        values |= {"pipeline_id": begins.pipeline_id, "stage_id": begins.stage_id}
    return await insert_fields(
        call.tx, call.actor, "Opportunity", values, event="opportunity.registered", request_id=call.request_id
    )
