"""`forecastAccuracy`: what was expected of a month some time before its end, and what came."""

import calendar
import datetime as dt
import enum
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final

from crm_graph.db.ids import encode
from crm_graph.entity import REGISTRY
from crm_graph.errors import ValueInvalid
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.queries import query
from crm_graph.plan.signatures import Ask, Id
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.resolvers.forecasts.seen import seen


class AccuracyBy(enum.Enum):
    """What accuracy is told apart by."""

    OWNER = "owner"
    TEAM = "team"


_ENTITIES: Final = {AccuracyBy.OWNER: "User", AccuracyBy.TEAM: "Team"}
_FIGURES: Final = ("won", "commit", "weighted")


@dataclass(frozen=True, slots=True)
class ForecastAccuracy:
    """One group's forecast against what came, in one currency."""

    owner_id: Annotated[Id | None, "Who sells; null if not asked by owner, if there is none, or you do not see them."]
    team_id: Annotated[Id | None, "Team that sells, likewise."]
    currency: Annotated[str, "Currency of the amounts."]
    taken_on: Annotated[dt.date, "The day whose forecast it is."]
    commit_forecast: Annotated[Decimal, "What was won and promised by then."]
    weighted: Annotated[Decimal, "What was likely by then."]
    actual: Annotated[Decimal, "What was won of the month in the end; so far, if it is not over."]
    commit_error: Annotated[
        Decimal | None, "How far the promised was off, in percent of what came: |forecast - actual| / actual."
    ]
    weighted_error: Annotated[Decimal | None, "How far the likely was off, likewise. Null where nothing came."]


@query()
async def forecast_accuracy(
    ask: Ask,
    month: Annotated[dt.date, "Any day of the month."],
    days_before: Annotated[int, "The forecast of how many days before the month's end."] = 30,
    by: Annotated[AccuracyBy | None, "What to tell apart; nothing: one line a currency."] = None,
) -> list[ForecastAccuracy]:
    """What was expected of a month some days before its end, against what came of it (the absolute percentage error).

    Both as you see them: forecasts and sales that you do not see are in neither.
    """
    if not 0 <= days_before <= 366:
        raise ValueInvalid("`daysBefore` is a number from 0 to 366.")
    first = month.replace(day=1)
    last = month.replace(day=calendar.monthrange(month.year, month.month)[1])
    taken_on = last - dt.timedelta(days=days_before)
    parameters = Parameters()
    sql = _statement(ask, parameters, first, last, taken_on, by)
    if sql is None:
        return []
    proven, sources = parameters.read(sql)
    found = await (await ask.tx.raw()).fetch(proven, *[source((), ask.actor) for source in sources])
    return [_line(dict(row), by, taken_on) for row in found]


def _statement(
    ask: Ask, parameters: Parameters, first: dt.date, last: dt.date, taken_on: dt.date, by: AccuracyBy | None
) -> str | None:
    policy = ask.actor.policy
    begins, ends = parameters.constant(first, "date"), parameters.constant(last, "date")
    sales = seen(policy, parameters, begins, ends, split=False)
    lens = open_lens(REGISTRY["ForecastSnapshot"], policy, parameters, "f", as_set=True)
    if sales is None or lens is None:
        return None
    day = parameters.constant(taken_on, "date")
    columns = {
        name: lens.column(lens.spec(name)).sql
        for name in ("taken_on", "month", "owner_id", "team_id", "currency", *_FIGURES)
    }
    if None in columns.values():
        return None
    key = f"{by.value}_id" if by else "NULL::uuid"
    whose = columns[key] if by else key
    figures = ", ".join(f"sum({columns[name]}) AS {name}" for name in _FIGURES)
    expected = (
        f"SELECT {whose} AS key, {columns['currency']} AS currency, {figures} FROM {lens.source()} WHERE {lens.where()}"
        f" AND {columns['taken_on']} = {day} AND {columns['month']} = {begins} GROUP BY 1, 2"
    )
    came = f"SELECT {key} AS key, currency, sum(amount) AS actual FROM ({sales}) s WHERE status = 'WON' GROUP BY 1, 2"
    shown = "NULL::uuid"
    if by:
        of = open_lens(REGISTRY[_ENTITIES[by]], policy, parameters, "n")
        if of is not None:
            shown = f"(SELECT n.id FROM {of.source()} WHERE {of.where()} AND n.id = e.key)"
    return (
        f"SELECT e.*, coalesce(c.actual, 0) AS actual, {shown} AS shown FROM ({expected}) e"
        f" LEFT JOIN ({came}) c ON c.key IS NOT DISTINCT FROM e.key AND c.currency = e.currency"
        " ORDER BY e.key NULLS LAST, e.currency"
    )


def _line(row: dict[str, Any], by: AccuracyBy | None, taken_on: dt.date) -> ForecastAccuracy:
    shown = Id(encode(REGISTRY[_ENTITIES[by]].__prefix__, row["shown"])) if by and row["shown"] else None
    commit, weighted, actual = row["won"] + row["commit"], row["weighted"], row["actual"]
    return ForecastAccuracy(
        shown if by is AccuracyBy.OWNER else None,
        shown if by is AccuracyBy.TEAM else None,
        row["currency"],
        taken_on,
        commit,
        weighted,
        actual,
        _error(commit, actual),
        _error(weighted, actual),
    )


def _error(forecast: Decimal, actual: Decimal) -> Decimal | None:
    return round(abs(forecast - actual) * 100 / actual, 1) if actual else None
