"""The rates that a conversion uses, as SQL: the one place where a currency becomes another.

A rate is the one quoted last for the pair, on the day asked for or before: as it was quoted, or turned round where that
is later; where the pair was never quoted, by way of the organisation's own currency. It has at most 12 decimals, and an
amount becomes `crm_round(amount × rate, to)`, so whoever is told amount and rate comes to the same cent.
"""

from dataclasses import dataclass
from typing import Final

from crm_graph.auth.actor import Actor
from crm_graph.entity import REGISTRY
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.sql.parameters import Parameters

_FIELDS: Final = ("base", "quote", "quoted_on", "rate", "quoted_by")
_RATES: Final = """
SELECT base AS currency, rate, quoted_on, quoted_by FROM ({known}) d WHERE quote = {to}
UNION ALL SELECT {to}, 1, NULL, NULL
UNION ALL SELECT a.base, round(a.rate * b.rate, 12), least(a.quoted_on, b.quoted_on),
       CASE WHEN a.quoted_by = b.quoted_by THEN a.quoted_by ELSE a.quoted_by || ', ' || b.quoted_by END
  FROM ({known}) a JOIN ({known}) b ON b.base = a.quote
 WHERE a.quote = {own} AND b.quote = {to} AND a.base <> {to}
   AND NOT EXISTS (SELECT FROM ({known}) c WHERE c.base = a.base AND c.quote = {to})"""


@dataclass(frozen=True, slots=True)
class Rates:
    """`sql` is a subquery's text with a row for each currency that is known in another on a day: `currency`, `rate`,
    `quoted_on` and `quoted_by`, both null for that other one itself. `to` is that one as SQL.
    """

    sql: str
    to: str

    def converted(self, amount: str, rate: str) -> str:
        """SQL of an amount at a rate of these."""
        return f"crm_round({amount} * {rate}, {self.to})"


def rates(actor: Actor, parameters: Parameters, to: str, day: str) -> Rates | None:
    """Rates into a currency on a day (SQL of both), as the caller sees rates; `None` where they see none."""
    lens = open_lens(REGISTRY["ExchangeRate"], actor.policy, parameters, "e", as_set=True)
    if lens is None:
        return None
    shown = [lens.column(lens.spec(name)).sql for name in _FIELDS]
    if None in shown:
        return None
    columns = ", ".join(f"{sql} AS {name}" for sql, name in zip(shown, _FIELDS, strict=True))
    seen = f"SELECT {columns} FROM {lens.source()} WHERE {lens.where()}"
    either = (
        f"SELECT base, quote, quoted_on, rate, quoted_by, 0 AS turned FROM ({seen}) s"
        f" UNION ALL SELECT quote, base, quoted_on, round(1 / rate, 12), quoted_by, 1 FROM ({seen}) s"
    )
    known = (
        f"SELECT DISTINCT ON (base, quote) base, quote, quoted_on, rate, quoted_by FROM ({either}) k"
        f" WHERE quoted_on <= {day} ORDER BY base, quote, quoted_on DESC, turned"
    )
    own = parameters.add(_own, "text", "own currency")
    return Rates(_RATES.format(known=known, to=to, own=own), to)


def _own(_leaves: object, actor: Actor) -> str:
    return actor.currency
