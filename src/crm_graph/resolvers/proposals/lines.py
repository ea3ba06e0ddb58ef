"""Writing the lines of a draft. Each is a change of its proposal: under that one's `ifMatch`, with that one's etag."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL
from crm_graph.kinds import Amount
from crm_graph.plan.changes import Effect, Outcome, UserError, invalid, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.writes.write import delete_rows, insert_fields, update_fields
from crm_graph.resolvers.proposals.pricing import offered
from crm_graph.resolvers.proposals.states import Facts, locked, touched
from crm_graph.schema.proposals import Proposal, ProposalLine

_NEXT: Final = """
SELECT coalesce(max(position), 0) + 1 FROM proposal_lines WHERE organization_id = $1 AND proposal_id = $2"""
_LINE: Final = """
SELECT product_id, quantity FROM proposal_lines WHERE organization_id = $1 AND proposal_id = $2 AND id = $3"""

_POSITION = Argument("position", kinds.INT, "Place on the list, from 1; at the end if it is left out.")
_PRICE = "Price of one before discount, in the proposal's currency"
_DISCOUNT = Argument("discount_percent", kinds.DECIMAL, "Discount on this line, in percent.")
_LINE_ID = Argument("line_id", kinds.ID, "Which line.", required=True, ref="ProposalLine")


@mutation(
    Proposal,
    Argument("product_id", kinds.ID, "What is offered.", required=True, ref="Product"),
    Argument("quantity", kinds.DECIMAL, "How many; one if it is left out."),
    Argument("unit_price", kinds.MONEY, f"{_PRICE}; that of the price lists if it is left out."),
    _DISCOUNT,
    _POSITION,
    needs=INTERNAL,
)
async def add_proposal_line(call: Call) -> Outcome:
    """Add a line to a draft, at the price the customer has, or at another one."""
    facts = await locked(call)
    product = call.arguments["product_id"]
    assert isinstance(product, UUID)
    values = _given(call, facts)
    if isinstance(values, Outcome):
        return values
    begun = await touched(call, facts)
    if begun.is_refused:
        return begun
    quantity = values.get("quantity", Decimal(1))
    assert isinstance(quantity, Decimal)
    price = await offered(call, facts, product, quantity)
    values.setdefault("unit_price", price.list_price)
    if values["unit_price"] is None:
        return refusal("PRICE_UNKNOWN", f"The product has no price in {facts.currency}: give unitPrice.", "unitPrice")
    values |= {
        "proposal_id": call.row,
        "product_id": product,
        "position": values.get("position") or await _end(call),
        "currency": facts.currency,
        "list_price": price.list_price,
        "unit_cost": price.unit_cost,
        "product_name": price.product_name,
        "product_sku": price.product_sku,
    }
    added = await insert_fields(call.tx, call.actor, ProposalLine.__name__, values, request_id=call.request_id)
    return _refusal(added) or begun


@mutation(
    Proposal,
    _LINE_ID,
    Argument("quantity", kinds.DECIMAL, "How many. The price lists are asked anew; the offered price stays."),
    Argument("unit_price", kinds.MONEY, f"{_PRICE}."),
    _DISCOUNT,
    _POSITION,
    needs=INTERNAL,
)
async def change_proposal_line(call: Call) -> Outcome:
    """Change what is given of a draft's line."""
    facts = await locked(call)
    line = await _line(call)
    values = _given(call, facts)
    if line is None or isinstance(values, Outcome):
        return values if isinstance(values, Outcome) else _not_its_line()
    begun = await touched(call, facts)
    if begun.is_refused or not values:
        return begun
    row, product = call.arguments["line_id"], line["product_id"]
    assert isinstance(row, UUID)
    assert isinstance(product, UUID)
    if isinstance(quantity := values.get("quantity"), Decimal):
        values["list_price"] = (await offered(call, facts, product, quantity)).list_price
    changed = await update_fields(
        call.tx, call.actor, ProposalLine.__name__, row, values, "proposal_line.updated", request_id=call.request_id
    )
    return _refusal(changed) or begun


@mutation(Proposal, _LINE_ID, needs=INTERNAL)
async def remove_proposal_line(call: Call) -> Outcome:
    """Take a line off a draft."""
    facts = await locked(call)
    if await _line(call) is None:
        return _not_its_line()
    begun = await touched(call, facts)
    if begun.is_refused:
        return begun
    row = call.arguments["line_id"]
    assert isinstance(row, UUID)
    (gone,) = await delete_rows(
        call.tx, call.actor, ProposalLine.__name__, [row], trusted=True, request_id=call.request_id
    )
    return _refusal(gone) or begun


def _given(call: Call, facts: Facts) -> dict[str, object] | Outcome:
    """The columns that were given; or what is wrong with them."""
    values = {
        name: call.arguments[name] for name in ("quantity", "discount_percent", "position") if name in call.arguments
    }
    errors: list[UserError] = []
    quantity, discount = values.get("quantity"), values.get("discount_percent")
    if isinstance(quantity, Decimal) and quantity <= 0:
        errors.append(invalid("The quantity is more than nothing.", "quantity"))
    if isinstance(discount, Decimal) and not 0 <= discount <= 100:
        errors.append(invalid("A discount is from 0 to 100 percent.", "discountPercent"))
    if isinstance(position := values.get("position"), int) and position < 1:
        errors.append(invalid("Places count from 1.", "position"))
    if isinstance(price := call.arguments.get("unit_price"), Amount):
        if price.currency != facts.currency:
            errors.append(invalid("The proposal's amounts are in another currency.", "unitPrice", "currency"))
        if price.amount < 0:
            errors.append(invalid("A price is not negative.", "unitPrice", "amount"))
        values["unit_price"] = price.amount
    return Outcome.refused(*errors) if errors else values


async def _end(call: Call) -> int:
    """The place behind all lines."""
    place: int = await (await call.tx.raw()).fetchval(_NEXT, call.actor.organization_id, call.row)
    return place


async def _line(call: Call) -> Mapping[str, object] | None:
    found = await (await call.tx.raw()).fetchrow(_LINE, call.actor.organization_id, call.row, call.arguments["line_id"])
    return None if found is None else dict(found)


def _not_its_line() -> Outcome:
    return refusal("REFERENCE_NOT_FOUND", "The proposal has no such line.", "lineId")


def _refusal(outcome: Outcome) -> Outcome | None:
    return Outcome(Effect.REFUSED, errors=outcome.errors) if outcome.is_refused else None
