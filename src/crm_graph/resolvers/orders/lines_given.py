"""The lines of an order as a shop gives them: all of them at once, in their order."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final
from uuid import UUID

from crm_graph.kinds import Amount
from crm_graph.plan.access.visibility import find, named
from crm_graph.plan.changes import Effect, Outcome, UserError, invalid, refusal
from crm_graph.plan.mutations import Call
from crm_graph.plan.signatures import Id
from crm_graph.plan.writes.write import delete_rows, insert_rows, update_fields
from crm_graph.schema.orders import LineKind, OrderLine
from crm_graph.schema.products import Product

MOST_LINES: Final = 500
_COLUMNS: Final = (
    "kind", "product_id", "title", "position", "quantity", "unit_price", "tax_rate", "tax_included", "tax_given",
)  # fmt: skip
_KNOWN: Final = f"""SELECT id, {", ".join(_COLUMNS)} FROM order_lines
 WHERE organization_id = $1 AND order_id = $2 ORDER BY position, id"""


@dataclass(frozen=True, slots=True)
class OrderLineInput:
    """One position of an order: a product by its id or stock-keeping unit, or shipping, a discount or a fee."""

    unit_price: Annotated[Amount, "Price of one, in the order's currency; of a discount it is negative."]
    kind: Annotated[LineKind, "What it is."] = LineKind.PRODUCT
    product_id: Annotated[Id | None, "The product."] = None
    sku: Annotated[str | None, "The product by its stock-keeping unit, where the id is not known."] = None
    title: Annotated[str | None, "What it is called on the papers."] = None
    quantity: Annotated[Decimal, "How many."] = Decimal(1)
    tax_rate: Annotated[Decimal | None, "Tax in percent."] = None
    tax_included: Annotated[bool, "Whether the price has the tax in it."] = False
    tax: Annotated[Amount | None, "Tax on the line, where it is not to be worked out by the rate."] = None


async def read(call: Call, lines: Sequence[OrderLineInput], currency: str | None) -> list[dict[str, object]] | Outcome:
    """The lines as columns take them, in one currency, of products that the caller sees."""
    if len(lines) > MOST_LINES:
        return Outcome.refused(invalid(f"At most {MOST_LINES} lines are taken.", "lines"))
    rows: list[dict[str, object]] = []
    errors: list[UserError] = []
    products: dict[str, UUID | None] = {}
    for place, one in enumerate(lines):
        path = ("lines", str(place))
        named = one.product_id or one.sku
        if named is not None and named not in products:
            products[named] = await _product(call, one)
        if named is not None and products[named] is None:
            errors.append(UserError("REFERENCE_NOT_FOUND", "This names no product that you can see.", path))
        if named is None and one.kind is LineKind.PRODUCT:
            errors.append(invalid("A product line needs productId or sku.", *path))
        for amount in filter(None, (one.unit_price, one.tax)):
            if amount.currency != currency:
                says = f"The order is in {currency}."
                errors.append(UserError("CURRENCY_MISMATCH", says, (*path, "unitPrice")))
        if one.quantity <= 0 or not 0 <= (one.tax_rate or 0) <= 100:
            errors.append(invalid("A quantity above zero and a tax of 0 to 100 percent are needed.", *path))
        rows.append(
            {
                "kind": one.kind.value,
                "product_id": products[named] if named else None,
                "title": one.title,
                "position": place + 1,
                "quantity": one.quantity,
                "unit_price": one.unit_price.amount,
                "tax_rate": one.tax_rate,
                "tax_included": one.tax_included,
                "tax_given": one.tax.amount if one.tax else None,
            }
        )
    return Outcome.refused(*errors) if errors else rows


async def _product(call: Call, line: OrderLineInput) -> UUID | None:
    if line.product_id is None:
        return await find(call.tx, call.actor, Product, {"sku": line.sku or ""})
    return await named(call.tx, call.actor, Product, line.product_id)


async def put(call: Call, order: UUID, currency: str, rows: Sequence[dict[str, object]], *, fixed: bool) -> Outcome:
    """Make these the lines of an order, one by one in their order; refused where they differ and are `fixed`."""
    connection = await call.tx.raw()
    known = await connection.fetch(_KNOWN, call.actor.organization_id, order)
    changed = [
        (line["id"], {name: row[name] for name in _COLUMNS if row[name] != line[name]})
        for line, row in zip(known, rows, strict=False)
    ]
    changed = [(line, values) for line, values in changed if values]
    added = [{**row, "order_id": order, "currency": currency} for row in rows[len(known) :]]
    gone = [line["id"] for line in known[len(rows) :]]
    if not (changed or added or gone):
        return Outcome(Effect.UNCHANGED, order)
    if fixed and known:
        return refusal("STATE_REFUSED", "Its lines stay as they were shipped.", "lines")
    outcomes = [
        await update_fields(
            call.tx, call.actor, OrderLine.__name__, line, values, "order_line.updated", request_id=call.request_id
        )
        for line, values in changed
    ]
    name, request = OrderLine.__name__, call.request_id
    outcomes += await insert_rows(call.tx, call.actor, name, added, request_id=request)
    outcomes += await delete_rows(call.tx, call.actor, name, gone, trusted=True, request_id=request)
    refused = next((one for one in outcomes if one.is_refused), None)
    return refused or Outcome(Effect.UPDATED, order)
