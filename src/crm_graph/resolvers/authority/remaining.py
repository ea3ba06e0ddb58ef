"""What a caller may still grant, in one statement."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import auto
from typing import Annotated, Final

import asyncpg

from crm_graph import kinds
from crm_graph.errors import ValueInvalid
from crm_graph.markers import Choice
from crm_graph.plan.queries import query
from crm_graph.plan.signatures import Ask
from crm_graph.resolvers.authority.limits import ROOMS
from crm_graph.schema.authority import AuthorityAction


class AuthorityPeriod(Choice):
    """What a limit counts over: a calendar day, a week from Monday, a calendar month, each in UTC."""

    DAY = auto()
    WEEK = auto()
    MONTH = auto()


@dataclass(frozen=True, slots=True)
class AuthorityLeft:
    """What is left in a period."""

    period: Annotated[AuthorityPeriod, "Which period."]
    limit: Annotated[Decimal, "The most in one such period."]
    left: Annotated[Decimal, "What is left of it."]
    until: Annotated[dt.datetime, "When the next period begins."]


@dataclass(frozen=True, slots=True)
class RemainingAuthority:
    """What somebody may grant of their own accord."""

    action: Annotated[AuthorityAction, "What for."]
    currency: Annotated[str, "Currency of the amounts."]
    now: Annotated[Decimal, "The most that may be granted at once, now: an amount; of a discount, percent."]
    each: Annotated[Decimal, "The most at a time, were nothing granted before: an amount; of a discount, percent."]
    periods: Annotated[list[AuthorityLeft], "What is left in each period that has a limit; empty for a discount."]


_REMAINING: Final = f"""
SELECT *, (date_trunc('day', n.now) + interval '1 day') AT TIME ZONE 'UTC' AS day_ends,
       (date_trunc('week', n.now) + interval '1 week') AT TIME ZONE 'UTC' AS week_ends,
       (date_trunc('month', n.now) + interval '1 month') AT TIME ZONE 'UTC' AS month_ends
  FROM ({ROOMS} AND u.id = $4 AND u.customer_id IS NULL) r, (SELECT now() AT TIME ZONE 'UTC' AS now) n
 ORDER BY room DESC, coalesce(percent, each) DESC, limit_id LIMIT 1"""


@query()
async def remaining_authority(
    ask: Ask,
    action: Annotated[AuthorityAction, "What you would grant."],
    currency: Annotated[str, "In which currency, like EUR; of a discount it does not matter."],
) -> RemainingAuthority | None:
    """What you may still grant by your own authority. Null where you have none for it."""
    try:
        code = str(kinds.CURRENCY.parse(currency))
    except ValueError as error:
        raise ValueInvalid(f"currency: {error}.") from None
    found = await (await ask.tx.raw()).fetchrow(
        _REMAINING, ask.actor.organization_id, action.value, code, ask.actor.user_id
    )
    if found is None:
        return None
    each = found["percent"] if action is AuthorityAction.DISCOUNT else found["each"]
    periods = [] if action is AuthorityAction.DISCOUNT else [*_left(found)]
    return RemainingAuthority(action, code, found["room"], each, periods)


def _left(found: asyncpg.Record) -> Iterator[AuthorityLeft]:
    for period in AuthorityPeriod:
        name = period.value.lower()
        limit = found[f"per_{name}"]
        if limit is not None:
            left = max(limit - found[f"of_{name}"], Decimal(0))
            yield AuthorityLeft(period, limit, left, found[f"{name}_ends"])
