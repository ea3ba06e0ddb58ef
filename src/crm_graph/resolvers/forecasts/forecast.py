"""`forecast`: what is won, promised, possible and likely in a time, in one statement through the caller's lens."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final
from uuid import UUID

from crm_graph.auth.policy import Policy
from crm_graph.db.ids import decode_as, encode
from crm_graph.entity import REGISTRY
from crm_graph.errors import ValueInvalid
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.queries import query
from crm_graph.plan.signatures import Ask, Id
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.resolvers.exchange.conversion import ConversionRate
from crm_graph.resolvers.exchange.rates import Rates
from crm_graph.resolvers.forecasts.converted import converted, into, taken
from crm_graph.resolvers.forecasts.seen import ENTITIES, PERIODS, ForecastBy, seen

MOST_DAYS: Final = 366 * 5
MOST_LINES: Final = 5_000


@dataclass(frozen=True, slots=True)
class ForecastLine:
    """Figures of one group in one currency. Amounts that you may not see are in none of them."""

    owner_id: Annotated[Id | None, "Who sells; null if not asked by owner, if there is none, or you do not see them."]
    team_id: Annotated[Id | None, "Team that sells, likewise."]
    product_id: Annotated[Id | None, "Main product, likewise."]
    partner_id: Annotated[Id | None, "Partner that sells with us, likewise."]
    name: Annotated[str | None, "Name of the first of these records that it was asked by."]
    period: Annotated[dt.date | None, "First day of the month or quarter; null if not asked by either."]
    currency: Annotated[str, "Currency of the amounts; those of others are never added to them unless converted."]
    opportunities: Annotated[int, "How many sales, lost ones and those left out of the forecast not counted."]
    won: Annotated[Decimal, "Won."]
    commit: Annotated[Decimal, "Open, and promised."]
    best_case: Annotated[Decimal, "Open, and possible if all goes well."]
    pipeline: Annotated[Decimal, "Open, and neither of these."]
    weighted: Annotated[Decimal, "Won, and of all that is open the amount times its probability."]
    commit_forecast: Annotated[Decimal, "Won and promised."]
    best_case_forecast: Annotated[Decimal, "Won, promised and possible."]
    quota: Annotated[
        Decimal | None,
        "The quota of exactly these days in this currency, of owner or team; null where there is none, or by product or"
        " partner.",
    ]
    attainment: Annotated[Decimal | None, "Won as percent of the quota, with one decimal."]
    rates: Annotated[
        list[ConversionRate], "By which amounts of other currencies are in it; none, if not asked `in` one."
    ]


@query()
async def forecast(
    ask: Ask,
    start: Annotated[dt.date, "First day on which the sales close."],
    end: Annotated[dt.date, "Last day on which they close."],
    by: Annotated[list[ForecastBy] | None, "What to tell apart; nothing: one line a currency."] = None,
    team: Annotated[Id | None, "Only sales of this team and those below it."] = None,
    roll_up: Annotated[bool, "By team: a team's line has those below it in it, so that lines count twice."] = False,
    in_: Annotated[str | None, "All amounts in this currency, each line with the rates that it took."] = None,
    rates_on: Annotated[dt.date | None, "With `in`: the rates of which day; today's (UTC), if it is left out."] = None,
) -> list[ForecastLine]:
    """What is won, promised, possible and likely in a time.

    By owner, a sale that several share counts for each by their part of it.
    """
    by = by or []
    _check(start, end, by, roll_up=roll_up)
    parameters, policy = Parameters(), ask.actor.policy
    first, last = parameters.constant(start, "date"), parameters.constant(end, "date")
    sales = seen(policy, parameters, first, last, split=ForecastBy.OWNER in by)
    if sales is None:
        return []
    wanted = decode_as(REGISTRY["Team"].__prefix__, team) if team is not None else None
    if team is not None and wanted is None:
        return []
    below = _teams(policy, parameters)
    if below is None and (wanted is not None or roll_up):
        return []
    converting = into(ask.actor, parameters, in_, rates_on)
    sql, sources = parameters.read(
        _statement(policy, parameters, sales, below, by, wanted, (first, last), converting, roll_up=roll_up)
    )
    found = await (await ask.tx.raw()).fetch(sql, *[source((), ask.actor) for source in sources])
    used = [taken(row["rates"], in_) if in_ else [] for row in found]
    return [_line(dict(row), rates) for row, rates in zip(found, used, strict=True)]


def _check(first: dt.date, last: dt.date, by: Sequence[ForecastBy], *, roll_up: bool) -> None:
    if not first <= last <= first + dt.timedelta(days=MOST_DAYS):
        raise ValueInvalid(f"`start` is not after `end`, and at most {MOST_DAYS} days before it.")
    if len(set(by)) != len(by) or {ForecastBy.MONTH, ForecastBy.QUARTER} <= set(by) or len(by) > 3:
        raise ValueInvalid("`by` names up to three different things, and month or quarter, not both.")
    if roll_up and ForecastBy.TEAM not in by:
        raise ValueInvalid("`rollUp` is for a forecast by team.")


def _teams(policy: Policy, parameters: Parameters) -> str | None:
    """Pairs of a team that the caller sees and each team below it, itself included, as far as they see the tree."""
    lens = open_lens(REGISTRY["Team"], policy, parameters, "w", as_set=True)
    if lens is None:
        return None
    parent = lens.column(lens.spec("parent_id")).sql or "NULL::uuid"
    return (
        f"WITH RECURSIVE tree AS (SELECT w.id, {parent} AS parent_id FROM {lens.source()} WHERE {lens.where()}),"
        " below AS (SELECT id AS top, id FROM tree"
        " UNION SELECT b.top, t.id FROM below b JOIN tree t ON t.parent_id = b.id) SELECT top, id FROM below"
    )


_SUMS: Final = {
    "won": "amount * percent / 100) FILTER (WHERE status = 'WON'",
    "commit": "amount * percent / 100) FILTER (WHERE status = 'OPEN' AND forecast_category = 'COMMIT'",
    "best_case": "amount * percent / 100) FILTER (WHERE status = 'OPEN' AND forecast_category = 'BEST_CASE'",
    "pipeline": "amount * percent / 100) FILTER (WHERE status = 'OPEN' AND forecast_category = 'PIPELINE'",
    "likely": "amount * percent / 100 * probability / 100)"
    " FILTER (WHERE status = 'OPEN' AND forecast_category <> 'OMITTED'",
}


def _statement(
    policy: Policy,
    parameters: Parameters,
    sales: str,
    below: str | None,
    by: Sequence[ForecastBy],
    team: UUID | None,
    days: tuple[str, str],
    converting: Rates | None,
    *,
    roll_up: bool,
) -> str:
    keys = {one: _key(one, roll_up=roll_up) for one in by}
    joins = f" JOIN ({below}) b ON b.id = s.team_id" if roll_up else ""
    condition = "s.status IN ('OPEN', 'WON') AND NOT (s.status = 'OPEN' AND s.forecast_category = 'OMITTED')"
    if team is not None:
        wanted = parameters.constant(team, "uuid")
        condition += f" AND s.team_id IN (SELECT id FROM ({below}) t WHERE t.top = {wanted})"
    grouped = ", ".join([*(f"{sql} AS {one.value}" for one, sql in keys.items()), "s.currency"])
    places = ", ".join(str(n) for n in range(1, len(keys) + 2))
    sums = ", ".join(f"coalesce(round(sum({sql}), 2), 0) AS {name}" for name, sql in _SUMS.items())
    lines = (
        f"SELECT {grouped}, count(DISTINCT s.id) AS opportunities, {sums} FROM ({sales}) s{joins}"
        f" WHERE {condition} AND s.currency IS NOT NULL GROUP BY {places}"
    )
    if converting is not None:
        lines = converted(lines, [one.value for one in keys], tuple(_SUMS), converting)
    quota = _quota(policy, parameters, by, days)
    records = [one for one in by if one in ENTITIES]
    beside = "".join(_record(one, policy, parameters) for one in records)
    shown = [f"{one.value}_seen.id AS {one.value}_seen" for one in records]
    names = [f"{one.value}_seen.name AS name" for one in records[:1]]
    columns = ", ".join(["l.*", f"{quota} AS quota", *shown, *names])
    order = ", ".join([*(f"l.{one.value} NULLS LAST" for one in keys), "l.currency"])
    return f"SELECT {columns} FROM ({lines}) l{beside} ORDER BY {order} LIMIT {MOST_LINES}"


def _key(one: ForecastBy, *, roll_up: bool) -> str:
    if one in PERIODS:
        return f"date_trunc('{PERIODS[one]}', s.close_on::timestamp)::date"
    return "b.top" if one is ForecastBy.TEAM and roll_up else f"s.{one.value}_id"


def _record(one: ForecastBy, policy: Policy, parameters: Parameters) -> str:
    """Beside each line the id and name of a record that it is about, where the caller sees it."""
    lens, name = open_lens(REGISTRY[ENTITIES[one]], policy, parameters, f"{one.value}1"), f"{one.value}_seen"
    if lens is None:
        return f" CROSS JOIN (SELECT NULL::uuid AS id, NULL::text AS name) {name}"
    called = lens.column(lens.spec("name")).sql or "NULL::text"
    return (
        f" LEFT JOIN LATERAL (SELECT {lens.alias}.id, {called} AS name FROM {lens.source()}"
        f" WHERE {lens.where()} AND {lens.alias}.id = l.{one.value}) {name} ON TRUE"
    )


def _quota(policy: Policy, parameters: Parameters, by: Sequence[ForecastBy], days: tuple[str, str]) -> str:
    """The sum of the quotas of exactly these days: of the owner or team of the line, of all people if of neither."""
    lens = open_lens(REGISTRY["Quota"], policy, parameters, "q", as_set=True)
    if (
        lens is None
        or {ForecastBy.PRODUCT, ForecastBy.PARTNER} & set(by)
        or {ForecastBy.OWNER, ForecastBy.TEAM} <= set(by)
    ):
        return "NULL::numeric"
    sql = {
        name: lens.column(lens.spec(name)).sql
        for name in ("owner_id", "team_id", "starts_on", "ends_on", "amount", "currency")
    }
    if None in sql.values():
        return "NULL::numeric"
    first, last = days
    for one, unit in PERIODS.items():
        if one in by:
            first = f"l.{one.value}"
            last = (
                f"(l.{one.value} + interval '1 {unit}' - interval '1 day')::date"
                if unit == "month"
                else (f"(l.{one.value} + interval '3 months' - interval '1 day')::date")
            )
    whose = f"{sql['owner_id']} IS NOT NULL"
    if ForecastBy.OWNER in by:
        whose = f"{sql['owner_id']} = l.owner"
    elif ForecastBy.TEAM in by:
        whose = f"{sql['team_id']} = l.team"
    return (
        f"(SELECT sum({sql['amount']}) FROM {lens.source()} WHERE {lens.where()} AND {whose}"
        f" AND {sql['starts_on']} = {first} AND {sql['ends_on']} = {last} AND {sql['currency']} = l.currency)"
    )


def _line(row: dict[str, Any], rates: list[ConversionRate]) -> ForecastLine:
    def record(one: ForecastBy) -> Id | None:
        found = row.get(f"{one.value}_seen")
        return None if found is None else Id(encode(REGISTRY[ENTITIES[one]].__prefix__, found))

    won, quota = row["won"], row["quota"]
    return ForecastLine(
        record(ForecastBy.OWNER),
        record(ForecastBy.TEAM),
        record(ForecastBy.PRODUCT),
        record(ForecastBy.PARTNER),
        row.get("name"),
        row.get("month") or row.get("quarter"),
        row["currency"],
        row["opportunities"],
        won,
        row["commit"],
        row["best_case"],
        row["pipeline"],
        won + row["likely"],
        won + row["commit"],
        won + row["commit"] + row["best_case"],
        quota,
        round(won * 100 / quota, 1) if quota else None,
        rates,
    )
