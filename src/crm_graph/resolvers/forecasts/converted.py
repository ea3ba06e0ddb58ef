"""A forecast's lines of several currencies as lines of one: each says by which rates."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

import orjson

from crm_graph.auth.actor import Actor
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.resolvers.exchange.conversion import ConversionRate, currency_code, day_sql, unknown
from crm_graph.resolvers.exchange.rates import Rates, rates


def into(actor: Actor, parameters: Parameters, currency: str | None, day: dt.date | None) -> Rates | None:
    """The rates into the currency that was asked for; `None` where none was. Raises ValueInvalid, RateUnknown."""
    if currency is None:
        return None
    to = parameters.constant(currency_code(currency), "text")
    found = rates(actor, parameters, to, day_sql(parameters, day))
    if found is None:
        raise unknown(["any currency"], currency)
    return found


def converted(lines: str, keys: Sequence[str], sums: Sequence[str], converting: Rates) -> str:
    """The text of lines by key and currency as that of lines by key: each amount converted, then added up.

    `rates` of a line is JSON, a row for each currency that is in it: where its rate is null, that is not known.
    """
    grouped = [f"f.{key}" for key in keys]
    amounts = [f"coalesce(sum({converting.converted(f'f.{name}', 'r.rate')}), 0) AS {name}" for name in sums]
    rate = "json_build_array(f.currency, r.rate::text, r.quoted_on, r.quoted_by)"
    used = f"json_agg({rate} ORDER BY f.currency) FILTER (WHERE f.currency <> {converting.to}) AS rates"
    columns = [
        *grouped,
        f"{converting.to} AS currency",
        "sum(f.opportunities)::integer AS opportunities",
        *amounts,
        used,
    ]
    by = f" GROUP BY {', '.join(grouped)}" if grouped else ""
    # without a key there is one line only where there is any sale
    some = "" if grouped else " HAVING count(*) > 0"
    joined = f"({lines}) f LEFT JOIN ({converting.sql}) r ON r.currency = f.currency"
    return f"SELECT {', '.join(columns)} FROM {joined}{by}{some}"


def taken(found: str | None, to: str) -> list[ConversionRate]:
    """The rates of a line. Raises RateUnknown where one is missing."""
    rows = orjson.loads(found) if found is not None else []
    missing = [currency for currency, rate, *_ in rows if rate is None]
    if missing:
        raise unknown(missing, to)
    return [ConversionRate(one, Decimal(rate), dt.date.fromisoformat(day), by) for one, rate, day, by in rows]
