"""What becomes of a lead: somebody works on it, and it becomes a customer with an opportunity, or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL, PARTNER
from crm_graph.plan.changes import Action, Change, Outcome, invalid, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.writes.write import insert_fields, write
from crm_graph.resolvers.lead_matches import matching_contact, matching_customer
from crm_graph.resolvers.pipelines import beginning
from crm_graph.resolvers.states import Moves, current, move
from crm_graph.schema.customers import CustomerKind
from crm_graph.schema.leads import Lead, LeadStatus

MOVES: Moves = {
    LeadStatus.NEW: (LeadStatus.WORKING, LeadStatus.CONVERTED, LeadStatus.DISQUALIFIED),
    LeadStatus.WORKING: (LeadStatus.CONVERTED, LeadStatus.DISQUALIFIED),
    LeadStatus.DISQUALIFIED: (LeadStatus.WORKING,),
}
_LEAD = """SELECT name, nullif(btrim(company), '') AS company, email, phone, country,
 nullif(btrim(interest), '') AS interest, owner_id, team_id, partner_id, now() AS now
 FROM leads WHERE organization_id = $1 AND id = $2"""
_ACCEPT_BY = "SELECT accept_by FROM leads WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE"
_OFFERED = refusal("STATE_REFUSED", "It is offered to a partner, and not accepted yet.")


@mutation(Lead, needs=PARTNER)
async def work_lead(call: Call) -> Outcome:
    """Say that somebody works on a lead; also on one that was disqualified."""
    if await _offered(call):
        return _OFFERED
    values = {"disqualified_because": None, "closed_at": None}
    return await move(call, Lead, MOVES, LeadStatus.WORKING, "lead.taken_up", values, needs=PARTNER)


@mutation(Lead, Argument("reason", kinds.STRING, "Why nothing comes of it.", required=True), needs=PARTNER)
async def disqualify_lead(call: Call) -> Outcome:
    """Say that nothing comes of a lead, and why."""
    reason = str(call.arguments["reason"]).strip()
    if not reason:
        return Outcome.refused(invalid("The reason cannot be blank.", "reason"))
    if await _offered(call):
        return _OFFERED
    now = await (await call.tx.raw()).fetchval("SELECT now()")
    values = {"disqualified_because": reason, "closed_at": now}
    return await move(call, Lead, MOVES, LeadStatus.DISQUALIFIED, "lead.disqualified", values, needs=PARTNER)


@mutation(
    Lead,
    Argument("customer_id", kinds.ID, "The customer it is; left out: who matches, else a new one.", ref="Customer"),
    Argument("pipeline_id", kinds.ID, "Where the sale begins; left out: the default pipeline.", ref="Pipeline"),
    Argument("opportunity_name", kinds.STRING, "What is to be sold; left out: what the lead is interested in."),
    Argument("amount", kinds.MONEY, "What the sale is worth."),
    Argument("close_on", kinds.DATE, "When the sale is expected to close."),
    needs=INTERNAL,
)
async def convert_lead(call: Call) -> Outcome:
    """Make a customer, a contact and an opportunity of a lead, once.

    A customer whose e-mail address, telephone number or name as an organisation matches, as far as the caller sees
    them, is taken instead of a new one; so is a contact with the same address. Customer and opportunity are made by
    the caller's own rights.
    """
    at = LeadStatus(await current(call, Lead))
    if LeadStatus.CONVERTED not in MOVES.get(at, ()):
        return refusal("STATE_REFUSED", f"It is {at.value}, which does not lead to CONVERTED.")
    if await _offered(call):
        return _OFFERED
    found = await (await call.tx.raw()).fetchrow(_LEAD, call.actor.organization_id, call.row)
    assert found is not None, "the lead was seen in this transaction"
    lead = _Lead(*(found[name] for name in _Lead.__slots__))
    customer = await _customer(call, lead)
    if isinstance(customer, Outcome):
        return customer
    contact = await _contact(call, lead, customer) if lead.company else None
    if isinstance(contact, Outcome):
        return contact
    opportunity = await _opportunity(call, lead, customer)
    if isinstance(opportunity, Outcome):
        return opportunity
    values = {
        "customer_id": customer,
        "contact_id": contact,
        "opportunity_id": opportunity,
        "closed_at": found["now"],
    }
    return await move(call, Lead, MOVES, LeadStatus.CONVERTED, "lead.converted", values, needs=INTERNAL)


async def _offered(call: Call) -> bool:
    """Whether a partner has yet to accept it: until then nothing is done with it, by whomever."""
    connection = await call.tx.raw()
    return await connection.fetchval(_ACCEPT_BY, call.actor.organization_id, call.row) is not None


@dataclass(frozen=True, slots=True)
class _Lead:
    name: str
    company: str | None
    email: str | None
    phone: str | None
    country: str | None
    interest: str | None
    owner_id: UUID | None
    team_id: UUID | None
    partner_id: UUID | None

    @property
    def people(self) -> dict[str, object]:
        """Who works on it, for what is made of it."""
        given = {"ownerId": self.owner_id, "teamId": self.team_id}
        return {name: value for name, value in given.items() if value is not None}


async def _customer(call: Call, lead: _Lead) -> UUID | Outcome:
    given = call.arguments.get("customer_id")
    if isinstance(given, UUID):
        return given
    known = await matching_customer(call, lead.company, lead.email, lead.phone)
    if known is not None:
        return known
    values: dict[str, object] = {"name": lead.company or lead.name, "country": lead.country, **lead.people}
    if lead.company:
        values["kind"] = CustomerKind.ORGANIZATION.value
    else:
        values |= {"kind": CustomerKind.PERSON.value, "email": lead.email, "phone": lead.phone}
    return await _made(call, "Customer", values)


async def _contact(call: Call, lead: _Lead, customer: UUID) -> UUID | Outcome:
    known = await matching_contact(call, customer, lead.email)
    if known is not None:
        return known
    values = {"customer_id": customer, "name": lead.name, "email": lead.email, "phone": lead.phone}
    return _id(await insert_fields(call.tx, call.actor, "Contact", values, request_id=call.request_id))


async def _opportunity(call: Call, lead: _Lead, customer: UUID) -> UUID | Outcome:
    pipeline, amount = call.arguments.get("pipeline_id"), call.arguments.get("amount")
    begins = await beginning(call.tx, call.actor.organization_id, pipeline if isinstance(pipeline, UUID) else None)
    name = call.arguments.get("opportunity_name") or lead.interest or lead.company or lead.name
    values: dict[str, object] = {"name": str(name)[:255], "customerId": customer, **lead.people}
    if lead.partner_id is not None:
        values["partnerId"] = lead.partner_id
    if begins is not None:
        values |= {"pipelineId": begins.pipeline_id, "stageId": begins.stage_id, "probability": begins.probability}
    if isinstance(amount, kinds.Amount):
        values["amount"] = {"amount": amount.amount, "currency": amount.currency}
    if "close_on" in call.arguments:
        values["closeOn"] = call.arguments["close_on"]
    return await _made(call, "Opportunity", values)


async def _made(call: Call, entity: str, values: Mapping[str, object]) -> UUID | Outcome:
    """A new record, where the caller may make it."""
    given = {name: value for name, value in values.items() if value is not None}
    change = Change(entity, Action.CREATE, values=given)
    return _id(await write(call.tx, call.actor, change, request_id=call.request_id))


def _id(outcome: Outcome) -> UUID | Outcome:
    return outcome if outcome.is_refused or outcome.id is None else outcome.id
