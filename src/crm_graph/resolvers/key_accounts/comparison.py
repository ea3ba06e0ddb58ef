"""Two plans side by side, goal by goal, as the caller sees both. Read in one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final
from uuid import UUID

import orjson

from crm_graph.auth.policy import Policy
from crm_graph.db.ids import decode_as, encode
from crm_graph.entity import REGISTRY, Entity
from crm_graph.plan.access.lens import Lens
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.queries import query
from crm_graph.plan.signatures import Ask, Id
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.schema.account_plans import KeyAccountPlan
from crm_graph.schema.goal_metrics import GoalMetric, GoalStatus
from crm_graph.schema.goals import Goal, Tactic

_FIELDS: Final = ("title", "metric", "currency", "target", "expected", "actual", "status")


@dataclass(frozen=True, slots=True)
class ComparedGoal:
    """A goal of one of the two plans; null is what it does not have, or you do not see."""

    id: Annotated[Id, "The goal."]
    title: Annotated[str | None, "The goal, in words."]
    target: Annotated[Decimal | None, "What is to be reached."]
    expected: Annotated[Decimal | None, "What is due by now."]
    actual: Annotated[Decimal | None, "What was reached so far."]
    achieved_percent: Annotated[Decimal | None, "Of the target, so many percent were reached."]
    status: Annotated[GoalStatus | None, "How it stands."]


@dataclass(frozen=True, slots=True)
class GoalComparison:
    """The goals of two plans in one metric and currency."""

    metric: Annotated[GoalMetric, "The metric."]
    currency: Annotated[str, "The currency."]
    before: Annotated[list[ComparedGoal], "Those of the first plan."]
    after: Annotated[list[ComparedGoal], "Those of the second plan."]


@dataclass(frozen=True, slots=True)
class TacticCount:
    """The tactics of a plan that you see."""

    planned: Annotated[int, "How many there are."]
    done: Annotated[int, "How many of them are done."]


@dataclass(frozen=True, slots=True)
class KeyAccountPlanComparison:
    """Two plans side by side."""

    goals: Annotated[list[GoalComparison], "Goals by metric, in the order of the metrics."]
    tactics_before: Annotated[TacticCount, "Tactics of the first plan."]
    tactics_after: Annotated[TacticCount, "Tactics of the second plan."]


Row = Mapping[str, Any]


@query(of=KeyAccountPlan.__name__)
async def compare_key_account_plans(
    ask: Ask, a: Annotated[Id, "The first, such as last year's."], b: Annotated[Id, "The second."]
) -> KeyAccountPlanComparison | None:
    """The goals of two plans side by side. Null where you do not see both."""
    ids = [decode_as(KeyAccountPlan.__prefix__, one) for one in (a, b)]
    if None in ids:
        return None
    found = await _read(ask, [one for one in ids if one is not None])
    if {str(one) for one in ids} - {row["id"] for row in found["plans"]}:
        return None
    before, after = ([row for row in found["goals"] if row["plan"] == str(one)] for one in ids)
    metrics = sorted(
        {(row["metric"], row["currency"]) for row in (*before, *after) if row["metric"] and row["currency"]},
        key=lambda one: (list(GoalMetric).index(GoalMetric(one[0])), one[1]),
    )
    goals = [
        GoalComparison(GoalMetric(metric), currency, *(_of(some, metric, currency) for some in (before, after)))
        for metric, currency in metrics
    ]
    return KeyAccountPlanComparison(goals, *(_tactics(found["tactics"], str(one)) for one in ids))


def _of(rows: Sequence[Row], metric: str, currency: str) -> list[ComparedGoal]:
    return [_goal(row) for row in rows if (row["metric"], row["currency"]) == (metric, currency)]


def _goal(row: Row) -> ComparedGoal:
    target, expected, actual = (
        None if row[name] is None else Decimal(row[name]) for name in ("target", "expected", "actual")
    )
    achieved = round(actual * 100 / target, 1) if actual is not None and target else None
    status = GoalStatus(row["status"]) if row["status"] else None
    return ComparedGoal(
        Id(encode(Goal.__prefix__, UUID(row["id"]))), row["title"], target, expected, actual, achieved, status
    )


def _tactics(rows: Sequence[Row], plan: str) -> TacticCount:
    of = [row for row in rows if row["plan"] == plan]
    return TacticCount(len(of), sum(row["done_on"] is not None for row in of))


async def _read(ask: Ask, ids: Sequence[UUID]) -> Mapping[str, Sequence[Row]]:
    """The plans, their goals and tactics, as the caller sees them: an array of each."""
    policy, parameters = ask.actor.policy, Parameters()
    wanted = parameters.constant(list(ids), "uuid[]")

    def rows(entity: type[Entity], alias: str, column: str, shown: Mapping[str, str]) -> str:
        lens = _lens(entity, policy, parameters, alias)
        link = lens.column(lens.spec(column)).sql if lens else None
        if lens is None or link is None:
            return "'[]'::json"
        taken = {"id": f"{alias}.id", "plan": link}
        taken |= {name: form.format(lens.column(lens.spec(name)).sql or "NULL") for name, form in shown.items()}
        built = ", ".join(f"'{name}', {sql}" for name, sql in taken.items())
        return (
            f"coalesce((SELECT json_agg(json_build_object({built}) ORDER BY {alias}.created_at, {alias}.id)"
            f" FROM {lens.source()} WHERE {lens.where()} AND {link} = ANY({wanted})), '[]'::json)"
        )

    goals = rows(Goal, "g", "plan_id", dict.fromkeys(_FIELDS, "({})::text"))
    tactics = rows(Tactic, "t", "plan_id", {"done_on": "{}"})
    sql, sources = parameters.read(
        f"SELECT json_build_object('plans', {rows(KeyAccountPlan, 'p', 'id', {})}, 'goals', {goals},"
        f" 'tactics', {tactics})"
    )
    found: Mapping[str, Sequence[Row]] = orjson.loads(
        await (await ask.tx.raw()).fetchval(sql, *[source((), ask.actor) for source in sources])
    )
    return found


def _lens(entity: type[Entity], policy: Policy, parameters: Parameters, alias: str) -> Lens | None:
    return open_lens(REGISTRY[entity.__name__], policy, parameters, alias)
