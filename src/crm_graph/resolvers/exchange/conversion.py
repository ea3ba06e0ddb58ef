"""`convert`: what an amount is in another currency, at which rate, of which day."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from crm_graph import kinds
from crm_graph.errors import CrmError, ValueInvalid
from crm_graph.kinds import Amount
from crm_graph.plan.queries import query
from crm_graph.plan.signatures import Ask
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.resolvers.exchange.rates import rates
from crm_graph.specs import TODAY


class RateUnknown(CrmError):
    """No rate is known between two currencies on or before a day."""

    code = "RATE_UNKNOWN"


@dataclass(frozen=True, slots=True)
class ConversionRate:
    """The rate by which amounts of a currency were converted."""

    currency: Annotated[str, "The currency that they were in."]
    rate: Annotated[Decimal, "How many units of the other currency one unit of it is."]
    quoted_on: Annotated[dt.date, "The day for which it was quoted: the one asked for or the last before it."]
    quoted_by: Annotated[str, "Whose rate it is."]


@dataclass(frozen=True, slots=True)
class Conversion:
    """An amount in another currency."""

    amount: Annotated[Decimal, "The amount, rounded half up to the currency's minor unit."]
    currency: Annotated[str, "Its currency."]
    rate: Annotated[ConversionRate | None, "The rate; null where nothing had to be converted."]


@query(of="ExchangeRate")
async def convert(
    ask: Ask,
    amount: Annotated[Amount, "What to convert."],
    to: Annotated[str, "The currency wanted, as ISO 4217 has it."],
    on: Annotated[dt.date | None, "At the rate of which day; today's (UTC), if it is left out."] = None,
) -> Conversion:
    """What an amount is in another currency."""
    parameters = Parameters()
    wanted = parameters.constant(currency_code(to), "text")
    found = rates(ask.actor, parameters, wanted, day_sql(parameters, on))
    if found is None:
        raise unknown([amount.currency], to)
    given, of = parameters.constant(amount.amount, "numeric"), parameters.constant(amount.currency, "text")
    sql, sources = parameters.read(
        f"SELECT {found.converted(given, 'r.rate')} AS amount, r.rate, r.quoted_on, r.quoted_by"
        f" FROM ({found.sql}) r WHERE r.currency = {of}"
    )
    row = await (await ask.tx.raw()).fetchrow(sql, *[source((), ask.actor) for source in sources])
    if row is None:
        raise unknown([amount.currency], to)
    if row["quoted_on"] is None:
        return Conversion(row["amount"], to, None)
    return Conversion(
        row["amount"], to, ConversionRate(amount.currency, row["rate"], row["quoted_on"], row["quoted_by"])
    )


def day_sql(parameters: Parameters, day: dt.date | None) -> str:
    """SQL of the day whose rates count."""
    return TODAY if day is None else parameters.constant(day, "date")


def currency_code(given: str) -> str:
    """A currency that was given by its code. Raises ValueInvalid."""
    try:
        return str(kinds.CURRENCY.parse(given))
    except ValueError as error:
        raise ValueInvalid(f"{error}.".capitalize()) from None


def unknown(currencies: list[str], to: str) -> RateUnknown:
    """What to raise where currencies are not known in another."""
    return RateUnknown(f"There is no rate of that day or before from {', '.join(sorted(currencies))} to {to}.")
