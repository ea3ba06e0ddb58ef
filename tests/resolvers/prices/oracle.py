"""The second opinion on prices: the rules once more, in Python, from docs/api.md and not from the SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

DECIMALS = {"EUR": 2, "JPY": 0, "KWD": 3}


@dataclass(frozen=True)
class Entry:
    id: UUID
    product: UUID | None
    category: UUID | None
    least: Decimal
    price: Decimal | None
    percent: Decimal | None


@dataclass(frozen=True)
class List:
    id: UUID
    currency: str
    customer: UUID | None
    partner: UUID | None
    segment: str | None
    channel: str | None
    since: datetime | None
    until: datetime | None
    priority: int
    base: UUID | None
    percent: bool
    entries: Sequence[Entry] = field(default=())
    parts: bool = False


@dataclass(frozen=True)
class World:
    """What there is: products with category, currency and list price; categories with the one above; customers' segments."""

    products: Mapping[UUID, tuple[UUID | None, str, Decimal | None]]
    above: Mapping[UUID, UUID | None]
    segments: Mapping[UUID, str | None]
    lists: Sequence[List]
    bundles: Mapping[UUID, Sequence[tuple[UUID, Decimal]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Buying:
    product: UUID
    quantity: Decimal
    customer: UUID | None
    partner: UUID | None
    channel: str | None
    currency: str
    at: datetime


def half_up(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-DECIMALS[currency]), ROUND_HALF_UP)


def priced(world: World, buying: Buying) -> tuple[Decimal, Decimal, UUID | None] | None:
    """Unit price, total and the list that decides."""
    best: tuple[list[object], Decimal, UUID] | None = None
    for one in world.lists:
        if not _holds(world, one, buying):
            continue
        unit = _says(world, one, buying)
        if unit is None:
            continue
        named = [one.customer, one.partner, one.segment, one.channel, True]
        first = next(place for place, name in enumerate(named) if name is not None)
        began = one.since.timestamp() if one.since else float("-inf")
        rank: list[object] = [-first, one.priority, began, one.id.int]
        if best is None or rank > best[0]:
            best = (rank, unit, one.id)
    if best is None:
        _, currency, catalogue = world.products[buying.product]
        if catalogue is None or currency != buying.currency:
            return None
        return catalogue, half_up(catalogue * buying.quantity, buying.currency), None
    return best[1], half_up(best[1] * buying.quantity, buying.currency), best[2]


def _holds(world: World, one: List, buying: Buying) -> bool:
    segment = world.segments.get(buying.customer) if buying.customer else None
    for said, is_ in (
        (one.customer, buying.customer),
        (one.partner, buying.partner),
        (one.segment, segment),
        (one.channel, buying.channel),
        (one.currency, buying.currency),
    ):
        if said is not None and said != is_:
            return False
    return not (one.since and buying.at < one.since) and not (one.until and buying.at >= one.until)


def _says(world: World, one: List, buying: Buying) -> Decimal | None:
    category, currency, catalogue = world.products[buying.product]
    shelves = []
    while category is not None:
        shelves.append(category)
        category = world.above[category]
    reached = [e for e in one.entries if e.least <= buying.quantity]
    own = [e for e in reached if e.product == buying.product]
    groups = [own, *([e for e in reached if e.category == shelf] for shelf in shelves)]
    groups.append([e for e in reached if e.product is None and e.category is None])
    group = next((g for g in groups if g), None)
    if group is None:
        return None
    entry = max(group, key=lambda e: e.least)
    if not one.percent:
        return entry.price
    if one.parts:
        base = _of_parts(world, buying)
    elif one.base is None:
        base = catalogue if currency == buying.currency else None
    else:
        [of] = [x for x in world.lists if x.id == one.base]
        tiers = [e for e in of.entries if e.product == buying.product and e.least <= buying.quantity]
        base = max(tiers, key=lambda e: e.least).price if tiers else None
    if base is None or entry.percent is None:
        return None
    return half_up(base * (100 - entry.percent) / 100, buying.currency)


def _of_parts(world: World, buying: Buying) -> Decimal | None:
    """What the parts of a bundle cost, by all lists but those of parts."""
    others = replace(world, lists=[one for one in world.lists if not one.parts])
    found = [
        (each, priced(others, replace(buying, product=part, quantity=buying.quantity * each)))
        for part, each in world.bundles.get(buying.product, ())
    ]
    if not found or any(price is None for _, price in found):
        return None
    return sum((each * price[0] for each, price in found if price is not None), Decimal(0))
