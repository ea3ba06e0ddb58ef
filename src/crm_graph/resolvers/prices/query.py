"""Asking for prices: by whom, for whom, and what of the answer's reasons they may know."""

import datetime as dt
import enum
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import asyncpg

from crm_graph.db.ids import encode
from crm_graph.errors import FieldAccessDenied, PriceNotFound, ValueInvalid
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.queries import query
from crm_graph.plan.signatures import Ask, Id
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.resolvers.prices.situation import row_of, situation
from crm_graph.resolvers.prices.statement import SCOPES, Seen, Situation, statement
from crm_graph.schema.orders import Channel
from crm_graph.schema.price_lists import PriceList
from crm_graph.schema.products import Product

MOST = 200
"""Products that may be priced at once."""


class PriceScope(enum.Enum):
    """What a price is for; the first of these that has one decides."""

    CUSTOMER = enum.auto()
    PARTNER = enum.auto()
    SEGMENT = enum.auto()
    CHANNEL = enum.auto()
    GENERAL = enum.auto()
    CATALOGUE = enum.auto()


class PriceReason(enum.Enum):
    """Why a list decides a price, or does not: the first of these that holds."""

    DECIDES = enum.auto()
    OTHER_CURRENCY = enum.auto()
    NOT_YET_VALID = enum.auto()
    NO_LONGER_VALID = enum.auto()
    OTHER_CHANNEL = enum.auto()
    OTHER_SEGMENT = enum.auto()
    NO_PRICE = enum.auto()
    BELOW_QUANTITY = enum.auto()
    NO_BASE_PRICE = enum.auto()
    LESS_PARTICULAR = enum.auto()
    LOWER_PRIORITY = enum.auto()
    OLDER = enum.auto()


@dataclass(frozen=True, slots=True)
class PriceCandidate:
    """A list that was looked at for a price, among those that you see."""

    price_list_id: Annotated[Id | None, "The list; null: the catalogue."]
    name: Annotated[str | None, "Its name."]
    scope: Annotated[PriceScope, "The most particular that it names."]
    unit_price: Annotated[Decimal | None, "What it says one costs in this quantity, if it says anything."]
    min_quantity: Annotated[Decimal | None, "The tier that was looked at: from how many on."]
    reason: Annotated[PriceReason, "Why it decides, or does not."]


@dataclass(frozen=True, slots=True)
class Price:
    """What so many of a product cost somebody, and why."""

    product_id: Annotated[Id, "The product."]
    quantity: Annotated[Decimal, "How many."]
    currency: Annotated[str, "Currency of the amounts, ISO 4217."]
    unit_price: Annotated[Decimal, "What one costs."]
    total: Annotated[Decimal, "What all cost: rounded half up to the currency's minor unit."]
    list_price: Annotated[Decimal | None, "What one costs in the catalogue, if that says so in this currency."]
    scope: Annotated[PriceScope | None, "What the price is for; null where you do not see the list that decides."]
    price_list_id: Annotated[Id | None, "The list that decides; null: the catalogue, or one that you do not see."]
    price_list_name: Annotated[str | None, "Its name."]
    entry_id: Annotated[Id | None, "The entry of that list which decides."]
    min_quantity: Annotated[Decimal | None, "The tier of that entry: from how many on."]
    candidates: Annotated[list[PriceCandidate], "What was looked at and you see, what decides first."]


@dataclass(frozen=True, slots=True)
class PriceItem:
    """So many of a product, to be priced."""

    product_id: Annotated[Id, "The product."]
    quantity: Annotated[Decimal, "How many; more than 0."] = Decimal(1)


@dataclass(frozen=True, slots=True)
class ProductPrice:
    """The price of one of the products asked for."""

    product_id: Annotated[Id, "The product."]
    quantity: Annotated[Decimal, "How many."]
    price: Annotated[Price | None, "Its price."]
    code: Annotated[str | None, "PRICE_NOT_FOUND where it has none in the currency, or you do not see the product."]


@query(of=PriceList.__name__)
async def price(
    ask: Ask,
    product_id: Annotated[Id, "The product."],
    customer_id: Annotated[Id | None, "Who buys; yourself if you are a customer, else somebody not known."] = None,
    channel: Annotated[Channel | None, "Where; lists for one channel hold nowhere else."] = None,
    quantity: Annotated[Decimal, "How many; more than 0."] = Decimal(1),
    at: Annotated[dt.datetime | None, "When; for those who see all price lists. Now, if it is left out."] = None,
    currency: Annotated[str | None, "In which currency; the customer's, if it is left out."] = None,
    partner_id: Annotated[
        Id | None, "The partner through whom it is sold; a partner's people are always theirs."
    ] = None,
) -> Price:
    """What a product costs this customer on this channel now, and which price list says so (docs/api.md)."""
    [found] = await prices(ask, [PriceItem(product_id, quantity)], customer_id, channel, at, currency, partner_id)
    if found.price is None:
        raise PriceNotFound("There is no price for this product in this currency.")
    return found.price


