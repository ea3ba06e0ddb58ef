"""Conditions of stages, time in them, stalled sales, tasks, splits, reasons of loss: over HTTP."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from tests.resolvers.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")
ADMIN = "administrator"


def opp(row: Any) -> str:
    return f"opp_{row.hex}"


async def ahead(world: World, found: Any, by: int) -> str:
    """The open stage so many places further on."""
    stage = await world.connection.fetchval(
        "SELECT b.id FROM stages a JOIN stages b ON b.pipeline_id = a.pipeline_id AND b.position = a.position + $2"
        " WHERE a.id = $1 AND b.outcome = 'OPEN'",
        found["stage_id"],
        by,
    )
    return f"sta_{stage.hex}"


async def test_a_stage_is_left_when_its_fields_are_filled_in(world: World) -> None:
    rep = await world.user("sales_rep")
    team = f"s.position = 1 AND o.team_id = '{rep['team_id']}' AND o.owner_id <> '{rep['id']}'"
    found = await world.open(team)
    row, first = found["id"], f"sta_{found['stage_id'].hex}"
    before = await world.connection.fetchval("SELECT exit_fields FROM stages WHERE id = $1", found["stage_id"])
    for wrong in (["status"], ["closeOn", "nonsense"], ["weightedAmount"], ["stageId"]):
        given: dict[str, object] = {"id": first, "fields": wrong}
        assert (await world.send(ADMIN, "setStageConditions", "stage { id }", given))[1] == [
            ("VALUE_INVALID", ["fields"])
        ]
    wanted = {"id": first, "fields": ["closeOn", "cost", "nextStep"]}
    assert (await world.send("sales_manager", "setStageConditions", "stage { id }", wanted))[1] == [
        ("WRITE_ACCESS_DENIED", [])
    ]
    shown, errors = await world.send(ADMIN, "setStageConditions", "stage { exitFields }", wanted)
    assert (shown, errors) == ({"exitFields": ["closeOn", "cost", "nextStep"]}, [])
    await world.connection.execute(
        "UPDATE opportunities SET close_on = NULL, cost = NULL, next_step = ' ' WHERE id = $1", row
    )
    later, further = await ahead(world, found, 1), await ahead(world, found, 2)
    unmet = "STAGE_CONDITIONS_UNMET"
    named = [(unmet, ["closeOn"]), (unmet, ["cost"]), (unmet, ["nextStep"])]
    hidden = [(unmet, ["closeOn"]), (unmet, ["nextStep"]), (unmet, [])]  # of the cost a colleague is not told
    traces = await world.traces()
    for verb, more in (
        ("moveOpportunityStage", {"stageId": later}),
        ("moveOpportunityStage", {"stageId": further}),
        ("winOpportunity", {}),
    ):
        given = {"id": opp(row), **more}
        assert (await world.send(ADMIN, verb, "opportunity { id }", given))[1] == named
        assert (await world.send("sales_rep", verb, "opportunity { id }", given))[1] == hidden
    assert await world.traces() == traces
    await world.connection.execute(
        "UPDATE opportunities SET close_on = now(), cost = 1, next_step = 'Call' WHERE id = $1", row
    )
    assert (await world.do("sales_rep", "moveOpportunityStage", row, stageId=later))[1] == []
    await world.connection.execute("UPDATE opportunities SET close_on = NULL WHERE id = $1", row)
    assert (await world.do(ADMIN, "moveOpportunityStage", row, stageId=further))[1] == []  # that stage is behind it
    assert (await world.do(ADMIN, "moveOpportunityStage", row, stageId=first))[1] == []  # going back asks for nothing
    await world.refused(ADMIN, "moveOpportunityStage", row, unmet, stageId=later)
    assert (await world.do(ADMIN, "loseOpportunity", row, reason="Gone"))[1] == []  # nor does losing
    await world.send(ADMIN, "setStageConditions", "stage { id }", {"id": first, "fields": before})


async def test_moves_at_once_make_one_history(world: World) -> None:
    found = await world.open("s.position = 1")
    row, stage = found["id"], await ahead(world, found, 1)
    answers = await asyncio.gather(
        *(world.do(ADMIN, "moveOpportunityStage", row, stageId=stage, note="test race") for _ in range(12))
    )
    assert [codes for _, codes in answers] == [[]] * 12
    events, notes, _, _ = await world.left(row)
    assert (events.count("opportunity.stage_moved"), notes) == (1, [f"{stage} test race"])
    wins = await asyncio.gather(*(world.do(ADMIN, "winOpportunity", row, note="test won") for _ in range(6)))
    assert sorted(codes for _, codes in wins) == [[], *[["OPPORTUNITY_CLOSED"]] * 5]
    assert len((await world.left(row))[1]) == 2


async def test_time_in_a_stage_is_kept(world: World) -> None:
    found = await world.open("s.position = 1")
    row = found["id"]
    await world.connection.execute(
        "UPDATE opportunities SET entered_stage_at = now() - interval '9 days' WHERE id = $1", row
    )
    text = (
        "query ($i: ID!) { opportunity(id: $i) { daysInStage stageChanges(first: 1, orderBy: [{changedAt: DESC}])"
        " { nodes { daysInStage enteredAt changedAt } } } }"
    )
    assert (await world.api.as_(ADMIN)(text, {"i": opp(row)})).data["opportunity"]["daysInStage"] == 9
    assert (await world.do(ADMIN, "moveOpportunityStage", row, stageId=await ahead(world, found, 1)))[1] == []
    shown = (await world.api.as_(ADMIN)(text, {"i": opp(row)})).data["opportunity"]
    [left] = shown["stageChanges"]["nodes"]
    assert (shown["daysInStage"], left["daysInStage"]) == (0, 9)
    moved = await world.connection.fetchrow(
        "SELECT c.changed_at, o.entered_stage_at FROM stage_changes c JOIN opportunities o ON o.id = c.opportunity_id"
        " WHERE o.id = $1 ORDER BY c.changed_at DESC LIMIT 1",
        row,
    )
    assert moved["changed_at"] == moved["entered_stage_at"]
    assert (await world.do(ADMIN, "winOpportunity", row))[1] == []
    assert (await world.api.as_(ADMIN)(text, {"i": opp(row)})).data["opportunity"]["daysInStage"] is None


async def test_what_a_sale_counts_as_in_a_forecast(world: World) -> None:
    row = (await world.open())["id"]
    shown = "opportunity { forecastCategory forecastAs }"
    told = "query ($i: ID!) { opportunities(filter: {id: {eq: $i}, forecastAs: {eq: AS}}) { totalCount } }"
    given: dict[str, object] = {"id": opp(row), "forecastCategory": "COMMIT"}
    assert await world.send("customer", "updateOpportunity", "opportunity { id }", given) == (
        None,
        [("NOT_FOUND", [])],
    )
    assert await world.send("sales_manager", "updateOpportunity", shown, given) == (
        {"forecastCategory": "COMMIT", "forecastAs": "COMMIT"},
        [],
    )
    for verb, more, standing in (
        ("winOpportunity", {}, "CLOSED"),
        ("moveOpportunityStage", {"stageId": f"sta_{(await world.row(row))['stage_id'].hex}"}, "COMMIT"),
        ("loseOpportunity", {"reason": "Late"}, "OMITTED"),
    ):
        record, errors = await world.send("sales_manager", verb, shown, {"id": opp(row), **more})
        assert (errors, record["forecastCategory"], record["forecastAs"]) == ([], "COMMIT", standing)
        answer = await world.api.as_("sales_manager")(told.replace("AS}", f"{standing}}}"), {"i": opp(row)})
        assert answer.data["opportunities"]["totalCount"] == 1
    grouped = await world.api.as_("sales_manager")(
        "{ opportunityAggregate(groupBy: [{forecastAs: VALUE}]) { groups { key { forecastAs } count } } }"
    )
    found = {g["key"]["forecastAs"]: g["count"] for g in grouped.data["opportunityAggregate"]["groups"]}
    assert found["CLOSED"] == await world.connection.fetchval(
        "SELECT count(*) FROM opportunities o JOIN organizations g ON g.id = o.organization_id"
        " WHERE g.external_id = 'main' AND o.status = 'WON'"
    )


async def test_a_quiet_sale_is_stalled_until_a_task_is_done(world: World) -> None:
    found = await world.open("s.position = 2")
    row, stage = found["id"], f"sta_{found['stage_id'].hex}"
    await world.connection.execute(
        "UPDATE opportunities SET entered_stage_at = now() - interval '9 days', last_activity_at = NULL WHERE id = $1",
        row,
    )
    text = (
        "query ($i: ID!, $s: Boolean!) { opportunities(filter: {id: {eq: $i}, stalled: {eq: $s}})"
        " { totalCount nodes { stalled openTasks } } }"
    )

    async def stalled(wanted: bool) -> Any:
        answer = await world.api.as_("sales_manager")(text, {"i": opp(row), "s": wanted})
        assert len(answer.sql) == 1
        return answer.data["opportunities"]

    async def limit(days: int | None) -> None:
        given: dict[str, object] = {"id": stage, "stalledAfterDays": days}
        assert (await world.send(ADMIN, "updateStage", "stage { id }", given))[1] == []

    await limit(9)
    assert (await stalled(True))["totalCount"] == 0
    await limit(8)
    assert (await stalled(True))["nodes"][0]["stalled"] is True
    before = (await stalled(True))["nodes"][0]["openTasks"]
    task, errors = await world.send(
        "sales_manager", "createTask", "task { id }", {"subject": "Call", "opportunityId": opp(row)}
    )
    assert errors == []
    assert (await stalled(True))["nodes"][0]["openTasks"] == before + 1
    assert (await world.send("customer", "completeTask", "task { id }", task))[1] == [("NOT_FOUND", [])]
    done, errors = await world.send("sales_manager", "completeTask", "task { id doneAt }", task)
    assert (errors, done["doneAt"] is not None) == ([], True)
    assert await stalled(True) == {"totalCount": 0, "nodes": []}
    assert await stalled(False) == {"totalCount": 1, "nodes": [{"stalled": False, "openTasks": before}]}
    again, errors = await world.send("sales_manager", "completeTask", "task { id doneAt }", task)
    assert (again, errors) == (done, [])
    await limit(None)
    await world.connection.execute("UPDATE opportunities SET last_activity_at = NULL WHERE id = $1", row)
    assert (await stalled(True))["totalCount"] == 0
    await limit(30)


async def test_to_another_pipeline(world: World) -> None:
    found = await world.open("s.position = 1")
    row = found["id"]
    other = await world.connection.fetch(
        "SELECT s.id, s.pipeline_id, s.outcome FROM stages s JOIN pipelines p ON p.id = s.pipeline_id"
        " WHERE p.organization_id = (SELECT organization_id FROM opportunities WHERE id = $1) AND p.id <> $2"
        " ORDER BY s.position",
        row,
        found["pipeline_id"],
    )
    first, won = other[0], next(s for s in other if s["outcome"] == "WON")
    target = f"sta_{first['id'].hex}"
    await world.refused(ADMIN, "moveOpportunityStage", row, "STAGE_OF_OTHER_PIPELINE", stageId=target)
    verb = "changeOpportunityPipeline"
    await world.refused(ADMIN, verb, row, "STAGE_CLOSES_OPPORTUNITY", stageId=f"sta_{won['id'].hex}")
    await world.refused(ADMIN, verb, row, "VALUE_INVALID", stageId=f"sta_{found['stage_id'].hex}")
    assert (await world.do(ADMIN, verb, row, stageId=target, note="test change"))[1] == []
    after = await world.row(row)
    assert (after["pipeline_id"], after["stage_id"]) == (first["pipeline_id"], first["id"])
    events, notes, _, _ = await world.left(row)
    assert (events[-1], notes) == ("opportunity.pipeline_changed", [f"{target} test change"])


async def test_one_pipeline_is_the_default(world: World) -> None:
    rows = await world.connection.fetch(
        "SELECT p.id, p.is_default FROM pipelines p JOIN organizations o ON o.id = p.organization_id"
        " WHERE o.external_id = 'main' ORDER BY p.is_default NULLS LAST"
    )
    default, other = (f"pip_{row['id'].hex}" for row in rows)
    assert [row["is_default"] for row in rows] == [True, None]
    shown = "pipeline { isDefault }"
    traces = await world.traces()
    assert (await world.send("sales_rep", "makePipelineDefault", shown, {"id": other}))[1] == [
        ("WRITE_ACCESS_DENIED", [])
    ]
    assert await world.traces() == traces
    answers = await asyncio.gather(
        *(world.send(ADMIN, "makePipelineDefault", shown, {"id": one}) for one in (other, default, other))
    )
    assert answers == [({"isDefault": True}, [])] * 3
    marked = "SELECT count(*) FROM pipelines WHERE is_default AND id = ANY($1)"
    assert await world.connection.fetchval(marked, [row["id"] for row in rows]) == 1
    assert (await world.send(ADMIN, "makePipelineDefault", shown, {"id": default}))[1] == []


async def test_why_and_to_whom_a_sale_was_lost(world: World) -> None:
    row = (await world.open())["id"]
    reasons = await world.connection.fetch(
        "SELECT r.* FROM loss_reasons r JOIN opportunities o USING (organization_id) WHERE o.id = $1", row
    )
    price, gone = (next(r for r in reasons if r["name"] == name) for name in ("Price", "Delivery time"))
    rival = await world.connection.fetchval(
        "SELECT c.id FROM competitors c JOIN opportunities o USING (organization_id) WHERE o.id = $1 LIMIT 1", row
    )
    for wrong in ({}, {"reason": "  "}, {"lossReasonId": f"lre_{gone['id'].hex}"}):
        await world.refused(ADMIN, "loseOpportunity", row, "VALUE_INVALID", **wrong)
    await world.refused(ADMIN, "loseOpportunity", row, "REFERENCE_NOT_FOUND", lossReasonId=opp(row))
    given: dict[str, object] = {
        "id": opp(row),
        "lossReasonId": f"lre_{price['id'].hex}",
        "competitorId": f"cmp_{rival.hex}",
        "note": "Ten percent below us",
    }
    shown = "opportunity { status lossReason lostBecause { name } competitor { id } }"
    assert await world.send(ADMIN, "loseOpportunity", shown, given) == (
        {
            "status": "LOST",
            "lossReason": "Price",
            "lostBecause": {"name": "Price"},
            "competitor": {"id": f"cmp_{rival.hex}"},
        },
        [],
    )


async def test_the_parts_of_a_sale_come_to_100_percent(world: World) -> None:
    row = (await world.open("TRUE AND NOT EXISTS (SELECT FROM opportunity_splits x WHERE x.opportunity_id = o.id)"))[
        "id"
    ]
    users = await world.connection.fetch(
        "SELECT u.id FROM users u JOIN opportunities o USING (organization_id) WHERE o.id = $1 AND u.customer_id IS NULL"
        " ORDER BY u.id LIMIT 3",
        row,
    )
    one, two, three = (f"usr_{u['id'].hex}" for u in users)
    verb, shown = "setOpportunitySplits", "opportunity { splits { nodes { user { id } percent } } }"

    async def split(**parts: str) -> Any:
        people = {"one": one, "two": two, "three": three}
        given = [{"userId": people[name], "percent": percent} for name, percent in parts.items()]
        record, errors = await world.send(ADMIN, verb, shown, {"id": opp(row), "splits": given})
        if errors:
            return errors
        return sorted((s["percent"], s["user"]["id"]) for s in record["splits"]["nodes"])

    traces = await world.traces()
    assert await split(one="60", two="30") == [("SPLITS_NOT_WHOLE", ["splits"])]
    assert await split(one="100.000001") == [("SPLITS_NOT_WHOLE", ["splits"])]
    assert await split(one="130", two="-30") == [("VALUE_INVALID", ["splits"])]
    twice = [{"userId": one, "percent": "50"}] * 2
    assert (await world.send(ADMIN, verb, shown, {"id": opp(row), "splits": twice}))[1] == [
        ("VALUE_INVALID", ["splits"])
    ]
    nobody = [{"userId": opp(row), "percent": "100"}]
    assert (await world.send(ADMIN, verb, shown, {"id": opp(row), "splits": nobody}))[1] == [
        ("REFERENCE_NOT_FOUND", ["splits", "0", "userId"])
    ]
    many = [{"userId": one, "percent": "1"}] * 21
    assert (await world.send(ADMIN, verb, shown, {"id": opp(row), "splits": many}))[1] == [
        ("VALUE_INVALID", ["splits"])
    ]
    assert await world.traces() == traces
    assert await split(one="60", two="40") == sorted([("60", one), ("40", two)])
    assert await split(one="33.34", two="33.33", three="33.33") == sorted(
        [("33.34", one), ("33.33", two), ("33.33", three)]
    )
    await asyncio.gather(
        split(one="100"), split(one="50", two="50"), split(two="10", three="90"), split(three="1", one="99")
    )
    parts = await world.connection.fetch("SELECT percent FROM opportunity_splits WHERE opportunity_id = $1", row)
    assert sum(p["percent"] for p in parts) == Decimal(100)
    assert await split() == []
    assert (await world.left(row))[0].count("opportunity.splits_set") == 7