@query(of=PriceList.__name__)
async def prices(
    ask: Ask,
    items: Annotated[list[PriceItem], "The products, at most 200."],
    customer_id: Annotated[Id | None, "As of `price`."] = None,
    channel: Annotated[Channel | None, "As of `price`."] = None,
    at: Annotated[dt.datetime | None, "As of `price`."] = None,
    currency: Annotated[str | None, "As of `price`."] = None,
    partner_id: Annotated[Id | None, "As of `price`."] = None,
) -> list[ProductPrice]:
    """As `price`, for many products at once, in one statement; in the order asked for."""
    if len(items) > MOST:
        raise ValueInvalid(f"At most {MOST} products are priced at once.")
    if any(item.quantity <= 0 for item in items):
        raise ValueInvalid("A quantity is more than 0.")
    found = await situation(ask, customer_id, channel, at, currency, partner_id)
    wanted = [(_product(item.product_id), item.quantity) for item in items]
    parameters = Parameters()
    sql, sources = parameters.finish(statement(parameters, wanted, found, _seen(ask, parameters)))
    rows: dict[int, list[asyncpg.Record]] = defaultdict(list)
    for row in await (await ask.tx.raw()).fetch(sql, *[source((), ask.actor) for source in sources]):
        rows[row["place"]].append(row)
    priced = [_price(item, found, rows[place]) for place, item in enumerate(items, 1)]
    return [
        ProductPrice(item.product_id, item.quantity, one, None if one else PriceNotFound.code)
        for item, one in zip(items, priced, strict=True)
    ]


def _product(product: Id) -> UUID:
    return row_of(product, Product) or UUID(int=0)


def _seen(ask: Ask, parameters: Parameters) -> Seen:
    """Products on sale to the caller, and the lists whose names they may learn; prices themselves go by all lists."""
    products = open_lens(Product, ask.actor.policy, parameters, "t")
    lists = open_lens(PriceList, ask.actor.policy, parameters, "t")
    if products is None or lists is None:
        raise FieldAccessDenied("You may not ask for prices.")
    shown = products.column(products.spec("list_price")).sql or "NULL::numeric"
    name = lists.column(lists.spec("name")).sql or "NULL::text"
    return Seen(
        f"SELECT t.id, t.category_id, t.currency, t.list_price, {shown} AS shown FROM {products.source()}"
        f" WHERE {products.where()}",
        f"SELECT t.id, {name} AS name FROM {lists.source()} WHERE {lists.where()}",
    )


def _price(item: PriceItem, found: Situation, rows: Sequence[asyncpg.Record]) -> Price | None:
    """The first row decides, unless it says why it does not."""
    if not rows or rows[0]["lost"] is not None:
        return None
    best = rows[0]
    told = best["named"] or best["list_id"] is None
    return Price(
        item.product_id,
        item.quantity,
        found.currency,
        best["unit_price"],
        best["total"],
        best["shown"],
        _scope(best) if told else None,
        _id("prc", best["list_id"]) if told else None,
        best["name"] if told else None,
        _id("ple", best["entry_id"]) if told else None,
        best["min_quantity"] if told else None,
        [_candidate(row, best) for row in rows if row["named"] or row["list_id"] is None],
    )


def _candidate(row: asyncpg.Record, best: asyncpg.Record) -> PriceCandidate:
    return PriceCandidate(
        _id("prc", row["list_id"]), row["name"], _scope(row), row["unit_price"], row["min_quantity"], _reason(row, best)
    )


def _reason(row: asyncpg.Record, best: asyncpg.Record) -> PriceReason:
    if row["lost"] is not None:
        return PriceReason[row["lost"]]
    if row["rank"] == best["rank"]:
        return PriceReason.DECIDES
    if row["scope"] > best["scope"]:
        return PriceReason.LESS_PARTICULAR
    return PriceReason.LOWER_PRIORITY if row["priority"] < best["priority"] else PriceReason.OLDER


def _scope(row: asyncpg.Record) -> PriceScope:
    return PriceScope[SCOPES[row["scope"] - 1]]


def _id(prefix: str, row: UUID | None) -> Id | None:
    return None if row is None else Id(encode(prefix, row))
